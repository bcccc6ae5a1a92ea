"""HTTP statuses as codes: 0x80190000 and the status, BG_E_HTTP_ERROR_404 for 404."""

from __future__ import annotations

from bgcopyd.jobs.hresults.row import HResult

HTTP_ERROR = 0x80190000
HTTP_NAME = "BG_E_HTTP_ERROR"
STATUSES = range(100, 600)

# 423, 425 and 429 stay errors in BITS; here they pass, as RFC 4918, 8470 and 6585 mean them.
_TRANSIENT_4XX = frozenset({408, 409, 423, 425, 429})
_FATAL_5XX = frozenset({501, 505})


def status_passes(status: int) -> bool:
    """Whether a later try may get another answer than this status."""
    return status in _TRANSIENT_4XX if status < 500 else status not in _FATAL_5XX


def status_name(status: int) -> str:
    """The name of a status as a code."""
    return f"{HTTP_NAME}_{status}"


HTTP = (
    HResult(HTTP_ERROR, HTTP_NAME),
    *(
        HResult(HTTP_ERROR | status, status_name(status), status_passes(status))
        for status in STATUSES
    ),
)
