"""The one table of reasons: what each refusal or failure is to gRPC and to BITS.

Numbers and names equal the enum `Reason` of error.proto (a test compares them). `code` is the
gRPC status of a refused call; transfer failures, which are data, have None. What a reason means to
people stands in `texts`, in each language.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bgcopyd.jobs.hresults.http import status_name
from bgcopyd.jobs.hresults.table import by_name


class Reason(enum.IntEnum):
    """Why a call was refused (1 to 99) or a transfer failed (from 100)."""

    INVALID_REQUEST = 1
    REQUEST_ID_REUSED = 2
    PAGE_TOKEN_INVALID = 3
    PATH_INVALID = 4
    URL_INVALID = 5
    CREDENTIAL_MISSING = 6
    CREDENTIAL_INVALID = 7
    CREDENTIAL_EXPIRED = 8
    DESTINATION_IN_USE = 9
    NOT_SUPPORTED = 10
    NOT_JOB_OWNER = 11
    ADMIN_REQUIRED = 12
    PATH_NOT_ALLOWED = 13
    ADDRESS_NOT_ALLOWED = 14
    JOB_NOT_FOUND = 15
    DESCRIPTION_NOT_FOUND = 16
    INVALID_STATE = 17
    JOB_EMPTY = 18
    JOB_NOT_TRANSFERRED = 19
    DESTINATION_UNWRITABLE = 20
    ETAG_MISMATCH = 21
    JOB_QUOTA_EXCEEDED = 22
    FILE_QUOTA_EXCEEDED = 23
    WATCH_QUOTA_EXCEEDED = 24
    RESUME_TOKEN_EXPIRED = 25
    DRAINING = 26
    STORE_UNAVAILABLE = 27
    INTERNAL = 28
    READ_ONLY_PROPERTY = 29
    READ_ONLY_PROPERTY_AFTER_ADDFILE = 30
    READ_ONLY_PROPERTY_AFTER_RESUME = 31
    UNKNOWN_PROPERTY = 32
    FILE_NOT_FOUND = 33
    RANGE_INVALID = 34
    RANGES_OVERLAP = 35
    RANGE_QUOTA_EXCEEDED = 36
    RANDOM_ACCESS_NOT_SUPPORTED = 37
    AUTH_TARGET_INVALID = 38
    AUTH_SCHEME_INVALID = 39
    USER_NAME_TOO_LARGE = 40
    PASSWORD_TOO_LARGE = 41
    PROXY_INVALID = 42
    MAX_DOWNLOAD_SIZE_INVALID = 43
    MACHINE_JOB_QUOTA_EXCEEDED = 44
    FILE_NOT_READY = 45
    TOKEN_NOT_FOUND = 46
    DESTINATION_EXISTS = 47
    POLICY_ETAG_MISMATCH = 48

    HTTP_STATUS = 100
    NAME_NOT_RESOLVED = 101
    CONNECT_FAILED = 102
    CONNECTION_CLOSED = 103
    TIMEOUT = 104
    TLS_FAILED = 105
    INVALID_RESPONSE = 106
    CANNOT_RESUME = 107
    REMOTE_FILE_CHANGED = 108
    UNEXPECTED_CONTENT = 109
    DIGEST_MISMATCH = 110
    REDIRECT_REFUSED = 111
    DISK_FULL = 112
    DISK_ERROR = 113
    DESTINATION_INVALID = 114
    NO_PROGRESS = 115
    DOWNLOAD_TIME_EXCEEDED = 116
    DOWNLOAD_SIZE_EXCEEDED = 117
    BLOCKED_BY_COST_POLICY = 118
    DEADLINE_EXCEEDED = 119
    VALIDATION_FAILED = 120
    PROXY_FAILED = 121
    INSUFFICIENT_RANGE_SUPPORT = 122
    RANGE_OUTSIDE_FILE = 123
    INACTIVE = 124
    SECRET_UNREADABLE = 125
    LOGIN_DENIED = 150
    REMOTE_FILE_UNAVAILABLE = 151
    HOST_KEY_REFUSED = 152
    ANNOUNCED_DIGEST_MISMATCH = 160


class Code(enum.Enum):
    """gRPC status codes by name, so that this room needs no grpc."""

    INVALID_ARGUMENT = enum.auto()
    UNAUTHENTICATED = enum.auto()
    ALREADY_EXISTS = enum.auto()
    UNIMPLEMENTED = enum.auto()
    PERMISSION_DENIED = enum.auto()
    NOT_FOUND = enum.auto()
    FAILED_PRECONDITION = enum.auto()
    ABORTED = enum.auto()
    RESOURCE_EXHAUSTED = enum.auto()
    OUT_OF_RANGE = enum.auto()
    UNAVAILABLE = enum.auto()
    INTERNAL = enum.auto()


@dataclass(frozen=True, slots=True)
class ReasonSpec:
    """What one reason is; the HRESULT is a row of the table in `hresults`."""

    code: Code | None
    hresult: int
    hresult_name: str
    header_name: str


def _spec(code: Code | None, name: str) -> ReasonSpec:
    row = by_name(name)
    return ReasonSpec(code, row.code, row.name, row.header_name)


REASONS: dict[Reason, ReasonSpec] = {
    Reason.INVALID_REQUEST: _spec(Code.INVALID_ARGUMENT, "E_INVALIDARG"),
    Reason.REQUEST_ID_REUSED: _spec(Code.INVALID_ARGUMENT, "E_INVALIDARG"),
    Reason.PAGE_TOKEN_INVALID: _spec(Code.INVALID_ARGUMENT, "E_INVALIDARG"),
    Reason.PATH_INVALID: _spec(Code.INVALID_ARGUMENT, "E_INVALIDARG"),
    Reason.URL_INVALID: _spec(Code.INVALID_ARGUMENT, "E_INVALIDARG"),
    Reason.CREDENTIAL_MISSING: _spec(Code.UNAUTHENTICATED, "ERROR_NOT_LOGGED_ON"),
    Reason.CREDENTIAL_INVALID: _spec(Code.UNAUTHENTICATED, "ERROR_NOT_LOGGED_ON"),
    Reason.CREDENTIAL_EXPIRED: _spec(Code.UNAUTHENTICATED, "ERROR_NOT_LOGGED_ON"),
    Reason.DESTINATION_IN_USE: _spec(Code.ALREADY_EXISTS, "ERROR_FILE_EXISTS"),
    Reason.NOT_SUPPORTED: _spec(Code.UNIMPLEMENTED, "E_NOTIMPL"),
    Reason.NOT_JOB_OWNER: _spec(Code.PERMISSION_DENIED, "E_ACCESSDENIED"),
    Reason.ADMIN_REQUIRED: _spec(Code.PERMISSION_DENIED, "E_ACCESSDENIED"),
    Reason.PATH_NOT_ALLOWED: _spec(Code.PERMISSION_DENIED, "E_ACCESSDENIED"),
    Reason.ADDRESS_NOT_ALLOWED: _spec(Code.PERMISSION_DENIED, "E_ACCESSDENIED"),
    Reason.JOB_NOT_FOUND: _spec(Code.NOT_FOUND, "DO_E_NOT_FOUND"),
    Reason.DESCRIPTION_NOT_FOUND: _spec(Code.NOT_FOUND, "ERROR_NOT_FOUND"),
    Reason.INVALID_STATE: _spec(Code.FAILED_PRECONDITION, "BG_E_INVALID_STATE"),
    Reason.JOB_EMPTY: _spec(Code.FAILED_PRECONDITION, "BG_E_EMPTY"),
    Reason.JOB_NOT_TRANSFERRED: _spec(Code.FAILED_PRECONDITION, "BG_E_INVALID_STATE"),
    Reason.DESTINATION_UNWRITABLE: _spec(Code.FAILED_PRECONDITION, "E_ACCESSDENIED"),
    Reason.ETAG_MISMATCH: _spec(Code.ABORTED, "ERROR_REVISION_MISMATCH"),
    Reason.JOB_QUOTA_EXCEEDED: _spec(Code.RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_JOBS_PER_USER"),
    Reason.FILE_QUOTA_EXCEEDED: _spec(Code.RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_FILES_IN_JOB"),
    Reason.WATCH_QUOTA_EXCEEDED: _spec(Code.RESOURCE_EXHAUSTED, "RPC_S_CALL_CANCELLED"),
    Reason.RESUME_TOKEN_EXPIRED: _spec(Code.OUT_OF_RANGE, "E_INVALIDARG"),
    Reason.DRAINING: _spec(Code.UNAVAILABLE, "RPC_S_SERVER_UNAVAILABLE"),
    Reason.STORE_UNAVAILABLE: _spec(Code.UNAVAILABLE, "RPC_S_SERVER_UNAVAILABLE"),
    Reason.INTERNAL: _spec(Code.INTERNAL, "E_FAIL"),
    Reason.READ_ONLY_PROPERTY: _spec(Code.INVALID_ARGUMENT, "BG_E_READ_ONLY_PROPERTY"),
    Reason.READ_ONLY_PROPERTY_AFTER_ADDFILE: _spec(
        Code.FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE"
    ),
    Reason.READ_ONLY_PROPERTY_AFTER_RESUME: _spec(
        Code.FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME"
    ),
    Reason.UNKNOWN_PROPERTY: _spec(Code.INVALID_ARGUMENT, "BG_E_UNKNOWN_PROPERTY_ID"),
    Reason.FILE_NOT_FOUND: _spec(Code.NOT_FOUND, "BG_E_FILE_NOT_FOUND"),
    Reason.RANGE_INVALID: _spec(Code.INVALID_ARGUMENT, "BG_E_INVALID_RANGE"),
    Reason.RANGES_OVERLAP: _spec(Code.INVALID_ARGUMENT, "BG_E_OVERLAPPING_RANGES"),
    Reason.RANGE_QUOTA_EXCEEDED: _spec(Code.RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_RANGES_IN_FILE"),
    Reason.RANDOM_ACCESS_NOT_SUPPORTED: _spec(
        Code.FAILED_PRECONDITION, "BG_E_RANDOM_ACCESS_NOT_SUPPORTED"
    ),
    Reason.AUTH_TARGET_INVALID: _spec(Code.INVALID_ARGUMENT, "BG_E_INVALID_AUTH_TARGET"),
    Reason.AUTH_SCHEME_INVALID: _spec(Code.INVALID_ARGUMENT, "BG_E_INVALID_AUTH_SCHEME"),
    Reason.USER_NAME_TOO_LARGE: _spec(Code.INVALID_ARGUMENT, "BG_E_USERNAME_TOO_LARGE"),
    Reason.PASSWORD_TOO_LARGE: _spec(Code.INVALID_ARGUMENT, "BG_E_PASSWORD_TOO_LARGE"),
    Reason.PROXY_INVALID: _spec(Code.INVALID_ARGUMENT, "BG_E_INVALID_PROXY_INFO"),
    Reason.MAX_DOWNLOAD_SIZE_INVALID: _spec(
        Code.INVALID_ARGUMENT, "BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE"
    ),
    Reason.MACHINE_JOB_QUOTA_EXCEEDED: _spec(
        Code.RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_JOBS_PER_MACHINE"
    ),
    Reason.FILE_NOT_READY: _spec(Code.FAILED_PRECONDITION, "E_PENDING"),
    Reason.TOKEN_NOT_FOUND: _spec(Code.NOT_FOUND, "ERROR_NOT_FOUND"),
    Reason.DESTINATION_EXISTS: _spec(Code.FAILED_PRECONDITION, "ERROR_FILE_EXISTS"),
    Reason.POLICY_ETAG_MISMATCH: _spec(Code.ABORTED, "ERROR_REVISION_MISMATCH"),
    Reason.HTTP_STATUS: _spec(None, "BG_E_HTTP_ERROR"),
    Reason.NAME_NOT_RESOLVED: _spec(None, "ERROR_INTERNET_NAME_NOT_RESOLVED"),
    Reason.CONNECT_FAILED: _spec(None, "BG_E_CONNECT_FAILURE"),
    Reason.CONNECTION_CLOSED: _spec(None, "BG_E_CONNECTION_CLOSED"),
    Reason.TIMEOUT: _spec(None, "ERROR_INTERNET_TIMEOUT"),
    Reason.TLS_FAILED: _spec(None, "ERROR_INTERNET_DECODING_FAILED"),
    Reason.INVALID_RESPONSE: _spec(None, "BG_E_INVALID_SERVER_RESPONSE"),
    Reason.CANNOT_RESUME: _spec(None, "BG_E_INSUFFICIENT_RANGE_SUPPORT"),
    Reason.REMOTE_FILE_CHANGED: _spec(None, "BG_E_REMOTE_FILE_CHANGED"),
    Reason.UNEXPECTED_CONTENT: _spec(None, "BG_E_VALIDATION_FAILED"),
    Reason.DIGEST_MISMATCH: _spec(None, "BG_E_VALIDATION_FAILED"),
    Reason.REDIRECT_REFUSED: _spec(None, "BG_E_HTTP_ERROR_302"),
    Reason.DISK_FULL: _spec(None, "ERROR_DISK_FULL"),
    Reason.DISK_ERROR: _spec(None, "ERROR_WRITE_FAULT"),
    Reason.DESTINATION_INVALID: _spec(None, "E_ACCESSDENIED"),
    Reason.NO_PROGRESS: _spec(None, "BG_E_NO_PROGRESS"),
    Reason.DOWNLOAD_TIME_EXCEEDED: _spec(None, "BG_E_MAXDOWNLOAD_TIMEOUT"),
    Reason.DOWNLOAD_SIZE_EXCEEDED: _spec(None, "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED"),
    Reason.BLOCKED_BY_COST_POLICY: _spec(None, "BG_E_BLOCKED_BY_COST_TRANSFER_POLICY"),
    Reason.DEADLINE_EXCEEDED: _spec(None, "ERROR_TIMEOUT"),
    Reason.VALIDATION_FAILED: _spec(None, "BG_E_VALIDATION_FAILED"),
    Reason.PROXY_FAILED: _spec(None, "BG_E_INVALID_PROXY_INFO"),
    Reason.INSUFFICIENT_RANGE_SUPPORT: _spec(None, "BG_E_INSUFFICIENT_RANGE_SUPPORT"),
    Reason.RANGE_OUTSIDE_FILE: _spec(None, "BG_E_INVALID_RANGE"),
    Reason.INACTIVE: _spec(None, "ERROR_TIMEOUT"),
    Reason.SECRET_UNREADABLE: _spec(None, "BG_E_INVALID_CREDENTIALS"),
    Reason.LOGIN_DENIED: _spec(None, "BG_E_INVALID_CREDENTIALS"),
    Reason.REMOTE_FILE_UNAVAILABLE: _spec(None, "ERROR_FILE_NOT_FOUND"),
    Reason.HOST_KEY_REFUSED: _spec(None, "ERROR_INTERNET_DECODING_FAILED"),
    Reason.ANNOUNCED_DIGEST_MISMATCH: _spec(None, "BG_E_VALIDATION_FAILED"),
}


def hresult_of(reason: Reason, http_status: int | None = None) -> tuple[int, str]:
    """Code and name of a reason; an HTTP status makes BITS's code of that status."""
    spec = REASONS[reason]
    if reason is Reason.HTTP_STATUS and http_status is not None:
        return spec.hresult | http_status, status_name(http_status)
    return spec.hresult, spec.hresult_name
