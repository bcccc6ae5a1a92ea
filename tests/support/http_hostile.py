"""An HTTP server that says whatever a test wants, byte for byte."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self

DATE = "Tue, 10 Nov 2026 10:00:00 GMT"
OLD = "Mon, 09 Nov 2026 10:00:00 GMT"
REASON = {200: "OK", 206: "Partial Content", 302: "Found", 404: "Not Found", 416: "No Range"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `number` counts from 0 over all connections, as `connection` does."""

    number: int
    method: str
    target: str
    fields: dict[str, str]
    connection: int = 0

    @property
    def start(self) -> int | None:
        """The first byte asked for; None without Range."""
        match = re.fullmatch(r"bytes=(\d+)-", self.fields.get("range", ""))
        return int(match[1]) if match else None

    def span(self, size: int) -> tuple[int, int]:
        """The bytes of a file of this size that are asked for; start may lie behind the end."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.fields.get("range", "bytes=0-"))
        assert match is not None
        return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size


@dataclass(slots=True)
class Wire:
    """The server's end of a connection."""

    connection: socket.socket
    count: Callable[[int], None]
    read: Callable[[int], bytes]
    open: bool = True
    released: threading.Event = field(default_factory=threading.Event)

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        with memoryview(data) as view:
            for offset in range(0, len(view), 65536):
                self.connection.sendall(view[offset : offset + 65536])
                self.count(len(view[offset : offset + 65536]))

    def head(self, status: int, **fields: object) -> None:
        """A status line and header fields; underscores stand for hyphens."""
        lines = [f"HTTP/1.1 {status} {REASON.get(status, 'Status')}", f"Date: {DATE}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def take(self, request: Request, count: int | None = None) -> bytes:
        """The body of a request, or its first bytes."""
        if "expect" in request.fields:
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(request.fields["content-length"])
        return self.read(length if count is None else count)

    def answer(self, status: int, body: bytes, **fields: object) -> None:
        """A whole answer with its length."""
        self.head(status, **{"Content_Length": len(body), **fields})
        self.send(body)

    def part(self, content: bytes, start: int, end: int | None = None, **fields: object) -> None:
        """A 206 with the content from start to end."""
        end = len(content) if end is None else end
        span = f"bytes {start}-{end - 1}/{len(content)}"
        self.answer(206, content[start:end], **{"Content_Range": span, **fields})

    def chunk(self, data: bytes) -> None:
        """A chunk of a chunked body; empty data ends it."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def close(self) -> None:
        """Ends the connection properly."""
        self.open = False

    def reset(self) -> None:
        """Ends the connection with a RST."""
        self.open = False
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def hang(self) -> None:
        """Says nothing until the client or the test goes away."""
        self.open = False
        self.released.wait(30)


Handler = Callable[[Request, Wire], None]


class HostileServer:
    """Runs a handler for each request, on a thread per connection."""

    def __init__(
        self,
        handler: Handler,
        *,
        context: ssl.SSLContext | None = None,
        bound: socket.socket | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.sent = 0
        self._accepted = 0
        self._handler = handler
        self._context = context
        self._lock = threading.Lock()
        self._listener = bound or socket.create_server(("127.0.0.1", 0))
        self._listener.listen(128)
        self._port = self._listener.getsockname()[1]
        self._released = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Without a path."""
        scheme, host = ("https", "localhost") if self._context else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self._port}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        self.refuse()
        with self._lock:
            for connection in tuple(self._connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def refuse(self) -> None:
        """Takes no further connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

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
        # A client that breaks off is what many of these tests provoke.
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wrapped = self._wrap(connection)
            with self._lock:
                self._connections.add(wrapped)
            try:
                with wrapped, wrapped.makefile("rb") as reader:
                    self._converse(wrapped, reader)
            finally:
                with self._lock:
                    self._connections.discard(wrapped)

    def _wrap(self, connection: socket.socket) -> socket.socket:
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_side=True)

    def _converse(self, connection: socket.socket, reader: BinaryIO) -> None:
        readline = reader.readline
        wire = Wire(connection, self._count, reader.read, released=self._released)
        with self._lock:
            number = self._accepted
            self._accepted += 1
        while wire.open:
            line = readline()
            if not line:
                return
            if b" HTTP/" not in line:
                return  # a TLS greeting, for one
            method, target, _ = line.decode("latin-1").split(" ", 2)
            fields = {}
            while (line := readline()) not in {b"\r\n", b""}:
                name, _, value = line.decode("latin-1").partition(":")
                fields[name.strip().lower()] = value.strip()
            with self._lock:
                request = Request(len(self.requests), method, target, fields, number)
                self.requests.append(request)
            self._handler(request, wire)

    def _count(self, sent: int) -> None:
        with self._lock:
            self.sent += sent
