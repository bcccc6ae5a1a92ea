"""The port to the transfer engine: immutable messages in both directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bgcopyd.jobs.file import Digest, Validators, Verification
from bgcopyd.jobs.job import TransferError


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file to fetch, from the first missing byte.

    `claim_id` names the run: it stands in every event, so that late ones are known. `partial_name`
    is the hidden file beside the target that holds (or will hold) the bytes; `claimed` of them,
    from the start, are known to be on disk. `rate_group` shares one limit of `rate` bytes per
    second (0 = none) between the transfers of a job.
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

    May be less than before: the file began anew.
    """

    job_id: str
    claim_id: str
    index: int
    claimed: int
    size: int | None
    validators: Validators


@dataclass(frozen=True, slots=True)
class Finished:
    """Every byte is here, verified and on disk, in the partial file of this device and inode."""

    job_id: str
    claim_id: str
    index: int
    size: int
    validators: Validators
    verification: Verification
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The transfer ended without the whole file; the `claimed` bytes are kept on disk.

    `retry_after` seconds is the least pause that the server asked for.
    """

    job_id: str
    claim_id: str
    index: int
    error: TransferError
    claimed: int
    size: int | None
    validators: Validators
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A transfer that was told to stop has done so: its descriptor is closed, `claimed` is safe."""

    job_id: str
    claim_id: str
    index: int
    claimed: int
    size: int | None
    validators: Validators


Event = Connected | Received | Claimed | Finished | Failed | Stopped


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


@dataclass(frozen=True, slots=True)
class Placed:
    """How one placement went; `problem` is empty when the file has its name durably."""

    index: int
    problem: str = ""


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

    def set_rate(self, job_id: str, rate: int) -> None:
        """Changes the limit of a job's transfers; bytes per second, 0 = none."""

    def on_events(self, callback: Callable[[Sequence[Event]], None]) -> None:
        """Events come here, in batches, on the loop; in order per transfer."""

    async def close(self) -> None:
        """Stops all transfers (their last events are delivered) and ends the threads."""


class Files(Protocol):
    """What the queue does to files at a job's end, on the threads of their volumes."""

    async def place(self, placements: Sequence[Placement]) -> list[Placed]:
        """Renames partial files over their targets and syncs the directories.

        A placement that an earlier call has carried out (the target is the device and inode) is
        done already. One failure does not stop the others.
        """

    async def discard(self, partials: Sequence[Partial]) -> list[str]:
        """Deletes partial files; absent ones are done. Returns one text per failure."""
