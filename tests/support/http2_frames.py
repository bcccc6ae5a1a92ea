"""HTTP/2 frames by hand (RFC 9113), right and wrong ones, for those who attack a gRPC server."""

from __future__ import annotations

import socket
import struct

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL = 8


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame, whatever it holds."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def opening() -> bytes:
    """What a client says first."""
    return PREFACE + frame(SETTINGS, 0, 0)


def call_headers(path: str | bytes, **more: str) -> bytes:
    """A header block of a unary gRPC call."""
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *more.items(),
    ]
    # Never indexed: each block is whole by itself.
    return hpack.Encoder().encode(fields, huffman=False)


def message(payload: bytes) -> bytes:
    """A gRPC message: not compressed, and its length."""
    return b"\0" + struct.pack(">I", len(payload)) + payload


def unary(stream: int, path: str | bytes, payload: bytes, **more: str) -> bytes:
    """The frames of a unary call."""
    return frame(HEADERS, END_HEADERS, stream, call_headers(path, **more)) + frame(
        DATA, END_STREAM, stream, message(payload)
    )


def connected(host: str, port: int) -> socket.socket:
    """A blocking connection that gives up after a while."""
    link = socket.create_connection((host, port), timeout=20)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link
