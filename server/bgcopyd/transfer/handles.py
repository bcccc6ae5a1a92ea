"""Curl handles, kept for the next request with all that never changes already set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pycurl

from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.policy import Policy, obey
from bgcopyd.transfer.redirects import Origin

_WEB = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


class Sink(Protocol):
    """Who receives a request's body and its end."""

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece; 0 breaks the request off."""

    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: `fields` are header lines without their ends; `origin` is the URL's.

    One that goes `apart` shares no connection with others, as HTTP/2 would let it.
    """

    url: str
    origin: Origin
    policy: Policy
    fields: list[bytes]
    apart: bool = False


class Handle:
    """One easy handle of a policy. `lines` are the header lines that have arrived, all blocks."""

    def __init__(self, options: EngineOptions, policy: Policy) -> None:
        self.policy = policy
        self.lines: list[bytes] = []
        self.sink: Sink | None = None
        self.curl = curl = pycurl.Curl()
        # libcurl itself must never speak anything else, whatever a server says.
        curl.setopt(pycurl.PROTOCOLS, _WEB)
        curl.setopt(pycurl.REDIR_PROTOCOLS, _WEB)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.NETRC, 0)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.USERAGENT, options.user_agent)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(options.connect_timeout * 1000))
        curl.setopt(pycurl.TCP_KEEPALIVE, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        obey(curl, policy, options)

    def _on_body(self, data: bytes) -> int | None:
        return 0 if self.sink is None else self.sink.on_body(data)

    def prepare(self, sink: Sink, request: Request, *, buffer: int, http1: bool) -> None:
        """Makes the handle ready for a request."""
        self.lines.clear()
        self.sink = sink
        version = pycurl.CURL_HTTP_VERSION_1_1 if http1 else pycurl.CURL_HTTP_VERSION_2TLS
        self.curl.setopt(pycurl.HTTP_VERSION, version)
        self.curl.setopt(pycurl.BUFFERSIZE, buffer)
        self.curl.setopt(pycurl.FRESH_CONNECT, request.apart)
        self.curl.setopt(pycurl.URL, request.url)
        self.curl.setopt(pycurl.HTTPHEADER, request.fields)
