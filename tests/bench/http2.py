"""Just enough HTTP/2 (RFC 9113) to load a gRPC server without being the bottleneck.

A client of grpc costs its own process about as much as the server pays for a call, so that two
processor cores would measure the client. Here a call is two prepared frames out and three frames
in. Headers are sent as a real client does: the first call of a connection fills the dynamic table
(RFC 7541 section 2.3.2), the others name its entries.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping

from tests.support.http2_frames import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

_BIG_WINDOW = (1 << 31) - 1
_START_WINDOW = 65535
_FIRST_DYNAMIC = 62
_POST, _SCHEME_HTTP = b"\x83", b"\x86"

# (stream, is it the end, payload of a DATA frame or empty)
Received = Callable[[int, bool, bytes], None]


def _literal(name: str, value: str) -> bytes:
    """A header that the other side shall remember."""
    return b"\x40" + _string(name) + _string(value)


def _string(value: str) -> bytes:
    data = value.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest = len(data) - 127
    length = bytearray([127])
    while rest >= 128:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return bytes(length) + data


class Connection(asyncio.Protocol):
    """One connection; `received` is called for each DATA frame and each end of a stream.

    Args:
        reading: False never reads what the server sends, as a client that hangs.
    """

    def __init__(self, path: str, metadata: Mapping[str, str], received: Received) -> None:
        headers = {
            ":path": path,
            ":authority": "localhost",
            "te": "trailers",
            "content-type": "application/grpc",
            "user-agent": "bgcopy-bench",
            **metadata,
        }
        lines = [_literal(name, value) for name, value in headers.items()]
        self._first = _POST + _SCHEME_HTTP + b"".join(lines)
        count = len(headers)
        indexes = [0x80 | (_FIRST_DYNAMIC + count - 1 - place) for place in range(count)]
        self._later = _POST + _SCHEME_HTTP + bytes(indexes)
        self._received = received
        self._stream = -1
        self._window = _START_WINDOW
        self._consumed = 0
        self._out = bytearray()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        window = struct.pack(">HI", 4, _BIG_WINDOW)
        update = struct.pack(">I", _BIG_WINDOW - _START_WINDOW)
        self._out += PREFACE + frame(SETTINGS, 0, 0, window) + frame(WINDOW_UPDATE, 0, 0, update)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(exc)

    def call(self, payload: bytes) -> int:
        """Queues a call with one message, as `message` makes it; the stream's number."""
        self._stream += 2
        headers = self._first if self._stream == 1 else self._later
        self._out += frame(HEADERS, END_HEADERS, self._stream, headers)
        self._out += frame(DATA, END_STREAM, self._stream, payload)
        self._window -= len(payload)
        if self._window < 0:
            raise RuntimeError("the server's window is used up")
        return self._stream

    def flush(self) -> None:
        """Sends what was queued."""
        if self._out and self._transport is not None:
            self._transport.write(bytes(self._out))
            self._out.clear()

    def hang(self) -> None:
        """From here on nothing is read."""
        assert self._transport is not None
        self._transport.pause_reading()

    def close(self) -> None:
        """Hangs up."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        place = 0
        while len(buffer) - place >= 9:
            length = int.from_bytes(buffer[place : place + 3], "big")
            if len(buffer) - place < 9 + length:
                break
            kind, flags = buffer[place + 3], buffer[place + 4]
            stream = int.from_bytes(buffer[place + 5 : place + 9], "big")
            payload = bytes(buffer[place + 9 : place + 9 + length])
            place += 9 + length
            self._take(kind, flags, stream, payload)
        del buffer[:place]
        self.flush()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == DATA:
            self._consume(len(payload))
            self._received(stream, bool(flags & END_STREAM), payload)
        elif kind == HEADERS:
            if flags & END_STREAM:
                self._received(stream, True, b"")
        elif kind == WINDOW_UPDATE:
            if stream == 0:
                self._window += int.from_bytes(payload, "big")
        elif kind == PING and not flags & ACK:
            self._out += frame(PING, ACK, 0, payload)
        elif kind == SETTINGS and not flags & ACK:
            self._out += frame(SETTINGS, ACK, 0, b"")
        elif kind in {RST_STREAM, GOAWAY}:
            raise RuntimeError(f"the server ended a stream or the connection: {payload!r}")

    def _consume(self, count: int) -> None:
        self._consumed += count
        if self._consumed > 1 << 28:
            self._out += frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self._consumed))
            self._consumed = 0


async def connect(
    target: str, path: str, metadata: Mapping[str, str], received: Received
) -> Connection:
    """Connects to `unix:PATH` or `HOST:PORT`."""
    loop = asyncio.get_running_loop()

    def make() -> Connection:
        return Connection(path, metadata, received)

    if target.startswith("unix:"):
        _, connection = await loop.create_unix_connection(make, target.removeprefix("unix:"))
    else:
        host, _, port = target.rpartition(":")
        _, connection = await loop.create_connection(make, host, int(port))
    return connection
