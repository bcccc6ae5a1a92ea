"""Single values of the queue as SQLite stores them, and the small tables' rows.

Times are microseconds since 1970, job ids the UUID's 16 bytes, a TransferError is JSON. Decoding
trusts nothing: a damaged row is StoreDamaged, whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bgcopyd.jobs.job import ErrorContext, TransferError
from bgcopyd.jobs.principal import SCOPE_WORDS, Principal, scope_words
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.storage import Request, Token, Tombstone
from bgcopyd.store.errors import StoreDamaged

Row = tuple[Any, ...]
T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BROKEN = (
    ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError, RecursionError,
)  # fmt: skip


def insert_statement(table: str, columns: Sequence[str]) -> str:
    """INSERT of a whole row."""
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


INSERT_REQUEST = (
    insert_statement(
        "request", ("creator", "request_id", "content", "job", "first_index", "expires")
    )
    + " ON CONFLICT DO NOTHING"
)
_TOKEN = (
    "id",
    "digest",
    "principal",
    "scopes",
    "roots",
    "create_time",
    "expire_time",
    "revoked",
    "last_use_time",
)
SELECT_TOKEN = f"SELECT {', '.join(_TOKEN)} FROM token"
INSERT_TOKEN = insert_statement("token", _TOKEN)
REVOKE_TOKEN = "UPDATE token SET revoked = 1 WHERE id = ?"  # noqa: S105 - SQL
MARK_TOKEN = "UPDATE token SET last_use_time = ? WHERE id = ?"  # noqa: S105 - SQL

SELECT_POLICY = "SELECT value FROM meta WHERE name = 'policy'"
REPLACE_POLICY = "INSERT OR REPLACE INTO meta (name, value) VALUES ('policy', ?)"


def micros(time: datetime) -> int:
    """An aware time as microseconds since 1970."""
    return (time - EPOCH) // _MICROSECOND


def micros_or_none(time: datetime | None) -> int | None:
    """A time that may be absent as microseconds since 1970."""
    return None if time is None else (time - EPOCH) // _MICROSECOND


def time_or_none(value: int | None) -> datetime | None:
    """The time of microseconds since 1970, which may be absent."""
    return None if value is None else EPOCH + timedelta(0, 0, value)


def id_bytes(job_id: str) -> bytes | None:
    """The bytes of a lower-case UUID; None for any other text, which no job has."""
    return bytes.fromhex(job_id.replace("-", "")) if _UUID.fullmatch(job_id) else None


def id_text(value: bytes) -> str:
    """The UUID of 16 bytes."""
    text = value.hex()
    if len(text) != 32:
        raise ValueError("not a UUID")
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def decoded(decode: Callable[[Row], T], row: Row) -> T:
    """Decodes a row.

    Raises:
        StoreDamaged: the row holds what was never written.
    """
    try:
        return decode(row)
    except _BROKEN as problem:
        raise StoreDamaged(f"a row cannot be read ({type(problem).__name__})") from None


def exactly(kind: type[T], value: object) -> T:
    """The value, which must be of this very type.

    Raises:
        TypeError: it is of another.
    """
    if type(value) is not kind:
        raise TypeError(f"not of the type {kind.__name__}")
    return value


def encode_error(error: TransferError | None) -> str | None:
    """A TransferError as JSON."""
    if error is None:
        return None
    return json.dumps(
        [
            int(error.reason),
            int(error.context),
            error.message,
            micros(error.time),
            error.transient,
            error.file_index,
            error.http_status,
        ]
    )


def error_of(text: str | None) -> TransferError | None:
    """The TransferError of its JSON."""
    if text is None:
        return None
    reason, context, message, time, transient, file_index, http_status = json.loads(text)
    return TransferError(
        Reason(reason),
        ErrorContext(context),
        message,
        EPOCH + timedelta(microseconds=time),
        transient,
        file_index,
        http_status,
    )


def request_values(request: Request, key: bytes) -> Row:
    """The values of INSERT_REQUEST."""
    return (
        request.creator,
        request.request_id,
        request.content,
        key,
        request.first_index,
        request.expires,
    )


def request_of(row: Row) -> Request:
    """The request of a row (creator, request_id, content, job, first_index, expires)."""
    creator, request_id, content, key, first_index, expires = row
    known = None if expires is None or expires < 0 else float(expires)
    return Request(creator, request_id, content, id_text(key), first_index, known)


def token_values(token: Token) -> Row:
    """The values of INSERT_TOKEN."""
    return (
        token.token_id,
        token.digest,
        token.principal.id,
        " ".join(scope_words(token.principal.scopes)),
        None if token.principal.roots is None else json.dumps(sorted(token.principal.roots)),
        micros(token.create_time),
        micros_or_none(token.expire_time),
        token.revoked,
        micros_or_none(token.last_use_time),
    )


def token_of(row: Row) -> Token:
    """The token of a row of SELECT_TOKEN."""
    token_id, digest, principal, words, roots, create_time, expire_time, revoked, last_use = row
    scopes = frozenset(SCOPE_WORDS[word] for word in words.split())
    return Token(
        token_id,
        digest,
        Principal(principal, scopes, None if roots is None else frozenset(json.loads(roots))),
        EPOCH + timedelta(microseconds=create_time),
        time_or_none(expire_time),
        revoked != 0,
        time_or_none(last_use),
    )


def secret_of(row: Row) -> tuple[str, bytes]:
    """Name and sealed value of a secret (name, sealed)."""
    name, sealed = row
    return exactly(str, name), exactly(bytes, sealed)


def policy_values(values: Mapping[str, object]) -> Row:
    """The values of REPLACE_POLICY."""
    return (json.dumps(dict(values), allow_nan=False),)


def policy_of(row: Row) -> Mapping[str, object]:
    """What is changed of the policy, of a row of SELECT_POLICY."""
    return exactly(dict, json.loads(row[0]))


def tombstone_of(row: Row) -> Tombstone:
    """The tombstone of a row (change_seq, job, owner, owner_changed)."""
    change_seq, key, owner, owner_changed = row
    return Tombstone(id_text(key), owner, change_seq, owner_changed != 0)
