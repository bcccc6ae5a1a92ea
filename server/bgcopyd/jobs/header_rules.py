"""Rules of a job's own header fields. Pure.

Each `..._problem` returns what is wrong and the way out, or an empty string; never a value, which
may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bgcopyd.jobs import limits
from bgcopyd.jobs.http_options import HttpHeader

# RFC 9110 section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 section 5.5, without the bytes beyond ASCII, which mean something else to each server.
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")

DECIDED_BY_TRANSFER = frozenset(
    {
        "accept-encoding",
        "alt-used",
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_DECIDED_PREFIX = "proxy-"
_ALWAYS_SECRET = frozenset({"authorization", "cookie"})


def header_problem(name: str, value: str) -> str:
    """Judges one header field."""
    shown = repr(name[:64])
    if not _TOKEN.fullmatch(name):
        return f"{shown} is no name of a header field; use letters, digits and hyphens"
    lower = name.lower()
    if lower in DECIDED_BY_TRANSFER or lower.startswith(_DECIDED_PREFIX):
        return f"{shown} is decided by the transfer itself; leave it out"
    if not _VALUE.fullmatch(value):
        return (
            f"{shown} has a value with control characters, characters beyond ASCII or space at an "
            "end; remove or encode them"
        )
    return ""


def headers_size_problem(headers: Sequence[HttpHeader]) -> str:
    """Judges the size of all header fields as BITS counts it: with ": " and CR LF."""
    total = sum(len(header.name) + len(header.value) + 4 for header in headers)
    if total > limits.HEADERS_CHARACTERS:
        return f"has {total} characters together; at most {limits.HEADERS_CHARACTERS} are allowed"
    return ""


def is_secret(header: HttpHeader) -> bool:
    """Whether the field is for the origin of the file's own URL alone."""
    return header.secret or header.name.lower() in _ALWAYS_SECRET
