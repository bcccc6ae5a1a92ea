"""Exit codes, stable; the one place where reasons, HTTP classes and states become codes.

==== ============================================================================================
code meaning
==== ============================================================================================
0    all done
1    other: a limit of the server, a defect, anything below without a row
2    usage: an option, URL or path that cannot be right
3    the daemon is unreachable, shutting down, or cannot write its queue
4    denied: no or a bad credential, another's job, a path or address outside policy
5    there is no such job, file or token
6    network: name, connection, TLS, an answer that makes no sense
7    unfinished, detached, or cancelled by somebody
8    cannot resume: the file can only be fetched from its start, or changes again and again
9    disk: full, unwritable, the destination is no plain file
10   integrity: a digest or content that is not what was asked for
11   conflict: destination in use, a state that forbids the verb, an etag
12   a time-out or deadline
13   the remote refused (HTTP 3xx that leads nowhere, 4xx)
14   the remote is busy (HTTP 5xx, 429)
15   input is needed and there is no terminal
16   some of several failed and some did not
130  interrupted
==== ============================================================================================

Where all of several failed, the code is the worst: the one that comes first in `WORST_FIRST`,
errors that stay before errors that pass.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

import bgcopy
from bgcopy import JobState, Reason


class Exit(enum.IntEnum):
    """What the command ends with."""

    OK = 0
    OTHER = 1
    USAGE = 2
    UNREACHABLE = 3
    DENIED = 4
    NOT_FOUND = 5
    NETWORK = 6
    UNFINISHED = 7
    CANNOT_RESUME = 8
    DISK = 9
    INTEGRITY = 10
    CONFLICT = 11
    TIMEOUT = 12
    REMOTE_REFUSED = 13
    REMOTE_BUSY = 14
    NEEDS_INPUT = 15
    SOME_FAILED = 16
    INTERRUPTED = 130


WORST_FIRST = (
    Exit.INTERRUPTED,
    Exit.OTHER,
    Exit.USAGE,
    Exit.INTEGRITY,
    Exit.DISK,
    Exit.DENIED,
    Exit.CONFLICT,
    Exit.CANNOT_RESUME,
    Exit.REMOTE_REFUSED,
    Exit.NOT_FOUND,
    Exit.NEEDS_INPUT,
    Exit.SOME_FAILED,
    Exit.UNREACHABLE,
    Exit.TIMEOUT,
    Exit.NETWORK,
    Exit.REMOTE_BUSY,
    Exit.UNFINISHED,
    Exit.OK,
)

BY_REASON: dict[Reason, Exit] = {
    Reason.UNKNOWN: Exit.OTHER,
    Reason.INVALID_REQUEST: Exit.USAGE,
    Reason.REQUEST_ID_REUSED: Exit.CONFLICT,
    Reason.PAGE_TOKEN_INVALID: Exit.USAGE,
    Reason.PATH_INVALID: Exit.USAGE,
    Reason.URL_INVALID: Exit.USAGE,
    Reason.CREDENTIAL_MISSING: Exit.DENIED,
    Reason.CREDENTIAL_INVALID: Exit.DENIED,
    Reason.CREDENTIAL_EXPIRED: Exit.DENIED,
    Reason.DESTINATION_IN_USE: Exit.CONFLICT,
    Reason.NOT_SUPPORTED: Exit.OTHER,
    Reason.NOT_JOB_OWNER: Exit.DENIED,
    Reason.ADMIN_REQUIRED: Exit.DENIED,
    Reason.SCOPE_REQUIRED: Exit.DENIED,
    Reason.CHANGE_RATE_EXCEEDED: Exit.OTHER,
    Reason.PATH_NOT_ALLOWED: Exit.DENIED,
    Reason.ADDRESS_NOT_ALLOWED: Exit.DENIED,
    Reason.JOB_NOT_FOUND: Exit.NOT_FOUND,
    Reason.DESCRIPTION_NOT_FOUND: Exit.NOT_FOUND,
    Reason.INVALID_STATE: Exit.CONFLICT,
    Reason.JOB_EMPTY: Exit.CONFLICT,
    Reason.JOB_NOT_TRANSFERRED: Exit.UNFINISHED,
    Reason.DESTINATION_UNWRITABLE: Exit.DISK,
    Reason.ETAG_MISMATCH: Exit.CONFLICT,
    Reason.JOB_QUOTA_EXCEEDED: Exit.OTHER,
    Reason.FILE_QUOTA_EXCEEDED: Exit.OTHER,
    Reason.WATCH_QUOTA_EXCEEDED: Exit.OTHER,
    Reason.RESUME_TOKEN_EXPIRED: Exit.OTHER,
    Reason.DRAINING: Exit.UNREACHABLE,
    Reason.STORE_UNAVAILABLE: Exit.UNREACHABLE,
    Reason.INTERNAL: Exit.OTHER,
    Reason.READ_ONLY_PROPERTY: Exit.USAGE,
    Reason.READ_ONLY_PROPERTY_AFTER_ADDFILE: Exit.CONFLICT,
    Reason.READ_ONLY_PROPERTY_AFTER_RESUME: Exit.CONFLICT,
    Reason.UNKNOWN_PROPERTY: Exit.USAGE,
    Reason.FILE_NOT_FOUND: Exit.NOT_FOUND,
    Reason.RANGE_INVALID: Exit.USAGE,
    Reason.RANGES_OVERLAP: Exit.USAGE,
    Reason.RANGE_QUOTA_EXCEEDED: Exit.OTHER,
    Reason.RANDOM_ACCESS_NOT_SUPPORTED: Exit.CONFLICT,
    Reason.AUTH_TARGET_INVALID: Exit.USAGE,
    Reason.AUTH_SCHEME_INVALID: Exit.USAGE,
    Reason.USER_NAME_TOO_LARGE: Exit.USAGE,
    Reason.PASSWORD_TOO_LARGE: Exit.USAGE,
    Reason.PROXY_INVALID: Exit.USAGE,
    Reason.MAX_DOWNLOAD_SIZE_INVALID: Exit.USAGE,
    Reason.MACHINE_JOB_QUOTA_EXCEEDED: Exit.OTHER,
    Reason.FILE_NOT_READY: Exit.UNFINISHED,
    Reason.TOKEN_NOT_FOUND: Exit.NOT_FOUND,
    Reason.DESTINATION_EXISTS: Exit.CONFLICT,
    Reason.POLICY_ETAG_MISMATCH: Exit.CONFLICT,
    Reason.TOO_MANY_FILES: Exit.USAGE,
    Reason.WEBHOOK_NOT_FOUND: Exit.NOT_FOUND,
    Reason.WEBHOOK_QUOTA_EXCEEDED: Exit.OTHER,
    Reason.HTTP_STATUS: Exit.REMOTE_REFUSED,
    Reason.NAME_NOT_RESOLVED: Exit.NETWORK,
    Reason.CONNECT_FAILED: Exit.NETWORK,
    Reason.CONNECTION_CLOSED: Exit.NETWORK,
    Reason.TIMEOUT: Exit.TIMEOUT,
    Reason.TLS_FAILED: Exit.NETWORK,
    Reason.INVALID_RESPONSE: Exit.NETWORK,
    Reason.CANNOT_RESUME: Exit.CANNOT_RESUME,
    Reason.REMOTE_FILE_CHANGED: Exit.CANNOT_RESUME,
    Reason.UNEXPECTED_CONTENT: Exit.INTEGRITY,
    Reason.DIGEST_MISMATCH: Exit.INTEGRITY,
    Reason.REDIRECT_REFUSED: Exit.REMOTE_REFUSED,
    Reason.DISK_FULL: Exit.DISK,
    Reason.DISK_ERROR: Exit.DISK,
    Reason.DESTINATION_INVALID: Exit.DISK,
    Reason.NO_PROGRESS: Exit.TIMEOUT,
    Reason.DOWNLOAD_TIME_EXCEEDED: Exit.TIMEOUT,
    Reason.DOWNLOAD_SIZE_EXCEEDED: Exit.OTHER,
    Reason.BLOCKED_BY_COST_POLICY: Exit.UNFINISHED,
    Reason.DEADLINE_EXCEEDED: Exit.TIMEOUT,
    Reason.VALIDATION_FAILED: Exit.INTEGRITY,
    Reason.PROXY_FAILED: Exit.NETWORK,
    Reason.INSUFFICIENT_RANGE_SUPPORT: Exit.CANNOT_RESUME,
    Reason.RANGE_OUTSIDE_FILE: Exit.REMOTE_REFUSED,
    Reason.INACTIVE: Exit.TIMEOUT,
    Reason.SECRET_UNREADABLE: Exit.DENIED,
    Reason.LOCAL_FILE_CHANGED: Exit.INTEGRITY,
    Reason.SOURCE_INVALID: Exit.DISK,
    Reason.UPLOAD_PROTOCOL_MISMATCH: Exit.REMOTE_REFUSED,
    Reason.UPLOAD_TOO_LARGE: Exit.REMOTE_REFUSED,
    Reason.REPLY_TOO_LARGE: Exit.REMOTE_REFUSED,
    Reason.LOGIN_DENIED: Exit.REMOTE_REFUSED,
    Reason.REMOTE_FILE_UNAVAILABLE: Exit.REMOTE_REFUSED,
    Reason.HOST_KEY_REFUSED: Exit.NETWORK,
    Reason.ANNOUNCED_DIGEST_MISMATCH: Exit.INTEGRITY,
    Reason.UNEXPECTED_SIZE: Exit.INTEGRITY,
    Reason.ADDRESS_FORBIDDEN: Exit.DENIED,
    Reason.SPACE_QUOTA_EXCEEDED: Exit.DISK,
}

# Where the server gave no reason that is known here; the first class that fits.
BY_CLASS: tuple[tuple[type[BaseException], Exit], ...] = (
    (bgcopy.Unavailable, Exit.UNREACHABLE),
    (bgcopy.DeadlineExceeded, Exit.TIMEOUT),
    (bgcopy.WaitTimeout, Exit.TIMEOUT),
    (bgcopy.Unauthenticated, Exit.DENIED),
    (bgcopy.PermissionDenied, Exit.DENIED),
    (bgcopy.NotFound, Exit.NOT_FOUND),
    (bgcopy.InvalidRequest, Exit.USAGE),
    (bgcopy.AlreadyExists, Exit.CONFLICT),
    (bgcopy.Aborted, Exit.CONFLICT),
    (bgcopy.FailedPrecondition, Exit.CONFLICT),
    (bgcopy.JobCancelled, Exit.UNFINISHED),
)

_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500


def of_transfer(error: bgcopy.TransferErrorInfo | None) -> Exit:
    """The code of a transfer's failure; HTTP by class."""
    if error is None:
        return Exit.OTHER
    status = error.http_status
    if error.reason is Reason.HTTP_STATUS and status is not None:
        busy = status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS
        return Exit.REMOTE_BUSY if busy else Exit.REMOTE_REFUSED
    return BY_REASON[error.reason]


def of_job(info: bgcopy.JobInfo) -> Exit:
    """The code of a job as it is: of its files, too, some may have failed and some not."""
    if info.state is JobState.ERROR:
        return Exit.SOME_FAILED if info.progress.files_transferred else of_transfer(info.error)
    if info.state in {JobState.TRANSFERRED, JobState.ACKNOWLEDGED}:
        return Exit.OK
    return Exit.UNFINISHED


def of_error(error: BaseException) -> Exit:
    """The code of a failed call: by reason first, by class second."""
    if isinstance(error, bgcopy.TransferFailed):
        return of_transfer(error.error)
    if isinstance(error, bgcopy.CallError) and error.reason is not Reason.UNKNOWN:
        return BY_REASON[error.reason]
    return next((code for kind, code in BY_CLASS if isinstance(error, kind)), Exit.OTHER)


def of_several(codes: Iterable[Exit]) -> Exit:
    """One code for several jobs: 16 where some failed and some did not, else the worst."""
    seen = set(codes) or {Exit.OK}
    if Exit.OK in seen and len(seen) > 1 and Exit.INTERRUPTED not in seen:
        return Exit.SOME_FAILED
    return min(seen, key=WORST_FIRST.index)
