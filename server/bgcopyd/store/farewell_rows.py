"""Rows of unfinished uploads whose servers are to be told."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

from bgcopyd.queue.storage import Farewell
from bgcopyd.store.file_rows import upload_of, upload_text
from bgcopyd.store.options_codec import encode_options, options_of
from bgcopyd.store.rows import Row, decoded, exactly
from bgcopyd.store.statements import Statements

_REPLACE = "INSERT OR REPLACE INTO farewell VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM farewell WHERE job = ?"
_SELECT = "SELECT job, owner, url, upload, options, sealed, until FROM farewell"


class FarewellTx(Statements):
    """The part of Tx that is about them."""

    def put_farewell(self, farewell: Farewell) -> None:
        """Adds or replaces the farewell of a job."""
        self._run(_REPLACE, _values(farewell))

    def drop_farewell(self, job_id: str) -> None:
        """Forgets it."""
        self._run(_DELETE, (job_id,))

    def farewell(self, job_id: str) -> Farewell | None:
        """The farewell of a job."""
        row = self._run(f"{_SELECT} WHERE job = ?", (job_id,)).fetchone()
        return None if row is None else decoded(_of, row)

    def farewells(self) -> list[Farewell]:
        """All of them."""
        return [decoded(_of, row) for row in self._run(f"{_SELECT} ORDER BY job").fetchall()]


def _values(one: Farewell) -> tuple[object, ...]:
    sealed = {name: b64encode(secret).decode() for name, secret in one.sealed.items()}
    return (
        one.job_id,
        one.owner,
        one.url,
        upload_text(one.upload),
        encode_options(one.options),
        json.dumps(sealed),
        one.until,
    )


def _of(row: Row) -> Farewell:
    job_id, owner, url, upload, options, sealed, until = row
    return Farewell(
        exactly(str, job_id),
        exactly(str, owner),
        exactly(str, url),
        options_of(options),
        exactly(float, until),
        {name: b64decode(secret) for name, secret in json.loads(sealed).items()},
        None if upload is None else upload_of(upload),
    )
