"""Codes of Windows itself that BITS programs meet (winerror.h, wininet.h, winhttp.h)."""

from __future__ import annotations

from bgcopyd.jobs.hresults.row import HResult

WINDOWS = (
    HResult(0x00000000, "S_OK"),
    HResult(0x00000001, "S_FALSE"),
    HResult(0x8000000A, "E_PENDING"),
    HResult(0x80004001, "E_NOTIMPL"),
    HResult(0x80004005, "E_FAIL"),
    HResult(0x80010123, "CO_E_FAILEDTOIMPERSONATE"),
    HResult(0x80070002, "ERROR_FILE_NOT_FOUND"),
    HResult(0x80070005, "E_ACCESSDENIED", aliases=("ERROR_ACCESS_DENIED",)),
    HResult(0x80070018, "ERROR_BAD_LENGTH"),
    HResult(0x8007001D, "ERROR_WRITE_FAULT"),
    HResult(0x80070050, "ERROR_FILE_EXISTS"),
    HResult(0x80070057, "E_INVALIDARG", aliases=("ERROR_INVALID_PARAMETER",)),
    HResult(0x80070070, "ERROR_DISK_FULL", transient=True),
    HResult(0x80070490, "ERROR_NOT_FOUND", aliases=("E_NOT_SET",)),
    HResult(0x800704CF, "ERROR_NETWORK_UNREACHABLE", transient=True),
    HResult(0x800704DD, "ERROR_NOT_LOGGED_ON"),
    HResult(0x8007051A, "ERROR_REVISION_MISMATCH"),
    HResult(0x800705B4, "ERROR_TIMEOUT", transient=False),
    HResult(0x800706BA, "RPC_S_SERVER_UNAVAILABLE"),
    HResult(0x800706F4, "RPC_X_NULL_REF_POINTER"),
    HResult(0x800706F7, "RPC_X_BAD_STUB_DATA"),
    HResult(0x80070717, "ERROR_RESOURCE_LANG_NOT_FOUND"),
    HResult(0x80070718, "ERROR_NOT_ENOUGH_QUOTA"),
    HResult(0x8007071A, "RPC_S_CALL_CANCELLED"),
    HResult(
        0x80072EE2, "ERROR_INTERNET_TIMEOUT", transient=True, aliases=("ERROR_WINHTTP_TIMEOUT",)
    ),
    HResult(
        0x80072EE7,
        "ERROR_INTERNET_NAME_NOT_RESOLVED",
        transient=True,
        aliases=("ERROR_WINHTTP_NAME_NOT_RESOLVED",),
    ),
    HResult(
        0x80072EFD,
        "ERROR_INTERNET_CANNOT_CONNECT",
        transient=True,
        aliases=("ERROR_WINHTTP_CANNOT_CONNECT",),
    ),
    HResult(
        0x80072F0C,
        "ERROR_INTERNET_CLIENT_AUTH_CERT_NEEDED",
        transient=False,
        aliases=("ERROR_WINHTTP_CLIENT_AUTH_CERT_NEEDED",),
    ),
    HResult(
        0x80072F8F,
        "ERROR_INTERNET_DECODING_FAILED",
        transient=False,
        aliases=("ERROR_INTERNET_SECURE_FAILURE", "ERROR_WINHTTP_SECURE_FAILURE"),
    ),
    HResult(0x80092004, "CRYPT_E_NOT_FOUND"),
)
