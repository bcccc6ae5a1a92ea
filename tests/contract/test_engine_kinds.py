"""Kinds of transfers: limited in size, never resumed, claimed only at their end."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.http_options import HttpOptions
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import (
    Claimed,
    Failed,
    Finished,
    Received,
    Stopped,
    TransferOptions,
)
from bgcopyd.transfer.disk.partial import PartialFile
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import HAVE, KNOWN, A, B, failed, finished, honest, ranged
from tests.support.http_hostile import HostileServer, Request, Wire

SIZE = len(A)
DYNAMIC = TransferOptions(dynamic=True)
NEVER_RESUMED = pytest.mark.parametrize(
    "options", [DYNAMIC, TransferOptions(http=HttpOptions(method="POST"))], ids=["dynamic", "post"]
)
# Claims as often as it can, where it may.
EAGER = {"claim_interval": 0.0, "claim_bytes": 1, "report_interval": 0.01}


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each sync of a partial file."""
    synced: list[int] = []
    sync = PartialFile.sync

    def spy(self: PartialFile) -> None:
        sync(self)
        synced.append(1)

    monkeypatch.setattr(PartialFile, "sync", spy)
    return synced


async def arrived(fetcher: Fetching, count: int) -> None:
    await fetcher.until(
        lambda: next((e for e in fetcher.all(Received) if e.received == count), None)
    )


def framed(framing: str, content: bytes = A) -> Any:
    def handler(_: Request, wire: Wire) -> None:
        if framing == "length":
            wire.answer(200, content, ETag='"a"')
        elif framing == "chunked":
            wire.head(200, Transfer_Encoding="chunked")
            for offset in range(0, len(content), 7_001):
                wire.chunk(content[offset : offset + 7_001])
            wire.chunk(b"")
        else:
            wire.head(200, Connection="close")
            wire.send(content)
            wire.close()

    return handler


FRAMINGS = ["length", "chunked", "close"]


# The size limit.


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("limit", [SIZE, SIZE + 1, 1 << 40])
async def test_a_file_within_the_limit(fetcher: Fetching, framing: str, limit: int) -> None:
    options = TransferOptions(max_size=limit)
    _, content, _ = await finished(fetcher, framed(framing), options=options)
    assert content == A


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("limit", [1, 16_384, 100_000, SIZE - 1])
async def test_a_file_beyond_the_limit(fetcher: Fetching, framing: str, limit: int) -> None:
    options = TransferOptions(max_size=limit)
    event, server = await failed(fetcher, framed(framing), options=options)
    assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
    assert not event.error.transient
    assert str(limit) in event.error.message
    assert len(server.requests) == 1
    if framing == "length":
        assert not fetcher.partial().exists()
    else:
        assert A.startswith(fetcher.partial().read_bytes())
        assert fetcher.partial().stat().st_size <= limit


async def test_a_stream_without_end_is_left(fetcher: Fetching) -> None:
    left = threading.Event()

    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Connection="close")
        try:
            while True:
                wire.send(A)
        finally:
            left.set()

    event, _ = await failed(fetcher, handler, options=TransferOptions(max_size=SIZE))
    assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
    assert left.wait(10)
    assert fetcher.partial().stat().st_size <= SIZE


async def test_a_limit_that_came_later_keeps_what_is_here(fetcher: Fetching) -> None:
    event, _ = await failed(fetcher, honest, **KNOWN, options=TransferOptions(max_size=SIZE - 1))
    assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
    assert event.claimed == HAVE


# Content that is made for each request.


@NEVER_RESUMED
@pytest.mark.parametrize("content", [A, B[: SIZE // 2], b""])
async def test_what_is_never_resumed_begins_at_the_start(
    fetcher: Fetching, options: TransferOptions, content: bytes
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert "range" not in request.fields
        assert "if-range" not in request.fields
        wire.answer(200, content, ETag='"a"')

    event, got, server = await finished(fetcher, handler, **KNOWN, options=options)
    assert got == content
    assert event.verification is Verification.VALIDATOR
    assert len(server.requests) == 1


async def test_an_interruption_of_it_keeps_nothing(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.head(200, Content_Length=SIZE, ETag='"a"')
            wire.send(A[:HAVE])
            wire.close()
        else:
            wire.answer(200, B[:1_000], ETag='"a"')

    with HostileServer(handler) as server:
        event: Any = await fetcher.fetch(f"{server.url}/file", options=DYNAMIC)
        assert isinstance(event, Failed)
        assert event.claimed == 0
        fetcher.events.clear()
        event = await fetcher.fetch(
            f"{server.url}/file", size=event.size, validators=event.validators, options=DYNAMIC
        )
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == B[:1_000]


@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_its_size_need_not_be_known(fetcher: Fetching, framing: str) -> None:
    event, content, _ = await finished(fetcher, framed(framing), options=DYNAMIC, size=17)
    assert (content, event.verification) == (A, Verification.NONE)


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_its_mirror_may_have_another_size(fetcher: Fetching, framing: str) -> None:
    def broken(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE)
        wire.send(A[:HAVE])
        wire.close()

    with HostileServer(broken) as one, HostileServer(framed(framing, B[:500])) as other:
        event = await fetcher.fetch(
            f"{one.url}/file", mirrors=(f"{other.url}/file",), options=DYNAMIC
        )
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == B[:500]


@NEVER_RESUMED
async def test_its_ranges_are_fetched_once_each(
    fetcher: Fetching, options: TransferOptions
) -> None:
    ranges = (FileRange(0, 100), FileRange(200_000, 100))
    event, content, server = await finished(fetcher, ranged, ranges=ranges, options=options)
    assert (content, event.size) == (A[:100] + A[200_000:200_100], 200)
    assert len(server.requests) == 2


@NEVER_RESUMED
async def test_asked_for_in_parts_it_is_fetched_whole(
    fetcher: Fetching, options: TransferOptions
) -> None:
    parts = (FileRange(200_000, 100), FileRange(5_000, 100))
    _, content, server = await finished(fetcher, ranged, requested=parts, options=options)
    assert content == A
    assert len(server.requests) == 1


@pytest.mark.parametrize("end", ["stopped", "failed"])
async def test_nothing_of_it_is_claimed_or_synced_on_the_way(
    tmp_path: Path, syncs: list[int], end: str
) -> None:
    gate = threading.Event()

    def handler(request: Request, wire: Wire) -> None:
        assert "range" not in request.fields
        if request.number:
            wire.answer(200, B, ETag='"a"')
            return
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        wire.send(A[:HAVE])
        gate.wait(10)
        wire.close()

    async with fetching(tmp_path / "data", **EAGER) as fetcher:
        with HostileServer(handler) as server:
            url = f"{server.url}/file"
            fetcher.start(url, options=DYNAMIC)
            await arrived(fetcher, HAVE)
            if end == "stopped":
                fetcher.engine.stop("job")
            gate.set()
            event: Any = await fetcher.end()
            assert isinstance(event, Stopped if end == "stopped" else Failed)
            assert (event.claimed, event.filled, syncs) == (0, (), [])
            assert not fetcher.all(Claimed)
            # The same ETag says nothing of it: the next attempt has other bytes, and keeps those.
            fetcher.events.clear()
            event = await fetcher.fetch(
                url, size=event.size, validators=event.validators, options=DYNAMIC
            )
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == B


async def test_it_may_have_another_etag_each_time(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert "if-range" not in request.fields
        etag = f'"{request.number}"'
        if request.number < 1:
            wire.head(200, Content_Length=SIZE, ETag=etag)
            wire.send(A[:HAVE])
            wire.close()
        else:
            wire.answer(200, B, ETag=etag)

    with HostileServer(handler) as server:
        url = f"{server.url}/file"
        # The mirror is the same server, so that one attempt asks it twice.
        event = await fetcher.fetch(url, mirrors=(f"{server.url}/other",), options=DYNAMIC)
        assert isinstance(event, Finished)
        assert event.validators.etag == '"1"'
        assert await fetcher.placed(event) == B
    assert [one.fields.get("range") for one in server.requests] == [None, None]


async def test_its_digest_is_compared(fetcher: Fetching) -> None:
    event, content, _ = await finished(
        fetcher, framed("chunked"), options=DYNAMIC, digests=sha256(A)
    )
    assert (content, event.verification) == (A, Verification.DIGEST)


# Claims only at the end.


@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
async def test_a_lazy_transfer_syncs_and_claims_once(
    tmp_path: Path, syncs: list[int], end: str
) -> None:
    gate = threading.Event()

    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        wire.send(A[:HAVE])
        gate.wait(10)
        if end == "finished":
            wire.send(A[HAVE:])
        elif end == "stopped":
            wire.hang()
        else:
            wire.close()

    async with fetching(tmp_path / "data", **EAGER) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file", options=TransferOptions(lazy=True))
            await arrived(fetcher, HAVE)
            assert syncs == []
            if end == "stopped":
                fetcher.engine.stop("job")
            gate.set()
            event = await fetcher.end()
        assert syncs == [1]
        assert not fetcher.all(Claimed)
        if isinstance(event, Finished):
            assert await fetcher.placed(event) == A
        else:
            assert isinstance(event, Stopped if end == "stopped" else Failed)
            assert (event.claimed, event.validators) == (HAVE, Validators(etag='"a"'))


async def test_a_lazy_transfer_is_resumed_all_the_same(fetcher: Fetching) -> None:
    _, content, server = await finished(
        fetcher, honest, **KNOWN, options=TransferOptions(lazy=True)
    )
    assert content == A
    assert server.sent == SIZE - HAVE
