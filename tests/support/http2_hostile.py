"""An HTTP/2 server over TLS that breaks off where a test wants it."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

_FRAME = 16_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `start` is the first byte asked for, None without Range."""

    number: int
    protocol: str
    start: int | None


class Stream:
    """The server's end of one stream."""

    def __init__(
        self, server: Http2Server, peer: H2Connection, link: socket.socket, one: int
    ) -> None:
        self._server = server
        self._peer = peer
        self._link = link
        self._id = one

    def head(self, status: int, **fields: object) -> None:
        """Header fields; underscores stand for hyphens."""
        named = [(name.lower().replace("_", "-"), str(value)) for name, value in fields.items()]
        self._peer.send_headers(self._id, [(":status", str(status)), *named])

    def send(self, data: bytes) -> None:
        """Bytes of the body; no more than the peer's first windows allow."""
        for offset in range(0, len(data), _FRAME):
            self._peer.send_data(self._id, data[offset : offset + _FRAME])
            self._link.sendall(self._peer.data_to_send())

    def end(self) -> None:
        """The stream's proper end."""
        self._peer.end_stream(self._id)

    def reset(self) -> None:
        """RST_STREAM with INTERNAL_ERROR."""
        self._peer.reset_stream(self._id, 2)

    def go_away(self) -> None:
        """GOAWAY, and the connection ends."""
        self._peer.close_connection(2)
        self._link.sendall(self._peer.data_to_send())
        self._link.shutdown(socket.SHUT_WR)


Answer = Callable[[Asked, Stream], None]


class Http2Server:
    """Runs the answer for each request of HTTP/2; one of HTTP/1.1 is served plainly."""

    def __init__(self, context: ssl.SSLContext, content: bytes, answer: Answer) -> None:
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.requests: list[Asked] = []
        self._context = context
        self._content = content
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._links: list[socket.socket] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Without a path."""
        return f"https://localhost:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._spawn(lambda connection=connection: self._serve(connection))  # type: ignore[misc]  # a default binds the loop's value

    def _serve(self, connection: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            connection,
            self._context.wrap_socket(connection, server_side=True) as link,
        ):
            self._links.append(link)
            if link.selected_alpn_protocol() == "h2":
                self._http2(link)
            else:
                self._http1(link)

    def _note(self, protocol: str, text: str) -> Asked:
        match = re.fullmatch(r"bytes=(\d+)-", text)
        with self._lock:
            one = Asked(len(self.requests), protocol, int(match[1]) if match else None)
            self.requests.append(one)
        return one

    def _http2(self, link: ssl.SSLSocket) -> None:
        peer = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        peer.initiate_connection()
        asked: dict[int, Asked] = {}
        link.sendall(peer.data_to_send())
        while data := link.recv(65536):
            for event in peer.receive_data(data):
                if isinstance(event, RequestReceived):
                    fields = {str(name): str(value) for name, value in event.headers}
                    asked[event.stream_id] = self._note("HTTP/2", fields.get("range", ""))
                if isinstance(event, StreamEnded):
                    stream = Stream(self, peer, link, event.stream_id)
                    self._answer(asked[event.stream_id], stream)
            link.sendall(peer.data_to_send())

    def _http1(self, link: ssl.SSLSocket) -> None:
        reader = link.makefile("rb")
        text = b""
        while (line := reader.readline()) not in {b"\r\n", b""}:
            text += line
        match = re.search(rb"(?i)^range: *(.*?)\r", text, re.MULTILINE)
        one = self._note("HTTP/1.1", match[1].decode() if match else "")
        start, size = one.start or 0, len(self._content)
        head = f'HTTP/1.1 {200 if one.start is None else 206} OK\r\nETag: "a"\r\n'
        if one.start is not None:
            head += f"Content-Range: bytes {start}-{size - 1}/{size}\r\n"
        head += f"Content-Length: {size - start}\r\nConnection: close\r\n\r\n"
        link.sendall(head.encode() + self._content[start:])
