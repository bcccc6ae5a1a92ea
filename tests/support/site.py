"""A web server in a process of its own whose files and faults are told by their URLs.

    /NAME?size=1000&rate=4000000&fault=cut:300

serves 1,000 bytes that follow from NAME alone, 4 MB a second, and breaks the first answer off after
300 bytes. So a test knows every byte without a file, and the server may be restarted at will.
/.stats tells what was asked for and sent. As a program: `python -m tests.support.site PORT`.

Faults (N times, or ever where it is left out):

=================  ============================================================================
`cut:AT[:N]`       closes the connection after AT bytes of the answer
`replaced`         the first answer breaks off after half; from then on another file, another ETag
`ignores-range`    as `cut` at half, once; answers 200 and the whole to every Range
`shifted`          as `cut` at half, once; answers a Range with a 206 of another place
`long:BY`          announces BY bytes more than it sends, then closes
`short:BY`         announces BY bytes less than it sends
`status:CODE[:N]`  answers with an error
=================  ============================================================================
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.network import free_port

_CHUNK = 32 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def content(name: str, size: int) -> bytes:
    """The bytes of a file."""
    return random.Random(name).randbytes(size)


@dataclass
class Asked:
    """What was asked of one URL."""

    requests: int = 0
    bytes: int = 0
    starts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What one request is answered with; `cut` breaks the body off there."""

    status: str
    body: bytes
    length: int
    etag: str
    start: int = 0
    total: int = 0
    cut: int | None = None

    def head(self) -> bytes:
        """Status line and headers."""
        lines = [
            f"HTTP/1.1 {self.status}",
            f"Content-Length: {self.length}",
            f"ETag: {self.etag}",
            "Accept-Ranges: bytes",
        ]
        if self.status.startswith("206"):
            end = self.start + len(self.body) - 1
            lines.append(f"Content-Range: bytes {self.start}-{end}/{self.total}")
        return "\r\n".join([*lines, "", ""]).encode()


class Server:
    """The server's side."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raw: socket.socket = writer.get_extra_info("socket")
        # What is counted as sent shall have nearly arrived.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _CHUNK)
        writer.transport.set_write_buffer_limits(high=_CHUNK)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection stays."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        url = head[0].split(" ")[1]
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
        }
        if url == "/.stats":
            stats = {name: asked.__dict__ for name, asked in self.asked.items()}
            body = json.dumps(stats).encode()
            writer.write(Answer("200 OK", body, len(body), '"stats"').head() + body)
            await writer.drain()
            return True
        return await self._file(url, headers, writer)

    async def _file(self, url: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        parts = urlsplit(url)
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = parts.path.lstrip("/")
        asked = self.asked.setdefault(name, Asked())
        asked.requests += 1
        answer = _answer(name, options, headers, asked.requests)
        asked.starts.append(answer.start)
        writer.write(answer.head())
        whole = answer.cut is None
        body = answer.body[: answer.cut]
        await self._send(body, float(options.get("rate", 0)), asked, writer)
        return whole and answer.length == len(body)

    @staticmethod
    async def _send(body: bytes, rate: float, asked: Asked, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        await writer.drain()
        for place in range(0, len(body), _CHUNK):
            chunk = body[place : place + _CHUNK]
            writer.write(chunk)
            await writer.drain()
            asked.bytes += len(chunk)
            if rate:
                due += len(chunk) / rate
                await asyncio.sleep(due - loop.time())


def _answer(name: str, options: dict[str, str], headers: dict[str, str], nth: int) -> Answer:
    size = int(options["size"])
    fault, _, rest = options.get("fault", "").partition(":")
    numbers = [int(number) for number in rest.split(":") if number]
    if fault == "status" and nth <= _times(numbers):
        return Answer(f"{numbers[0]} Fault", b"no", 2, '"fault"')
    version = name if fault != "replaced" or nth == 1 else f"{name}-replaced"
    answer = _honest(version, size, headers, ignore=fault == "ignores-range")
    change: dict[str, Any] = {}
    if fault == "cut" and nth <= _times(numbers):
        change["cut"] = numbers[0]
    elif fault in {"replaced", "ignores-range", "shifted"} and nth == 1:
        change["cut"] = size // 2
    elif fault == "shifted" and answer.status.startswith("206"):
        body = content(version, size)[answer.start - 1 :]
        change.update(body=body, length=len(body), start=answer.start - 1)
    elif fault in {"long", "short"}:
        sign = 1 if fault == "long" else -1
        change["length"] = answer.length + sign * numbers[0]
    return Answer(**(answer.__dict__ | change))


def _times(numbers: list[int]) -> int:
    return numbers[1] if len(numbers) > 1 else sys.maxsize


def _honest(version: str, size: int, headers: dict[str, str], *, ignore: bool) -> Answer:
    """What an honest server answers."""
    etag = f'"{version}"'
    body = content(version, size)
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or ignore or headers.get("if-range", etag) != etag:
        return Answer("200 OK", body, size, etag)
    start, end = int(match[1]), int(match[2]) + 1 if match[2] else size
    if start >= size:
        return Answer("416 Range Not Satisfiable", b"", 0, etag)
    body = body[start:end]
    return Answer("206 Partial Content", body, len(body), etag, start, size)


class Site:
    """The tester's side: starts the process, makes URLs, reads the counters."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    def url(self, name: str, size: int, **options: object) -> str:
        """Where a file is served, and how."""
        return f"http://127.0.0.1:{self.port}/{name}?{urlencode({'size': size, **options})}"

    async def start(self) -> Self:
        """Starts it, on the same port each time."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.site", str(self.port),
            cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"ready\n"
        return self

    async def stop(self) -> None:
        """Kills it; connections are reset and new ones refused."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stats(self) -> dict[str, Asked]:
        """What each file was asked for since the start."""
        raw = await asyncio.to_thread(self._get, "/.stats")
        return {name: Asked(**asked) for name, asked in json.loads(raw).items()}

    async def until(self, happened: Callable[[dict[str, Asked]], bool]) -> dict[str, Asked]:
        """Waits until the counters say so."""
        while not happened(stats := await self.stats()):  # noqa: ASYNC110 - another process's event
            await asyncio.sleep(0.02)
        return stats

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return bytes(answer.read())

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


async def _main(port: int) -> None:
    server = await asyncio.start_server(Server().handle, "127.0.0.1", port, limit=1 << 20)
    print("ready", flush=True)  # noqa: T201 - tells its parent
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
