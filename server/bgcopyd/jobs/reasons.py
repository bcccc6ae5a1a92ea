"""The one table of reasons: what each refusal or failure is to gRPC, to BITS and to people.

Numbers and names equal the enum `Reason` of error.proto (a test compares them). `code` is the
gRPC status of a refused call; transfer failures, which are data, have None. HRESULTs are those of
bits.h and deliveryoptimizationerrors.h.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


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
    """What one reason means.

    `header_name` is the constant of the Windows header where the documentation that programs were
    written from uses another name (DO_E_NOT_FOUND exists in no header).
    """

    code: Code | None
    hresult: int
    hresult_name: str
    description: str
    header_name: str = ""


def _spec(
    code: Code | None, hresult: int, name: str, description: str, header_name: str = ""
) -> ReasonSpec:
    return ReasonSpec(code, hresult, name, description, header_name)


_INVALIDARG = (0x80070057, "E_INVALIDARG")
_DENIED = (0x80070005, "E_ACCESSDENIED")
_NOT_LOGGED_ON = (0x800704DD, "ERROR_NOT_LOGGED_ON")
_UNAVAILABLE = (0x800706BA, "RPC_S_SERVER_UNAVAILABLE")
_RESPONSE = (0x8020001B, "BG_E_INVALID_SERVER_RESPONSE")
_VALIDATION = (0x80200053, "BG_E_VALIDATION_FAILED")

REASONS: dict[Reason, ReasonSpec] = {
    Reason.INVALID_REQUEST: _spec(
        Code.INVALID_ARGUMENT,
        *_INVALIDARG,
        "The request has a field that is missing, malformed or out of range. Correct the fields "
        "that the error names.",
    ),
    Reason.REQUEST_ID_REUSED: _spec(
        Code.INVALID_ARGUMENT,
        *_INVALIDARG,
        "The request id was used before for a request with other content. Draw a new UUID for "
        "each new request.",
    ),
    Reason.PAGE_TOKEN_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        *_INVALIDARG,
        "The page token is not of this list. Send it with the filter it was given for, or begin "
        "without one.",
    ),
    Reason.PATH_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        *_INVALIDARG,
        "The destination is no path below a named root. Use a relative path without '..', or an "
        "absolute path under a root that GetServerInfo lists.",
    ),
    Reason.URL_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        *_INVALIDARG,
        "The URL is malformed, too long or of a scheme that this server does not fetch.",
    ),
    Reason.CREDENTIAL_MISSING: _spec(
        Code.UNAUTHENTICATED,
        *_NOT_LOGGED_ON,
        "This listener needs a credential. Send 'authorization: Bearer TOKEN'; an operator makes "
        "a token with 'bgcopyd token create'.",
    ),
    Reason.CREDENTIAL_INVALID: _spec(
        Code.UNAUTHENTICATED,
        *_NOT_LOGGED_ON,
        "The credential is unknown, malformed or revoked. Ask the operator for a new token.",
    ),
    Reason.CREDENTIAL_EXPIRED: _spec(
        Code.UNAUTHENTICATED,
        *_NOT_LOGGED_ON,
        "The credential has expired. Ask the operator for a new token.",
    ),
    Reason.DESTINATION_IN_USE: _spec(
        Code.ALREADY_EXISTS,
        0x80070050,
        "ERROR_FILE_EXISTS",
        "A live job already writes to the destination. Choose another path, or end that job first.",
    ),
    Reason.NOT_SUPPORTED: _spec(
        Code.UNIMPLEMENTED,
        0x80004001,
        "E_NOTIMPL",
        "This server does not act on the field, value or method. GetServerInfo lists what it can.",
    ),
    Reason.NOT_JOB_OWNER: _spec(
        Code.PERMISSION_DENIED,
        *_DENIED,
        "The job belongs to somebody else. Its owner or an administrator may do this.",
    ),
    Reason.ADMIN_REQUIRED: _spec(
        Code.PERMISSION_DENIED, *_DENIED, "Only an administrator may do this."
    ),
    Reason.PATH_NOT_ALLOWED: _spec(
        Code.PERMISSION_DENIED,
        *_DENIED,
        "The root is unknown to this server or not open to the caller. GetServerInfo lists the "
        "roots that are.",
    ),
    Reason.ADDRESS_NOT_ALLOWED: _spec(
        Code.PERMISSION_DENIED, *_DENIED, "Policy does not allow connections to the address."
    ),
    Reason.JOB_NOT_FOUND: _spec(
        Code.NOT_FOUND,
        0x80D02003,
        "DO_E_NOT_FOUND",
        "There is no job of this id, or it has been forgotten after its end.",
        "DO_E_JOB_NOT_FOUND",
    ),
    Reason.DESCRIPTION_NOT_FOUND: _spec(
        Code.NOT_FOUND,
        0x80070490,
        "ERROR_NOT_FOUND",
        "Nothing describes this code. Send an HRESULT as 0x80D02003, its name, or a reason.",
    ),
    Reason.INVALID_STATE: _spec(
        Code.FAILED_PRECONDITION,
        0x80200002,
        "BG_E_INVALID_STATE",
        "The job's state does not allow this.",
    ),
    Reason.JOB_EMPTY: _spec(
        Code.FAILED_PRECONDITION,
        0x80200003,
        "BG_E_EMPTY",
        "The job has no files. Add files first.",
    ),
    Reason.JOB_NOT_TRANSFERRED: _spec(
        Code.FAILED_PRECONDITION,
        0x80200002,
        "BG_E_INVALID_STATE",
        "A file of the job is unfinished. Wait for TRANSFERRED, or set allow_partial to keep the "
        "whole files and drop the others.",
    ),
    Reason.DESTINATION_UNWRITABLE: _spec(
        Code.FAILED_PRECONDITION,
        *_DENIED,
        "A finished file could not get its final name. Mend the destination and complete the job "
        "again; nothing is lost.",
    ),
    Reason.ETAG_MISMATCH: _spec(
        Code.ABORTED,
        0x8007065B,
        "ERROR_REVISION_MISMATCH",
        "The job was changed by somebody since its etag was read. Read it again and decide anew.",
    ),
    Reason.JOB_QUOTA_EXCEEDED: _spec(
        Code.RESOURCE_EXHAUSTED,
        0x80200049,
        "BG_E_TOO_MANY_JOBS_PER_USER",
        "The owner has as many live jobs as allowed. Complete or cancel some.",
    ),
    Reason.FILE_QUOTA_EXCEEDED: _spec(
        Code.RESOURCE_EXHAUSTED,
        0x80200051,
        "BG_E_TOO_MANY_FILES_IN_JOB",
        "The job has as many files as allowed. Spread the files over several jobs.",
    ),
    Reason.WATCH_QUOTA_EXCEEDED: _spec(
        Code.RESOURCE_EXHAUSTED,
        0x8007071A,
        "RPC_S_CALL_CANCELLED",
        "The caller holds as many watches as allowed. End some, or watch several jobs with one.",
    ),
    Reason.RESUME_TOKEN_EXPIRED: _spec(
        Code.OUT_OF_RANGE,
        0x80070057,
        "E_INVALIDARG",
        "The resume token is older than the server's history or from another store. Watch again "
        "without a token.",
    ),
    Reason.DRAINING: _spec(
        Code.UNAVAILABLE, *_UNAVAILABLE, "The server is shutting down. Try again shortly."
    ),
    Reason.STORE_UNAVAILABLE: _spec(
        Code.UNAVAILABLE,
        *_UNAVAILABLE,
        "The queue could not be written; nothing was changed. Try again; the daemon's log says "
        "what ails the disk.",
    ),
    Reason.INTERNAL: _spec(
        Code.INTERNAL,
        0x80004005,
        "E_FAIL",
        "A defect of the server. The incident id in the message leads to the daemon's log.",
    ),
    Reason.READ_ONLY_PROPERTY: _spec(
        Code.INVALID_ARGUMENT,
        0x80200058,
        "BG_E_READ_ONLY_PROPERTY",
        "The field is set by the server and cannot be changed. Leave it out.",
    ),
    Reason.READ_ONLY_PROPERTY_AFTER_ADDFILE: _spec(
        Code.FAILED_PRECONDITION,
        0x80200061,
        "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE",
        "The property may be changed only before files are added. Create a new job with it.",
    ),
    Reason.READ_ONLY_PROPERTY_AFTER_RESUME: _spec(
        Code.FAILED_PRECONDITION,
        0x80200062,
        "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME",
        "The property may be changed only before the job was first resumed. Create a new job "
        "with it.",
    ),
    Reason.UNKNOWN_PROPERTY: _spec(
        Code.INVALID_ARGUMENT,
        0x80200057,
        "BG_E_UNKNOWN_PROPERTY_ID",
        "The update mask names what is no property. Name whole fields, as display_name.",
    ),
    Reason.FILE_NOT_FOUND: _spec(
        Code.NOT_FOUND,
        0x80200004,
        "BG_E_FILE_NOT_AVAILABLE",
        "The job has no file of this index. ListFiles tells those it has.",
    ),
    Reason.RANGE_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        0x8020002B,
        "BG_E_INVALID_RANGE",
        "A range is empty, negative or lies outside the file. Offsets count from 0.",
    ),
    Reason.RANGES_OVERLAP: _spec(
        Code.INVALID_ARGUMENT,
        0x8020002C,
        "BG_E_OVERLAPPING_RANGES",
        "Two ranges of a file overlap. Ask for each byte once.",
    ),
    Reason.RANGE_QUOTA_EXCEEDED: _spec(
        Code.RESOURCE_EXHAUSTED,
        0x80200052,
        "BG_E_TOO_MANY_RANGES_IN_FILE",
        "The file has more ranges than the server allows. Merge neighbours, or fetch it whole.",
    ),
    Reason.RANDOM_ACCESS_NOT_SUPPORTED: _spec(
        Code.FAILED_PRECONDITION,
        0x8020006D,
        "BG_E_RANDOM_ACCESS_NOT_SUPPORTED",
        "Parts of this file cannot be asked for: the job has dynamic content or ranges of its "
        "own, or the server serves no ranges.",
    ),
    Reason.AUTH_TARGET_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        0x80200027,
        "BG_E_INVALID_AUTH_TARGET",
        "Credentials are for a server or for a proxy. Set the target to one of them.",
    ),
    Reason.AUTH_SCHEME_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        0x80200028,
        "BG_E_INVALID_AUTH_SCHEME",
        "The scheme is unknown or not for this target. Use basic, digest, NTLM or negotiate; "
        "bearer for servers.",
    ),
    Reason.USER_NAME_TOO_LARGE: _spec(
        Code.INVALID_ARGUMENT,
        0x80200025,
        "BG_E_USERNAME_TOO_LARGE",
        "A user name has at most 300 characters.",
    ),
    Reason.PASSWORD_TOO_LARGE: _spec(
        Code.INVALID_ARGUMENT,
        0x80200026,
        "BG_E_PASSWORD_TOO_LARGE",
        "A password has at most 65,535 characters.",
    ),
    Reason.PROXY_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        0x8020003F,
        "BG_E_INVALID_PROXY_INFO",
        "The proxy settings contradict themselves or name no proxy. Lists go with OVERRIDE alone, "
        "which needs one.",
    ),
    Reason.MAX_DOWNLOAD_SIZE_INVALID: _spec(
        Code.INVALID_ARGUMENT,
        0x80200063,
        "BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE",
        "The size limit is no size. Give at least 1 byte, or leave it out for no limit.",
    ),
    Reason.MACHINE_JOB_QUOTA_EXCEEDED: _spec(
        Code.RESOURCE_EXHAUSTED,
        0x80200050,
        "BG_E_TOO_MANY_JOBS_PER_MACHINE",
        "The server has as many live jobs as it allows. Complete or cancel some, or ask the "
        "operator to raise the limit.",
    ),
    Reason.FILE_NOT_READY: _spec(
        Code.FAILED_PRECONDITION,
        0x8000000A,
        "E_PENDING",
        "The file's bytes are not all here yet. Wait until it is transferred.",
    ),
    Reason.TOKEN_NOT_FOUND: _spec(
        Code.NOT_FOUND,
        0x80070490,
        "ERROR_NOT_FOUND",
        "There is no token of this id. ListTokens tells those there are.",
    ),
    Reason.DESTINATION_EXISTS: _spec(
        Code.FAILED_PRECONDITION,
        0x80070050,
        "ERROR_FILE_EXISTS",
        "A file of the destination's name exists and the job may not replace it. Move it away or "
        "change overwrite_policy, and complete the job again; nothing is lost.",
    ),
    Reason.POLICY_ETAG_MISMATCH: _spec(
        Code.ABORTED,
        0x8007065B,
        "ERROR_REVISION_MISMATCH",
        "The policy has changed since it was read. Read it again and decide anew.",
    ),
    Reason.HTTP_STATUS: _spec(
        None,
        0x80190000,
        "BG_E_HTTP_ERROR",
        "The server answered with an HTTP error status; the code's low half is the status.",
    ),
    Reason.NAME_NOT_RESOLVED: _spec(
        None,
        0x80072EE7,
        "ERROR_INTERNET_NAME_NOT_RESOLVED",
        "The host's name was not resolved. Check the URL and the network.",
    ),
    Reason.CONNECT_FAILED: _spec(
        None,
        0x8020002D,
        "BG_E_CONNECT_FAILURE",
        "No connection to the server could be made.",
    ),
    Reason.CONNECTION_CLOSED: _spec(
        None,
        0x8020002E,
        "BG_E_CONNECTION_CLOSED",
        "The server closed the connection before the end of the file.",
    ),
    Reason.TIMEOUT: _spec(
        None, 0x80072EE2, "ERROR_INTERNET_TIMEOUT", "The server fell silent for too long."
    ),
    Reason.TLS_FAILED: _spec(
        None,
        0x80072F8F,
        "ERROR_INTERNET_DECODING_FAILED",
        "The server's certificate was not accepted or the TLS exchange failed.",
        "ERROR_INTERNET_SECURE_FAILURE",
    ),
    Reason.INVALID_RESPONSE: _spec(
        None, *_RESPONSE, "The server's answer contradicts itself or the request."
    ),
    Reason.CANNOT_RESUME: _spec(
        None,
        0x80200013,
        "BG_E_INSUFFICIENT_RANGE_SUPPORT",
        "The server can only send the file from its start, and the job forbids that.",
    ),
    Reason.REMOTE_FILE_CHANGED: _spec(
        None,
        0x80200073,
        "BG_E_REMOTE_FILE_CHANGED",
        "The remote file changed again and again while it was fetched.",
    ),
    Reason.UNEXPECTED_CONTENT: _spec(
        None, *_VALIDATION, "The server sent something other than the file that was asked for."
    ),
    Reason.DIGEST_MISMATCH: _spec(
        None, *_VALIDATION, "The bytes do not have the expected digest; they were thrown away."
    ),
    Reason.REDIRECT_REFUSED: _spec(
        None,
        0x8019012E,
        "BG_E_HTTP_ERROR_302",
        "The redirects lead in a circle, too far, or to where the job may not go.",
    ),
    Reason.DISK_FULL: _spec(
        None,
        0x80070070,
        "ERROR_DISK_FULL",
        "There is no room for the file. What is here is kept; the job goes on when there is room.",
    ),
    Reason.DISK_ERROR: _spec(
        None,
        0x8007001D,
        "ERROR_WRITE_FAULT",
        "The destination could not be written. Check that it exists and may be written to.",
    ),
    Reason.DESTINATION_INVALID: _spec(
        None,
        *_DENIED,
        "The destination is not a plain file in plain directories under its root.",
    ),
    Reason.NO_PROGRESS: _spec(
        None,
        0x80200024,
        "BG_E_NO_PROGRESS",
        "Nothing arrived for as long as the job's no_progress_timeout allows. Resume tries again.",
    ),
    Reason.DOWNLOAD_TIME_EXCEEDED: _spec(
        None,
        0x80200054,
        "BG_E_MAXDOWNLOAD_TIMEOUT",
        "The job was active for as long as its maximum_download_time allows. Resume begins anew.",
    ),
    Reason.DOWNLOAD_SIZE_EXCEEDED: _spec(
        None,
        0x80200064,
        "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED",
        "The file is larger than the job's max_download_size allows.",
    ),
    Reason.BLOCKED_BY_COST_POLICY: _spec(
        None,
        0x80200059,
        "BG_E_BLOCKED_BY_COST_TRANSFER_POLICY",
        "The network costs what the job's cost_policy does not allow; the job goes on when that "
        "changes.",
    ),
    Reason.DEADLINE_EXCEEDED: _spec(
        None,
        0x800705B4,
        "ERROR_TIMEOUT",
        "The job was not transferred by its deadline. Set another one and resume it.",
    ),
    Reason.VALIDATION_FAILED: _spec(
        None, *_VALIDATION, "The file was judged invalid. Resume fetches it anew."
    ),
    Reason.PROXY_FAILED: _spec(
        None,
        0x8020003F,
        "BG_E_INVALID_PROXY_INFO",
        "The proxy refused or could not be used. Check the proxy settings and its credentials.",
    ),
    Reason.INSUFFICIENT_RANGE_SUPPORT: _spec(
        None,
        0x80200013,
        "BG_E_INSUFFICIENT_RANGE_SUPPORT",
        "The job needs parts of the file and the server sends it only whole.",
    ),
    Reason.RANGE_OUTSIDE_FILE: _spec(
        None,
        0x8020002B,
        "BG_E_INVALID_RANGE",
        "A range that was asked for does not lie in the remote file.",
    ),
    Reason.INACTIVE: _spec(
        None,
        0x800705B4,
        "ERROR_TIMEOUT",
        "Nothing happened to the job for so long that it was cancelled and cleaned up.",
    ),
}


def hresult_of(reason: Reason, http_status: int | None = None) -> tuple[int, str]:
    """Code and name of a reason; an HTTP status makes BITS's code of that status."""
    spec = REASONS[reason]
    if reason is Reason.HTTP_STATUS and http_status is not None:
        return spec.hresult | http_status, f"{spec.hresult_name}_{http_status}"
    return spec.hresult, spec.hresult_name
