"""The port to the queue's store. One contract test suite runs on every implementation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol, TypeVar

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import (
    NO_REPORT,
    File,
    FileRange,
    FileReport,
    FileSpec,
    Validators,
    Verification,
)
from bgcopyd.jobs.job import Job, JobState, Priority, Progress, TransferError
from bgcopyd.jobs.options import JobOptions
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.upload import Upload
from bgcopyd.jobs.values import value
from bgcopyd.queue.clock import ClockMark
from bgcopyd.queue.outbox import OutboxStore, OutboxTx

T = TypeVar("T")


class StoreUnavailable(Exception):
    """The store did not take a change (disk full, input/output error); nothing was changed."""


class DestinationTaken(Exception):
    """A live job holds the destination. `position` counts within the files that were given."""

    def __init__(self, position: int) -> None:
        super().__init__(f"destination of file {position} is in use")
        self.position = position


@value(frozen=True, slots=True)
class Kept:
    """What an owner's live jobs have: files, and of those to download the bytes on disk."""

    files: int
    bytes: int


@value(frozen=True, slots=True)
class Request:
    """What a request id was first used for: by whom, the content's digest, and its result.

    `expires` is a moment of the steady scale.
    """

    creator: str
    request_id: str
    content: bytes
    job_id: str
    first_index: int
    expires: float | None = None


@value(frozen=True, slots=True)
class JobQuery:
    """Which jobs; `owner` None means of every owner, empty `states` every state."""

    owner: str | None
    job_ids: tuple[str, ...] = ()
    job_id_prefix: str = ""
    display_name: str = ""
    text: str = ""
    states: frozenset[JobState] = frozenset()
    labels: Mapping[str, str] | None = None


@value(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first; `next_before` asks for the next page (as `before`), None on the last.

    A page may hold fewer jobs than asked, even none, while `next_before` is not None: the store
    bounds how many rows it looks at for one page. The page is of the moment of `position`.
    """

    jobs: tuple[Job, ...]
    next_before: int | None
    position: Position


@value(frozen=True, slots=True)
class Tombstone:
    """A job that is gone, or is somebody else's now, and whose it was."""

    job_id: str
    owner: str
    change_seq: int
    owner_changed: bool = False


@value(frozen=True, slots=True)
class Changes:
    """Jobs and tombstones with `after < change_seq <= position`, each in order of change_seq."""

    jobs: tuple[Job, ...]
    tombstones: tuple[Tombstone, ...]
    position: int


@value(frozen=True, slots=True)
class Position:
    """Where the change feed stands: the store's id, its newest and its oldest usable position."""

    store_id: str
    newest: int
    oldest: int


@value(frozen=True, slots=True)
class FileTotals:
    """Sums over a job's files; `known_bytes` sums the sizes that are known.

    `claimed_bytes` are all that are on disk, those behind holes as well.
    """

    files: int
    transferred: int
    claimed_bytes: int
    known_bytes: int
    unknown_sizes: int


@value(frozen=True, slots=True)
class FileUpdate:
    """New values of one file's transfer; the whole of them, as the writer knows the file.

    `requested` None leaves it as it is: callers add to it while a transfer is under way.
    """

    index: int
    partial_name: str
    claimed: int
    size: int | None
    validators: Validators
    transferred: bool
    completed: bool
    verification: Verification | None
    device: int | None
    inode: int | None
    error: TransferError | None
    report: FileReport = NO_REPORT
    filled: tuple[FileRange, ...] = ()
    requested: tuple[FileRange, ...] | None = None
    validation_state: bool | None = None
    upload: Upload | None = None


@value(frozen=True, slots=True)
class Token:
    """A bearer token as it is stored: `digest` is the SHA-256 of its text."""

    token_id: str
    digest: bytes
    principal: Principal
    create_time: datetime
    expire_time: datetime | None = None
    revoked: bool = False
    last_use_time: datetime | None = None


# A root's name and a directory below it, "" for the root itself.
Directory = tuple[str, str]
# The job and the file whose index a partial file's name tells.
Leftover = tuple[str, int]


@value(frozen=True, slots=True)
class Place:
    """A QUEUED job's place: lanes are of one owner and priority, in the order of queue_seq."""

    job_id: str
    owner: str
    priority: Priority
    queue_seq: int


@value(frozen=True, slots=True)
class AgeMark:
    """Where the change sequence stood when the queue was `age` seconds old."""

    age: float
    number: int


@value(frozen=True, slots=True)
class Farewell:
    """What a job that has ended leaves at the server that it was to upload to.

    `options` and `sealed` secrets are those that it had. `upload` is None while it still ends.
    """

    job_id: str
    owner: str
    url: str
    options: JobOptions
    until: float
    sealed: Mapping[str, bytes] = field(default_factory=dict)
    upload: Upload | None = None


class Tx(OutboxTx, Protocol):
    """One transaction. Synchronous; every call sees the changes before it.

    Every insert_job, update_job and delete_job takes the next number of the change sequence, sets
    it as the job's change_seq, and adds one to the job's revision. Durations are seconds, and so
    are `now` and its like: moments of the steady scale.
    """

    def job(self, job_id: str) -> Job | None:
        """The job with its progress, or None."""

    def insert_job(self, job: Job) -> Job:
        """Adds a job; gives it `seq`, and `queue_seq` where it is QUEUED. Files are apart."""

    def update_job(self, job: Job, *, requeue: bool = False) -> Job:
        """Replaces all but id, creator, seq and progress. `requeue` takes a new queue_seq."""

    def delete_job(self, job_id: str) -> None:
        """Removes a job with all that belongs to it and leaves a tombstone."""

    def insert_files(self, job_id: str, files: Sequence[File]) -> None:
        """Adds files with the indexes they carry and claims the destinations that they have.

        Raises:
            DestinationTaken: a live job (also this one) has one of the destinations.
        """

    def files(self, job_id: str, *, after: int = -1, limit: int = 1000) -> list[File]:
        """Files by index, from the one behind `after`."""

    def next_files(self, job_id: str, *, after: int, limit: int) -> list[File]:
        """The same, only those not transferred."""

    def totals(self, job_id: str) -> FileTotals:
        """Sums over the job's files, made by the database."""

    def update_files(self, job_id: str, updates: Iterable[FileUpdate]) -> None:
        """Writes what transfers have learnt and done; no change of the job by itself."""

    def set_spec(self, job_id: str, index: int, spec: FileSpec) -> None:
        """Replaces what a file is fetched from; its destination stays."""

    def rename_file(self, job_id: str, index: int, path: str) -> None:
        """Notes the name that a file got instead of the one it was to have, which stays claimed."""

    def remove_files(self, job_id: str, indexes: Sequence[int]) -> None:
        """Takes files out of the job and frees their destinations; indexes are not given again."""

    def next_index(self, job_id: str) -> int:
        """The index of the next file that is added; never one that was given before."""

    def insert_attempts(self, job_id: str, attempts: Sequence[Attempt]) -> None:
        """Adds attempts; only the newest ATTEMPTS_PER_JOB of a job are kept."""

    def secrets(self, job_id: str) -> dict[str, bytes]:
        """The job's sealed secrets by name."""

    def put_secrets(self, job_id: str, sealed: Mapping[str, bytes]) -> None:
        """Adds or replaces secrets."""

    def drop_secrets(self, job_id: str, names: Iterable[str]) -> None:
        """Forgets secrets; absent ones are done."""

    def policy(self) -> Mapping[str, object]:
        """What an operator has changed of the policy, by field; empty before that."""

    def set_policy(self, values: Mapping[str, object]) -> None:
        """Replaces what is changed of the policy; values of JSON."""

    def release_destinations(self, job_id: str) -> None:
        """Frees the destinations of a job that has ended."""

    def set_progress(self, job_id: str, progress: Progress) -> None:
        """Writes a job's progress; no change of the job. bytes_per_second is not kept."""

    def live_jobs(self, owner: str | None) -> int:
        """How many jobs of the owner, or of all owners (None), are not final."""

    def kept(self, owner: str) -> Kept:
        """What the owner's live jobs have, as their progress tells."""

    def request(self, creator: str, request_id: str) -> Request | None:
        """The use of a request id, while it is remembered."""

    def insert_request(self, request: Request) -> Request | None:
        """Remembers the use of a request id; a use that is remembered already is answered instead.

        Request ids are unique per creator.
        """

    def queued(self, priority: Priority, limit: int) -> list[Place]:
        """The first QUEUED jobs of a priority by queue_seq.

        As in all lanes, without those that have a `due` moment: they wait for their not_before.
        """

    def lanes(self, priority: Priority, *, after: str = "", limit: int) -> list[Place]:
        """The first QUEUED job of each owner who has any of the priority.

        At most `limit`, by the owners' names, from the one behind `after`.
        """

    def lane(self, priority: Priority, owner: str, *, after: int = 0, limit: int) -> list[Place]:
        """An owner's QUEUED jobs of a priority by queue_seq, from the one behind `after`."""

    def ages(self) -> list[AgeMark]:
        """The marks that are kept, by age."""

    def mark_age(self, age: float, *, forget: float) -> AgeMark:
        """Notes where the change sequence stands now; forgets marks below the age `forget`."""

    def jobs_in(
        self, states: Iterable[JobState], *, after: int = 0, limit: int = 1000
    ) -> list[Job]:
        """Jobs in the states by seq, from the one behind `after`."""

    def unsettled(self, limit: int = 1000) -> list[Job]:
        """Jobs with `completing` or `cleanup`."""

    def expire(self, now: float, limit: int = 500) -> int:
        """Deletes final, settled jobs whose `due` has come; how many.

        Also forgets requests at their `expires`, or REQUEST_ID_RETENTION seconds after the first
        call of this method that finds their job gone.
        """

    def due(self, now: float, limit: int = 500) -> list[Job]:
        """Jobs that are not final nor being completed and whose `due` has come, by that."""

    def overdue(self, now: float, limit: int = 500) -> list[Job]:
        """Those whose `deadline_due` has come, in a state from which Trigger.DEADLINE leads on."""

    def inactive(self, before: float, limit: int = 500) -> list[Job]:
        """Those that were active until then, in a state from which Trigger.INACTIVE leads on."""

    def blocked(self, *, after: int = 0, limit: int = 500) -> list[Job]:
        """Jobs in TRANSIENT_ERROR without `due`, by seq from the one behind `after`."""

    def next_moment(self, inactivity_timeout: float) -> float | None:
        """The earliest moment at which `expire`, `due`, `overdue` or `inactive` have work."""

    def clock_mark(self) -> ClockMark | None:
        """The mark that was set last."""

    def set_clock_mark(self, mark: ClockMark) -> None:
        """Notes where the clocks stand."""

    def note_directories(self, directories: Iterable[Directory], until: float) -> None:
        """Notes where partial files may be left, to be looked at until a moment."""

    def directories(self, *, after: Directory | None = None, limit: int = 1000) -> list[Directory]:
        """Noted directories in order, from the one behind `after`."""

    def forget_directories(self, now: float) -> None:
        """Forgets those whose moment has come."""

    def unwanted(self, leftovers: Collection[Leftover]) -> set[Leftover]:
        """Those of which the store knows that no job wants them any more.

        That is: of jobs that have ended, of files that were removed, and of jobs that are gone but
        have a tombstone. Others may be another daemon's.
        """

    def put_farewell(self, farewell: Farewell) -> None:
        """Adds or replaces the farewell of a job."""

    def drop_farewell(self, job_id: str) -> None:
        """Forgets it; an absent one is done."""

    def farewell(self, job_id: str) -> Farewell | None:
        """The farewell of a job."""

    def farewells(self) -> list[Farewell]:
        """All of them, by job."""

    def trim_history(self, keep: int) -> None:
        """Forgets all but the newest `keep` tombstones; moves `oldest` of Position."""

    def insert_token(self, token: Token) -> None:
        """Adds a token."""

    def revoke_token(self, token_id: str) -> bool:
        """Revokes a token; False where there is none."""

    def mark_token(self, token_id: str, last_use_time: datetime) -> None:
        """Writes down when a token was used."""


class Store(OutboxStore, Protocol):
    """The queue on disk. Made and opened by the composition root, used from one event loop."""

    async def transact(
        self, fn: Callable[[Tx], T], *, durable: bool = True, brief: bool = False
    ) -> T:
        """Runs `fn` in a transaction that undoes itself alone if `fn` raises.

        `fn` does no input or output beyond its Tx, draws no ids and no time, and may be run twice.
        With `durable` the call returns after the change is safe on disk; without, when `fn` has run
        in the next group and reads see it, synced or not. `brief` promises a handful of statements,
        each on a few rows: only then may `fn` run on the loop and not on a thread of the store.

        Raises:
            StoreUnavailable: nothing was changed.
        """

    async def job(self, job_id: str) -> Job | None:
        """The job with its stored progress, or None. Cheap enough for every call."""

    async def token(self, digest: bytes) -> Token | None:
        """The token of a digest, or None. A revocation is seen at once."""

    async def tokens(self) -> list[Token]:
        """All tokens."""

    async def jobs(self, query: JobQuery, *, before: int | None, limit: int) -> JobPage:
        """A page of jobs by `seq`, falling, below `before`."""

    async def files(self, job_id: str, *, after: int = -1, limit: int = 1000) -> list[File]:
        """As Tx.files."""

    async def attempts(
        self, job_id: str, *, file_index: int | None, before: int | None, limit: int
    ) -> list[Attempt]:
        """Attempts by attempt_id, falling, below `before`."""

    async def counts(self) -> dict[JobState, int]:
        """How many jobs of each state there are."""

    async def ahead(self, job: Job, limit: int) -> int:
        """How many QUEUED jobs of the same owner and priority come first; counts up to `limit`."""

    async def changes(self, after: int, *, limit: int = 1000) -> Changes:
        """What has changed; `position` is where to go on, newest once all is read."""

    async def position(self) -> Position:
        """Where the change feed stands."""

    def on_commit(self, callback: Callable[[int], None]) -> None:
        """Calls back on the loop with the newest change_seq after each commit that raised it."""

    async def close(self) -> None:
        """Finishes what was handed in and closes."""
