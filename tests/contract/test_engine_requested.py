"""Parts of a file that are fetched when they are asked for; holes between them."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Claimed, Failed, Finished, Stopped, TransferOptions
from bgcopyd.transfer.disk.keeper import Keeper
from bgcopyd.transfer.disk.partial import PartialFile
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import STRONG, A, B, honest, ranged
from tests.support.http_hostile import HostileServer, Request, Wire

SIZE = len(A)
PARTS = (FileRange(250_000, 20_000), FileRange(100_000, 1_000))


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


@pytest.fixture
def site() -> Any:
    with HostileServer(ranged) as server:
        yield server


def kept(event: Stopped | Failed | Claimed) -> dict[str, Any]:
    """What the queue gives the next transfer."""
    return {
        "claimed": event.claimed,
        "size": event.size,
        "validators": event.validators,
        "filled": event.filled,
    }


def spans(event: Stopped | Failed | Claimed) -> list[tuple[int, int]]:
    """The parts that are here, the prefix included."""
    first = [(0, event.claimed)] if event.claimed else []
    return first + [(one.offset, one.offset + (one.length or 0)) for one in event.filled]


def holds(fetcher: Fetching, event: Stopped | Failed | Claimed, content: bytes = A) -> bool:
    disk = fetcher.partial().read_bytes()
    return all(disk[start:end] == content[start:end] for start, end in spans(event))


async def satisfied(fetcher: Fetching, url: str, **fields: Any) -> Stopped:
    fetcher.events.clear()
    event = await fetcher.fetch(url, **fields)
    assert isinstance(event, Stopped), event
    assert event.satisfied
    return event


async def in_the_end(fetcher: Fetching, url: str, **fields: Any) -> Stopped:
    """As the queue does it where nothing of its claims is left: it hears of that first."""
    fetcher.events.clear()
    event = await fetcher.fetch(url, **fields)
    if isinstance(event, Failed):
        assert event.error.transient
        assert spans(event) == []
        event = await satisfied(fetcher, url, **{**fields, **kept(event)})
    assert isinstance(event, Stopped)
    return event


async def test_only_the_parts_that_are_asked_for(fetcher: Fetching, site: HostileServer) -> None:
    event = await satisfied(fetcher, f"{site.url}/file", requested=PARTS)
    assert (event.claimed, event.size) == (0, SIZE)
    assert event.filled == (FileRange(100_000, 1_000), FileRange(250_000, 20_000))
    assert holds(fetcher, event)
    assert site.sent == 21_000
    state = fetcher.partial().stat()
    assert state.st_size == 270_000
    assert state.st_blocks * 512 < 100_000


async def test_what_is_here_is_not_fetched_again(fetcher: Fetching, site: HostileServer) -> None:
    url = f"{site.url}/file"
    event = await satisfied(fetcher, url, requested=PARTS)
    more = (FileRange(99_000, 3_000), FileRange(0, 500), FileRange(260_000, 15_000))
    sent = site.sent
    event = await satisfied(fetcher, url, requested=more, **kept(event))
    assert spans(event) == [(0, 500), (99_000, 102_000), (250_000, 275_000)]
    assert holds(fetcher, event)
    assert site.sent - sent == 500 + 2_000 + 5_000
    # All of it is here: nothing is sent.
    sent = len(site.requests)
    again = await satisfied(fetcher, url, requested=more, **kept(event))
    assert kept(again) == kept(event)
    assert len(site.requests) == sent


@pytest.mark.parametrize("etag", ['"a"', ""])
@pytest.mark.parametrize("how", ["gaps", "requested"])
async def test_the_gaps_are_filled_in_the_end(fetcher: Fetching, etag: str, how: str) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, A, etag)

    with HostileServer(handler) as server:
        url = f"{server.url}/file"
        event = await satisfied(fetcher, url, requested=PARTS)
        sent = server.sent
        fetcher.events.clear()
        rest = None if how == "gaps" else (FileRange(0),)
        end = await fetcher.fetch(url, requested=rest, digests=sha256(A), **kept(event))
        assert isinstance(end, Finished)
        assert await fetcher.placed(end) == A
        overlaps = 0 if etag else 3 * 65536
        assert SIZE - 21_000 <= server.sent - sent <= SIZE - 21_000 + overlaps


async def test_the_whole_by_parts_is_finished(fetcher: Fetching, site: HostileServer) -> None:
    halves = (FileRange(SIZE // 2), FileRange(0, SIZE // 2))
    event = await fetcher.fetch(f"{site.url}/file", requested=halves)
    assert isinstance(event, Finished)
    assert event.verification is Verification.VALIDATOR
    assert await fetcher.placed(event) == A


async def test_parts_without_validators_are_compared_first(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, A, "")

    with HostileServer(handler) as server:
        halves = (FileRange(200_000), FileRange(0, 200_000))
        event = await fetcher.fetch(f"{server.url}/file", requested=halves)
    assert isinstance(event, Finished)
    assert event.verification is Verification.OVERLAP
    assert server.requests[1].fields["range"] == f"bytes={SIZE - 65536}-{SIZE - 1}"


@pytest.mark.parametrize("etag", ['"b"', ""])
async def test_a_changed_file_is_begun_anew_once_the_queue_knows(
    fetcher: Fetching, etag: str
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, B, etag)

    with HostileServer(ranged) as server:
        event = await satisfied(fetcher, f"{server.url}/file", requested=PARTS)
    with HostileServer(handler) as server:
        url = f"{server.url}/file"
        more = {"requested": (FileRange(0, 1_000),)}
        fetcher.events.clear()
        failed = await fetcher.fetch(url, **more, **kept(event))
        assert isinstance(failed, Failed)
        assert failed.error.reason is Reason.REMOTE_FILE_CHANGED
        assert failed.error.transient
        assert spans(failed) == []
        assert fetcher.partial().read_bytes() == b""
        event = await satisfied(fetcher, url, **more, **kept(failed))
    assert spans(event) == [(0, 1_000)]
    assert holds(fetcher, event, B)


async def test_a_crash_before_the_queue_knows(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, B, '"b"')

    with HostileServer(ranged) as server:
        before = await satisfied(fetcher, f"{server.url}/file", requested=PARTS)
    with HostileServer(handler) as server:
        fetcher.events.clear()
        await fetcher.fetch(f"{server.url}/file", requested=(FileRange(0, 9),), **kept(before))
    # The store still holds the old claims, and the server has gone back to the old version.
    with HostileServer(ranged) as server:
        event = await in_the_end(
            fetcher, f"{server.url}/file", requested=(FileRange(0, 9),), **kept(before)
        )
    assert spans(event) == [(0, 9)]
    assert holds(fetcher, event)


@pytest.mark.parametrize("length", [0, 100_500, 260_000])
async def test_a_partial_file_that_was_shortened(
    fetcher: Fetching, site: HostileServer, length: int
) -> None:
    url = f"{site.url}/file"
    before = await satisfied(fetcher, url, requested=PARTS)
    os.truncate(fetcher.partial(), length)
    event = await in_the_end(fetcher, url, requested=PARTS, **kept(before))
    assert spans(event) == spans(before)
    assert holds(fetcher, event)


@pytest.mark.parametrize("requested", [PARTS, (FileRange(0, 10),), (FileRange(5),)])
async def test_a_server_without_ranges(fetcher: Fetching, requested: tuple[FileRange, ...]) -> None:
    with HostileServer(lambda _, wire: wire.answer(200, A, ETag='"a"')) as server:
        event = await fetcher.fetch(f"{server.url}/file", requested=requested)
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT
    assert not event.error.transient
    assert not fetcher.partial().exists()


async def test_a_server_that_has_lost_its_ranges_sends_the_whole(fetcher: Fetching) -> None:
    with HostileServer(ranged) as server:
        event: Any = await satisfied(fetcher, f"{server.url}/file", requested=PARTS)
    with HostileServer(lambda _, wire: wire.answer(200, A, ETag='"a"')) as server:
        url = f"{server.url}/file"
        fetcher.events.clear()
        event = await fetcher.fetch(url, requested=(FileRange(0, 5),), **kept(event))
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT
        assert holds(fetcher, event)
        # Not asked for parts any more, it is fetched from its start, once the queue knows.
        for _ in range(2):
            fetcher.events.clear()
            event = await fetcher.fetch(url, **kept(event))
            if isinstance(event, Finished):
                break
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A


@pytest.mark.parametrize(
    "requested", [(FileRange(SIZE, 1),), (FileRange(SIZE),), (FileRange(SIZE - 1, 2),)]
)
@pytest.mark.parametrize("have", [0, 1_000])
async def test_parts_outside_of_the_file(
    fetcher: Fetching, site: HostileServer, requested: tuple[FileRange, ...], have: int
) -> None:
    event = await fetcher.fetch(
        f"{site.url}/file", requested=requested, have=A[:have], validators=STRONG
    )
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.RANGE_OUTSIDE_FILE
    assert event.claimed == have


async def test_parts_of_a_job_with_ranges_count_in_the_local_file(
    fetcher: Fetching, site: HostileServer
) -> None:
    ranges = (FileRange(200_000, 50_000), FileRange(0, 1_000), FileRange(290_000))
    local = A[200_000:250_000] + A[:1_000] + A[290_000:]
    event = await satisfied(
        fetcher, f"{site.url}/file", ranges=ranges, requested=(FileRange(49_990, 1_020),)
    )
    assert spans(event) == [(49_990, 51_010)]
    assert event.size == len(local)
    assert holds(fetcher, event, local)
    assert site.sent == 1_020


async def test_claims_name_the_parts_behind_fdatasync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    sync = PartialFile.sync

    def spy(self: PartialFile) -> None:
        content = os.pread(self._descriptor, SIZE, 0)
        sync(self)
        synced.append(content)

    monkeypatch.setattr(PartialFile, "sync", spy)
    gate = threading.Semaphore(0)

    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        wire.head(206, Content_Length=end - start, ETag='"a"',
                  Content_Range=f"bytes {start}-{end - 1}/{SIZE}")  # fmt: skip
        for offset in range(start, end, 10_000):
            wire.send(A[offset : min(offset + 10_000, end)])
            gate.acquire(timeout=10)

    async with fetching(tmp_path / "data", claim_interval=0.0, claim_bytes=1) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file", requested=(FileRange(200_000, 50_000),))
            for count in range(1, 6):
                await fetcher.until(
                    lambda count=count: next(  # type: ignore[misc]  # a default binds the value
                        (
                            e
                            for e in fetcher.all(Claimed)
                            if e.filled and (e.filled[0].length or 0) >= count * 10_000
                        ),
                        None,
                    )
                )
                gate.release()
            event = await fetcher.end()
    assert isinstance(event, Stopped)
    for claim in fetcher.all(Claimed):
        assert claim.claimed == 0
        assert any(
            content[start:end] == A[start:end] for content in synced for start, end in spans(claim)
        )


async def test_a_stop_between_two_parts_claims_what_is_here_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second part lies before the first, and waits for the disk when the stop comes."""
    syncing, gate, waits = threading.Event(), threading.Event(), threading.Event()
    sync, when_quiet = PartialFile.sync, Keeper.when_quiet

    def slow(self: PartialFile) -> None:
        syncing.set()
        gate.wait(10)
        sync(self)

    def spy(self: Keeper, then: Callable[[], None]) -> None:
        when_quiet(self, then)
        if self._busy:
            waits.set()

    monkeypatch.setattr(PartialFile, "sync", slow)
    monkeypatch.setattr(Keeper, "when_quiet", spy)

    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        wire.head(206, Content_Length=end - start, ETag='"a"',
                  Content_Range=f"bytes {start}-{end - 1}/{SIZE}")  # fmt: skip
        wire.send(A[start : start + 10_000])
        syncing.wait(10)
        wire.send(A[start + 10_000 : end])

    async with fetching(tmp_path / "data", claim_interval=0.0, claim_bytes=1) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file", requested=PARTS)
            assert await asyncio.to_thread(waits.wait, 10)
            fetcher.engine.stop("job")
            gate.set()
            event = await fetcher.end()
            assert isinstance(event, Stopped)
            assert spans(event) == [(250_000, 270_000)]
            assert holds(fetcher, event)


async def test_random_parts_in_any_order_make_the_file(fetcher: Fetching) -> None:
    chance = random.Random(5)
    state: dict[str, Any] = {}

    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        if "range" in request.fields and chance.random() < 0.2:
            wire.head(206, Content_Length=end - start, ETag='"a"',
                      Content_Range=f"bytes {start}-{end - 1}/{SIZE}")  # fmt: skip
            wire.send(A[start : chance.randint(start, end)])
            wire.reset()
        else:
            ranged(request, wire)

    with HostileServer(handler) as server:
        for _ in range(40):
            parts = tuple(
                FileRange(chance.randrange(SIZE - 20_000), chance.randint(1, 20_000))
                for _ in range(chance.randint(1, 5))
            )
            fetcher.events.clear()
            event = await fetcher.fetch(f"{server.url}/file", requested=parts, **state)
            if isinstance(event, Finished):
                break
            assert not isinstance(event, Failed) or event.error.transient
            assert holds(fetcher, event)
            assert spans(event) == sorted(spans(event))
            state = kept(event)
        while not isinstance(event, Finished):
            fetcher.events.clear()
            event = await fetcher.fetch(f"{server.url}/file", **state)
            if not isinstance(event, Finished):
                state = kept(event)
    assert await fetcher.placed(event) == A


async def test_the_size_limit_holds_for_the_whole_file(
    fetcher: Fetching, site: HostileServer
) -> None:
    options = TransferOptions(max_size=SIZE - 1)
    event = await fetcher.fetch(f"{site.url}/file", requested=PARTS, options=options)
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
    assert not fetcher.partial().exists()


async def test_a_download_that_is_told_to_hurry_with_a_part(fetcher: Fetching) -> None:
    """The order of a common download: the prefix stays, the part is fetched first."""
    with HostileServer(honest) as server:
        event: Any = await fetcher.fetch(
            f"{server.url}/file",
            have=A[:1_000],
            size=SIZE,
            validators=Validators(etag='"a"'),
            requested=(FileRange(299_000),),
        )
        assert isinstance(event, Stopped)
        assert event.satisfied
        assert spans(event) == [(0, 1_000), (299_000, SIZE)]
        fetcher.events.clear()
        with HostileServer(ranged) as other:
            event = await fetcher.fetch(f"{other.url}/file", **kept(event))
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A
