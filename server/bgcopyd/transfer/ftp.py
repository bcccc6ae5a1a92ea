"""FTP, plain and over TLS (RFC 959, RFC 3659, RFC 4217), in the terms of an HTTP answer.

A file's size and its time of modification make an ETag. It is strong once the file has rested for
a day: FTP tells times to the second only, and old servers tell their local time for UTC, so that
what looks younger may still change within its second. Bytes that are joined under a weak one are
compared with the disk, as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer.dialects import Dialect
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.headers import Answer

if TYPE_CHECKING:
    from bgcopyd.transfer.handles import Handle, Request
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.policy import Policy
    from bgcopyd.transfer.report import Ending

RESTED = 86_400.0
_RANGE = re.compile(rb"Range: bytes=(\d+)-(\d*)")
_PASSIVE = re.compile(rb"22[79][ -]")
_SIZE = re.compile(rb"213 (\d{1,18})\s*")
_MODIFIED = re.compile(rb"213 (\d{14})(?:\.\d+)?\s*")
_NOT_NOW = range(400, 500)


class Ftp:
    """One way to speak FTP; with `tls` nothing but its greeting is ever sent unprotected."""

    web = False
    logins = frozenset({AuthScheme.BASIC})
    # An offset beyond the file's end, which HTTP answers with a 416.
    answers = frozenset({pycurl.E_BAD_DOWNLOAD_RESUME})
    rangeless = frozenset({pycurl.E_FTP_COULDNT_USE_REST})

    def __init__(self, name: str, bits: int, scheme: str, *, tls: bool) -> None:
        self.name = name
        self.bits = bits
        self._scheme = scheme
        self._tls = tls

    def wire(self, url: str) -> str:
        """The URL with a scheme that libcurl has."""
        return f"{self._scheme}:{url.partition(':')[2]}"

    def set_up(self, curl: pycurl.Curl, policy: Policy, options: EngineOptions) -> None:  # noqa: ARG002
        """Passive mode, to the address that was asked: what the server says of one is ignored."""
        curl.setopt(pycurl.FTP_SKIP_PASV_IP, 1)
        curl.setopt(pycurl.OPT_FILETIME, 1)
        curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
        secured = pycurl.USESSL_ALL if self._tls else pycurl.USESSL_NONE
        curl.setopt(pycurl.USE_SSL, secured)

    def put(self, curl: pycurl.Curl, request: Request, *, http1: bool) -> None:  # noqa: ARG002
        """The range alone."""
        asked = asked_range(request)
        if asked is None:
            curl.unsetopt(pycurl.RANGE)
        else:
            curl.setopt(pycurl.RANGE, f"{asked[0]}-{'' if asked[1] is None else asked[1]}")

    def answer(self, handle: Handle, now: datetime) -> Answer | None:
        """What the answers to MDTM and SIZE say; they come before and after that to EPSV."""
        lines = handle.lines
        passive = next((n for n, line in enumerate(lines) if _PASSIVE.match(line)), len(lines))
        modified = _last(_MODIFIED, lines[:passive])
        size = _last(_SIZE, lines[passive:])
        return answer_of(
            self.name,
            None if handle.request is None else asked_range(handle.request),
            None if size is None else int(size),
            _time_of(modified),
            now,
        )

    def failure(self, code: int, ending: Ending, host: str) -> Failure | None:
        """By CURLcode; replies from 400 to 499 are for now only."""
        row = _FAILURES.get(code)
        if row is None:
            return None
        reason, context, text, transient = row
        passes = transient or ending.reply in _NOT_NOW
        reply = f" (FTP reply {ending.reply})" if ending.reply >= _NOT_NOW.start else ""
        return Failure(reason, context, f"{text.format(host=host)}{reply}.", passes)


def asked_range(request: Request) -> tuple[int, int | None] | None:
    """First and last byte that the request's fields ask for; None for the whole file."""
    matches = (_RANGE.fullmatch(field) for field in request.fields)
    found = next((match for match in matches if match is not None), None)
    return None if found is None else (int(found[1]), int(found[2]) if found[2] else None)


def answer_of(
    protocol: str,
    asked: tuple[int, int | None] | None,
    size: int | None,
    modified: datetime | None,
    now: datetime,
) -> Answer:
    """The answer that HTTP would give of such a file."""
    fields: dict[str, tuple[str, ...]] = {}
    if modified is not None:
        fields["last-modified"] = (format_datetime(modified, usegmt=True),)
    if modified is not None and size is not None:
        weak = "" if (now - modified).total_seconds() >= RESTED else "W/"
        fields["etag"] = (f'{weak}"{int(modified.timestamp()):x}-{size:x}"',)
    if asked is None:
        if size is not None:
            fields["content-length"] = (str(size),)
        return Answer(200, "", fields, protocol)
    first, last = asked
    if size is None:
        # Without a size nothing says where a range ends; the verdict refuses it.
        return Answer(206, "", fields, protocol)
    if first >= size:
        fields["content-range"] = (f"bytes */{size}",)
        return Answer(416, "", fields, protocol)
    end = size - 1 if last is None else min(last, size - 1)
    fields["content-range"] = (f"bytes {first}-{end}/{size}",)
    return Answer(206, "", fields, protocol)


def _last(pattern: re.Pattern[bytes], lines: list[bytes]) -> bytes | None:
    found = [match[1] for line in lines if (match := pattern.fullmatch(line)) is not None]
    return found[-1] if found else None


def _time_of(text: bytes | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text.decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


_REMOTE = ErrorContext.REMOTE_FILE
_NET = ErrorContext.GENERAL_TRANSPORT
_GONE = (
    Reason.REMOTE_FILE_UNAVAILABLE,
    _REMOTE,
    "The server {host} does not give the file; check the path, and whether it wants credentials",
    False,
)
_UNREADABLE = (Reason.INVALID_RESPONSE, _REMOTE, "The server {host} sent an unusable answer", True)
_FAILURES: dict[int, tuple[Reason, ErrorContext, str, bool]] = {
    pycurl.E_LOGIN_DENIED: (
        Reason.LOGIN_DENIED,
        _REMOTE,
        "The server {host} refuses the login; set other credentials (BASIC) and resume",
        False,
    ),
    pycurl.E_REMOTE_FILE_NOT_FOUND: _GONE,
    pycurl.E_REMOTE_ACCESS_DENIED: _GONE,
    pycurl.E_FTP_COULDNT_RETR_FILE: _GONE,
    pycurl.E_USE_SSL_FAILED: (
        Reason.TLS_FAILED,
        _NET,
        "The server {host} does not protect the connection with TLS; nothing was sent to it",
        False,
    ),
    pycurl.E_FTP_WEIRD_PASV_REPLY: _UNREADABLE,
    pycurl.E_FTP_WEIRD_227_FORMAT: _UNREADABLE,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: _UNREADABLE,
    pycurl.E_FTP_WEIRD_PASS_REPLY: _UNREADABLE,
    pycurl.E_FTP_COULDNT_SET_TYPE: _UNREADABLE,
}

FTP_DIALECTS: Mapping[str, Dialect] = {
    "ftp": Ftp("FTP", pycurl.PROTO_FTP, "ftp", tls=False),
    "ftps": Ftp("FTPS", pycurl.PROTO_FTPS, "ftps", tls=True),
    "ftpes": Ftp("FTPS", pycurl.PROTO_FTP, "ftp", tls=True),
}
