"""The visible list of transfer.md, row by row, against real sockets.

Each outcome is a file that the server really had, byte for byte, or a named error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import HAVE, KNOWN, STRONG, A, B, failed, finished, honest
from tests.support.http_hostile import OLD, HostileServer, Request, Wire


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


async def test_resume_asks_for_the_missing_bytes_only(fetcher: Fetching) -> None:
    event, content, server = await finished(fetcher, honest, **KNOWN)
    assert content == A
    assert event.verification is Verification.VALIDATOR
    assert server.sent == len(A) - HAVE
    assert server.requests[0].fields["if-range"] == '"a"'
    assert server.requests[0].fields["accept-encoding"] == "identity"


async def test_01_200_to_a_range_is_a_file_from_its_start(fetcher: Fetching) -> None:
    _, content, server = await finished(
        fetcher, lambda _, wire: wire.answer(200, A, ETag='"a"'), **KNOWN
    )
    assert content == A
    # If-Range may be what the server does not know: plain Range is tried as well.
    assert ["if-range" in r.fields for r in server.requests] == [True, False]


async def test_01_200_with_another_file_of_equal_size(fetcher: Fetching) -> None:
    _, content, _ = await finished(
        fetcher, lambda _, wire: wire.answer(200, B, ETag='"b"'), **KNOWN
    )
    assert content == B


@pytest.mark.parametrize("shift", [-HAVE, -5, 5])
async def test_02_206_from_elsewhere(fetcher: Fetching, shift: int) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.start is None:
            wire.answer(200, A)
        else:
            wire.part(A, request.start + shift)

    _, content, server = await finished(fetcher, handler, **KNOWN)
    assert content == A
    assert [r.start is None for r in server.requests] == [False, False, True]


async def test_02_206_from_earlier_under_the_same_validator_is_compared(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.part(A, (request.start or 0) - 1000, ETag='"a"')

    event, content, server = await finished(fetcher, handler, **KNOWN)
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert len(server.requests) == 1


async def test_03_206_shorter_than_asked(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start = request.start or 0
        wire.part(A, start, min(start + 30_000, len(A)), ETag='"a"')

    event, content, server = await finished(fetcher, handler, **KNOWN)
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert [r.start for r in server.requests] == [200_000, 230_000, 260_000, 290_000]


async def test_04_206_longer_than_its_range(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        span = f"bytes {request.start}-{len(A) - 1}/{len(A)}"
        wire.head(206, Content_Range=span, ETag='"a"', Connection="close")
        wire.send(A[request.start :] + b"surplus")
        wire.close()

    _, content, _ = await finished(fetcher, handler, **KNOWN)
    assert content == A


async def test_05_unknown_total_under_the_same_validator(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        span = f"bytes {request.start}-{len(A) - 1}/*"
        wire.answer(206, A[request.start :], Content_Range=span, ETag='"a"')

    _, content, server = await finished(fetcher, handler, **KNOWN)
    assert content == A
    assert len(server.requests) == 1


async def test_06_another_total_is_another_file(fetcher: Fetching) -> None:
    longer = B + b"more"

    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, longer, etag="")

    _, content, server = await finished(fetcher, handler, have=A[:HAVE], size=len(A))
    assert content == longer
    assert server.requests[-1].start is None


@pytest.mark.parametrize("span", ["bytes 0-299999/300000", "bytes 0-299998/300000", "bytes 9-9/10"])
async def test_07_206_without_range(fetcher: Fetching, span: str) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.answer(206, A, Content_Range=span)

    if span == "bytes 0-299999/300000":
        _, content, _ = await finished(fetcher, handler)
        assert content == A
    else:
        event, _ = await failed(fetcher, handler)
        assert event.error.reason is Reason.INVALID_RESPONSE
        assert not fetcher.partial().exists()


async def test_08_multipart_is_never_stored(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.start is None:
            wire.answer(200, A)
        else:
            kind = "multipart/byteranges; boundary=x"
            wire.answer(206, b"--x\r\n\r\n" + A + b"--x--", Content_Type=kind)

    _, content, _ = await finished(fetcher, handler, **KNOWN)
    assert content == A


async def test_09_416_when_everything_is_here(fetcher: Fetching) -> None:
    event, content, server = await finished(fetcher, honest, have=A)
    assert (content, event.verification) == (A, Verification.OVERLAP)
    assert server.sent <= 65536 + 100


async def test_09_all_claimed_of_a_known_size(fetcher: Fetching) -> None:
    event, content, _ = await finished(fetcher, honest, have=A, size=len(A), validators=STRONG)
    assert (content, event.verification) == (A, Verification.VALIDATOR)


async def test_09_416_and_other_bytes(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, B, etag="")

    _, content, _ = await finished(fetcher, handler, have=A)
    assert content == B


async def test_10_416_without_a_size(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.start is None:
            wire.answer(200, A)
        else:
            wire.answer(416, b"<html>no such range</html>", Content_Type="text/html")

    _, content, _ = await finished(fetcher, handler, have=A[:HAVE])
    assert content == A


async def test_11_ranges_advertised_but_not_honoured(fetcher: Fetching) -> None:
    _, content, _ = await finished(
        fetcher, lambda _, wire: wire.answer(200, A, Accept_Ranges="bytes"), have=A[:HAVE]
    )
    assert content == A


async def test_12_13_only_get_decides(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert request.method == "GET"
        wire.part(A, request.start or 0, ETag='"a"', Accept_Ranges="none")

    _, content, server = await finished(fetcher, handler, **KNOWN)
    assert content == A
    assert len(server.requests) == 1


async def test_15_replaced_with_equal_size(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, B, '"b"')

    event, content, _ = await finished(fetcher, handler, **KNOWN)
    assert (content, event.verification) == (B, Verification.VALIDATOR)


async def test_16_replaced_without_validators_is_seen_by_the_overlap(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, B, "")

    _, content, _ = await finished(fetcher, handler, have=A[:HAVE], size=len(A))
    assert content == B


async def test_16_unchanged_without_validators_is_marked(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, A, "")

    event, content, server = await finished(fetcher, handler, have=A[:HAVE], size=len(A))
    assert (content, event.verification) == (A, Verification.OVERLAP)
    assert server.requests[0].start == HAVE - 65536


async def test_16_a_digest_settles_it(fetcher: Fetching) -> None:
    # The end is equal, the beginning is not: an overlap cannot see that.
    mixed = B[:100] + A[100:]

    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, mixed, "")

    event, content, _ = await finished(
        fetcher, handler, have=A[:HAVE], size=len(A), digests=sha256(mixed)
    )
    assert (content, event.verification) == (mixed, Verification.DIGEST)


async def test_17_a_weak_etag_is_never_sent(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert "if-range" not in request.fields
        wire.part(A, request.start or 0, ETag='W/"a"')

    event, content, _ = await finished(
        fetcher, handler, have=A[:HAVE], size=len(A), validators=Validators(etag='W/"a"')
    )
    assert (content, event.verification) == (A, Verification.OVERLAP)


async def test_18_if_range_always_answered_200(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if "if-range" in request.fields:
            wire.answer(200, A, ETag='"a"')
        else:
            wire.part(A, request.start or 0, ETag='"a"')

    event, content, server = await finished(fetcher, handler, **KNOWN)
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert len(server.requests) == 2


async def test_19_if_range_honoured_although_changed(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.part(B, request.start, ETag='"b"') if request.start else wire.answer(
            200, B, ETag='"b"'
        )

    _, content, _ = await finished(fetcher, handler, **KNOWN)
    assert content == B


@pytest.mark.parametrize("date", ["Wed, 11 Nov 2026 10:00:00 GMT", "Tue, 10 Nov 2026 10:00:00 GMT"])
async def test_20_a_young_last_modified_is_no_validator(fetcher: Fetching, date: str) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert "if-range" not in request.fields
        if request.start is None:
            wire.head(200, Content_Length=len(A), Last_Modified=date)
            wire.send(A[:HAVE])
            wire.reset()
        else:
            wire.part(A, request.start, Last_Modified=date)

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file")
        assert isinstance(event, Failed)
        fetcher.events.clear()
        again = await fetcher.fetch(
            f"{server.url}/file",
            claimed=event.claimed,
            size=event.size,
            validators=event.validators,
        )
    assert isinstance(again, Finished)
    assert again.verification is Verification.OVERLAP or not event.claimed
    assert await fetcher.placed(again) == A


async def test_20_a_strong_last_modified_goes_into_if_range(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert request.fields["if-range"] == OLD
        wire.part(A, request.start or 0, Last_Modified=OLD)

    known = Validators(last_modified=OLD, last_modified_strong=True)
    event, content, _ = await finished(
        fetcher, handler, have=A[:HAVE], size=len(A), validators=known
    )
    assert (content, event.verification) == (A, Verification.VALIDATOR)


async def test_one_etag_per_node_is_settled_by_the_overlap(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        etag = f'"node{request.number}"'
        if "if-range" in request.fields:
            wire.answer(200, A, ETag=etag, Last_Modified=OLD)
        else:
            wire.part(A, request.start or 0, ETag=etag, Last_Modified=OLD)

    known = Validators('"node"', OLD, last_modified_strong=True)
    event, content, _ = await finished(
        fetcher, handler, have=A[:HAVE], size=len(A), validators=known
    )
    assert (content, event.verification) == (A, Verification.OVERLAP)
    assert event.validators.etag.startswith("W/")
