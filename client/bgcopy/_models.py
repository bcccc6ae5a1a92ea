"""Frozen values that users see. Times are aware UTC datetimes, sizes bytes, `None` is unknown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bgcopy._digests import Digest, DigestAlgorithm
from bgcopy._enums import (
    AttemptOutcome,
    ErrorContext,
    JobState,
    JobType,
    Priority,
    Reason,
    RemovedReason,
    Scope,
    Verification,
)
from bgcopy._option_enums import (
    CostState,
    OverwritePolicy,
    PeerCachingFlag,
    RedirectPolicy,
    TlsFlag,
)
from bgcopy._options import CredentialsKey, HttpHeader, NotificationSettings, ProxySettings


@dataclass(frozen=True, slots=True)
class FileRange:
    """A part of a file.

    Args:
        offset: the first byte.
        length: how many bytes; None is to the end of the file.
    """

    offset: int
    length: int | None = None


@dataclass(frozen=True, slots=True, init=False)
class FileSpec:
    """What to fetch and where to put it.

    Args:
        url: percent-encoded, at most 2,200 characters; http or https, or of another scheme where
            the server's features say so ("scheme-ftp").
        path: the destination, relative to `root`, or absolute under a root the daemon allows.
        sha256: the digest the whole file must have, as 64 hexadecimal digits or 32 bytes; short
            for the first of `digests`.
        root: the named root; empty means the one named "default", or for an absolute path the
            root it lies under.
        ranges: only these parts of the remote file, written one behind the other in this order;
            none means the whole file.
        mirrors: further URLs of the same file, tried in order where the one before fails.
        digests: all digests that the whole file must have, at most one of each algorithm.
        size: how many bytes the file must have; None where that is not known.
        reply_path: where the server's answer is put, in jobs of type UPLOAD_REPLY alone; `path`
            with ".reply" where empty.

    Raises:
        ValueError: sha256 is no SHA-256 digest.
    """

    url: str
    path: str
    root: str
    ranges: tuple[FileRange, ...]
    mirrors: tuple[str, ...]
    digests: tuple[Digest, ...]
    size: int | None
    reply_path: str

    def __init__(
        self,
        url: str,
        path: str | os.PathLike[str],
        sha256: str | bytes | None = None,
        root: str = "",
        *,
        ranges: Iterable[FileRange] = (),
        mirrors: Iterable[str] = (),
        digests: Iterable[Digest] = (),
        size: int | None = None,
        reply_path: str | os.PathLike[str] = "",
    ) -> None:
        first = () if sha256 is None else (Digest(DigestAlgorithm.SHA256, sha256),)
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "path", os.fspath(path))
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "ranges", tuple(ranges))
        object.__setattr__(self, "mirrors", tuple(mirrors))
        object.__setattr__(self, "digests", (*first, *digests))
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "reply_path", os.fspath(reply_path))

    @property
    def sha256(self) -> str | None:
        """The SHA-256 that is expected, in hexadecimal digits."""
        sha256 = DigestAlgorithm.SHA256
        return next((one.value for one in self.digests if one.algorithm is sha256), None)


@dataclass(frozen=True, slots=True)
class TransferErrorInfo:
    """Why a job or a file stands still: data of the job, not an exception.

    `hresult` is the code a BITS program knows ("0x80190194"), `file_index` is None when it is the
    whole job's error, `transient` says whether the daemon tries again by itself.
    """

    reason: Reason
    context: ErrorContext
    message: str
    hresult: str = ""
    hresult_name: str = ""
    file_index: int | None = None
    http_status: int | None = None
    time: datetime | None = None
    transient: bool = False


@dataclass(frozen=True, slots=True)
class SourceBytes:
    """How many bytes of a file came from a URL, which is without query."""

    url: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of a job. `transferred`: every byte is here; `completed`: it has its final name.

    `filled_ranges` are safely on disk, in the hidden file `temporary_name` beside the target until
    the job is completed. `response_headers` are those of the last answer. `validation_state` is
    the caller's own judgement, None before there is one. `reply_size` bytes has the answer to an
    upload, once all of it is here.
    """

    index: int
    spec: FileSpec
    bytes_transferred: int = 0
    bytes_total: int | None = None
    transferred: bool = False
    completed: bool = False
    verification: Verification = Verification.PENDING
    error: TransferErrorInfo | None = None
    response_headers: tuple[HttpHeader, ...] = ()
    final_url: str = ""
    sources: tuple[SourceBytes, ...] = ()
    filled_ranges: tuple[FileRange, ...] = ()
    temporary_name: str = ""
    validation_state: bool | None = None
    reply_size: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come; `bytes_total` is None while any file's size is unknown."""

    bytes_transferred: int = 0
    bytes_total: int | None = None
    files_total: int = 0
    files_transferred: int = 0
    bytes_per_second: int = 0

    @property
    def fraction(self) -> float | None:
        """From 0.0 to 1.0; None while the size is unknown. 1.0 only when every file is here."""
        if self.files_total > 0 and self.files_transferred >= self.files_total:
            return 1.0
        if not self.bytes_total:
            return None
        # All bytes here and one still being verified is not the whole job.
        return min(self.bytes_transferred / self.bytes_total, 0.999)


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A job as it was when the server answered; the API's `Job` message says what fields mean."""

    job_id: str
    state: JobState
    display_name: str = ""
    description: str = ""
    type: JobType = JobType.DOWNLOAD
    priority: Priority = Priority.NORMAL
    owner: str = ""
    etag: str = ""
    revision: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    error: TransferErrorInfo | None = None
    error_count: int = 0
    blocked_reason: str = ""
    minimum_retry_delay: timedelta | None = None
    no_progress_timeout: timedelta | None = None
    max_bytes_per_second: int = 0
    auto_complete: bool = False
    create_time: datetime | None = None
    modification_time: datetime | None = None
    transferred_time: datetime | None = None
    expire_time: datetime | None = None
    next_attempt_time: datetime | None = None
    maximum_download_time: timedelta | None = None
    max_download_size: int | None = None
    cost_policy: tuple[CostState, ...] = ()
    dynamic_content: bool = False
    high_performance: bool = False
    on_demand_mode: bool = False
    http_method: str = "GET"
    custom_headers: tuple[HttpHeader, ...] = ()
    redirect_policy: RedirectPolicy = RedirectPolicy.UNKNOWN
    allow_https_to_http: bool = False
    tls_flags: tuple[TlsFlag, ...] = ()
    client_certificate: str = ""
    ca_bundle: str = ""
    proxy: ProxySettings = field(default_factory=ProxySettings)
    announced_mirrors: bool = False
    peer_caching: tuple[PeerCachingFlag, ...] = ()
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    not_before: datetime | None = None
    deadline: datetime | None = None
    overwrite_policy: OverwritePolicy = OverwritePolicy.UNKNOWN
    retention: timedelta | None = None
    continue_on_file_error: bool = False
    credentials: tuple[CredentialsKey, ...] = ()
    download_time: timedelta = timedelta()
    inactivity_time: datetime | None = None
    partially_completed: bool = False


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Selects jobs; all that is set must hold. Without states or ids finished jobs are left out."""

    job_ids: Iterable[str] = ()
    job_id_prefix: str = ""
    display_name: str = ""
    text: str = ""
    states: Iterable[JobState] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    all_owners: bool = False


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of jobs, newest first; `next_page_token` is empty on the last one."""

    jobs: tuple[JobInfo, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of files, by index; `next_page_token` is empty on the last one."""

    files: tuple[FileInfo, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class AddFilesResult:
    """The job with its new files, and the index of the first of them; the others follow it."""

    job: JobInfo
    first_index: int


@dataclass(frozen=True, slots=True)
class UpdateFileResult:
    """A file after a change, and its job."""

    file: FileInfo
    job: JobInfo


@dataclass(frozen=True, slots=True)
class RemoveFilesResult:
    """The job without the files, and how many were there."""

    job: JobInfo
    removed_files: int


@dataclass(frozen=True, slots=True)
class ReplacePrefixResult:
    """The job, and how many of its files have a new URL."""

    job: JobInfo
    replaced_files: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a file, of a job's list of them.

    `url` answered last, `remote_address` is empty where none did or a proxy stood between,
    `protocol` as "HTTP/2"; `error` says why it failed.
    """

    attempt_id: int
    file_index: int
    start_time: datetime | None
    end_time: datetime | None
    outcome: AttemptOutcome
    url: str = ""
    remote_address: str = ""
    protocol: str = ""
    http_status: int | None = None
    bytes_received: int = 0
    bytes_per_second: int = 0
    error: TransferErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class AttemptPage:
    """A page of attempts, newest first; `next_page_token` is empty on the last one."""

    attempts: tuple[Attempt, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a server says of a URL; `error` is why there is nothing to fetch, if so.

    `redirect_chain` are the URLs that answered, `suggested_name` is a safe base name or empty.
    """

    http_status: int | None = None
    bytes_total: int | None = None
    accepts_ranges: bool = False
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""
    suggested_name: str = ""
    redirect_chain: tuple[str, ...] = ()
    protocol: str = ""
    remote_address: str = ""
    error: TransferErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class CompleteResult:
    """What CompleteJob kept and dropped, as indexes of files.

    `hresult_name` is "S_OK", or "BG_S_PARTIAL_COMPLETE" where unfinished files were dropped.
    """

    job: JobInfo
    hresult_name: str = "S_OK"
    completed_files: tuple[int, ...] = ()
    dropped_files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorDescription:
    """What an error means and what to do, in words."""

    description: str
    language_code: str = ""
    hresult: str = ""
    hresult_name: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a caller can run into."""

    jobs_per_owner: int = 0
    files_per_job: int = 0
    watches_per_owner: int = 0
    request_bytes: int = 0
    jobs_per_machine: int = 0
    ranges_per_file: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the caller is to the server, as "local:1000" or "user:anna", and what he may do."""

    principal: str
    admin: bool = False
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server is and can, and who the caller is to it."""

    version: str
    caller: Caller
    features: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    roots: tuple[str, ...] = ()
    start_time: datetime | None = None
    client_certificates: tuple[str, ...] = ()
    ca_bundles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A watched job as it is now."""

    job: JobInfo


@dataclass(frozen=True, slots=True)
class JobRemoved:
    """A job left a watch's sight."""

    job_id: str
    reason: RemovedReason


@dataclass(frozen=True, slots=True)
class SnapshotComplete:
    """Every match has been sent; what follows are changes.

    Comes again when the server lost the history behind a watch and a fresh snapshot was taken.
    """


@dataclass(frozen=True, slots=True)
class FileChanged:
    """A file of a watched job as it is now; None where so many changed that listing is better."""

    job_id: str
    file: FileInfo | None


WatchEvent = JobChanged | JobRemoved | SnapshotComplete | FileChanged
"""One event of `AsyncClient.watch_jobs`."""
