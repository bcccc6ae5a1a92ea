"""What a queue must do, as simple as can be, written from the words of the contract.

A job that is queued, connecting or transferring is in play: whose turn it is, is the scheduler's to
say. Bytes are sets of their numbers; every file has SIZE of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration

from bgcopyd.jobs.job import JobState

SIZE = 16
DAY = 86_400.0
PATIENT = Duration(seconds=14 * 86_400)
DEFAULTS: Mapping[str, Any] = {
    "display_name": "a",
    "description": "",
    "priority": 3,
    "labels": {},
    "auto_complete": False,
    "continue_on_file_error": False,
    "on_demand_mode": False,
    "dynamic_content": False,
    "high_performance": False,
    "max_bytes_per_second": 0,
    "no_progress_timeout": PATIENT,
}
# Those that the transfers of a running job begin anew for.
OPTIONS = ("continue_on_file_error", "on_demand_mode", "dynamic_content", "high_performance")
IN_PLAY = JobState.QUEUED
SHOWN_IN_PLAY = (JobState.QUEUED, JobState.CONNECTING, JobState.TRANSFERRING)
WAITING = (JobState.SUSPENDED, JobState.ERROR, JobState.TRANSIENT_ERROR)


@dataclass
class FileModel:
    """A file; `failed` is how its last attempt did: it "passes" or "stays"."""

    index: int
    url: str
    path: str
    ranged: bool = False
    claimed: int = 0
    size: int | None = None
    transferred: bool = False
    completed: bool = False
    valid: bool | None = None
    failed: str = ""
    requested: set[int] = field(default_factory=set)
    filled: set[int] = field(default_factory=set)

    @property
    def on_disk(self) -> set[int]:
        return set(range(self.claimed)) | self.filled

    @property
    def present(self) -> int:
        return len(self.on_disk)

    def hear(self, *, failed: str = "", filled: Iterable[int] = ()) -> None:
        """What every word of the engine says of its transfer."""
        self.failed = failed
        self.filled = set(filled) - set(range(self.claimed))
        self.requested -= self.on_disk

    def begin_anew(self) -> None:
        """Its owner has judged it invalid."""
        self.claimed, self.size, self.filled = 0, None, set()
        self.transferred = self.completed = self.valid = False


@dataclass
class RunModel:
    """What one run has come to, by the claim that it has on its job.

    `aside` are files that have what was requested of them: the rest is fetched after all others.
    """

    claim_id: str
    connected: bool = False
    active: set[int] = field(default_factory=set)
    sizes: dict[int, int] = field(default_factory=dict)
    received: dict[int, int] = field(default_factory=dict)
    aside: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    passing: list[int] = field(default_factory=list)
    fatal: int | None = None

    def ended(self, index: int) -> None:
        """A transfer is over."""
        self.active.discard(index)
        self.received.pop(index, None)


@dataclass
class JobModel:
    """A job. `version` counts changes of owner, properties and files; the etag goes with it."""

    job_id: str
    owner: str
    number: int
    props: dict[str, Any]
    state: JobState = JobState.SUSPENDED
    files: dict[int, FileModel] = field(default_factory=dict)
    next_index: int = 0
    resumed: bool = False
    version: int = 1
    error: str = ""
    due: float | None = None
    expires: float = 0.0
    keys: set[tuple[int, int]] = field(default_factory=set)
    run: RunModel | None = None
    seen: Any = None
    etags: dict[str, int] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return not self.state.final

    @property
    def unfinished(self) -> list[FileModel]:
        return [one for one in self.files.values() if not one.transferred]

    def wanted(self) -> list[FileModel]:
        """Unfinished files that are to be moved now."""
        if self.props["on_demand_mode"]:
            return [one for one in self.unfinished if one.requested]
        goes_on = self.props["continue_on_file_error"]
        return [one for one in self.unfinished if not (goes_on and one.failed == "stays")]

    def pending(self) -> list[FileModel]:
        """Those of them that this run has still to try; after an error it leaves rests."""
        run = self.run or RunModel("")
        tried = run.failed | (run.aside if run.passing and not run.active else set())
        return [one for one in self.wanted() if one.index not in tried]

    def add(self, specs: Iterable[tuple[str, str, bool]]) -> int:
        """Adds files; the index of the first."""
        first = self.next_index
        for url, path, ranged in specs:
            self.files[self.next_index] = FileModel(self.next_index, url, path, ranged)
            self.next_index += 1
        return first

    def go_to(self, state: JobState, error: str = "", due: float | None = None) -> None:
        """Moves the job; an error belongs to the state that it led to, a secret to a live job."""
        self.state, self.error, self.due = state, error, due
        self.keys = set() if state.final else self.keys
        self.resumed = self.resumed or state is IN_PLAY
        if state is not IN_PLAY:
            self.run = None

    def stop(self, *, told: bool) -> None:
        """Its transfers end; `told` says that the run may still write down where they were."""
        if self.run is None:
            return
        for index in sorted(self.run.active):
            if told and index in self.files:
                one = self.files[index]
                one.size = self.run.sizes.get(index, one.size)
                one.hear()
            self.run.ended(index)

    def begin_transfers_anew(self) -> None:
        """A run goes on with other values: what has failed is tried again as well."""
        if self.run is not None:
            self.stop(told=True)
            self.run.failed, self.run.passing, self.run.aside = set(), [], set()

    def outcome(self) -> tuple[JobState, str]:
        """Where a run that has nothing left to do takes its job."""
        run = self.run or RunModel("")
        goes_on = self.props["continue_on_file_error"]
        if run.passing and (run.fatal is None or goes_on):
            impatient = self.props["no_progress_timeout"] == Duration()
            return (JobState.ERROR if impatient else JobState.TRANSIENT_ERROR), "TIMEOUT"
        if run.fatal is not None:
            return JobState.ERROR, "HTTP_STATUS"
        if not self.unfinished:
            return JobState.TRANSFERRED, ""
        if self.props["on_demand_mode"]:
            return JobState.SUSPENDED, ""
        return JobState.ERROR, "HTTP_STATUS"

    def place(self, refused: set[int]) -> bool:
        """Gives whole files their names; whether all of them got theirs."""
        whole = [one for one in self.files.values() if one.transferred and not one.completed]
        for one in whole:
            one.completed = one.index not in refused
        return all(one.completed for one in whole)

    def shown(self, file: FileModel) -> tuple[int, int | None]:
        """Bytes and size of a file as people see them: of one that moves, all that is here."""
        run = self.run or RunModel("")
        if file.index not in run.active:
            return file.present, file.size
        received = max(file.present, run.received.get(file.index, 0))
        return received, run.sizes.get(file.index, file.size)

    def progress(self) -> tuple[int, int | None, int, int]:
        """Bytes there, bytes in all if every size is known, files, whole files."""
        run = self.run or RunModel("")
        sizes = [run.sizes.get(one.index, one.size) for one in self.files.values()]
        ahead = sum(
            max(0, received - self.files[index].present) for index, received in run.received.items()
        )
        return (
            sum(one.present for one in self.files.values()) + ahead,
            None if None in sizes else sum(size or 0 for size in sizes),
            len(self.files),
            sum(one.transferred for one in self.files.values()),
        )


@dataclass
class RequestModel:
    """The use of a request id; `gone` is when its job went."""

    content: Any
    job_id: str
    first: int
    gone: float | None = None


@dataclass
class PolicyModel:
    """The limits that callers feel."""

    jobs_per_owner: int = 100_000
    jobs_per_machine: int = 1_000_000
    files_per_job: int = 100_000
    background_jobs: int = 4
    retention: int = 30 * 86_400


class QueueModel:
    """All jobs, what is remembered of requests, and the policy."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobModel] = {}
        self.gone: list[str] = []
        self.requests: dict[tuple[str, str], RequestModel] = {}
        self.policy = PolicyModel()
        self.draining = False
        self.refused_names: set[int] = set()

    def live(self, owner: str | None = None) -> list[JobModel]:
        return [one for one in self.jobs.values() if one.live and owner in {None, one.owner}]

    def taken(self, path: str) -> bool:
        """Whether a live job writes to a destination."""
        return any(file.path == path for job in self.live() for file in job.files.values())

    def refusal(self, job_id: str, caller: str, *, admin: bool) -> str:
        """Why the caller may not do anything with a job."""
        job = self.jobs.get(job_id)
        if job is None:
            return "JOB_NOT_FOUND"
        return "" if admin or job.owner == caller else "NOT_JOB_OWNER"

    def repeated(self, caller: str, request_id: str, content: Any) -> RequestModel | str | None:
        """What a request id was used for; a reason where that was something else."""
        earlier = self.requests.get((caller, request_id)) if request_id else None
        if earlier is not None and earlier.content != content:
            return "REQUEST_ID_REUSED"
        return earlier

    def quota(self, owner: str, *, admin: bool) -> str:
        """Why there may not be one more job."""
        if self.draining:
            return "DRAINING"
        if len(self.live()) >= self.policy.jobs_per_machine:
            return "MACHINE_JOB_QUOTA_EXCEEDED"
        if not admin and len(self.live(owner)) >= self.policy.jobs_per_owner:
            return "JOB_QUOTA_EXCEEDED"
        return ""

    def forget(self, job_id: str, now: float) -> None:
        """A job is gone; its request ids are remembered for a day, and perhaps for another."""
        del self.jobs[job_id]
        self.gone.append(job_id)
        for request in self.requests.values():
            if request.job_id == job_id:
                request.gone = now

    def surely(self, caller: str, request_id: str, now: float) -> str:
        """The request id, unless nobody can tell whether it is still remembered."""
        earlier = self.requests.get((caller, request_id))
        gone = earlier.gone if earlier is not None else None
        return request_id if gone is None or now < gone + DAY else ""

    def secret_kept(self, job: JobModel, caller: str) -> str:
        """Why somebody else may not say where a job's secrets are sent."""
        return "NOT_JOB_OWNER" if job.keys and job.owner != caller else ""


def conflict(props: Mapping[str, Any], ranged: Iterable[bool]) -> str:
    """Properties that do not go together, or not with files of which only ranges are wanted."""
    on_demand, dynamic = props["on_demand_mode"], props["dynamic_content"]
    if (on_demand and dynamic) or ((on_demand or dynamic) and any(ranged)):
        return "INVALID_REQUEST"
    return ""
