"""The port to the transfer engine: immutable messages in both directions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bgcopyd.jobs.file import (
    NO_REPORT,
    Digest,
    FileRange,
    FileReport,
    Validators,
    Verification,
)
from bgcopyd.jobs.http_options import Credentials, HttpOptions
from bgcopyd.jobs.job import TransferError
from bgcopyd.jobs.options import OverwritePolicy
from bgcopyd.jobs.upload import Upload


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How a job's files are fetched; the same for all of them.

    The secret headers of `http` have their values here. Files of one owner share connections with
    nobody else's; those of different certificates, proxies or credentials share none. `dynamic`
    content is never resumed. `lazy` claims bytes only when the transfer ends. A file larger than
    `max_size` is refused.
    """

    owner: str = ""
    foreground: bool = False
    http: HttpOptions = HttpOptions()
    credentials: tuple[Credentials, ...] = ()
    dynamic: bool = False
    lazy: bool = False
    max_size: int | None = None


DEFAULT_TRANSFER_OPTIONS = TransferOptions()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes per second of all transfers together, of each owner's and of each host's; 0 = none."""

    machine: int = 0
    owner: int = 0
    host: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file to fetch, from the first missing byte; one to send, where there is an `upload`.

    `claim_id` names the run: it stands in every event, so that late ones are known. `partial_name`
    is the hidden file beside the target that holds (or will hold) the bytes; `claimed` of them,
    from the start, are known to be on disk, and the parts of `filled` beyond them. The transfers of
    a job share one limit of `rate` bytes per second (0 = none). `ranges` are the wanted parts of
    the remote file, written one behind the other; none means the whole. `requested` are the only
    parts of the local file that are wanted now (RequestFileRanges); None means all of it.
    `expected_size` is the one that the local file must have.
    """

    job_id: str
    claim_id: str
    index: int
    url: str
    root: str
    path: str
    partial_name: str
    claimed: int
    size: int | None
    validators: Validators
    digests: tuple[Digest, ...]
    rate: int = 0
    options: TransferOptions = DEFAULT_TRANSFER_OPTIONS
    mirrors: tuple[str, ...] = ()
    ranges: tuple[FileRange, ...] = ()
    filled: tuple[FileRange, ...] = ()
    requested: tuple[FileRange, ...] | None = None
    upload: Upload | None = None
    expected_size: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """What one transfer was like, for people and for the list of attempts.

    `url` answered last, without user information and query; `address` is empty where none did or
    a proxy stood between; `protocol` as "HTTP/2"; `received` bytes of the file came in it, or were
    sent.
    """

    url: str = ""
    address: str = ""
    protocol: str = ""
    http_status: int | None = None
    received: int = 0
    file: FileReport = NO_REPORT


NO_ATTEMPT = AttemptReport()


@dataclass(frozen=True, slots=True)
class Connected:
    """The server's answer was accepted; bytes follow."""

    job_id: str
    claim_id: str
    index: int
    size: int | None
    validators: Validators


@dataclass(frozen=True, slots=True)
class Received:
    """Where a transfer stands, on disk or not: bytes of the file that have arrived so far.

    Sent a few times a second at most, for people; nothing may be claimed for it.
    """

    job_id: str
    claim_id: str
    index: int
    received: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The first `claimed` bytes are on disk (after fdatasync), under these validators.

    May be less than before: the file began anew. `filled` are the parts beyond that are on disk.
    """

    job_id: str
    claim_id: str
    index: int
    claimed: int
    size: int | None
    validators: Validators
    filled: tuple[FileRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """What an upload has come to know. It waits for `proceed`, when that is safe in the store."""

    job_id: str
    claim_id: str
    index: int
    upload: Upload


@dataclass(frozen=True, slots=True)
class Finished:
    """Every byte is here, verified and on disk, in the partial file of this device and inode.

    Of an upload: every byte is there, and the server has said so; the file, if there is one, holds
    its answer, and `upload` tells of it.
    """

    job_id: str
    claim_id: str
    index: int
    size: int
    validators: Validators
    verification: Verification | None
    device: int | None
    inode: int | None
    attempt: AttemptReport = NO_ATTEMPT
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The transfer ended without the whole file; the `claimed` bytes are kept on disk.

    `retry_after` seconds is the least pause that the server asked for. Where a host was not asked
    because it is left alone for so long, `held` names that (as host_of does).
    """

    job_id: str
    claim_id: str
    index: int
    error: TransferError
    claimed: int
    size: int | None
    validators: Validators
    retry_after: float | None = None
    filled: tuple[FileRange, ...] = ()
    attempt: AttemptReport = NO_ATTEMPT
    held: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A transfer was told to stop, or has all that was `requested`, and has done so.

    Its descriptor is closed, `claimed` and `filled` are safe. `satisfied` says that everything that
    was requested is there.
    """

    job_id: str
    claim_id: str
    index: int
    claimed: int
    size: int | None
    validators: Validators
    filled: tuple[FileRange, ...] = ()
    satisfied: bool = False
    attempt: AttemptReport = NO_ATTEMPT


Event = Connected | Received | Claimed | Noted | Finished | Failed | Stopped


@dataclass(frozen=True, slots=True)
class Style:
    """Group and mode of files that are made; None is the daemon's own. Directories follow them."""

    group: int | None = None
    mode: int | None = None


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Placement:
    """A finished partial file and the name it shall have. `modified` becomes its mtime."""

    index: int
    root: str
    path: str
    partial_name: str
    device: int
    inode: int
    modified: datetime | None = None
    overwrite: OverwritePolicy = OverwritePolicy.REPLACE


@dataclass(frozen=True, slots=True)
class Placed:
    """How one placement went; `problem` is empty when the file has its name durably.

    `exists` says that the problem is a file of that name. `path` is where the file is now, relative
    to its root, where the policy gave it another name; `kept` that the policy left what was there.
    Ours is still beside it then, so that a repeated call decides alike: discard it once the
    decision is stored.
    """

    index: int
    problem: str = ""
    exists: bool = False
    path: str = ""
    kept: bool = False


Unwanted = Callable[[frozenset[tuple[str, int]]], Awaitable[Collection[tuple[str, int]]]]


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial file to delete."""

    root: str
    path: str
    partial_name: str


class Engine(Protocol):
    """Moves bytes on threads of its own. Called from the loop, never blocks it.

    Each transfer that was started ends with exactly one of Finished, Failed or Stopped.
    """

    def start(self, transfers: Sequence[Transfer]) -> None:
        """Begins transfers."""

    def stop(self, job_id: str) -> None:
        """Ends the job's transfers soon, with a last claim of what is on disk."""

    def proceed(self, job_id: str, index: int) -> None:
        """Lets an upload go on after what it has Noted."""

    def set_rate(self, job_id: str, rate: int) -> None:
        """Changes the limit of a job's transfers; bytes per second, 0 = none."""

    def look_again(self, owner: str) -> None:
        """Has hosts that are left alone looked at by the owner's next transfers."""

    def set_limits(self, limits: Limits) -> None:
        """Changes the limits that transfers of several jobs share."""

    def on_events(self, callback: Callable[[Sequence[Event]], None]) -> None:
        """Events come here, in batches, on the loop; in order per transfer."""

    async def close(self) -> None:
        """Stops all transfers (their last events are delivered) and ends the threads."""


class Files(Protocol):
    """What the queue does to files at a job's end, on the threads of their volumes."""

    async def place(self, placements: Sequence[Placement]) -> list[Placed]:
        """Gives partial files their names, as each placement's policy says, and syncs.

        A placement that an earlier call has carried out (the target is the device and inode) is
        done already. One failure does not stop the others.
        """

    async def discard(self, partials: Sequence[Partial]) -> list[str]:
        """Deletes partial files; absent ones are done. Returns one text per failure."""

    async def sweep(self, directories: Sequence[tuple[str, str]], unwanted: Unwanted) -> int:
        """Deletes partial files that no job wants any more; returns how many.

        Args:
            directories: root and relative directory, "" for the root itself; absent ones are done.
            unwanted: which of these partial files may go, each told by job id and file index.
                Asked once, after all directories were read: a job that begins later is safe.
        """


class Reader(Protocol):
    """Reads what is on disk of a file, on the threads of its volume."""

    def read(
        self,
        root: str,
        path: str,
        partial_name: str,
        *,
        completed: bool,
        offset: int,
        length: int,
        identity: tuple[int, int] | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """The bytes from the offset on, in pieces of at most 64 KiB.

        Ask for bytes that are claimed or filled only. A file that is completed is read under its
        name, another under `partial_name`; one that gets its name meanwhile is read to the end.
        `identity` is the device and inode that it must have, where they are known.

        Raises:
            FileGone: the file is not there, or not that file any more.
            OSError: the disk failed.
        """


class FileGone(Exception):
    """A file that is to be read is not there, is no plain file, or was shortened or replaced."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a server says of a URL; `redirect_chain` are the URLs that answered, first to last.

    URLs are without user information and query. `suggested_name` is a safe base name or empty.
    """

    http_status: int | None = None
    size: int | None = None
    accepts_ranges: bool = False
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""
    suggested_name: str = ""
    redirect_chain: tuple[str, ...] = ()
    protocol: str = ""
    address: str = ""
    error: TransferError | None = None


class Parter(Protocol):
    """Ends uploads that were begun at servers and will not be finished."""

    async def part(self, job_id: str, url: str, upload: Upload, options: TransferOptions) -> str:
        """Has the server drop what it has, within a bounded time.

        Returns why that has to be tried again; an empty text where the server has dropped it, does
        not have it, or does not do such a thing.
        """


class Prober(Protocol):
    """Asks servers without fetching."""

    async def probe(self, url: str, options: TransferOptions) -> Probe:
        """What the server says, within a bounded time; an error of it is data."""
