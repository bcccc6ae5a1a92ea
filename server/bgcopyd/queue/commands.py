"""What callers ask of the queue, decoded. Ids and shapes have been checked.

`refusal` is what is wrong with the rest of a request: it is raised only after the caller has been
found to be allowed to make the request at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from bgcopyd.jobs.file import FileSpec
from bgcopyd.jobs.job import JobState, JobType, Priority
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.values import value


@value(frozen=True, slots=True)
class Properties:
    """What a caller may set on a job; durations in seconds."""

    display_name: str
    type: JobType = JobType.DOWNLOAD
    description: str = ""
    priority: Priority = Priority.NORMAL
    labels: Mapping[str, str] = field(default_factory=dict)
    minimum_retry_delay: float = 600.0
    no_progress_timeout: float = 1_209_600.0
    max_bytes_per_second: int = 0
    auto_complete: bool = False


@value(frozen=True, slots=True)
class CreateJob:
    """A job to create; `content` is the digest that a reused request id is compared by."""

    properties: Properties
    files: tuple[FileSpec, ...]
    start: bool
    request_id: str
    content: bytes


@value(frozen=True, slots=True)
class AddFiles:
    """Files to add."""

    job_id: str
    files: tuple[FileSpec, ...]
    etag: str
    request_id: str
    content: bytes
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class Filter:
    """Which jobs. `states` is empty where the caller named none."""

    job_ids: tuple[str, ...] = ()
    job_id_prefix: str = ""
    display_name: str = ""
    text: str = ""
    states: frozenset[JobState] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    all_owners: bool = False


@value(frozen=True, slots=True)
class ListJobs:
    """A page of jobs; `before` is the position that the page token holds."""

    filter: Filter
    page_size: int
    before: int | None
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class ListFiles:
    """A page of files; `after` is the position that the page token holds."""

    job_id: str
    page_size: int
    after: int
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class WatchJobs:
    """A watch; `resume` is (store id, position), intervals in seconds."""

    filter: Filter
    resume: tuple[str, int] | None
    progress_interval: float
    heartbeat_interval: float
    refusal: Refusal | None = None
