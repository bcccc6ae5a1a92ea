"""Client library of bgcopy: hand a daemon a URL and walk away.

::

    async with bgcopy.AsyncClient() as client:
        job = await client.create_job("nightly", files=[bgcopy.FileSpec(url, path)], start=True)
        await job.wait(timeout=timedelta(hours=2))
        await job.complete()

Names are loaded when they are first used (PEP 562), so that `import bgcopy.v1...`, for programs
that want the generated stubs alone, does not load the client library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bgcopy._admin import AdminClient
    from bgcopy._admin_models import (
        CreatedToken,
        Policy,
        PolicyChanges,
        Stats,
        TokenInfo,
        TokenPage,
    )
    from bgcopy._calls import Timeout
    from bgcopy._client import AsyncClient
    from bgcopy._enums import (
        CostState,
        ErrorContext,
        JobState,
        JobType,
        Priority,
        Reason,
        RemovedReason,
        Verification,
    )
    from bgcopy._job import Job
    from bgcopy._models import (
        AddFilesResult,
        Caller,
        CompleteResult,
        ErrorDescription,
        FileInfo,
        FilePage,
        FileSpec,
        JobChanged,
        JobFilter,
        JobInfo,
        JobPage,
        JobRemoved,
        Limits,
        Progress,
        ServerInfo,
        SnapshotComplete,
        TransferErrorInfo,
        WatchEvent,
    )
    from bgcopy._paths import default_socket, default_state_dir
    from bgcopy._watch import WatchOptions
    from bgcopy.auth import BearerToken, read_token_file
    from bgcopy.errors import (
        Aborted,
        AddressNotAllowed,
        AdminRequired,
        AlreadyExists,
        BgcopyError,
        CallError,
        ClientClosed,
        CredentialExpired,
        CredentialInvalid,
        CredentialMissing,
        DeadlineExceeded,
        DescriptionNotFound,
        DestinationInUse,
        DestinationUnwritable,
        Draining,
        EtagMismatch,
        FailedPrecondition,
        FieldViolation,
        FileQuotaExceeded,
        InternalError,
        InvalidRequest,
        InvalidState,
        JobCancelled,
        JobEmpty,
        JobFailed,
        JobNotFound,
        JobNotTransferred,
        JobQuotaExceeded,
        NotFound,
        NotJobOwner,
        NotSupported,
        OutOfRange,
        PageTokenInvalid,
        PathInvalid,
        PathNotAllowed,
        PermissionDenied,
        QuotaViolation,
        RequestIdReused,
        RequestTooLarge,
        ResourceExhausted,
        ResumeTokenExpired,
        StoreUnavailable,
        TransferFailed,
        Unauthenticated,
        Unavailable,
        UrlInvalid,
        WaitTimeout,
        WatchQuotaExceeded,
    )

__all__ = [
    "Aborted",
    "AddFilesResult",
    "AddressNotAllowed",
    "AdminClient",
    "AdminRequired",
    "AlreadyExists",
    "AsyncClient",
    "BearerToken",
    "BgcopyError",
    "CallError",
    "Caller",
    "ClientClosed",
    "CompleteResult",
    "CostState",
    "CreatedToken",
    "CredentialExpired",
    "CredentialInvalid",
    "CredentialMissing",
    "DeadlineExceeded",
    "DescriptionNotFound",
    "DestinationInUse",
    "DestinationUnwritable",
    "Draining",
    "ErrorContext",
    "ErrorDescription",
    "EtagMismatch",
    "FailedPrecondition",
    "FieldViolation",
    "FileInfo",
    "FilePage",
    "FileQuotaExceeded",
    "FileSpec",
    "InternalError",
    "InvalidRequest",
    "InvalidState",
    "Job",
    "JobCancelled",
    "JobChanged",
    "JobEmpty",
    "JobFailed",
    "JobFilter",
    "JobInfo",
    "JobNotFound",
    "JobNotTransferred",
    "JobPage",
    "JobQuotaExceeded",
    "JobRemoved",
    "JobState",
    "JobType",
    "Limits",
    "NotFound",
    "NotJobOwner",
    "NotSupported",
    "OutOfRange",
    "PageTokenInvalid",
    "PathInvalid",
    "PathNotAllowed",
    "PermissionDenied",
    "Policy",
    "PolicyChanges",
    "Priority",
    "Progress",
    "QuotaViolation",
    "Reason",
    "RemovedReason",
    "RequestIdReused",
    "RequestTooLarge",
    "ResourceExhausted",
    "ResumeTokenExpired",
    "ServerInfo",
    "SnapshotComplete",
    "Stats",
    "StoreUnavailable",
    "Timeout",
    "TokenInfo",
    "TokenPage",
    "TransferErrorInfo",
    "TransferFailed",
    "Unauthenticated",
    "Unavailable",
    "UrlInvalid",
    "Verification",
    "WaitTimeout",
    "WatchEvent",
    "WatchOptions",
    "WatchQuotaExceeded",
    "default_socket",
    "default_state_dir",
    "read_token_file",
]

# Where names live, in the order in which they are looked for.
_HOMES = (
    "_paths",
    "_enums",
    "_models",
    "_admin_models",
    "errors",
    "auth",
    "_calls",
    "_watch",
    "_job",
    "_admin",
    "_client",
)


_SUBMODULES = ("auth", "errors")


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in __all__:
        for home in _HOMES:
            module = importlib.import_module(f"{__name__}.{home}")
            if name in vars(module):
                globals()[name] = vars(module)[name]
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
