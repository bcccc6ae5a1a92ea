"""Jobs as values. Times are aware UTC datetimes, sizes bytes, durations seconds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.values import value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_LABELS: Mapping[str, str] = {}
# BITS's, in seconds.
MINIMUM_RETRY_DELAY = 600.0
NO_PROGRESS_TIMEOUT = 1_209_600.0


class JobType(enum.IntEnum):
    """BG_JOB_TYPE shifted by one; equal to the enum of the same name in job.proto."""

    DOWNLOAD = 1
    UPLOAD = 2
    UPLOAD_REPLY = 3


class JobState(enum.IntEnum):
    """BG_JOB_STATE shifted by one; equal to the enum of the same name in job.proto.

    Attributes:
        final: whether nothing can happen to the job any more.
        running: whether the engine works on the job.
    """

    final: bool
    running: bool

    QUEUED = 1
    CONNECTING = 2
    TRANSFERRING = 3
    SUSPENDED = 4
    ERROR = 5
    TRANSIENT_ERROR = 6
    TRANSFERRED = 7
    ACKNOWLEDGED = 8
    CANCELLED = 9

    def __init__(self, _number: int) -> None:
        # Once for each state, and not whenever somebody looks.
        self.final = self.name in {"ACKNOWLEDGED", "CANCELLED"}
        self.running = self.name in {"CONNECTING", "TRANSFERRING"}


class Priority(enum.IntEnum):
    """BG_JOB_PRIORITY shifted by one; a smaller number goes first."""

    FOREGROUND = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4


class ErrorContext(enum.IntEnum):
    """BG_ERROR_CONTEXT: where a transfer failed."""

    UNKNOWN = 1
    GENERAL_QUEUE_MANAGER = 2
    QUEUE_MANAGER_NOTIFICATION = 3
    LOCAL_FILE = 4
    REMOTE_FILE = 5
    GENERAL_TRANSPORT = 6
    REMOTE_APPLICATION = 7


@value(frozen=True, slots=True)
class TransferError:
    """Why a job or a file stands still; the message is free of secrets."""

    reason: Reason
    context: ErrorContext
    message: str
    time: datetime
    transient: bool
    file_index: int | None = None
    http_status: int | None = None


@value(frozen=True, slots=True)
class Progress:
    """How far a job has come; `bytes_total` is None while any file's size is unknown."""

    bytes_transferred: int = 0
    bytes_total: int | None = None
    files_total: int = 0
    files_transferred: int = 0
    bytes_per_second: int = 0


@value(frozen=True, slots=True)
class Job:
    """One job as the queue knows it.

    `seq` is the order of creation, `queue_seq` the place in the queue (renewed whenever the job
    goes to the end of it). `claim_id` names the run that may write to the job, empty when there is
    none. `completing` says that Complete has begun and must be carried through, `cleanup` that the
    job has ended and its partial files are not all deleted yet. `stalled` is how many seconds the
    job has waited since its last new byte, `retries` how many attempts have failed since then.

    Moments of the steady scale (see jobs/clocks.py): `due` is when what it waits for in its state
    comes, `not_before_due` and `deadline_due` are those of the options, `active` when it was last
    active, at the time of day `active_time`. `download_time` leaves out the run under way.
    `inactivity_time` is worked out for whoever looks, and so is `turn_reason`, what a
    queued job waits for; neither is stored.
    """

    job_id: str
    owner: str
    creator: str
    display_name: str
    create_time: datetime
    modification_time: datetime
    etag: str
    state: JobState = JobState.SUSPENDED
    type: JobType = JobType.DOWNLOAD
    priority: Priority = Priority.NORMAL
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    minimum_retry_delay: float = MINIMUM_RETRY_DELAY
    no_progress_timeout: float = NO_PROGRESS_TIMEOUT
    max_bytes_per_second: int = 0
    auto_complete: bool = False
    error: TransferError | None = None
    error_count: int = 0
    transferred_time: datetime | None = None
    expire_time: datetime | None = None
    next_attempt_time: datetime | None = None
    progress: Progress = field(default_factory=Progress)
    revision: int = 0
    seq: int = 0
    change_seq: int = 0
    queue_seq: int = 0
    claim_id: str = ""
    completing: bool = False
    cleanup: bool = False
    retries: int = 0
    stalled: float = 0.0
    options: JobOptions = DEFAULT_OPTIONS
    due: float | None = None
    not_before_due: float | None = None
    deadline_due: float | None = None
    active: float = 0.0
    active_time: datetime = EPOCH
    download_time: float = 0.0
    inactivity_time: datetime | None = None
    turn_reason: str = ""

    @property
    def partially_completed(self) -> bool:
        """Whether Complete has dropped files (BG_S_PARTIAL_COMPLETE)."""
        done = self.progress.files_transferred
        return self.state is JobState.ACKNOWLEDGED and done < self.progress.files_total

    @property
    def uploads(self) -> bool:
        """Whether its file goes to a server."""
        return self.type is not JobType.DOWNLOAD

    @property
    def resumed(self) -> bool:
        """Whether it was ever queued: some properties are fixed from then on."""
        return self.queue_seq > 0
