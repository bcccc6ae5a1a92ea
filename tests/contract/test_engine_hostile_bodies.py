"""The visible list of transfer.md, second part: bodies cut, empty, encoded, gone.

Each outcome is a file that the server really had, byte for byte, or a named error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import HAVE, KNOWN, STRONG, A, B, failed, finished, honest
from tests.support.http_hostile import HostileServer, Request, Wire


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


async def test_22_another_length_each_time(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        body = B[: 250_000 + request.number]
        if request.start is None:
            wire.answer(200, body)
        else:
            wire.part(body, request.start)

    _, content, _ = await finished(fetcher, handler, have=A[:HAVE], size=len(A))
    assert content == B[: len(content)]


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_23_closed_before_content_length(fetcher: Fetching, how: str) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number:
            honest(request, wire)
            return
        wire.head(200, Content_Length=len(A), ETag='"a"')
        wire.send(A[:HAVE])
        getattr(wire, how)()

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file")
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.CONNECTION_CLOSED
        assert event.error.transient
        assert event.size == len(A)
        assert fetcher.partial().read_bytes()[: event.claimed] == A[: event.claimed]
        if how == "close":
            assert event.claimed == HAVE
        fetcher.events.clear()
        again = await fetcher.fetch(
            f"{server.url}/file",
            claimed=event.claimed,
            size=event.size,
            validators=event.validators,
        )
    assert isinstance(again, Finished)
    assert await fetcher.placed(again) == A


async def test_24_no_length_and_cut_is_not_verified(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Connection="close")
        wire.send(A[:HAVE])
        wire.close()

    event, content, _ = await finished(fetcher, handler)
    assert (content, event.verification) == (A[:HAVE], Verification.NONE)


async def test_24_no_length_and_cut_against_a_digest(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Connection="close")
        wire.send(A[:HAVE])
        wire.close()

    event, server = await failed(fetcher, handler, digests=sha256(A))
    assert event.error.reason is Reason.DIGEST_MISMATCH
    assert not event.error.transient
    assert event.claimed == 0
    assert len(server.requests) == 2


async def test_25_chunked_cut_inside_a_chunk(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Transfer_Encoding="chunked", ETag='"a"')
        wire.chunk(A[:HAVE])
        wire.send(b"fff\r\nabc")
        wire.close()

    event, _ = await failed(fetcher, handler)
    assert event.error.reason is Reason.CONNECTION_CLOSED
    assert (event.size, event.validators) == (None, STRONG)


async def test_26_chunked_and_content_length(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Transfer_Encoding="chunked", Content_Length=5)
        wire.chunk(A)
        wire.chunk(b"")
        wire.close()

    event, content, _ = await finished(fetcher, handler)
    assert (content, event.verification) == (A, Verification.NONE)


async def test_27_more_than_content_length(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A))
        wire.send(A + b"surplus")
        wire.close()

    _, content, _ = await finished(fetcher, handler)
    assert content == A


@pytest.mark.parametrize("framing", [{"Content_Length": 0}, {"Connection": "close"}])
async def test_28_an_empty_200_keeps_what_is_there(
    fetcher: Fetching, framing: dict[str, object]
) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, **framing)
        wire.close()

    event, _ = await failed(fetcher, handler, **KNOWN)
    assert event.error.transient
    assert (event.claimed, event.size, event.validators) == (HAVE, len(A), STRONG)
    assert fetcher.partial().read_bytes() == A[:HAVE]


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_a_status_that_is_no_file_gets_a_second_look(fetcher: Fetching, status: int) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.head(status, Content_Length=0) if not request.number else honest(request, wire)

    _, content, _ = await finished(fetcher, handler, **KNOWN)
    assert content == A


async def test_a_status_that_is_no_file_twice(fetcher: Fetching) -> None:
    event, server = await failed(fetcher, lambda _, wire: wire.head(204), **KNOWN)
    assert event.error.reason is Reason.INVALID_RESPONSE
    assert (event.error.http_status, event.error.transient) == (204, False)
    assert event.claimed == HAVE
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x00\x01\x02\x03", b"<html>HTTP/0.9</html>", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0-x\r\n"],
)
async def test_29_garbage(fetcher: Fetching, garbage: bytes) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.send(garbage)
        wire.close()

    event, _ = await failed(fetcher, handler)
    assert event.error.transient
    assert event.error.reason in {Reason.INVALID_RESPONSE, Reason.CONNECTION_CLOSED}
    assert not fetcher.partial().exists()


async def test_31_unsolicited_gzip_is_stored_as_it_is(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        assert request.fields["accept-encoding"] == "identity"
        wire.answer(200, A, Content_Encoding="gzip")

    _, content, _ = await finished(fetcher, handler)
    assert content == A


async def test_31_a_range_of_gzip_is_not_joined(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.start is None:
            wire.answer(200, A)
        else:
            wire.part(B, request.start, ETag='"a"', Content_Encoding="gzip")

    _, content, _ = await finished(fetcher, handler, **KNOWN)
    assert content == A


async def test_33_a_login_page_does_not_cost_the_bytes(fetcher: Fetching) -> None:
    event, _ = await failed(
        fetcher, lambda _, wire: wire.answer(200, b"<html>", Content_Type="text/html"), **KNOWN
    )
    assert event.error.reason is Reason.UNEXPECTED_CONTENT
    assert event.claimed == HAVE
    assert fetcher.partial().read_bytes() == A[:HAVE]


async def test_33_a_login_page_against_a_digest(fetcher: Fetching) -> None:
    event, _ = await failed(
        fetcher,
        lambda _, wire: wire.answer(200, b"<html>", Content_Type="text/html"),
        digests=sha256(A),
    )
    assert event.error.reason is Reason.UNEXPECTED_CONTENT
    assert not event.error.transient


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_gone_in_the_middle_gets_a_second_look(fetcher: Fetching, status: int) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.answer(status, b"no") if not request.number else honest(request, wire)

    _, content, _ = await finished(fetcher, handler, **KNOWN)
    assert content == A


async def test_gone_at_once_is_fatal(fetcher: Fetching) -> None:
    event, server = await failed(fetcher, lambda _, wire: wire.answer(404, b"no"))
    assert (event.error.http_status, event.error.transient) == (404, False)
    assert len(server.requests) == 1
    assert not fetcher.partial().exists()


async def test_retry_after(fetcher: Fetching) -> None:
    event, _ = await failed(fetcher, lambda _, wire: wire.answer(503, b"", Retry_After="120"))
    assert (event.retry_after, event.error.transient) == (120, True)


async def test_another_file_each_time_ends(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        # The whole file comes in two answers, and no two answers are of one version.
        fields: dict[str, Any] = {"ETag": f'"{request.number}"'}
        if request.start is None:
            span = f"bytes 0-{len(A) - 1}/{len(A)}"
            wire.head(206, Content_Range=span, Content_Length=len(A), **fields)
            wire.send(A[:HAVE])
            wire.close()
        else:
            wire.part(A, request.start, **fields)

    with HostileServer(handler) as server:
        known: dict[str, object] = {**KNOWN}
        for _ in range(3):
            event = await fetcher.fetch(f"{server.url}/file", **known)
            assert isinstance(event, Failed), event
            known = {"claimed": event.claimed, "size": event.size, "validators": event.validators}
            assert event.error.reason is Reason.CONNECTION_CLOSED
            fetcher.events.clear()


async def test_changes_within_one_attempt_are_counted(tmp_path: Path) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.answer(200, B, ETag=f'"{request.number}"')

    async with fetching(tmp_path / "data", restarts=0) as fetcher:
        event, _ = await failed(fetcher, handler, **KNOWN)
    assert event.error.reason is Reason.REMOTE_FILE_CHANGED
    assert (event.claimed, event.validators) == (HAVE, STRONG)


async def test_45_a_partial_file_that_was_cut(fetcher: Fetching) -> None:
    event, content, server = await finished(
        fetcher, honest, have=A[:1000], claimed=HAVE, size=len(A), validators=STRONG
    )
    assert content == A
    assert server.requests[0].start == 1000
    assert event.verification is Verification.VALIDATOR


async def test_45_a_partial_file_that_was_deleted(fetcher: Fetching) -> None:
    _, content, server = await finished(
        fetcher, honest, claimed=HAVE, size=len(A), validators=STRONG
    )
    assert content == A
    assert server.requests[0].start is None


async def test_an_empty_file(fetcher: Fetching) -> None:
    event, content, _ = await finished(fetcher, lambda _, wire: wire.answer(200, b""))
    assert (content, event.size, event.verification) == (b"", 0, Verification.VALIDATOR)
