"""aioquic on the test's loop: a server that speaks HTTP/3 and has one file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Http3Site:
    """The file, and what was asked for it.

    Attributes:
        starts: the first bytes that were asked for.
        silent_after: nothing follows so many bytes of an answer.
    """

    content: bytes
    etag: str = '"a"'
    starts: list[int] = field(default_factory=list)
    silent_after: int | None = None


class _Protocol(QuicConnectionProtocol):
    def __init__(self, *arguments: Any, site: Http3Site, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._site = site
        self._http: H3Connection | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self._http = H3Connection(self._quic)
        if self._http is not None:
            for one in self._http.handle_event(event):
                self._answer(self._http, one)

    def _answer(self, http: H3Connection, event: H3Event) -> None:
        if not isinstance(event, HeadersReceived):
            return
        site = self._site
        fields = {name.decode(): value.decode() for name, value in event.headers}
        asked = _RANGE.fullmatch(fields.get("range", ""))
        start = int(asked[1]) if asked else 0
        site.starts.append(start)
        size = len(site.content)
        head = {":status": "206" if asked else "200", "etag": site.etag}
        head["content-length"] = str(size - start)
        if asked:
            head["content-range"] = f"bytes {start}-{size - 1}/{size}"
        http.send_headers(
            event.stream_id, [(name.encode(), text.encode()) for name, text in head.items()]
        )
        end = None if site.silent_after is None else start + site.silent_after
        http.send_data(event.stream_id, site.content[start:end], end_stream=end is None)
        self.transmit()


@contextlib.asynccontextmanager
async def http3_site(
    site: Http3Site, authority: trustme.CA, folder: Path, port: int
) -> AsyncIterator[None]:
    """Serves the file at https://localhost:PORT/, by UDP alone."""
    issued = authority.issue_cert("localhost")
    certificate, key = folder / "http3.pem", folder / "http3.key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(certificate, key)

    def made(*arguments: Any, **options: Any) -> _Protocol:
        return _Protocol(*arguments, site=site, **options)

    server = await serve("127.0.0.1", port, configuration=configuration, create_protocol=made)
    try:
        yield
    finally:
        server.close()
