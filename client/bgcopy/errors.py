"""The errors of bgcopy, one tree.

::

    BgcopyError
    ├── CallError                      a call failed; `.status` is gRPC's own error
    │   ├── InvalidRequest             INVALID_ARGUMENT; `.violations` names the fields
    │   │   ├── RequestIdReused
    │   │   ├── PageTokenInvalid
    │   │   ├── PathInvalid
    │   │   └── UrlInvalid
    │   ├── Unauthenticated            UNAUTHENTICATED
    │   │   ├── CredentialMissing
    │   │   ├── CredentialInvalid
    │   │   └── CredentialExpired
    │   ├── AlreadyExists              ALREADY_EXISTS
    │   │   └── DestinationInUse
    │   ├── NotSupported               UNIMPLEMENTED
    │   ├── PermissionDenied           PERMISSION_DENIED
    │   │   ├── NotJobOwner
    │   │   ├── AdminRequired
    │   │   ├── PathNotAllowed
    │   │   └── AddressNotAllowed
    │   ├── NotFound                   NOT_FOUND
    │   │   ├── JobNotFound
    │   │   └── DescriptionNotFound
    │   ├── FailedPrecondition         FAILED_PRECONDITION
    │   │   ├── InvalidState
    │   │   ├── JobEmpty
    │   │   ├── JobNotTransferred
    │   │   └── DestinationUnwritable
    │   ├── Aborted                    ABORTED
    │   │   └── EtagMismatch
    │   ├── ResourceExhausted          RESOURCE_EXHAUSTED; `.quotas` names the limits
    │   │   ├── JobQuotaExceeded
    │   │   ├── FileQuotaExceeded
    │   │   └── WatchQuotaExceeded
    │   ├── OutOfRange                 OUT_OF_RANGE
    │   │   └── ResumeTokenExpired     never leaves a watch, which takes a fresh snapshot
    │   ├── Unavailable                UNAVAILABLE; nobody answers, or not now
    │   │   ├── Draining
    │   │   └── StoreUnavailable
    │   ├── DeadlineExceeded           the call's time was up (a TimeoutError too)
    │   └── InternalError              INTERNAL, UNKNOWN, DATA_LOSS: a defect of the server
    ├── RequestTooLarge                refused here, before it was sent
    ├── ClientClosed                   the client was closed before the call
    ├── WaitTimeout                    Job.wait: the job is not done yet (a TimeoutError too)
    └── JobFailed                      Job.wait: the job will not be done by itself
        ├── TransferFailed             it is in ERROR; `.error` says why
        └── JobCancelled               somebody cancelled it

The class is chosen by the reason that the server sends and, where it sends none that is known
here, by the status code. `asyncio.CancelledError` is never translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import grpc

from bgcopy._enums import Reason
from bgcopy._models import JobInfo, TransferErrorInfo


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request: its path, and the problem with a way out."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """A limit that was hit: whose or which, and how."""

    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class CallDetails:
    """What a refused call's status holds, decoded (google.rpc error details)."""

    code: grpc.StatusCode
    message: str = ""
    reason: Reason = Reason.UNKNOWN
    reason_name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[FieldViolation, ...] = ()
    quotas: tuple[QuotaViolation, ...] = ()
    retry_after: timedelta | None = None


class BgcopyError(Exception):
    """Every error of this library."""


class CallError(BgcopyError):
    """A call failed.

    Attributes:
        code: the gRPC status code.
        message: what went wrong and what to do, in the server's words.
        reason: the stable reason; UNKNOWN where the server sent none or a newer one.
        reason_name: the reason as it was sent, also a newer one; empty where none was sent.
        metadata: further facts for programs, as the HRESULT.
        violations: the fields at fault.
        quotas: the limits that were hit.
        retry_after: when a repetition may succeed, where the server says so.
        status: gRPC's own error.
    """

    def __init__(self, details: CallDetails, status: grpc.aio.AioRpcError | None = None) -> None:
        super().__init__(details.message or f"the call failed with {details.code.name}")
        self.code = details.code
        self.message = str(self)
        self.reason = details.reason
        self.reason_name = details.reason_name
        self.metadata = dict(details.metadata)
        self.violations = details.violations
        self.quotas = details.quotas
        self.retry_after = details.retry_after
        self.status = status

    @property
    def hresult(self) -> str:
        """The code that a BITS program knows, as "0x80D02003"; empty where none was sent."""
        return self.metadata.get("hresult", "")

    @property
    def hresult_name(self) -> str:
        """The code's name, as "DO_E_NOT_FOUND"; empty where none was sent."""
        return self.metadata.get("hresult_name", "")


class InvalidRequest(CallError):
    """The request's shape is wrong; `violations` names the fields."""


class RequestIdReused(InvalidRequest):
    """The request id was used before with other content."""


class PageTokenInvalid(InvalidRequest):
    """The page token is not from this server or belongs to another filter."""


class PathInvalid(InvalidRequest):
    """The local path or root is malformed or leaves its root."""


class UrlInvalid(InvalidRequest):
    """The remote URL is malformed, too long or of a scheme that is not moved."""


class Unauthenticated(CallError):
    """A credential is needed, or the one that was sent is bad."""


class CredentialMissing(Unauthenticated):
    """A credential is needed and none was sent."""


class CredentialInvalid(Unauthenticated):
    """The credential is unknown, malformed or revoked."""


class CredentialExpired(Unauthenticated):
    """The credential was valid once and is not any more."""


class AlreadyExists(CallError):
    """What should be made is there already."""


class DestinationInUse(AlreadyExists):
    """Another live job writes to the destination."""


class NotSupported(CallError):
    """This server does not act on the field, value or method."""


class PermissionDenied(CallError):
    """The caller may not do this."""


class NotJobOwner(PermissionDenied):
    """The job belongs to somebody else."""


class AdminRequired(PermissionDenied):
    """Only an administrator may do this."""


class PathNotAllowed(PermissionDenied):
    """Policy does not allow the root or path."""


class AddressNotAllowed(PermissionDenied):
    """Policy does not allow the network address."""


class NotFound(CallError):
    """There is no such thing."""


class JobNotFound(NotFound):
    """There is no such job, or no longer."""


class DescriptionNotFound(NotFound):
    """Nothing describes the code that was asked for."""


class FailedPrecondition(CallError):
    """The job is not in a state for this."""


class InvalidState(FailedPrecondition):
    """The job's state forbids the verb."""


class JobEmpty(FailedPrecondition):
    """The job has no files."""


class JobNotTransferred(FailedPrecondition):
    """Complete without allow_partial while a file is unfinished."""


class DestinationUnwritable(FailedPrecondition):
    """A finished file could not get its final name; the job can be completed again."""


class Aborted(CallError):
    """Somebody else was faster; read again and decide anew."""


class EtagMismatch(Aborted):
    """The etag is not the job's current one."""


class ResourceExhausted(CallError):
    """A limit is reached; `quotas` names it."""


class JobQuotaExceeded(ResourceExhausted):
    """The owner or the server has too many jobs."""


class FileQuotaExceeded(ResourceExhausted):
    """The job has too many files."""


class WatchQuotaExceeded(ResourceExhausted):
    """The caller holds too many watches."""


class OutOfRange(CallError):
    """What was asked for lies outside what there is."""


class ResumeTokenExpired(OutOfRange):
    """The resume token is older than the history, or not from this store."""


class Unavailable(CallError):
    """Nobody answers, or the server cannot serve now; trying again may help."""


class Draining(Unavailable):
    """The server is shutting down."""


class StoreUnavailable(Unavailable):
    """The queue's store did not take the change; nothing was changed."""


class DeadlineExceeded(CallError, TimeoutError):
    """The call's time was up. A change may have happened all the same."""


class InternalError(CallError):
    """A defect of the server; the message holds an incident id."""


class RequestTooLarge(BgcopyError):
    """The request is larger than a server takes and was not sent.

    Create the job suspended, add files in batches, and resume it.
    """


class ClientClosed(BgcopyError):
    """The client was closed before the call."""


class WaitTimeout(BgcopyError, TimeoutError):
    """The job was not done in time; it goes on. `job` is its last known state, if any was seen."""

    def __init__(self, message: str, job: JobInfo | None) -> None:
        super().__init__(message)
        self.job = job


class JobFailed(BgcopyError):
    """The job will not be done by itself. `job` is its state."""

    def __init__(self, message: str, job: JobInfo) -> None:
        super().__init__(message)
        self.job = job


class TransferFailed(JobFailed):
    """The job is in ERROR and stays there until somebody resumes it; `error` says why."""

    def __init__(self, job: JobInfo) -> None:
        self.error: TransferErrorInfo | None = job.error
        super().__init__(job.error.message if job.error else "the job failed", job)


class JobCancelled(JobFailed):
    """The job was cancelled."""


_BY_REASON: dict[Reason, type[CallError]] = {
    Reason.INVALID_REQUEST: InvalidRequest,
    Reason.REQUEST_ID_REUSED: RequestIdReused,
    Reason.PAGE_TOKEN_INVALID: PageTokenInvalid,
    Reason.PATH_INVALID: PathInvalid,
    Reason.URL_INVALID: UrlInvalid,
    Reason.CREDENTIAL_MISSING: CredentialMissing,
    Reason.CREDENTIAL_INVALID: CredentialInvalid,
    Reason.CREDENTIAL_EXPIRED: CredentialExpired,
    Reason.DESTINATION_IN_USE: DestinationInUse,
    Reason.NOT_SUPPORTED: NotSupported,
    Reason.NOT_JOB_OWNER: NotJobOwner,
    Reason.ADMIN_REQUIRED: AdminRequired,
    Reason.PATH_NOT_ALLOWED: PathNotAllowed,
    Reason.ADDRESS_NOT_ALLOWED: AddressNotAllowed,
    Reason.JOB_NOT_FOUND: JobNotFound,
    Reason.DESCRIPTION_NOT_FOUND: DescriptionNotFound,
    Reason.INVALID_STATE: InvalidState,
    Reason.JOB_EMPTY: JobEmpty,
    Reason.JOB_NOT_TRANSFERRED: JobNotTransferred,
    Reason.DESTINATION_UNWRITABLE: DestinationUnwritable,
    Reason.ETAG_MISMATCH: EtagMismatch,
    Reason.JOB_QUOTA_EXCEEDED: JobQuotaExceeded,
    Reason.FILE_QUOTA_EXCEEDED: FileQuotaExceeded,
    Reason.WATCH_QUOTA_EXCEEDED: WatchQuotaExceeded,
    Reason.RESUME_TOKEN_EXPIRED: ResumeTokenExpired,
    Reason.DRAINING: Draining,
    Reason.STORE_UNAVAILABLE: StoreUnavailable,
    Reason.INTERNAL: InternalError,
}

_BY_CODE: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.UNIMPLEMENTED: NotSupported,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.INTERNAL: InternalError,
    grpc.StatusCode.UNKNOWN: InternalError,
    grpc.StatusCode.DATA_LOSS: InternalError,
}


def error_class(reason: Reason, code: grpc.StatusCode) -> type[CallError]:
    """The class of a failed call: by reason first, by code second."""
    return _BY_REASON.get(reason) or _BY_CODE.get(code, CallError)
