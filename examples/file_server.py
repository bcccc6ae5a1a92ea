"""The demo's web server: one file with Range and ETag over a link of its own, and it counts.

    python -m examples.file_server FILE

It prints its port, serves FILE under any path, and under /stats what it has sent so far as JSON:
{"bytes": 1234, "resumed_at": [567], "most": 4}, where `most` is how many it served at once.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MIB = 1 << 20
# What a connection is held to, and what all have together.
CONNECTION = 12 * MIB
FAST = 40 * MIB
SLOW = 4 * MIB
# When the link is slow, by how much of the file was sent: then the demo pulls the plug.
SLOW_STRETCH = (0.45, 0.53)
_CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Pace:
    """When the next bytes may go out; not faster later for having been slower before."""

    def __init__(self) -> None:
        self._due = time.monotonic()

    def after(self, count: int, rate: int) -> float:
        """Seconds to wait once so many bytes have gone out."""
        now = time.monotonic()
        self._due = max(self._due + count / rate, now - 0.1)
        return max(0.0, self._due - now)


class Server(ThreadingHTTPServer):
    """Serves one file and counts."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.path = path
        self.size = path.stat().st_size
        self.modified = path.stat().st_mtime
        self.etag = f'"{hashlib.sha256(f"{self.size} {self.modified}".encode()).hexdigest()[:16]}"'
        self._lock = threading.Lock()
        self._link = Pace()
        self._bytes = self._serving = self._most = 0
        self._resumed_at: list[int] = []

    def sent(self, count: int) -> float:
        """Counts bytes of the file; how long the link is busy with them."""
        with self._lock:
            self._bytes += count
            first, last = (part * self.size for part in SLOW_STRETCH)
            slow = first <= self._bytes < last
            return self._link.after(count, SLOW if slow else FAST)

    @contextmanager
    def serving(self, start: int) -> Iterator[None]:
        """Counts those that are served at once, and remembers where a client went on."""
        with self._lock:
            self._serving += 1
            self._most = max(self._most, self._serving)
            if start:
                self._resumed_at.append(start)
        try:
            yield
        finally:
            with self._lock:
                self._serving -= 1

    def stats(self) -> dict[str, object]:
        """What was sent so far."""
        with self._lock:
            return {
                "bytes": self._bytes,
                "resumed_at": list(self._resumed_at),
                "most": self._most,
            }


class Handler(BaseHTTPRequestHandler):
    """Answers GET: /stats, or the file from where it was asked for."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Serves one request; a client that goes away in the middle is no error."""
        if self.path == "/stats":
            self._answer_stats()
            return
        start, end = self._asked_range()
        if start >= self.server.size:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self._send_head(start, end)
        try:
            with self.server.serving(start):
                self._send_file(start, end)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""

    def _answer_stats(self) -> None:
        body = json.dumps(self.server.stats()).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _asked_range(self) -> tuple[int, int]:
        """First byte and the one behind the last; all of it if the client has another version."""
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if match is None or not same:
            return 0, self.server.size
        end = int(match[2]) + 1 if match[2] else self.server.size
        return int(match[1]), min(end, self.server.size)

    def _send_head(self, start: int, end: int) -> None:
        partial = "Range" in self.headers and (start, end) != (0, self.server.size)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", self.server.etag)
        self.send_header("Last-Modified", formatdate(self.server.modified, usegmt=True))
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{self.server.size}")
        self.end_headers()

    def _send_file(self, start: int, end: int) -> None:
        # A small buffer, so that what is counted has nearly arrived.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * _CHUNK)
        pace = Pace()
        with self.server.path.open("rb") as file:
            file.seek(start)
            while (left := end - file.tell()) > 0:
                chunk = file.read(min(_CHUNK, left))
                self.wfile.write(chunk)
                busy = self.server.sent(len(chunk))
                time.sleep(max(busy, pace.after(len(chunk), CONNECTION)))


def main() -> None:
    """Serves until killed."""
    with Server(Path(sys.argv[1])) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
