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
    from bgcopy._digests import Digest, DigestAlgorithm
    from bgcopy._enums import (
        AttemptOutcome,
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
        Attempt,
        AttemptPage,
        Caller,
        CompleteResult,
        ErrorDescription,
        FileChanged,
        FileInfo,
        FilePage,
        FileRange,
        FileSpec,
        JobChanged,
        JobFilter,
        JobInfo,
        JobPage,
        JobRemoved,
        Limits,
        Probe,
        Progress,
        RemoveFilesResult,
        ReplacePrefixResult,
        ServerInfo,
        SnapshotComplete,
        SourceBytes,
        TransferErrorInfo,
        UpdateFileResult,
        WatchEvent,
    )
    from bgcopy._option_enums import (
        AuthScheme,
        AuthTarget,
        CostState,
        NotifyFlag,
        OverwritePolicy,
        PeerCachingFlag,
        ProxyUsage,
        RedirectPolicy,
        TlsFlag,
    )
    from bgcopy._options import (
        CredentialsKey,
        HttpHeader,
        JobProperties,
        NotificationSettings,
        ProxySettings,
    )
    from bgcopy._paths import default_socket, default_state_dir
    from bgcopy._watch import WatchOptions
    from bgcopy.auth import BearerToken, read_token_file
    from bgcopy.errors import (
        Aborted,
        AddressNotAllowed,
        AdminRequired,
        AlreadyExists,
        AuthSchemeInvalid,
        AuthTargetInvalid,
        BgcopyError,
        CallError,
        ClientClosed,
        CredentialExpired,
        CredentialInvalid,
        CredentialMissing,
        DeadlineExceeded,
        DescriptionNotFound,
        DestinationExists,
        DestinationInUse,
        DestinationUnwritable,
        Draining,
        EtagMismatch,
        FailedPrecondition,
        FieldViolation,
        FileNotFound,
        FileNotReady,
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
        MachineJobQuotaExceeded,
        MaxDownloadSizeInvalid,
        NotFound,
        NotJobOwner,
        NotSupported,
        OutOfRange,
        PageTokenInvalid,
        PasswordTooLarge,
        PathInvalid,
        PathNotAllowed,
        PermissionDenied,
        PolicyEtagMismatch,
        ProxyInvalid,
        QuotaViolation,
        RandomAccessNotSupported,
        RangeInvalid,
        RangeQuotaExceeded,
        RangesOverlap,
        ReadOnlyProperty,
        ReadOnlyPropertyAfterAddFile,
        ReadOnlyPropertyAfterResume,
        RequestIdReused,
        RequestTooLarge,
        ResourceExhausted,
        ResumeTokenExpired,
        StoreUnavailable,
        TokenNotFound,
        TooManyFiles,
        TransferFailed,
        Unauthenticated,
        Unavailable,
        UnknownProperty,
        UrlInvalid,
        UserNameTooLarge,
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
    "Attempt",
    "AttemptOutcome",
    "AttemptPage",
    "AuthScheme",
    "AuthSchemeInvalid",
    "AuthTarget",
    "AuthTargetInvalid",
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
    "CredentialsKey",
    "DeadlineExceeded",
    "DescriptionNotFound",
    "DestinationExists",
    "DestinationInUse",
    "DestinationUnwritable",
    "Digest",
    "DigestAlgorithm",
    "Draining",
    "ErrorContext",
    "ErrorDescription",
    "EtagMismatch",
    "FailedPrecondition",
    "FieldViolation",
    "FileChanged",
    "FileInfo",
    "FileNotFound",
    "FileNotReady",
    "FilePage",
    "FileQuotaExceeded",
    "FileRange",
    "FileSpec",
    "HttpHeader",
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
    "JobProperties",
    "JobQuotaExceeded",
    "JobRemoved",
    "JobState",
    "JobType",
    "Limits",
    "MachineJobQuotaExceeded",
    "MaxDownloadSizeInvalid",
    "NotFound",
    "NotJobOwner",
    "NotSupported",
    "NotificationSettings",
    "NotifyFlag",
    "OutOfRange",
    "OverwritePolicy",
    "PageTokenInvalid",
    "PasswordTooLarge",
    "PathInvalid",
    "PathNotAllowed",
    "PeerCachingFlag",
    "PermissionDenied",
    "Policy",
    "PolicyChanges",
    "PolicyEtagMismatch",
    "Priority",
    "Probe",
    "Progress",
    "ProxyInvalid",
    "ProxySettings",
    "ProxyUsage",
    "QuotaViolation",
    "RandomAccessNotSupported",
    "RangeInvalid",
    "RangeQuotaExceeded",
    "RangesOverlap",
    "ReadOnlyProperty",
    "ReadOnlyPropertyAfterAddFile",
    "ReadOnlyPropertyAfterResume",
    "Reason",
    "RedirectPolicy",
    "RemoveFilesResult",
    "RemovedReason",
    "ReplacePrefixResult",
    "RequestIdReused",
    "RequestTooLarge",
    "ResourceExhausted",
    "ResumeTokenExpired",
    "ServerInfo",
    "SnapshotComplete",
    "SourceBytes",
    "Stats",
    "StoreUnavailable",
    "Timeout",
    "TlsFlag",
    "TokenInfo",
    "TokenNotFound",
    "TokenPage",
    "TooManyFiles",
    "TransferErrorInfo",
    "TransferFailed",
    "Unauthenticated",
    "Unavailable",
    "UnknownProperty",
    "UpdateFileResult",
    "UrlInvalid",
    "UserNameTooLarge",
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
    "_paths", "_enums", "_digests", "_option_enums", "_options", "_models", "_admin_models",
    "errors", "auth", "_calls", "_watch", "_job", "_admin", "_client",
)  # fmt: skip


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
