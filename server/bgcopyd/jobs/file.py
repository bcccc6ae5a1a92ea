"""Files of jobs as values."""

from __future__ import annotations

import enum

from bgcopyd.jobs.http_options import HttpHeader
from bgcopyd.jobs.job import TransferError
from bgcopyd.jobs.upload import Upload
from bgcopyd.jobs.values import value


class Verification(enum.IntEnum):
    """How sure the bytes are; equal to the enum of the same name in job.proto."""

    NONE = 1
    OVERLAP = 2
    VALIDATOR = 3
    DIGEST = 4


class DigestAlgorithm(enum.IntEnum):
    """Digest algorithms; equal to the enum of the same name in job.proto."""

    SHA256 = 1
    SHA512 = 2
    BLAKE3 = 3
    SHA1 = 4
    MD5 = 5

    @property
    def size(self) -> int:
        """How many bytes such a digest has."""
        return _DIGEST_SIZES[self]

    @property
    def weak(self) -> bool:
        """Whether two files can be made to share one (RFC 9530 section 5 advises against it)."""
        return self in _WEAK


_DIGEST_SIZES = {
    DigestAlgorithm.SHA256: 32,
    DigestAlgorithm.SHA512: 64,
    DigestAlgorithm.BLAKE3: 32,
    DigestAlgorithm.SHA1: 20,
    DigestAlgorithm.MD5: 16,
}
_WEAK = frozenset({DigestAlgorithm.SHA1, DigestAlgorithm.MD5})


@value(frozen=True, slots=True)
class Digest:
    """An expected digest of a whole file."""

    algorithm: DigestAlgorithm
    value: bytes


@value(frozen=True, slots=True)
class FileRange:
    """A part of a file; `length` None is to the end."""

    offset: int
    length: int | None = None


@value(frozen=True, slots=True)
class FileSpec:
    """What to fetch and where to put it: `path` is relative to the directory of `root`.

    `destination` is the absolute path that root and path make; no two live jobs share one. It is
    empty where `path` is what an upload reads. `reply` is where the answer to an upload is to be
    put, relative to the same root, with its absolute path.
    `ranges` are the parts of the remote file that are wanted, none of them means the whole. `size`
    is the one that the local file must have, where that is known.
    """

    url: str
    root: str
    path: str
    destination: str
    digests: tuple[Digest, ...] = ()
    ranges: tuple[FileRange, ...] = ()
    mirrors: tuple[str, ...] = ()
    size: int | None = None
    reply: str = ""
    reply_destination: str = ""


@value(frozen=True, slots=True)
class SourceBytes:
    """How many bytes came from a URL, which is without user information and query."""

    url: str
    bytes: int


@value(frozen=True, slots=True)
class FileReport:
    """What transfers have learnt of a file, for people.

    `final_url` is where redirects led, without query, where the job reports it.
    """

    response_headers: tuple[HttpHeader, ...] = ()
    final_url: str = ""
    sources: tuple[SourceBytes, ...] = ()


NO_REPORT = FileReport()


@value(frozen=True, slots=True)
class Validators:
    """What the server said to recognise the file by (RFC 9110 section 8.8), as it was sent.

    `last_modified_strong` says that Last-Modified was a second or more older than the answer's
    Date, which makes it a strong validator (RFC 9110 section 8.8.2.2).
    """

    etag: str = ""
    last_modified: str = ""
    last_modified_strong: bool = False


@value(frozen=True, slots=True)
class File:
    """One file of a job.

    `claimed` bytes from the start of the partial file are safely on disk, and so are the parts
    that `filled` names beyond them, merged and in order. `requested` are the parts that were asked
    for by RequestFileRanges and are not all there yet; offsets of both are the local file's.
    `device` and `inode` are the partial file's once all of it is on disk, so that a repeated
    Complete knows its own files. `validation_state` is the caller's own judgement. `received` bytes
    are here while the file moves, also those that are not safe yet; None otherwise. `upload` is
    there where the file goes to a server, which has the `claimed` bytes then.
    """

    job_id: str
    index: int
    spec: FileSpec
    partial_name: str = ""
    claimed: int = 0
    size: int | None = None
    validators: Validators = Validators()
    transferred: bool = False
    completed: bool = False
    verification: Verification | None = None
    device: int | None = None
    inode: int | None = None
    error: TransferError | None = None
    report: FileReport = NO_REPORT
    filled: tuple[FileRange, ...] = ()
    requested: tuple[FileRange, ...] = ()
    validation_state: bool | None = None
    upload: Upload | None = None
    received: int | None = None

    @property
    def written(self) -> str:
        """What the job writes, relative to its root: the file, or the answer to its upload."""
        return self.spec.path if self.upload is None else self.upload.reply

    @property
    def present(self) -> int:
        """How many bytes of it are safely on disk."""
        return self.claimed + sum(part.length or 0 for part in self.filled)
