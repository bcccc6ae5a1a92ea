"""What a transfer tells of itself at its end, for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import pycurl

from bgcopyd.jobs import limits
from bgcopyd.jobs.file import FileReport, SourceBytes
from bgcopyd.jobs.http_options import HttpHeader
from bgcopyd.queue.transfers import NO_ATTEMPT, AttemptReport
from bgcopyd.transfer.failures import PROXY_NEEDS_CREDENTIALS
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.redirects import shown
from bgcopyd.transfer.wire.dialects import Newest
from bgcopyd.transfer.wire.handles import Handle

_SECRET_FIELDS = frozenset(
    {
        "authentication-info",
        "authorization",
        "cookie",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "set-cookie",
        "set-cookie2",
        "www-authenticate",
    }
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\xff]")
# What fails before a byte reaches the server: its proxy cannot be found, reached or agreed with.
_NO_CONNECTION = frozenset(
    {
        pycurl.E_COULDNT_RESOLVE_PROXY,
        pycurl.E_COULDNT_CONNECT,
        pycurl.E_OPERATION_TIMEDOUT,
        97,  # CURLE_PROXY
    }
)


# CURLPX_NO_AUTH and CURLPX_USER_REJECTED: what a SOCKS proxy has in place of a status.
_UNWELCOME = frozenset({12, 33})


@dataclass(frozen=True, slots=True)
class Ending:
    """What libcurl tells of a request that has ended.

    `address` is empty behind a proxy, whose answer to CONNECT was `connect_status` (0: none); 407
    is also a SOCKS proxy that wants other credentials.
    `connected` says that the request could be sent.
    `no_tunnel` says that the way to a server through a proxy was never there. `reply` is the last
    that the server itself said, a status or an FTP reply (0: nothing), `note` what else there is to
    tell of it, `newest` the version of HTTP that it might have used. `forbidden` says that there
    was no address that may be connected to.
    """

    address: str = ""
    received: int = 0
    connect_status: int = 0
    no_tunnel: bool = False
    connected: bool = True
    reply: int = 0
    note: str = ""
    newest: Newest = Newest.HTTP2
    forbidden: bool = False

    @staticmethod
    def of(handle: Handle) -> Ending:
        """Asks the handle of a request."""
        curl = handle.curl
        received = curl.getinfo(pycurl.SIZE_DOWNLOAD_T)
        reply = curl.getinfo(pycurl.RESPONSE_CODE)
        if not handle.policy.proxy:
            return Ending(
                _address(curl),
                received,
                connected=handle.sent_after() > 0,
                reply=reply,
                note=handle.note,
                newest=handle.newest,
                forbidden=handle.gate.forbidden,
            )
        status = curl.getinfo(pycurl.HTTP_CONNECTCODE)
        if curl.getinfo(pycurl.PROXY_ERROR) in _UNWELCOME:
            status = PROXY_NEEDS_CREDENTIALS
        tunnel = not handle.asked.startswith("http:") and handle.policy.proxy.startswith("http")
        lost = tunnel and not status and curl.getinfo(pycurl.NUM_CONNECTS) > 0
        refused = status >= 300 or curl.getinfo(pycurl.PROXY_SSL_VERIFYRESULT) != 0
        return Ending(
            "",
            received,
            status,
            refused or lost,
            reply=reply,
            note=handle.note,
            forbidden=handle.gate.forbidden,
        )

    def by_proxy(self, code: int) -> bool:
        """Whether a request through a proxy that ended so failed at the proxy."""
        return bool(code) and (code in _NO_CONNECTION or self.no_tunnel)


NO_ENDING = Ending()


def _address(curl: pycurl.Curl) -> str:
    host = curl.getinfo(pycurl.PRIMARY_IP)
    if not host:
        return ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{curl.getinfo(pycurl.PRIMARY_PORT)}"


def protocol_of(answer: Answer) -> str:
    """The protocol of an answer, as "HTTP/2" or "FTP"."""
    return f"{answer.protocol}/{answer.version}" if answer.version else answer.protocol


class Report:
    """Gathers what the requests of one transfer were like.

    Attributes:
        ending: of the last of them.
    """

    __slots__ = ("_address", "_answer", "_first", "_received", "_url", "ending")

    def __init__(self, url: str) -> None:
        self.ending = NO_ENDING
        self._first = url
        self._url = self._address = ""
        self._answer: Answer | None = None
        self._received: tuple[SourceBytes, ...] = ()

    def ended(self, url: str, handle: Handle, answer: Answer | None, *, accepted: bool) -> None:
        """Notes the end of a request; `accepted` says that its body is the file's."""
        self.ending = Ending.of(handle)
        if answer is not None:
            self._url, self._answer, self._address = url, answer, self.ending.address
        if accepted and self.ending.received:
            self._add(shown(url), int(self.ending.received))

    def helped(self, url: str, handle: Handle, *, accepted: bool) -> None:
        """Counts what a request brought beside the one that is told of."""
        received = int(handle.curl.getinfo(pycurl.SIZE_DOWNLOAD_T))
        if accepted and received:
            self._add(shown(url), received)

    def _add(self, source: str, count: int) -> None:
        before = sum(one.bytes for one in self._received if one.url == source)
        others = tuple(one for one in self._received if one.url != source)
        self._received = (*others, SourceBytes(source, before + count))

    def attempt(self, *, tell_url: bool) -> AttemptReport:
        """The report; with `tell_url` it says where redirects led."""
        answer, url = self._answer, shown(self._url)
        if answer is None:
            return NO_ATTEMPT
        return AttemptReport(
            url=url,
            address=self._address,
            protocol=protocol_of(answer),
            http_status=answer.http_status,
            received=sum(one.bytes for one in self._received),
            file=FileReport(
                response_headers=response_headers(answer),
                final_url=url if tell_url and self._url != self._first else "",
                sources=self._received,
            ),
        )


def response_headers(answer: Answer) -> tuple[HttpHeader, ...]:
    """The fields of an answer that may be shown, as far as the limit goes."""
    if answer.http_status is None:
        return ()
    fields: list[HttpHeader] = []
    left = limits.RESPONSE_HEADERS_BYTES
    for name, values in answer.fields.items():
        if name in _SECRET_FIELDS:
            continue
        for value in values:
            header, size = _shown_header(name, value)
            left -= size
            if left < 0:
                return tuple(fields)
            fields.append(header)
    return tuple(fields)


# Most fields of a server's answers are the same each time.
@lru_cache(maxsize=512)
def _shown_header(name: str, value: str) -> tuple[HttpHeader, int]:
    header = HttpHeader(_printable(name), _printable(value))
    # As UTF-8, which a character beyond ASCII doubles.
    return header, len(header.name.encode()) + len(header.value.encode())


def _printable(text: str) -> str:
    return text if text.isascii() and text.isprintable() else _UNPRINTABLE.sub("?", text)
