"""The demo's web server: one file with Range and ETag, slow in the middle, and it counts.

    python -m examples.file_server FILE

It prints its port, serves FILE under any path, and under /stats what it has sent so far as JSON:
{"bytes": 1234, "resumed_at": [567]}.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sys
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MIB = 1 << 20
FAST = 40 * MIB
SLOW = 4 * MIB
# The stretch in which the link is slow, as parts of the file: there the demo pulls the plug.
SLOW_STRETCH = (0.45, 0.53)
_CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


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
        self._bytes = 0
        self._resumed_at: list[int] = []

    def count(self, sent: int) -> None:
        """Adds bytes of the file that were sent."""
        with self._lock:
            self._bytes += sent

    def resumed(self, start: int) -> None:
        """Remembers where a client went on."""
        with self._lock:
            self._resumed_at.append(start)

    def stats(self) -> dict[str, object]:
        """What was sent so far."""
        with self._lock:
            return {"bytes": self._bytes, "resumed_at": list(self._resumed_at)}

    def rate_at(self, offset: int) -> int:
        """Bytes per second at an offset of the file."""
        first, last = (part * self.size for part in SLOW_STRETCH)
        return SLOW if first <= offset < last else FAST


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
            self.server.resumed(start)
        self.end_headers()

    def _send_file(self, start: int, end: int) -> None:
        # A small buffer, so that what is counted has nearly arrived.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * _CHUNK)
        due = time.monotonic()
        with self.server.path.open("rb") as file:
            file.seek(start)
            offset = start
            while offset < end:
                chunk = file.read(min(_CHUNK, end - offset))
                self.wfile.write(chunk)
                self.server.count(len(chunk))
                offset += len(chunk)
                # Not faster later for having been slower before.
                due = max(due + len(chunk) / self.server.rate_at(offset), time.monotonic() - 0.1)
                time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    """Serves until killed."""
    with Server(Path(sys.argv[1])) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
