"""Values of the queue as rows of SQLite, and back.

Times are microseconds since 1970, job ids the UUID's 16 bytes, a TransferError is JSON. Decoding
trusts nothing: a damaged row is StoreDamaged, whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bgcopyd.jobs.file import (
    Digest,
    DigestAlgorithm,
    File,
    FileSpec,
    Validators,
    Verification,
)
from bgcopyd.jobs.job import (
    NO_LABELS,
    ErrorContext,
    Job,
    JobState,
    JobType,
    Priority,
    Progress,
    TransferError,
)
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.storage import FileUpdate, Request, Token, Tombstone
from bgcopyd.store.errors import StoreDamaged

Row = tuple[Any, ...]
T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STATES = {int(state): state for state in JobState}
_TYPES = {int(kind): kind for kind in JobType}
_PRIORITIES = {int(priority): priority for priority in Priority}
_VERIFICATIONS: dict[int | None, Verification | None] = {
    None: None,
    **{int(level): level for level in Verification},
}
_BROKEN = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError)

INDEX_BITS = 24
MAXIMUM_INDEX = (1 << INDEX_BITS) - 1

_MUTABLE_JOB_COLUMNS = (
    "display_name", "description", "labels", "type", "state", "priority", "etag", "revision",
    "change_seq", "queue_seq", "claim_id", "minimum_retry_delay", "no_progress_timeout",
    "max_bytes_per_second", "auto_complete", "completing", "allow_partial", "cleanup", "error",
    "error_count", "retries", "stalled", "create_time", "modification_time", "transferred_time",
    "expire_time", "next_attempt_time",
)  # fmt: skip
_JOB_COLUMNS = ("seq", "id", "owner", "creator", *_MUTABLE_JOB_COLUMNS)
_FILE_COLUMNS = (
    "key", "url", "root", "path", "destination", "digests", "partial_name", "claimed", "size",
    "etag", "last_modified", "last_modified_strong", "transferred", "completed", "verification",
    "device", "inode", "error",
)  # fmt: skip


def _insert(table: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


SELECT_JOB = (
    f"SELECT {', '.join('job.' + column for column in _JOB_COLUMNS)}, progress.bytes_transferred, "
    "progress.bytes_total, progress.files_total, progress.files_transferred "
    "FROM job LEFT JOIN progress ON progress.job = job.seq"
)
SELECT_JOB_BY_ID = f"{SELECT_JOB} WHERE job.id = ?"
INSERT_JOB = _insert("job", _JOB_COLUMNS)
UPDATE_JOB = (
    f"UPDATE job SET {', '.join(column + ' = ?' for column in _MUTABLE_JOB_COLUMNS)} WHERE seq = ?"
)
SELECT_FILE = f"SELECT {', '.join(_FILE_COLUMNS)} FROM file"
INSERT_FILE = _insert("file", (*_FILE_COLUMNS, "live"))
INSERT_REQUEST = _insert(
    "request", ("creator", "request_id", "content", "job", "first_index", "expires")
)
SELECT_TOKEN = "SELECT id, digest, principal, admin, create_time, expire_time, revoked FROM token"  # noqa: S105 - SQL
INSERT_TOKEN = _insert(
    "token", ("id", "digest", "principal", "admin", "create_time", "expire_time", "revoked")
)
REVOKE_TOKEN = "UPDATE token SET revoked = 1 WHERE id = ?"  # noqa: S105 - SQL


def micros(time: datetime) -> int:
    """An aware time as microseconds since 1970."""
    return (time - EPOCH) // _MICROSECOND


def _micros_or_none(time: datetime | None) -> int | None:
    return None if time is None else (time - EPOCH) // _MICROSECOND


def _time_or_none(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


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


def _error(text: str | None) -> TransferError | None:
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


def _labels(text: str) -> Mapping[str, str]:
    labels = json.loads(text)
    if not isinstance(labels, dict):
        raise TypeError("labels are no object")
    return labels


def mutable_values(job: Job) -> Row:
    """The values of UPDATE_JOB, without the seq at its end."""
    return (
        job.display_name,
        job.description,
        json.dumps(dict(job.labels)) if job.labels else None,
        job.type,
        job.state,
        job.priority,
        job.etag,
        job.revision,
        job.change_seq,
        job.queue_seq,
        job.claim_id,
        job.minimum_retry_delay,
        job.no_progress_timeout,
        job.max_bytes_per_second,
        job.auto_complete,
        job.completing,
        job.allow_partial,
        job.cleanup,
        encode_error(job.error),
        job.error_count,
        job.retries,
        job.stalled,
        micros(job.create_time),
        micros(job.modification_time),
        _micros_or_none(job.transferred_time),
        _micros_or_none(job.expire_time),
        _micros_or_none(job.next_attempt_time),
    )


def job_values(job: Job, key: bytes) -> Row:
    """The values of INSERT_JOB."""
    return (job.seq, key, job.owner, job.creator, *mutable_values(job))


def job_of(row: Row) -> Job:
    """The job of a row of SELECT_JOB. Written out, since every GetJob runs through it."""
    (
        seq, key, owner, creator, display_name, description, labels, kind, state, priority, etag,
        revision, change_seq, queue_seq, claim_id, minimum_retry_delay, no_progress_timeout,
        max_bytes_per_second, auto_complete, completing, allow_partial, cleanup, error,
        error_count, retries, stalled, create_time, modification_time, transferred_time,
        expire_time, next_attempt_time, transferred, total, files_total, files_transferred,
    ) = row  # fmt: skip
    return Job(
        id_text(key),
        owner,
        creator,
        display_name,
        EPOCH + timedelta(microseconds=create_time),
        EPOCH + timedelta(microseconds=modification_time),
        etag,
        _STATES[state],
        _TYPES[kind],
        _PRIORITIES[priority],
        description,
        NO_LABELS if labels is None else _labels(labels),
        minimum_retry_delay,
        no_progress_timeout,
        max_bytes_per_second,
        auto_complete != 0,
        None if error is None else _error(error),
        error_count,
        None if transferred_time is None else _time_or_none(transferred_time),
        None if expire_time is None else _time_or_none(expire_time),
        None if next_attempt_time is None else _time_or_none(next_attempt_time),
        NO_PROGRESS
        if files_total is None
        else Progress(transferred, total, files_total, files_transferred),
        revision,
        seq,
        change_seq,
        queue_seq,
        claim_id,
        completing != 0,
        allow_partial != 0,
        cleanup != 0,
        retries,
        stalled,
    )


NO_PROGRESS = Progress()


def progress_values(seq: int, progress: Progress) -> Row:
    """The values of a row of `progress`."""
    return (
        seq,
        progress.bytes_transferred,
        progress.bytes_total,
        progress.files_total,
        progress.files_transferred,
    )


def file_key(seq: int, index: int) -> int:
    """The key of a file; -1 stands before the first."""
    if not -1 <= index <= MAXIMUM_INDEX:
        raise ValueError(f"a file's index cannot be {index}")
    return (seq << INDEX_BITS) + index


def file_values(seq: int, file: File) -> Row:
    """The values of INSERT_FILE."""
    spec = file.spec
    digests = [[int(digest.algorithm), digest.value.hex()] for digest in spec.digests]
    return (
        file_key(seq, file.index),
        spec.url,
        spec.root,
        spec.path,
        spec.destination,
        json.dumps(digests) if digests else None,
        file.partial_name,
        file.claimed,
        file.size,
        file.validators.etag,
        file.validators.last_modified,
        file.validators.last_modified_strong,
        file.transferred,
        file.completed,
        file.verification,
        file.device,
        file.inode,
        encode_error(file.error),
        1,
    )


UPDATE_FILE = (
    "UPDATE file SET partial_name = ?, claimed = ?, size = ?, etag = ?, last_modified = ?, "
    "last_modified_strong = ?, transferred = ?, completed = ?, verification = ?, device = ?, "
    "inode = ?, error = ? WHERE key = ?"
)


def file_update_values(seq: int, update: FileUpdate) -> Row:
    """The values of UPDATE_FILE."""
    return (
        update.partial_name,
        update.claimed,
        update.size,
        update.validators.etag,
        update.validators.last_modified,
        update.validators.last_modified_strong,
        update.transferred,
        update.completed,
        update.verification,
        update.device,
        update.inode,
        encode_error(update.error),
        file_key(seq, update.index),
    )


def file_of(job_id: str, row: Row) -> File:
    """The file of a row of SELECT_FILE."""
    (
        key, url, root, path, destination, digests, partial_name, claimed, size, etag,
        last_modified, last_modified_strong, transferred, completed, verification, device, inode,
        error,
    ) = row  # fmt: skip
    return File(
        job_id=job_id,
        index=key & MAXIMUM_INDEX,
        spec=FileSpec(url, root, path, destination, () if digests is None else _digests(digests)),
        partial_name=partial_name,
        claimed=claimed,
        size=size,
        validators=Validators(etag, last_modified, last_modified_strong != 0),
        transferred=transferred != 0,
        completed=completed != 0,
        verification=_VERIFICATIONS[verification],
        device=device,
        inode=inode,
        error=_error(error),
    )


def _digests(text: str) -> tuple[Digest, ...]:
    return tuple(
        Digest(DigestAlgorithm(algorithm), bytes.fromhex(value))
        for algorithm, value in json.loads(text)
    )


def request_values(request: Request, key: bytes) -> Row:
    """The values of INSERT_REQUEST."""
    return (
        request.creator,
        request.request_id,
        request.content,
        key,
        request.first_index,
        _micros_or_none(request.expires),
    )


def request_of(row: Row) -> Request:
    """The request of a row (creator, request_id, content, job, first_index, expires)."""
    creator, request_id, content, key, first_index, expires = row
    known = None if expires is None or expires < 0 else _time_or_none(expires)
    return Request(creator, request_id, content, id_text(key), first_index, known)


def token_values(token: Token) -> Row:
    """The values of INSERT_TOKEN."""
    return (
        token.token_id,
        token.digest,
        token.principal.id,
        token.principal.admin,
        micros(token.create_time),
        _micros_or_none(token.expire_time),
        token.revoked,
    )


def token_of(row: Row) -> Token:
    """The token of a row of SELECT_TOKEN."""
    token_id, digest, principal, admin, create_time, expire_time, revoked = row
    return Token(
        token_id,
        digest,
        Principal(principal, admin != 0),
        EPOCH + timedelta(microseconds=create_time),
        _time_or_none(expire_time),
        revoked != 0,
    )


def tombstone_of(row: Row) -> Tombstone:
    """The tombstone of a row (change_seq, job, owner)."""
    change_seq, key, owner = row
    return Tombstone(id_text(key), owner, change_seq)
