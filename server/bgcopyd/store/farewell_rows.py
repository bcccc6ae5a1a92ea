"""Rows of unfinished uploads whose servers are to be told."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode, b64encode

from bgcopyd.queue.storage import Farewell
from bgcopyd.store.file_rows import upload_of, upload_text
from bgcopyd.store.options_codec import encode_options, options_of
from bgcopyd.store.rows import Row, decoded, exactly

REPLACE = "INSERT OR REPLACE INTO farewell VALUES (?, ?, ?, ?, ?, ?, ?)"
DELETE = "DELETE FROM farewell WHERE job = ?"
_SELECT = "SELECT job, owner, url, upload, options, sealed, until FROM farewell"


def values(one: Farewell) -> tuple[object, ...]:
    """For REPLACE."""
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


def farewells(db: sqlite3.Connection) -> list[Farewell]:
    """All of them."""
    return [decoded(_of, row) for row in db.execute(f"{_SELECT} ORDER BY job").fetchall()]


def farewell(db: sqlite3.Connection, job_id: str) -> Farewell | None:
    """The one of a job."""
    row = db.execute(f"{_SELECT} WHERE job = ?", (job_id,)).fetchone()
    return None if row is None else decoded(_of, row)


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
