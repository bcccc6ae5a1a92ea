"""The errors of bgcopy, one tree.

::

    BgcopyError
    ├── CallError                      a call failed; `.status` is gRPC's own error
    │   ├── InvalidRequest             INVALID_ARGUMENT; `.violations` names the fields
    │   │   ├── RequestIdReused
    │   │   ├── PageTokenInvalid
    │   │   ├── PathInvalid
    │   │   ├── UrlInvalid
    │   │   ├── ReadOnlyProperty
    │   │   ├── UnknownProperty
    │   │   ├── RangeInvalid
    │   │   ├── RangesOverlap
    │   │   ├── AuthTargetInvalid
    │   │   ├── AuthSchemeInvalid
    │   │   ├── UserNameTooLarge
    │   │   ├── PasswordTooLarge
    │   │   ├── ProxyInvalid
    │   │   └── MaxDownloadSizeInvalid
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
    │   │   ├── ScopeRequired
    │   │   ├── PathNotAllowed
    │   │   └── AddressNotAllowed
    │   ├── NotFound                   NOT_FOUND
    │   │   ├── JobNotFound
    │   │   ├── DescriptionNotFound
    │   │   ├── FileNotFound
    │   │   ├── TokenNotFound
    │   │   └── WebhookNotFound
    │   ├── FailedPrecondition         FAILED_PRECONDITION
    │   │   ├── InvalidState
    │   │   ├── JobEmpty
    │   │   ├── JobNotTransferred
    │   │   ├── DestinationUnwritable
    │   │   ├── ReadOnlyPropertyAfterAddFile
    │   │   ├── ReadOnlyPropertyAfterResume
    │   │   ├── RandomAccessNotSupported
    │   │   ├── FileNotReady
    │   │   ├── DestinationExists
    │   │   └── TooManyFiles
    │   ├── Aborted                    ABORTED
    │   │   ├── EtagMismatch
    │   │   └── PolicyEtagMismatch
    │   ├── ResourceExhausted          RESOURCE_EXHAUSTED; `.quotas` names the limits
    │   │   ├── JobQuotaExceeded
    │   │   ├── FileQuotaExceeded
    │   │   ├── WatchQuotaExceeded
    │   │   ├── RangeQuotaExceeded
    │   │   ├── MachineJobQuotaExceeded
    │   │   ├── WebhookQuotaExceeded
    │   │   └── ChangeRateExceeded
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

import grpc

from bgcopy._call_details import CallDetails
from bgcopy._models import JobInfo, TransferErrorInfo


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
    """The request has a field that is missing, malformed or out of range.

    Correct the fields that the error names. `violations` has them.
    """


class RequestIdReused(InvalidRequest):
    """The request id was used before for a request with other content.

    Draw a new UUID for each new request.
    """


class PageTokenInvalid(InvalidRequest):
    """The page token is not of this list.

    Send it with the filter it was given for, or begin without one.
    """


class PathInvalid(InvalidRequest):
    """The destination is no path below a named root.

    Use a relative path without '..', or an absolute path under a root that GetServerInfo lists.
    """


class UrlInvalid(InvalidRequest):
    """The URL is malformed, too long or of a scheme that this server does not fetch. Correct it."""


class ReadOnlyProperty(InvalidRequest):
    """The field is set by the server and cannot be changed. Leave it out."""


class UnknownProperty(InvalidRequest):
    """The update mask names what is no property. Name whole fields, as display_name."""


class RangeInvalid(InvalidRequest):
    """A range is empty, negative or lies outside the file. Offsets count from 0."""


class RangesOverlap(InvalidRequest):
    """Two ranges of a file overlap. Ask for each byte once."""


class AuthTargetInvalid(InvalidRequest):
    """Credentials are for a server or for a proxy. Set the target to one of them."""


class AuthSchemeInvalid(InvalidRequest):
    """The scheme is unknown or not for this target.

    Use basic, digest, NTLM or negotiate; bearer for servers.
    """


class UserNameTooLarge(InvalidRequest):
    """A user name has at most 300 characters. Shorten it."""


class PasswordTooLarge(InvalidRequest):
    """A password has at most 65,535 characters. Shorten it."""


class ProxyInvalid(InvalidRequest):
    """The proxy settings contradict themselves or name no proxy.

    Lists go with OVERRIDE alone, which needs one.
    """


class MaxDownloadSizeInvalid(InvalidRequest):
    """The size limit is no size. Give at least 1 byte, or leave it out for no limit."""


class Unauthenticated(CallError):
    """A credential is needed, or the one that was sent is bad."""


class CredentialMissing(Unauthenticated):
    """This listener needs a credential.

    Send 'authorization: Bearer TOKEN'; an operator makes a token with 'bgcopyd token create'.
    """


class CredentialInvalid(Unauthenticated):
    """The credential is unknown, malformed or revoked. Ask the operator for a new token."""


class CredentialExpired(Unauthenticated):
    """The credential has expired. Ask the operator for a new token."""


class AlreadyExists(CallError):
    """What should be made is there already."""


class DestinationInUse(AlreadyExists):
    """A live job already writes to the destination. Choose another path, or end that job first."""


class NotSupported(CallError):
    """This server does not act on the field, value or method. GetServerInfo lists what it can."""


class PermissionDenied(CallError):
    """The caller may not do this."""


class NotJobOwner(PermissionDenied):
    """The job belongs to somebody else. Its owner or an administrator may do this."""


class AdminRequired(PermissionDenied):
    """Only an administrator may do this. Ask one, or use an administrator's credential."""


class ScopeRequired(PermissionDenied):
    """The credential lacks the scope that the call needs. Use one that has it."""


class PathNotAllowed(PermissionDenied):
    """The root is unknown to this server or not open to the caller.

    GetServerInfo lists the roots that are.
    """


class AddressNotAllowed(PermissionDenied):
    """Policy does not allow connections to the address. Ask the operator to allow it."""


class NotFound(CallError):
    """There is no such thing."""


class JobNotFound(NotFound):
    """There is no job of this id, or it has been forgotten after its end. Check the id."""


class DescriptionNotFound(NotFound):
    """Nothing describes this code. Send an HRESULT as 0x80D02003, its name, or a reason."""


class FileNotFound(NotFound):
    """The job has no file of this index. ListFiles tells those it has."""


class TokenNotFound(NotFound):
    """There is no token of this id. ListTokens tells those there are."""


class WebhookNotFound(NotFound):
    """The caller has no webhook of this id. ListWebhooks tells those there are."""


class FailedPrecondition(CallError):
    """The job is not in a state for this."""


class InvalidState(FailedPrecondition):
    """The job's state does not allow this. The message names the state; read the job first."""


class JobEmpty(FailedPrecondition):
    """The job has no files. Add files first."""


class JobNotTransferred(FailedPrecondition):
    """A file of the job is unfinished.

    Wait for TRANSFERRED, or set allow_partial to keep the whole files and drop the others.
    """


class DestinationUnwritable(FailedPrecondition):
    """A finished file could not get its final name.

    Mend the destination and complete the job again; nothing is lost.
    """


class ReadOnlyPropertyAfterAddFile(FailedPrecondition):
    """The property may be changed only before files are added. Create a new job with it."""


class ReadOnlyPropertyAfterResume(FailedPrecondition):
    """The property may be changed only before the job was first resumed.

    Create a new job with it.
    """


class RandomAccessNotSupported(FailedPrecondition):
    """Parts of this file cannot be asked for.

    The job has dynamic content or ranges of its own, or the server serves no ranges; fetch the
    whole file.
    """


class FileNotReady(FailedPrecondition):
    """The file's bytes are not all here yet. Wait until it is transferred."""


class DestinationExists(FailedPrecondition):
    """A file of the destination's name exists and the job may not replace it.

    Move it away or change overwrite_policy, and complete the job again; nothing is lost.
    """


class TooManyFiles(FailedPrecondition):
    """An upload has one file only. Create a job for each file."""


class Aborted(CallError):
    """Somebody else was faster; read again and decide anew."""


class EtagMismatch(Aborted):
    """The job was changed by somebody since its etag was read. Read it again and decide anew."""


class PolicyEtagMismatch(Aborted):
    """The policy has changed since it was read. Read it again and decide anew."""


class ResourceExhausted(CallError):
    """A limit is reached; `quotas` names it."""


class JobQuotaExceeded(ResourceExhausted):
    """The owner has as many live jobs as allowed. Complete or cancel some."""


class FileQuotaExceeded(ResourceExhausted):
    """The job has as many files as allowed. Spread the files over several jobs."""


class WatchQuotaExceeded(ResourceExhausted):
    """The caller holds as many watches as allowed. End some, or watch several jobs with one."""


class WebhookQuotaExceeded(ResourceExhausted):
    """The caller has as many webhooks as allowed. Delete some, or let one serve several states."""


class ChangeRateExceeded(ResourceExhausted):
    """The caller asks for more changes per second than allowed.

    Ask for several in one call, or wait.
    """


class RangeQuotaExceeded(ResourceExhausted):
    """The file has more ranges than the server allows. Merge neighbours, or fetch it whole."""


class MachineJobQuotaExceeded(ResourceExhausted):
    """The server has as many live jobs as it allows.

    Complete or cancel some, or ask the operator to raise the limit.
    """


class OutOfRange(CallError):
    """What was asked for lies outside what there is."""


class ResumeTokenExpired(OutOfRange):
    """The resume token is older than the server's history or from another store.

    Watch again without a token.
    """


class Unavailable(CallError):
    """Nobody answers, or the server cannot serve now; trying again may help."""


class Draining(Unavailable):
    """The server is being drained or shutting down. Try again shortly."""


class StoreUnavailable(Unavailable):
    """The queue could not be written; nothing was changed.

    Try again; the daemon's log says what ails the disk.
    """


class DeadlineExceeded(CallError, TimeoutError):
    """The call's time was up. A change may have happened all the same."""


class InternalError(CallError):
    """A defect of the server. The incident id in the message leads to the daemon's log."""


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
