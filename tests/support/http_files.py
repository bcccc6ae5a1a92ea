"""A well-behaved HTTP server for files: Range, ETag, sendfile, a rate, and a count of its work.

`python -m tests.support.http_files DIRECTORY [--rate N] [--certificate PEM]` prints its port and
serves until its standard input ends. GET /stats tells what it has done as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import IO, Any
from urllib.parse import unquote

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PIECE = 1 << 20
_TICK = 0.02


@dataclass
class Stats:
    """What was asked and sent; `body_bytes` without headers."""

    requests: int = 0
    ranged: int = 0
    body_bytes: int = 0
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **counts: int) -> None:
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def as_json(self) -> bytes:
        counts = {name: getattr(self, name) for name in ("requests", "ranged", "body_bytes")}
        return json.dumps({**counts, "connections": self.connections}).encode()


class FileServer(ThreadingTCPServer):
    """Serves a directory on loopback; `rate` bytes per second and connection, 0 = none."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(
        self, directory: Path, *, rate: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.directory = directory.resolve()
        self.rate = rate
        self.context = context
        self.stats = Stats()

    @property
    def url(self) -> str:
        """Without a path; a certificate is for "localhost"."""
        scheme, host = ("https", "localhost") if self.context else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.server_address[1]}"

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self.stats.add(connections=1)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are none of this server's business."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Conversation(StreamRequestHandler):
    server: FileServer
    disable_nagle_algorithm = True

    def setup(self) -> None:
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        while line := self.rfile.readline(8192):
            method, target, _ = line.decode("latin-1").split(" ", 2)
            fields = {}
            while (line := self.rfile.readline(8192)) not in {b"\r\n", b""}:
                name, _, value = line.decode("latin-1").partition(":")
                fields[name.lower()] = value.strip()
            self._answer(method, unquote(target.partition("?")[0]), fields)

    def _answer(self, method: str, path: str, fields: dict[str, str]) -> None:
        if path == "/stats":
            self._send(200, self.server.stats.as_json())
            return
        self.server.stats.add(requests=1)
        found = (self.server.directory / path.lstrip("/")).resolve()
        if method not in {"GET", "HEAD"}:
            self._send(405, b"")
        elif not found.is_relative_to(self.server.directory) or not found.is_file():
            self._send(404, b"no such file\n")
        else:
            with found.open("rb") as file:
                self._file(file, fields, body=method == "GET")

    def _send(self, status: int, body: bytes, *fields: str) -> None:
        self._head(status, f"Content-Length: {len(body)}", *fields)
        self.request.sendall(body)

    def _head(self, status: int, *fields: str) -> None:
        lines = [f"HTTP/1.1 {status} -", f"Date: {formatdate(usegmt=True)}", *fields, "", ""]
        self.request.sendall("\r\n".join(lines).encode())

    def _file(self, file: IO[bytes], fields: dict[str, str], *, body: bool) -> None:
        state = os.fstat(file.fileno())
        etag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
        known = [
            "Accept-Ranges: bytes",
            f"ETag: {etag}",
            f"Last-Modified: {formatdate(state.st_mtime, usegmt=True)}",
        ]
        start, end = 0, state.st_size
        match = _RANGE.fullmatch(fields.get("range", ""))
        if match and fields.get("if-range", etag) == etag:
            start = int(match[1])
            end = min(int(match[2] or end) + bool(match[2]), state.st_size)
            self.server.stats.add(ranged=1)
            if start >= state.st_size:
                self._send(416, b"", f"Content-Range: bytes */{state.st_size}", *known)
                return
            known.append(f"Content-Range: bytes {start}-{end - 1}/{state.st_size}")
        status = 206 if len(known) > 3 else 200
        self._head(status, f"Content-Length: {end - start}", *known)
        if body:
            self._body(file, start, end)

    def _body(self, file: IO[bytes], start: int, end: int) -> None:
        rate = self.server.rate
        piece = max(int(rate * _TICK), 1) if rate else _PIECE
        began, sent = time.monotonic(), 0
        while start + sent < end:
            count = min(piece, end - start - sent)
            done = self.request.sendfile(file, start + sent, count)
            self.server.stats.add(body_bytes=done)
            sent += done
            if rate:
                time.sleep(max(began + sent / rate - time.monotonic(), 0))


@contextlib.contextmanager
def serving(
    directory: Path, *, rate: int = 0, context: ssl.SSLContext | None = None
) -> Iterator[FileServer]:
    """A server on a thread of this process."""
    with FileServer(directory, rate=rate, context=context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextlib.asynccontextmanager
async def process(directory: Path, *options: str) -> Any:
    """A server in a process of its own; gives its URL."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        str(directory),
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield (await child.stdout.readline()).decode().strip()
    finally:
        child.stdin.close()
        await child.wait()


def main() -> None:
    """Serves until standard input ends; prints the URL first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rate", type=int, default=0, help="bytes per second and connection")
    parser.add_argument("--certificate", type=Path, help="PEM with key and certificate: https")
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
    with serving(options.directory, rate=options.rate, context=context) as server:
        print(server.url, flush=True)  # noqa: T201 - what the caller waits for
        sys.stdin.read()


if __name__ == "__main__":
    main()
