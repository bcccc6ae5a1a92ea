"""Curl handles, kept for the next request with all that never changes already set."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pycurl

from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.likeness import Facts
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire.dialects import Newest
from bgcopyd.transfer.wire.gate import Gate, judged
from bgcopyd.transfer.wire.policy import Policy, obey

_ONE_AT_A_TIME = frozenset({pycurl.CURL_HTTP_VERSION_1_0, pycurl.CURL_HTTP_VERSION_1_1})


class Sink(Protocol):
    """Who receives a request's body and its end."""

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece; 0 breaks the request off."""

    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""


class Content(Protocol):
    """What an upload's request carries; called by libcurl."""

    length: int

    def read(self, count: int) -> bytes | int:
        """At most so many bytes, or one of libcurl's READFUNC codes."""

    def seek(self, offset: int, origin: int) -> int:
        """Goes back where a request is sent again; one of libcurl's SEEKFUNC codes."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: `fields` are header lines without their ends; `origin` is the URL's.

    The URL is as libcurl takes it. `method` and `content` are of an upload's dialect alone. One
    that goes `apart` shares no connection with others, as HTTP/2 would let it.
    """

    url: str
    origin: Origin
    policy: Policy
    fields: list[bytes]
    method: str = ""
    content: Content | None = None
    apart: bool = False


class Handle:
    """One easy handle of a policy.

    Attributes:
        lines: the header lines, or those of a dialogue, that have arrived; all blocks.
        request: what was asked last.
        facts: what was told of the file before it was asked for.
        newest: the version of HTTP that it may use.
        note: what a failure has to tell of the server.
        gate: what it may connect to.
    """

    def __init__(self, options: EngineOptions, policy: Policy) -> None:
        self.policy = policy
        self.lines: list[bytes] = []
        self.request: Request | None = None
        self.facts: Facts | None = None
        self.note = ""
        self.newest = Newest.HTTP2
        self.sink: Sink | None = None
        self.curl = curl = pycurl.Curl()
        # libcurl itself must never speak anything else, whatever a server says.
        curl.setopt(pycurl.PROTOCOLS, policy.dialect.bits)
        curl.setopt(pycurl.REDIR_PROTOCOLS, policy.dialect.bits)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.NETRC, 0)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(options.connect_timeout * 1000))
        curl.setopt(pycurl.TCP_KEEPALIVE, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self.gate = Gate(options)
        if judged(policy, options):
            self.gate.guard(curl)
        obey(curl, policy, options)
        policy.dialect.set_up(self, options)

    def _on_body(self, data: bytes) -> int | None:
        return 0 if self.sink is None else self.sink.on_body(data)

    def leave(self) -> None:
        """Ends the connection of the last request where something lies in it that nobody asked for.

        libcurl would take it for the answer to the next request.
        """
        if self.curl.getinfo(pycurl.INFO_HTTP_VERSION) not in _ONE_AT_A_TIME:
            return
        descriptor = self.curl.getinfo(pycurl.ACTIVESOCKET)
        if descriptor < 0:
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if poll.poll(0):
            with socket.socket(fileno=os.dup(descriptor)) as link, contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    @property
    def asked(self) -> str:
        """The URL that was asked for last, as libcurl takes it."""
        return "" if self.request is None else self.request.url

    def sent_after(self) -> float:
        """How many seconds it took until the request could be sent; 0 where it could not yet."""
        return float(self.curl.getinfo(pycurl.PRETRANSFER_TIME))

    def prepare(self, sink: Sink, request: Request, *, buffer: int, newest: Newest) -> None:
        """Makes the handle ready for a request."""
        self.lines.clear()
        self.gate.begin()
        self.sink, self.request = sink, request
        self.curl.setopt(pycurl.BUFFERSIZE, buffer)
        self.curl.setopt(pycurl.FRESH_CONNECT, request.apart)
        self.curl.setopt(pycurl.URL, request.url)
        self.note, self.facts = "", None
        self.newest = newest
        self.policy.dialect.put(self, request)

    def answer(self, now: datetime) -> Answer | None:
        """What the server has said of the file; None where it cannot be read."""
        return self.policy.dialect.answer(self, now)
