"""FTP, plain and over TLS (RFC 959, RFC 3659, RFC 4217), in the terms of an HTTP answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.likeness import Facts, answer_of, asked_range
from bgcopyd.transfer.wire.dialects import Dialect

if TYPE_CHECKING:
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.report import Ending
    from bgcopyd.transfer.wire.handles import Handle, Request

_PASSIVE = re.compile(rb"22[79][ -]")
_SIZE = re.compile(rb"213 (\d{1,18})\s*")
_MODIFIED = re.compile(rb"213 (\d{14})(?:\.\d+)?\s*")
_NOT_NOW = range(400, 500)


class Ftp(Dialect):
    """One way to speak FTP; with `tls` nothing but its greeting is ever sent unprotected."""

    # Servers are known that grant an offset and send from the start.
    unplaced = True
    # An offset beyond the file's end, which HTTP answers with a 416.
    answers = frozenset({pycurl.E_BAD_DOWNLOAD_RESUME})

    def __init__(self, name: str, bits: int, scheme: str, *, tls: bool) -> None:
        self.name = name
        self.bits = bits
        self._scheme = scheme
        self._tls = tls

    def wire(self, url: str) -> str:
        """The URL with a scheme that libcurl has."""
        return f"{self._scheme}:{url.partition(':')[2]}"

    def set_up(self, handle: Handle, options: EngineOptions) -> None:  # noqa: ARG002
        """Passive mode, to the address that was asked: what the server says of one is ignored."""
        curl = handle.curl
        curl.setopt(pycurl.FTP_SKIP_PASV_IP, 1)
        curl.setopt(pycurl.OPT_FILETIME, 1)
        curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
        secured = pycurl.USESSL_ALL if self._tls else pycurl.USESSL_NONE
        curl.setopt(pycurl.USE_SSL, secured)

    def put(self, handle: Handle, request: Request) -> None:
        """The range alone."""
        put_range(handle.curl, asked_range(request.fields))

    def answer(self, handle: Handle, now: datetime) -> Answer | None:
        """What the answers to MDTM and SIZE say; they come before and after that to EPSV."""
        lines = handle.lines
        passive = next((n for n, line in enumerate(lines) if _PASSIVE.match(line)), len(lines))
        modified = _last(_MODIFIED, lines[:passive])
        size = _last(_SIZE, lines[passive:])
        asked = None if handle.request is None else asked_range(handle.request.fields)
        facts = Facts(None if size is None else int(size), _time_of(modified))
        return answer_of(self.name, asked, facts, now)

    def only_whole(self, handle: Handle, code: int) -> bool:
        """A refused REST, or a file that without its offset may be there."""
        asked = None if handle.request is None else asked_range(handle.request.fields)
        behind = asked is not None and asked[0] > 0
        return code == pycurl.E_FTP_COULDNT_USE_REST or (
            code == pycurl.E_FTP_COULDNT_RETR_FILE and behind
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


def size_told(lines: list[bytes]) -> int | None:
    """What the last answer to SIZE says, where no time of modification was asked for."""
    size = _last(_SIZE, lines)
    return None if size is None else int(size)


def put_range(curl: pycurl.Curl, asked: tuple[int, int | None] | None) -> None:
    """Sets the range of bytes to ask for, None for the whole file."""
    if asked is None:
        curl.unsetopt(pycurl.RANGE)
    else:
        curl.setopt(pycurl.RANGE, f"{asked[0]}-{'' if asked[1] is None else asked[1]}")


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
