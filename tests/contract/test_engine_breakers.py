"""Hosts that fail or ask for it are left alone, on all volumes, and come back by themselves."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.clock import SystemClock
from bgcopyd.queue.held import host_of
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from bgcopyd.transfer.disk.mounts import MountTable
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire

A = random.Random(1).randbytes(50_000)
FAILURES = 5
ANNA, BERT = TransferOptions(owner="anna"), TransferOptions(owner="bert")


class Ahead(SystemClock):
    passed = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def fetcher(
    tmp_path: Path, clock: Ahead, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fetching]:
    # A volume for each file: what happens on one holds on the others.
    monkeypatch.setattr(MountTable, "volume_of", lambda _, path: Path(path).name[-1])
    async with fetching(
        tmp_path / "data", clock=clock, breaker_failures=FAILURES, breaker_pause=200.0
    ) as fetcher:
        yield fetcher


async def failed(fetcher: Fetching, url: str, index: int, **fields: Any) -> Failed:
    event = await fetcher.fetch(url, index=index, path=f"f{index}", **fields)
    assert isinstance(event, Failed), event
    return event


async def test_a_host_that_cannot_be_reached_is_left_alone_for_all(
    fetcher: Fetching, clock: Ahead
) -> None:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/file"
    for index in range(FAILURES):
        event = await failed(fetcher, url, index, options=ANNA)
        assert (event.error.reason, event.held) == (Reason.CONNECT_FAILED, "")
    event = await failed(fetcher, url, 10, options=BERT)
    assert (event.error.reason, event.held) == (Reason.CONNECT_FAILED, host_of(url))
    assert event.error.transient
    assert f"failed {FAILURES} times in a row" in event.error.message
    assert event.retry_after is not None
    assert 100 < event.retry_after <= 200
    # It is there again; nobody asks before the pause is over.
    with HostileServer(lambda _, wire: wire.answer(200, A), bound=bound) as one:
        clock.passed += 1000
        assert isinstance(await fetcher.fetch(url, index=11, path="f11"), Finished)
        assert isinstance(await fetcher.fetch(url, index=12, path="f12"), Finished)
    assert len(one.requests) == 2


async def test_errors_of_one_owners_urls_leave_the_others_alone(
    fetcher: Fetching, clock: Ahead
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/bad":
            wire.answer(503, b"no")
        else:
            wire.answer(200, A)

    with HostileServer(handler) as server:
        for index in range(FAILURES):
            assert not (await failed(fetcher, f"{server.url}/bad", index, options=ANNA)).held
        event = await failed(fetcher, f"{server.url}/good", 10, options=ANNA)
        assert (event.error.http_status, bool(event.held)) == (503, True)
        assert len(server.requests) == FAILURES
        good = await fetcher.fetch(f"{server.url}/good", index=11, path="f11", options=BERT)
        assert isinstance(good, Finished)
        clock.passed += 1000
        good = await fetcher.fetch(f"{server.url}/good", index=12, path="f12", options=ANNA)
        assert isinstance(good, Finished)


async def test_one_transfer_looks_and_the_others_follow_it(fetcher: Fetching, clock: Ahead) -> None:
    asked, gate, up = threading.Event(), threading.Event(), [False]

    def handler(_: Request, wire: Wire) -> None:
        if not up[0]:
            wire.answer(500, b"no")
            return
        asked.set()
        gate.wait(20)
        wire.answer(200, A)

    with HostileServer(handler) as server:
        for index in range(FAILURES):
            await failed(fetcher, f"{server.url}/file", index)
        up[0] = True
        clock.passed += 1000
        indexes = range(10, 20)
        for index in indexes:
            fetcher.start(f"{server.url}/file", index=index, path=f"f{index}")
        assert await asyncio.to_thread(asked.wait, 20)
        assert len(server.requests) == FAILURES + 1
        gate.set()
        for index in indexes:
            assert isinstance(await fetcher.end(index), Finished)


async def test_a_look_that_is_stopped_leaves_it_to_the_next(
    fetcher: Fetching, clock: Ahead
) -> None:
    asked, up = threading.Event(), [False]

    def handler(request: Request, wire: Wire) -> None:
        if not up[0]:
            wire.answer(500, b"no")
        elif request.target == "/slow":
            asked.set()
            wire.hang()
        else:
            wire.answer(200, A)

    with HostileServer(handler) as server:
        for index in range(FAILURES):
            await failed(fetcher, f"{server.url}/file", index)
        up[0] = True
        clock.passed += 1000
        fetcher.start(f"{server.url}/slow", index=10, path="f10", job_id="slow")
        assert await asyncio.to_thread(asked.wait, 20)
        fetcher.start(f"{server.url}/file", index=11, path="f11")
        fetcher.engine.stop("slow")
        await fetcher.end(10)
        assert isinstance(await fetcher.end(11), Finished)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_holds_the_owners_other_transfers(
    fetcher: Fetching, clock: Ahead, status: int
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.answer(status, b"later", Retry_After=100)
        else:
            wire.answer(200, A)

    with HostileServer(handler) as server:
        url = f"{server.url}/file"
        first = await failed(fetcher, url, 0, options=ANNA)
        assert (first.retry_after, first.held) == (100, "")
        second = await failed(fetcher, url, 1, options=ANNA)
        assert (second.error.http_status, second.held) == (status, host_of(url))
        assert second.retry_after is not None
        assert 80 < second.retry_after <= 100
        assert "as it asked" in second.error.message
        assert len(server.requests) == 1
        assert isinstance(await fetcher.fetch(url, index=2, path="f2", options=BERT), Finished)
        clock.passed += 100
        assert isinstance(await fetcher.fetch(url, index=3, path="f3", options=ANNA), Finished)


@pytest.mark.parametrize("status", [404, 408, 500])
async def test_other_statuses_speak_of_their_url_alone(fetcher: Fetching, status: int) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.answer(status, b"later", Retry_After=100)
        else:
            wire.answer(200, A)

    with HostileServer(handler) as server:
        assert not (await failed(fetcher, f"{server.url}/file", 0)).held
        assert isinstance(await fetcher.fetch(f"{server.url}/f", index=1, path="f1"), Finished)


async def test_a_person_does_not_have_to_wait(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.answer(429, b"later", Retry_After=100)
        else:
            wire.answer(200, A)

    with HostileServer(handler) as server:
        url = f"{server.url}/file"
        await failed(fetcher, url, 0, options=ANNA)
        assert (await failed(fetcher, url, 1, options=ANNA)).held
        fetcher.engine.look_again("anna")
        for index in (2, 3):
            event = await fetcher.fetch(url, index=index, path=f"f{index}", options=ANNA)
            assert isinstance(event, Finished)


async def test_a_mirror_is_asked_instead(fetcher: Fetching) -> None:
    with (
        HostileServer(lambda _, wire: wire.answer(503, b"", Retry_After=100)) as busy,
        HostileServer(lambda _, wire: wire.answer(200, A)) as mirror,
    ):
        await failed(fetcher, f"{busy.url}/file", 0)
        event = await fetcher.fetch(
            f"{busy.url}/file", index=1, path="f1", mirrors=(f"{mirror.url}/file",)
        )
        assert isinstance(event, Finished), event
        assert len(busy.requests) == 1


async def test_what_breaks_within_a_body_does_not_count(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A))
        wire.send(A[:1000])
        wire.reset()

    with HostileServer(handler) as server:
        for index in range(2 * FAILURES):
            assert not (await failed(fetcher, f"{server.url}/file", index)).held
