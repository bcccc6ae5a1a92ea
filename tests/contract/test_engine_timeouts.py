"""Time to connect, to answer, of silence and of slowness: each has a limit of its own."""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path

import pytest

from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished
from tests.support.fetching import fetching
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.network import black_hole

A = random.Random(1).randbytes(30_000)
LONG = 50.0


async def test_a_connection_that_is_never_made(tmp_path: Path) -> None:
    with black_hole() as port:
        async with fetching(tmp_path / "data", connect_timeout=0.3, header_timeout=LONG) as fetcher:
            event = await fetcher.fetch(f"http://127.0.0.1:{port}/file")
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TIMEOUT
    assert "did not accept the connection in time" in event.error.message


async def test_tls_that_never_begins_counts_as_connecting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/file"
        async with fetching(tmp_path / "data", connect_timeout=0.3, header_timeout=LONG) as fetcher:
            event = await fetcher.fetch(url)
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TIMEOUT


@pytest.mark.parametrize("trickles", [False, True])
async def test_an_answer_that_never_comes(tmp_path: Path, *, trickles: bool) -> None:
    def handler(_: Request, wire: Wire) -> None:
        if trickles:
            wire.send(b"HTTP/1.1 200 OK\r\n")
            for number in range(500):
                wire.send(b"X-%d: x\r\n" % number)
                if wire.released.wait(0.02):
                    return
        wire.hang()

    with HostileServer(handler) as server:
        async with fetching(tmp_path / "data", connect_timeout=LONG, header_timeout=0.3) as fetcher:
            event = await fetcher.fetch(f"{server.url}/file")
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TIMEOUT
    assert "did not answer for 0.3 seconds" in event.error.message


async def test_an_answer_that_trickles(tmp_path: Path) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A), ETag='"a"')
        wire.send(A[:5000])
        for number in range(5000, 6000):
            wire.send(A[number : number + 1])
            if wire.released.wait(0.01):
                return

    slow = {"idle_timeout": LONG, "low_speed_limit": 5_000, "low_speed_time": 0.3}
    with HostileServer(handler) as server:
        async with fetching(tmp_path / "data", **slow) as fetcher:
            event = await fetcher.fetch(f"{server.url}/file")
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TIMEOUT
    assert "sent less than 5000 bytes per second for 0.3 seconds" in event.error.message
    # What has come is kept.
    assert event.claimed > 5000


async def test_our_own_pauses_are_no_slowness(tmp_path: Path) -> None:
    limits = {"idle_timeout": 2.0, "low_speed_limit": 100_000, "low_speed_time": 2.0}
    with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
        async with fetching(tmp_path / "data", **limits) as fetcher:
            began = time.monotonic()
            event = await fetcher.fetch(f"{server.url}/file", rate=10_000)
    assert isinstance(event, Finished), event
    assert time.monotonic() - began > 2


@pytest.mark.ipv6
async def test_an_address_without_an_answer_does_not_hold_up_the_other(tmp_path: Path) -> None:
    """Happy eyeballs (RFC 8305): "localhost" is ::1 first, where connections are never made."""
    with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
        port = int(server.url.rpartition(":")[2])
        with black_hole("::1", port):
            async with fetching(tmp_path / "data", connect_timeout=LONG) as fetcher:
                began = time.monotonic()
                event = await fetcher.fetch(f"http://localhost:{port}/file")
                took = time.monotonic() - began
    assert isinstance(event, Finished), event
    assert event.attempt.address == f"127.0.0.1:{port}"
    assert took < LONG / 2
