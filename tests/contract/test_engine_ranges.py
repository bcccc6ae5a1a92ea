"""Ranges of a remote file, one behind the other in the local one."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Claimed, Connected, Failed, Finished, Stopped, TransferOptions
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import STRONG, A, B, failed, finished, honest, ranged
from tests.support.http_hostile import HostileServer, Request, Wire

SIZE = len(A)
MIXED = (FileRange(200_000, 50_000), FileRange(0, 1_000), FileRange(290_000))
RISING = (FileRange(10, 90_000), FileRange(100_000, 7), FileRange(250_000))


def cut(content: bytes, ranges: tuple[FileRange, ...]) -> bytes:
    ends = (len(content) if one.length is None else one.offset + one.length for one in ranges)
    return b"".join(content[one.offset : end] for one, end in zip(ranges, ends, strict=True))


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


@pytest.mark.parametrize(
    "ranges",
    [
        MIXED,
        RISING,
        (FileRange(0),),
        (FileRange(0, SIZE),),
        (FileRange(SIZE - 1, 1),),
        (FileRange(250_000), FileRange(0, 5)),
        tuple(FileRange(offset, 3) for offset in range(0, 300, 6)),
    ],
)
@pytest.mark.parametrize("etag", ['"a"', ""])
async def test_exactly_the_ranges_in_their_order(
    fetcher: Fetching, ranges: tuple[FileRange, ...], etag: str
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, A, etag)

    event, content, server = await finished(fetcher, handler, ranges=ranges)
    assert content == cut(A, ranges)
    assert all(connected.size == len(content) for connected in fetcher.all(Connected))
    proven = etag or len(ranges) == 1
    assert event.verification is (Verification.VALIDATOR if proven else Verification.OVERLAP)
    # Nothing more is sent, but what is compared where no validator joins the ranges.
    assert 0 <= server.sent - len(content) <= (0 if proven else 65536)


async def test_neighbours_are_one_request(fetcher: Fetching) -> None:
    ranges = (FileRange(5, 10), FileRange(15, 10), FileRange(25))
    _, content, server = await finished(fetcher, ranged, ranges=ranges)
    assert content == A[5:]
    assert [request.fields["range"] for request in server.requests] == ["bytes=5-"]


async def test_if_range_joins_the_ranges(fetcher: Fetching) -> None:
    _, _, server = await finished(fetcher, ranged, ranges=MIXED)
    sent = [(r.fields["range"], r.fields.get("if-range")) for r in server.requests]
    assert sent == [
        ("bytes=200000-249999", None),
        ("bytes=0-999", '"a"'),
        ("bytes=290000-299999", '"a"'),
    ]


@pytest.mark.parametrize("kept", [1, 49_999, 50_000, 50_500, 51_000, 55_000, 60_999])
@pytest.mark.parametrize("etag", ['"a"', ""])
async def test_resume_in_the_middle_of_a_range(fetcher: Fetching, kept: int, etag: str) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, A, etag)

    whole = cut(A, MIXED)
    known = Validators(etag=etag)
    event, content, server = await finished(
        fetcher, handler, ranges=MIXED, have=whole[:kept], size=len(whole), validators=known
    )
    assert content == whole
    assert server.sent <= len(whole) - kept + (0 if etag else 4 * 65536)
    assert event.verification is (Verification.VALIDATOR if etag else Verification.OVERLAP)


async def test_everything_was_here_already(fetcher: Fetching) -> None:
    whole = cut(A, MIXED)
    _, content, server = await finished(
        fetcher, ranged, ranges=MIXED, have=whole, size=len(whole), validators=STRONG
    )
    assert content == whole
    assert server.sent <= 65536


@pytest.mark.parametrize("moment", ["between", "within"])
async def test_a_changed_file_is_fetched_anew(fetcher: Fetching, moment: str) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0 and moment == "within":
            wire.head(206, Content_Range=f"bytes 200000-249999/{SIZE}", Content_Length=50_000,
                      ETag='"a"')  # fmt: skip
            wire.send(A[200_000:220_000])
            wire.reset()
        elif request.number == 0:
            ranged(request, wire, A, '"a"')
        else:
            ranged(request, wire, B, '"b"')

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", ranges=MIXED)
        if moment == "within":
            assert isinstance(event, Failed)
            fetcher.events.clear()
            event = await fetcher.fetch(
                f"{server.url}/file",
                ranges=MIXED,
                claimed=event.claimed,
                size=event.size,
                validators=event.validators,
            )
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == cut(B, MIXED)


async def test_a_change_without_validators_is_seen_by_the_comparison(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, A if request.number == 0 else B, "")

    _, content, _ = await finished(fetcher, handler, ranges=MIXED)
    assert content == cut(B, MIXED)


async def test_another_total_between_the_ranges_is_another_file(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        ranged(request, wire, A if request.number == 0 else B + b"more", "")

    _, content, _ = await finished(fetcher, handler, ranges=MIXED)
    assert content == cut(B + b"more", MIXED)


async def test_short_answers_are_continued(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        wire.part(A, start, min(start + 20_000, end), ETag='"a"')

    _, content, server = await finished(fetcher, handler, ranges=MIXED)
    assert content == cut(A, MIXED)
    assert len(server.requests) == 5


async def test_more_than_was_asked_for_is_dropped(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start, _ = request.span(SIZE)
        wire.part(A, start, SIZE, ETag='"a"')

    _, content, _ = await finished(fetcher, handler, ranges=MIXED)
    assert content == cut(A, MIXED)


@pytest.mark.parametrize("shift", [-5, 5])
async def test_another_range_than_was_asked_for(fetcher: Fetching, shift: int) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        wire.part(A, max(start + shift, 0), end + shift, ETag='"a"')

    ranges = (FileRange(1_000, 50), FileRange(100, 50))
    event, _ = await failed(fetcher, handler, ranges=ranges)
    assert event.error.reason is Reason.INVALID_RESPONSE
    assert event.claimed == 0


# A server without ranges.


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_rising_ranges_are_cut_out_of_the_whole(fetcher: Fetching, framing: str) -> None:
    def handler(_: Request, wire: Wire) -> None:
        if framing == "length":
            wire.answer(200, A, ETag='"a"')
        elif framing == "chunked":
            wire.head(200, Transfer_Encoding="chunked")
            for offset in range(0, SIZE, 7_000):
                wire.chunk(A[offset : offset + 7_000])
            wire.chunk(b"")
        else:
            wire.head(200, Connection="close")
            wire.send(A)
            wire.close()

    event, content, _ = await finished(fetcher, handler, ranges=RISING)
    assert content == cut(A, RISING)
    known = framing == "length"
    assert event.verification is (Verification.VALIDATOR if known else Verification.NONE)


async def test_the_stream_is_left_where_nothing_more_is_wanted(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=1 << 40)
        wire.send(A)
        wire.hang()

    ranges = (FileRange(10, 5), FileRange(100, 5))
    _, content, _ = await finished(fetcher, handler, ranges=ranges)
    assert content == cut(A, ranges)


@pytest.mark.parametrize("kept", [0, 30_000])
async def test_ranges_out_of_order_need_a_server_with_ranges(fetcher: Fetching, kept: int) -> None:
    whole = cut(A, MIXED)
    event, _ = await failed(
        fetcher,
        lambda _, wire: wire.answer(200, A, ETag='"a"'),
        ranges=MIXED,
        have=whole[:kept],
        validators=STRONG,
    )
    assert event.error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT
    assert not event.error.transient
    assert event.claimed == kept


# Ranges outside of the file.


@pytest.mark.parametrize(
    "ranges",
    [
        (FileRange(0, SIZE + 1),),
        (FileRange(SIZE),),
        (FileRange(SIZE + 5, 1),),
        (FileRange(0, 10), FileRange(SIZE, 1)),
        (FileRange(0, 10), FileRange(SIZE - 5, 6)),
        (FileRange(0, 10), FileRange(SIZE)),
    ],
)
@pytest.mark.parametrize("server_kind", ["ranges", "whole", "chunked", "no total"])
async def test_a_range_outside_of_the_file(
    fetcher: Fetching, ranges: tuple[FileRange, ...], server_kind: str
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if server_kind == "ranges":
            ranged(request, wire)
        elif server_kind == "whole":
            wire.answer(200, A)
        elif server_kind == "chunked":
            wire.head(200, Transfer_Encoding="chunked")
            wire.chunk(A)
            wire.chunk(b"")
        else:
            wire.answer(416, b"")

    event, _ = await failed(fetcher, handler, ranges=ranges)
    assert event.error.reason is Reason.RANGE_OUTSIDE_FILE
    assert not event.error.transient


async def test_a_416_for_a_range_that_is_there(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.answer(416, b"", Content_Range=f"bytes */{SIZE}")

    event, _ = await failed(fetcher, handler, ranges=MIXED)
    assert (event.error.reason, event.error.transient) == (Reason.INVALID_RESPONSE, True)


async def test_a_cut_stream_with_ranges_is_tried_again(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Connection="close")
        wire.send(A[:100_003])
        wire.close()

    event, _ = await failed(fetcher, handler, ranges=RISING)
    assert (event.error.reason, event.error.transient) == (Reason.CONNECTION_CLOSED, True)
    assert event.claimed == 90_003


# Size, digests, limits.


async def test_digest_and_size_are_those_of_the_local_file(fetcher: Fetching) -> None:
    whole = cut(A, MIXED)
    event, content, _ = await finished(
        fetcher,
        ranged,
        ranges=MIXED,
        digests=sha256(whole),
        options=TransferOptions(max_size=len(whole)),
    )
    assert (content, event.verification) == (whole, Verification.DIGEST)


async def test_the_size_limit_is_for_the_local_file(fetcher: Fetching) -> None:
    limit = len(cut(A, MIXED)) - 1
    event, server = await failed(
        fetcher, ranged, ranges=MIXED, options=TransferOptions(max_size=limit)
    )
    assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
    assert len(server.requests) == 1
    assert not fetcher.partial().exists()


async def test_stop_and_resume_over_many_ranges(tmp_path: Path) -> None:
    ranges = tuple(FileRange(offset, 2_000) for offset in range(0, SIZE, 6_000))
    random.Random(4).shuffle(order := list(ranges))
    ranges, claims = tuple(order), [0]
    whole = cut(A, ranges)
    async with fetching(tmp_path / "data", claim_interval=0.0, claim_bytes=1) as fetcher:
        known: dict[str, Any] = {}
        with HostileServer(ranged) as server:
            for count in range(5):
                fetcher.start(f"{server.url}/file", ranges=ranges, rate=200_000, **known)
                await fetcher.until(
                    lambda count=count: next(  # type: ignore[misc]  # a default binds the value
                        (e for e in fetcher.all(Claimed) if e.claimed > claims[count]), None
                    )
                )
                fetcher.engine.stop("job")
                event = await fetcher.end()
                if isinstance(event, Finished):
                    break
                assert isinstance(event, Stopped)
                assert fetcher.partial().read_bytes()[: event.claimed] == whole[: event.claimed]
                assert event.claimed > claims[-1]
                claims.append(event.claimed)
                known = {
                    "claimed": event.claimed,
                    "size": event.size,
                    "validators": event.validators,
                }
                fetcher.events.clear()
            event = await fetcher.fetch(f"{server.url}/file", ranges=ranges, **known)
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == whole
        assert server.sent <= len(whole) + 6 * 65536


async def test_honest_server_of_open_ends_still_works(fetcher: Fetching) -> None:
    _, content, _ = await finished(fetcher, honest, ranges=(FileRange(7),))
    assert content == A[7:]
