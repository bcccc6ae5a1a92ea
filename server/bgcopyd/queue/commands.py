"""What callers ask of the queue, decoded. Ids and shapes have been checked.

`refusal` is what is wrong with the rest of a request: it is raised only after the caller has been
found to be allowed to make the request at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from bgcopyd.jobs.file import FileRange, FileSpec
from bgcopyd.jobs.http_options import Credentials, CredentialsKey, HttpOptions
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.properties import Values
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.values import value


@value(frozen=True, slots=True)
class CreateJob:
    """A job to create; `content` is the digest that a reused request id is compared by."""

    properties: Values
    files: tuple[FileSpec, ...]
    start: bool
    request_id: str
    content: bytes


@value(frozen=True, slots=True)
class UpdateJob:
    """New values of a job's properties."""

    job_id: str
    properties: Values
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class UpdateFile:
    """A file's new URL, and its owner's judgement of it; None is not asked for."""

    job_id: str
    index: int
    url: str | None
    validation_state: bool | None
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class RemoveFiles:
    """Files to take out."""

    job_id: str
    indexes: tuple[int, ...]
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class ReplaceRemotePrefix:
    """Another beginning for the URLs that begin so."""

    job_id: str
    old: str
    new: str
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class RequestFileRanges:
    """Parts of the remote file that are wanted."""

    job_id: str
    index: int
    ranges: tuple[FileRange, ...]
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class SetCredentials:
    """Credentials to store; absent where the request is refused."""

    job_id: str
    credentials: Credentials | None
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class RemoveCredentials:
    """Credentials to forget; absent where the request is refused."""

    job_id: str
    key: CredentialsKey | None
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class TakeOwnership:
    """A job to take."""

    job_id: str
    etag: str
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class ReadFile:
    """Bytes to read; `length` 0 is all that are there."""

    job_id: str
    index: int
    offset: int
    length: int
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class ListAttempts:
    """A page of attempts; `before` is the position that the page token holds."""

    job_id: str
    index: int | None
    page_size: int
    before: int | None
    refusal: Refusal | None = None


@value(frozen=True, slots=True)
class ProbeUrl:
    """A URL to ask about."""

    url: str
    http: HttpOptions


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
    file_events: bool = False
    notified_only: bool = False
    refusal: Refusal | None = None
