"""The public face of the library."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import ServiceDescriptor

import bgcopy
from bgcopy import errors
from bgcopy._channel import SERVICES

# A name that goes breaks somebody's program; one that comes is a promise. Both are decisions.
FROZEN = [
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
    "Delivery",
    "DeliveryPage",
    "DeliveryState",
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
    "Scope",
    "ScopeRequired",
    "ChangeRateExceeded",
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
    "Webhook",
    "WebhookNotFound",
    "WebhookPage",
    "WebhookQuotaExceeded",
    "WebhookSecret",
    "default_socket",
    "default_state_dir",
    "read_token_file",
]

ALIASES = {"Timeout", "WatchEvent"}


def test_the_public_names_are_frozen() -> None:
    assert sorted(bgcopy.__all__) == sorted(FROZEN)
    assert set(FROZEN) <= set(dir(bgcopy))


def test_what_type_checkers_see_is_what_is_there() -> None:
    tree = ast.parse(inspect.getsource(bgcopy))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(seen) == sorted(bgcopy.__all__)
    for name, home in seen.items():
        assert getattr(bgcopy, name) is getattr(sys.modules[str(home)], name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = bgcopy.Nonsense


def public_members(kind: type) -> list[tuple[str, object]]:
    members = inspect.getmembers(kind, lambda m: inspect.isfunction(m) or isinstance(m, property))
    return [(name, member) for name, member in members if not name.startswith("_")]


@pytest.mark.parametrize("name", sorted(set(FROZEN) - ALIASES))
def test_every_public_name_has_a_docstring(name: str) -> None:
    thing = getattr(bgcopy, name)
    # What dataclasses and enums write by themselves does not count.
    assert thing.__doc__
    assert not thing.__doc__.startswith(f"{name}(")
    if inspect.isclass(thing) and thing.__module__.startswith("bgcopy"):
        for member_name, member in public_members(thing):
            assert member.__doc__, f"{name}.{member_name}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_no_rpc_is_forgotten(service: ServiceDescriptor) -> None:
    client = bgcopy.AdminClient if service.name == "AdminService" else bgcopy.AsyncClient
    for method in service.methods:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
        wrapper = getattr(client, name, None)
        assert wrapper is not None, name
        if not method.server_streaming:
            assert "timeout" in inspect.signature(wrapper).parameters, name
        if "etag" in method.input_type.fields_by_name:
            assert "etag" in inspect.signature(wrapper).parameters, name


def test_the_tree_of_the_docstring_is_the_tree() -> None:
    assert errors.__doc__
    drawn: dict[str, str] = {}
    parents: list[str] = []
    for line in errors.__doc__.splitlines():
        if match := re.match(r"    ((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+)", line):
            depth = len(match[1]) // 4 + ("── " in line)
            parents[depth:] = [match[2]]
            drawn[match[2]] = parents[depth - 1] if depth else "Exception"
    real = {
        name: kind.__bases__[0].__name__
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, Exception)
    }
    assert drawn == real


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def test_the_stubs_do_not_load_the_client_library() -> None:
    loaded = run(
        "import sys, bgcopy.v1.background_copy_manager_pb2_grpc;"
        "print(*sorted(name for name in sys.modules if name.startswith('bgcopy')))"
    ).split()
    assert {name for name in loaded if not name.startswith("bgcopy.v1")} == {"bgcopy"}


def test_public_modules_need_no_import_of_their_own() -> None:
    assert run("import bgcopy; print(bgcopy.errors.JobNotFound.__name__)") == "JobNotFound\n"


def test_the_library_loads_neither_daemon_nor_command() -> None:
    loaded = run(
        "import sys, bgcopy; [getattr(bgcopy, name) for name in bgcopy.__all__];"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    ).split()
    assert not {"bgcopyd", "click", "rich", "pycurl", "pydantic", "sqlite3"} & set(loaded)


def test_the_library_reads_the_environment_in_one_place() -> None:
    home = Path(inspect.getfile(bgcopy)).parent
    readers = [path.name for path in home.glob("*.py") if "os.environ" in path.read_text()]
    assert readers == ["_paths.py"]
