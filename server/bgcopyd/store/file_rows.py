"""Files as rows of SQLite, and back."""

from __future__ import annotations

import json

from bgcopyd.jobs.file import (
    Digest,
    DigestAlgorithm,
    File,
    FileSpec,
    Validators,
    Verification,
)
from bgcopyd.queue.storage import FileUpdate
from bgcopyd.store.rows import Row, encode_error, error_of, insert_statement

INDEX_BITS = 24
MAXIMUM_INDEX = (1 << INDEX_BITS) - 1
_VERIFICATIONS: dict[int | None, Verification | None] = {
    None: None,
    **{int(level): level for level in Verification},
}
_FILE_COLUMNS = (
    "key", "url", "root", "path", "destination", "digests", "partial_name", "claimed", "size",
    "etag", "last_modified", "last_modified_strong", "transferred", "completed", "verification",
    "device", "inode", "error",
)  # fmt: skip
SELECT_FILE = f"SELECT {', '.join(_FILE_COLUMNS)} FROM file"
INSERT_FILE = insert_statement("file", (*_FILE_COLUMNS, "live"))
UPDATE_FILE = (
    "UPDATE file SET partial_name = ?, claimed = ?, size = ?, etag = ?, last_modified = ?, "
    "last_modified_strong = ?, transferred = ?, completed = ?, verification = ?, device = ?, "
    "inode = ?, error = ? WHERE key = ?"
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
        error=error_of(error),
    )


def _digests(text: str) -> tuple[Digest, ...]:
    return tuple(
        Digest(DigestAlgorithm(algorithm), bytes.fromhex(value))
        for algorithm, value in json.loads(text)
    )
