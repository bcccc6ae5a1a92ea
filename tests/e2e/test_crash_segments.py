"""kill -9 of a daemon that fetches one file by several connections."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

import bgcopy
from bgcopy import FileRange, FileSpec
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire

MIB = 1 << 20
CONNECTIONS = 4
SIZE = 48 * MIB
# transfer.md: what is not claimed on the way.
UNCLAIMED = 4 * MIB
# What the server has handed to the kernel and the daemon has not read, of each connection.
ON_ITS_WAY = 256 << 10
_CHUNK = 64 << 10
_SMALL = (socket.SOL_SOCKET, socket.SO_SNDBUF, ON_ITS_WAY // 4)


class HeldServer:
    """Holds each connection to a rate, and sends nothing while it is stopped."""

    def __init__(self) -> None:
        self.content = os.urandom(SIZE)
        self.rate = 3 * MIB
        self.running = threading.Event()
        self.running.set()

    def __call__(self, request: Request, wire: Wire) -> None:
        wire.connection.setsockopt(*_SMALL)
        start, end = request.span(SIZE)
        span = f"bytes {start}-{end - 1}/{SIZE}"
        fields = {"ETag": '"v"', "Content_Length": end - start}
        if "range" in request.fields:
            wire.head(206, Content_Range=span, **fields)
        else:
            wire.head(200, **fields)
        for place in range(start, end, _CHUNK):
            self.running.wait(60)
            wire.send(self.content[place : min(place + _CHUNK, end)])
            wire.released.wait(_CHUNK / self.rate)


async def on_disk(job: bgcopy.Job) -> tuple[FileRange, ...]:
    """What is claimed."""
    [info] = [one async for one in job.files()]
    return info.filled_ranges


def count(parts: tuple[FileRange, ...]) -> int:
    return sum(one.length or 0 for one in parts)


async def until(job: bgcopy.Job, enough: Callable[[tuple[FileRange, ...]], bool]) -> None:
    """Waits for claims like these."""
    async with job.watch() as changes:
        async for _ in changes:
            if enough(await on_disk(job)):
                return


async def test_what_several_connections_brought_is_not_fetched_again(
    make_daemon: Callable[..., DaemonProcess],
) -> None:
    served = HeldServer()
    daemon = await make_daemon(flags=(f"--segments-per-file={CONNECTIONS}",)).start()
    with HostileServer(served) as server:
        async with bgcopy.AsyncClient(daemon.target) as client:
            job = await client.create_job("big", [FileSpec(f"{server.url}/big", "big")], start=True)
            await until(job, lambda parts: len(parts) > 1)
            served.running.clear()
            slack = UNCLAIMED + CONNECTIONS * ON_ITS_WAY
            await until(job, lambda parts: count(parts) >= server.sent - slack)
            # What is acknowledged after the claim was shown is on record after it.
            await job.update(description="on record")
            parts, asked, sent = await on_disk(job), len(server.requests), server.sent
            await daemon.kill()
            await daemon.start()
            served.rate = 16 * MIB
            served.running.set()
            await job.wait(60)
            await job.complete()
        later = [request.span(SIZE) for request in server.requests[asked:]]
        for start, end in later:
            for part in parts:
                last = part.offset + (part.length or 0)
                assert end <= part.offset or last <= start
        assert (daemon.root_dir / "big").read_bytes() == served.content
        assert server.sent - sent <= SIZE - count(parts) + len(later) * ON_ITS_WAY
