"""Several connections for one file: bounds, silence, the end.

The servers hold the first answer back until others were asked: nothing depends on time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Verification
from bgcopyd.queue.transfers import Claimed, Finished, Stopped, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.hostile_cases import A, ranged
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.segments import (
    EAGER,
    FIRST,
    SIZE,
    Held,
    Stepped,
    begun,
    by_path,
    fetched,
    helpers,
    reached,
)


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data", **EAGER) as one:
        yield one


# Bounds.


async def test_files_that_wait_come_first(tmp_path: Path) -> None:
    """A helper leaves for a whole file of the same host."""
    both = threading.Barrier(3)

    def helper(request: Request, wire: Wire) -> None:
        begun(request, wire, 1000)
        if request.number < 3:
            both.wait(20)
        wire.hang()

    async with fetching(tmp_path / "data", **EAGER, connections_per_host=3) as fetcher:
        with HostileServer(by_path(file=Held(helper), other=ranged)) as server:
            fetcher.start(f"{server.url}/file")
            await asyncio.to_thread(both.wait, 20)
            fetcher.start(f"{server.url}/other", path="other", index=1)
            event = await fetcher.end(1)
            assert isinstance(event, Finished)
            assert await fetcher.placed(event, "other") == A
            assert not fetcher.all(Finished)
            fetcher.engine.stop("job")
            assert isinstance(await fetcher.end(), Stopped)


@pytest.mark.parametrize("bound", ["connections_per_host", "connections_per_owner"])
async def test_no_more_connections_than_are_allowed(tmp_path: Path, bound: str) -> None:
    options = {**EAGER, bound: 2}
    async with fetching(tmp_path / "data", **options) as fetcher:
        held = Held(enough=3)
        _, content, server = await fetched(fetcher, held, options=TransferOptions(owner="anna"))
        assert content == A
        assert {request.connection for request in server.requests} == {0, 1}


async def test_files_that_are_fetched_already_are_enough(fetcher: Fetching) -> None:
    """Four files of a host have its four connections: none of them takes more."""
    servers = [Stepped(ETag='"a"') for _ in range(4)]
    names = {f"f{number}": server for number, server in enumerate(servers)}
    with HostileServer(by_path(**names)) as http:
        for number, name in enumerate(names):
            fetcher.start(f"{http.url}/{name}", path=name, index=number)
        for number, server in enumerate(servers):
            await server.step(fetcher, 12, index=number)
        assert len(http.requests) == 4
        for server in servers:
            server.finish()
        for number in range(4):
            assert isinstance(await fetcher.end(number), Finished)


async def test_a_limit_holds_for_all_together(fetcher: Fetching) -> None:
    rate = 400_000
    begun = time.monotonic()
    _, content, server = await fetched(fetcher, Held(), rate=rate)
    assert content == A
    assert len(helpers(server)) >= 1
    # Less a tenth of a second that may be saved up, and what each paid for after its last piece.
    last_pieces = 4 * (16 << 10)
    assert time.monotonic() - begun >= (SIZE - last_pieces) / rate - 0.15


# Silence and the end.


async def test_39_a_segment_that_falls_silent_is_replaced(tmp_path: Path) -> None:
    held, silent = Held(enough=99), threading.Event()

    def lead(wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        for offset in range(0, SIZE, 100):
            wire.send(A[offset : offset + 100])
            held.go.wait(0.005)

    def helper(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        if request.number == 1:
            wire.head(206, Content_Range=f"bytes {start}-{end - 1}/{SIZE}",
                      Content_Length=end - start, ETag='"a"')  # fmt: skip
            wire.send(A[start : start + 30_000])
            silent.set()
            wire.hang()
        else:
            ranged(request, wire)
            if silent.is_set():
                held.go.set()

    held.helper, held.lead = helper, lead  # type: ignore[method-assign]
    options = EAGER | {"segment_patience": 0.3, "segments_per_file": 2}
    async with fetching(tmp_path / "data", **options) as fetcher:
        _, content, server = await fetched(fetcher, held)
        assert content == A
        # What it had brought is kept.
        start, _ = helpers(server)[0].span(SIZE)
        assert helpers(server)[1].span(SIZE)[0] == start + 30_000


async def test_39_a_lead_that_falls_silent_is_replaced(tmp_path: Path) -> None:
    held, more = Held(enough=99), threading.Event()

    def lead(wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        wire.send(A[:FIRST])
        wire.hang()

    def helper(request: Request, wire: Wire) -> None:
        start, end = begun(request, wire, 1)
        for offset in range(start, end, 100):
            wire.send(A[offset : min(offset + 100, end)])
            more.wait(0.005)
        # Whatever is left is fetched by whom comes next.

    held.helper, held.lead = helper, lead  # type: ignore[method-assign]
    options = EAGER | {"segment_patience": 0.3, "segments_per_file": 2}
    async with fetching(tmp_path / "data", **options) as fetcher:
        with HostileServer(held) as server:
            fetcher.start(f"{server.url}/file")

            def replaced() -> bool | None:
                return (
                    True
                    if any(request.span(SIZE)[0] == FIRST for request in helpers(server))
                    else None
                )

            async with asyncio.timeout(20):
                while not replaced():
                    fetcher.changed.clear()
                    await fetcher.changed.wait()
            more.set()
            event = await fetcher.end()
            assert isinstance(event, Finished)
            assert await fetcher.placed(event) == A


@pytest.mark.parametrize("slow", ["lead", "helper"])
async def test_39_a_trickle_is_left_to_another(tmp_path: Path, slow: str) -> None:
    """It is never silent, and would bring its rest in some minutes."""
    held = Held(enough=99)

    def trickle(wire: Wire, start: int, end: int) -> None:
        for offset in range(start, end):
            wire.send(A[offset : offset + 1])
            held.go.wait(0.01)

    def lead(wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        wire.send(A[:FIRST])
        if slow == "lead":
            trickle(wire, FIRST, SIZE)
        paced(wire, FIRST, SIZE)

    def paced(wire: Wire, start: int, end: int) -> None:
        for offset in range(start, end, 500):
            wire.send(A[offset : min(offset + 500, end)])
            held.go.wait(0.005)

    def helper(request: Request, wire: Wire) -> None:
        start, end = begun(request, wire, 1)
        if slow == "helper" and request.number == 1:
            trickle(wire, start, end)
        paced(wire, start, end)

    held.helper, held.lead = helper, lead  # type: ignore[method-assign]
    options = EAGER | {"segment_patience": 0.5, "segments_per_file": 2}
    async with fetching(tmp_path / "data", **options) as fetcher:
        _, content, server = await fetched(fetcher, held)
        assert content == A
        # Nothing that it had brought is fetched again.
        assert server.sent < 2 * SIZE


async def test_where_nobody_else_gets_through(tmp_path: Path) -> None:
    """A server of one connection: others are refused by the network itself."""
    held = Stepped(ETag='"a"')

    def handler(request: Request, wire: Wire) -> None:
        server.refuse()
        held(request, wire)

    async with fetching(tmp_path / "data", **EAGER) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file")
            await held.step(fetcher, 12)
            held.finish()
            event = await fetcher.end()
            assert isinstance(event, Finished)
            assert await fetcher.placed(event) == A
            assert len(server.requests) == 1


async def test_a_lead_that_breaks_is_replaced(tmp_path: Path) -> None:
    held, again = Held(enough=99), threading.Event()

    def lead(wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        wire.send(A[:FIRST])
        held.asked.wait(20)
        wire.reset()

    def helper(request: Request, wire: Wire) -> None:
        start, end = begun(request, wire, 1000)
        if request.number == 1:
            # One of two is left when the other breaks; a third comes only then.
            again.wait(20)
        again.set()
        wire.send(A[start:end])

    held.helper, held.lead = helper, lead  # type: ignore[method-assign]
    async with fetching(tmp_path / "data", **(EAGER | {"segments_per_file": 2})) as fetcher:
        _, content, _ = await fetched(fetcher, held)
        assert content == A


async def test_a_helper_that_breaks_is_replaced(fetcher: Fetching) -> None:
    def helper(request: Request, wire: Wire) -> None:
        if request.number == 1:
            begun(request, wire, 10_000)
            wire.reset()
        else:
            ranged(request, wire)

    _, content, _ = await fetched(fetcher, Held(helper, enough=2))
    assert content == A


async def test_stop_keeps_what_all_have_brought(tmp_path: Path) -> None:
    held, hanging = Held(enough=99), threading.Event()

    def helper(request: Request, wire: Wire) -> None:
        begun(request, wire, 5_000)
        if request.number == 3:
            hanging.set()
        wire.hang()

    held.helper = helper
    async with fetching(tmp_path / "data", **EAGER) as fetcher:
        with HostileServer(held) as server:
            fetcher.start(f"{server.url}/file")
            assert await asyncio.to_thread(hanging.wait, 20)
            await fetcher.until(lambda: reached(fetcher, FIRST + 15_000))
            fetcher.engine.stop("job")
            event = await fetcher.end()
            held.go.set()
        assert isinstance(event, Stopped)
        assert event.claimed == FIRST
        assert [part.length for part in event.filled] == [5_000] * 3
        disk = fetcher.partial().read_bytes()
        for part in (FileRange(0, FIRST), *event.filled):
            assert part.length is not None
            end = part.offset + part.length
            assert disk[part.offset : end] == A[part.offset : end]
        # And no byte of it is fetched again.
        fetcher.events.clear()
        with HostileServer(ranged) as server:
            again = await fetcher.fetch(
                f"{server.url}/file",
                claimed=event.claimed,
                filled=event.filled,
                size=event.size,
                validators=event.validators,
            )
            assert isinstance(again, Finished)
            assert again.verification is Verification.VALIDATOR
            assert await fetcher.placed(again) == A


async def test_claims_with_holes_are_on_disk(tmp_path: Path) -> None:
    seen: list[bool] = []

    async with fetching(tmp_path / "data", **EAGER, claim_interval=0.0, claim_bytes=1) as fetcher:
        take = fetcher.take

        def look(events: Any) -> None:
            for event in events:
                if isinstance(event, Claimed):
                    disk = fetcher.partial().read_bytes()
                    parts = [(0, event.claimed)]
                    parts += [(one.offset, one.offset + (one.length or 0)) for one in event.filled]
                    seen.append(all(disk[start:end] == A[start:end] for start, end in parts))
            take(events)

        fetcher.engine.on_events(look)
        await fetched(fetcher, Held())
    assert seen
    assert all(seen)
