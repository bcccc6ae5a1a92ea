"""Curl handles, kept for the next request with all that never changes already set."""

from __future__ import annotations

import ssl
from typing import Protocol

import pycurl

from bgcopyd.transfer.options import EngineOptions

_WEB = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


class Sink(Protocol):
    """Who receives a request's body and its end."""

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece; 0 breaks the request off."""

    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""

    def tick(self, now: float) -> None:
        """Called a few times per second while the request runs."""


class Handle:
    """One easy handle. `lines` are the header lines that have arrived, all blocks of them."""

    def __init__(self, options: EngineOptions) -> None:
        self.lines: list[bytes] = []
        self.sink: Sink | None = None
        self.curl = curl = pycurl.Curl()
        # libcurl itself must never speak anything else, whatever a server says.
        curl.setopt(pycurl.PROTOCOLS, _WEB)
        curl.setopt(pycurl.REDIR_PROTOCOLS, _WEB)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NETRC, 0)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.USERAGENT, options.user_agent)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(options.connect_timeout * 1000))
        curl.setopt(pycurl.TCP_KEEPALIVE, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self._trust(options)

    def _trust(self, options: EngineOptions) -> None:
        if options.ca_file is not None:
            self.curl.setopt(pycurl.CAINFO, str(options.ca_file))
            return
        # The wheel's libcurl does not know where this system keeps its certificates.
        paths = ssl.get_default_verify_paths()
        if paths.cafile:
            self.curl.setopt(pycurl.CAINFO, paths.cafile)
        elif paths.capath:
            self.curl.setopt(pycurl.CAPATH, paths.capath)

    def _on_body(self, data: bytes) -> int | None:
        return 0 if self.sink is None else self.sink.on_body(data)

    def prepare(
        self, sink: Sink, url: str, fields: list[bytes], *, buffer: int, http1: bool
    ) -> None:
        """Makes the handle ready for a request."""
        self.lines.clear()
        self.sink = sink
        version = pycurl.CURL_HTTP_VERSION_1_1 if http1 else pycurl.CURL_HTTP_VERSION_2TLS
        self.curl.setopt(pycurl.HTTP_VERSION, version)
        self.curl.setopt(pycurl.BUFFERSIZE, buffer)
        self.curl.setopt(pycurl.URL, url)
        self.curl.setopt(pycurl.HTTPHEADER, fields)


class HandlePool:
    """Handles of one thread."""

    def __init__(self, options: EngineOptions, limit: int = 64) -> None:
        self._options = options
        self._limit = limit
        self._idle: list[Handle] = []

    def take(self) -> Handle:
        """A handle, kept or new."""
        return self._idle.pop() if self._idle else Handle(self._options)

    def give(self, handle: Handle) -> None:
        """Takes a handle back that is in no multi any more."""
        handle.sink = None
        if len(self._idle) < self._limit:
            self._idle.append(handle)
        else:
            handle.curl.close()

    def close(self) -> None:
        """Closes the idle handles."""
        while self._idle:
            self._idle.pop().curl.close()
