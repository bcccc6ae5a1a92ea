"""Several connections for one file: hired, bound, replaced, and never of two versions.

The servers hold the first answer back until others were asked: nothing depends on time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import (
    Claimed,
    Failed,
    Finished,
    Stopped,
    TransferOptions,
)
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import A, B, ranged
from tests.support.http_hostile import DATE, OLD, Handler, HostileServer, Request, Wire
from tests.support.segments import (
    EAGER,
    SIZE,
    Held,
    Stepped,
    begun,
    by_path,
    fetched,
    helpers,
    together,
)


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data", **EAGER) as one:
        yield one


async def test_several_connections_bring_one_file(fetcher: Fetching) -> None:
    event, content, server = await fetched(fetcher, Held(together(3)))
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert {request.connection for request in server.requests} >= {0, 1, 2, 3}
    # Each stretch is fetched once, but for what the last pieces of those that were cut brought.
    assert all(one.fields["range"].count("-") == 1 for one in helpers(server))
    [source] = event.attempt.file.sources
    assert source.bytes <= SIZE


# Only where it is safe.


@pytest.mark.parametrize(
    ("fields", "options", "helped"),
    [
        ({"ETag": '"a"'}, {}, True),
        ({"Last-Modified": OLD}, {}, True),
        ({}, {}, False),
        ({"ETag": 'W/"a"'}, {}, False),
        ({"Last-Modified": DATE}, {}, False),
        ({"ETag": '"a"', "Accept-Ranges": "none"}, {}, False),
        ({"ETag": '"a"'}, {"options": TransferOptions(dynamic=True)}, False),
        ({"ETag": '"a"'}, {"ranges": (FileRange(0, 150_000), FileRange(150_000))}, False),
    ],
    ids=["named", "dated", "nameless", "weak", "fresh", "no ranges", "dynamic", "ranges"],
)
async def test_only_what_a_strong_validator_joins_is_shared(
    fetcher: Fetching, fields: dict[str, str], options: dict[str, Any], *, helped: bool
) -> None:
    server = Stepped(**fields)
    with HostileServer(server) as http:
        fetcher.start(f"{http.url}/file", **options)
        await server.step(fetcher, 12)
        if helped:
            assert await asyncio.to_thread(server.asked.wait, 20)
        assert server.asked.is_set() == helped
        server.finish()
        event = await fetcher.end()
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A
        assert helped or len(http.requests) == 1


async def test_a_file_of_few_bytes_is_not_shared(tmp_path: Path) -> None:
    server = Stepped(ETag='"a"')
    options = EAGER | {"segment_bytes": SIZE // 2}
    async with fetching(tmp_path / "data", **options) as fetcher:
        with HostileServer(server) as http:
            fetcher.start(f"{http.url}/file")
            await server.step(fetcher, 12)
            server.finish()
            assert isinstance(await fetcher.end(), Finished)
            assert len(http.requests) == 1


# What a server says to one connection more.


@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize("borne", [1, 2])
async def test_14_a_refusal_is_the_hosts_limit(tmp_path: Path, status: int, borne: int) -> None:
    held, again = Stepped(ETag='"a"'), Stepped(ETag='"a"')
    answered = threading.Semaphore(0)

    def helper(request: Request, wire: Wire) -> None:
        if request.number < borne:
            begun(request, wire, 1000)
        else:
            wire.answer(status, b"one too many")
        answered.release()
        if request.number < borne:
            wire.hang()

    def hangs(request: Request, wire: Wire) -> None:
        begun(request, wire, 1000)
        wire.hang()

    held.helper, again.helper = helper, hangs
    options = EAGER | {"segments_per_file": 3}
    async with fetching(tmp_path / "data", **options) as fetcher:
        with HostileServer(by_path(file=held, other=again)) as server:
            fetcher.start(f"{server.url}/file")
            for _ in range(borne):
                await held.step(fetcher, 8)
                assert await asyncio.to_thread(answered.acquire, timeout=20)
            await held.step(fetcher, 12)
            assert len(server.requests) == borne + 1
            fetcher.engine.stop("job")
            assert isinstance(await fetcher.end(), Stopped)
            # It is remembered: with another file nobody tries again.
            fetcher.start(f"{server.url}/other", path="other", index=1)
            await again.step(fetcher, 12, index=1)
            assert len(server.requests) <= 2 * borne + 1


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_never_more_than_the_setting_says(tmp_path: Path, most: int) -> None:
    held, answered = Stepped(ETag='"a"'), threading.Semaphore(0)

    def helper(request: Request, wire: Wire) -> None:
        begun(request, wire, 1000)
        answered.release()
        wire.hang()

    held.helper = helper
    options = EAGER | {"segments_per_file": most}
    async with fetching(tmp_path / "data", **options) as fetcher:
        with HostileServer(held) as server:
            fetcher.start(f"{server.url}/file")
            for _ in range(most - 1):
                await held.step(fetcher, 8)
                assert await asyncio.to_thread(answered.acquire, timeout=20)
            await held.step(fetcher, 8)
            assert len(server.requests) == most


async def test_a_limit_of_a_host_is_forgotten_again(tmp_path: Path) -> None:
    held = Held(lambda _, wire: wire.answer(429, b"", Retry_After=0), enough=1)
    again = Stepped(ETag='"a"')
    async with fetching(tmp_path / "data", **EAGER, host_memory=0.0) as fetcher:
        with HostileServer(by_path(file=held, other=again)) as server:
            assert isinstance(await fetcher.fetch(f"{server.url}/file"), Finished)
            fetcher.start(f"{server.url}/other", path="other", index=1)
            await again.step(fetcher, 12, index=1)
            assert await asyncio.to_thread(again.asked.wait, 20)
            again.finish()
            assert isinstance(await fetcher.end(1), Finished)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _, wire: wire.answer(200, A, ETag='"a"'),
        lambda _, wire: wire.answer(200, A),
        lambda _, wire: wire.answer(404, b"<html>no</html>"),
        lambda _, wire: wire.answer(500, b""),
        lambda _, wire: wire.answer(302, b"", Location="http://127.0.0.1:1/elsewhere"),
        lambda _, wire: wire.answer(204, b""),
        lambda _, wire: wire.answer(416, b"", Content_Range=f"bytes */{SIZE}"),
        lambda request, wire: wire.part(A, request.span(SIZE)[0] - 1000, ETag='"a"'),
        lambda request, wire: wire.part(A, *request.span(SIZE)),
        lambda request, wire: wire.part(A, *request.span(SIZE), ETag='W/"a"'),
        lambda request, wire: wire.part(
            A, *request.span(SIZE), ETag='"a"', Content_Encoding="gzip"
        ),
        lambda _, wire: wire.reset(),
        lambda _, wire: wire.send(b"garbage\r\n\r\n") or wire.close(),
    ],
    ids=[
        "whole", "whole, nameless", "gone", "broken", "redirect", "nothing", "outside",
        "from elsewhere", "nameless", "weak", "encoded", "reset", "garbage",
    ],
)  # fmt: skip
async def test_a_server_of_whole_files_costs_a_question_and_nothing_else(
    fetcher: Fetching, answer: Handler
) -> None:
    event, content, server = await fetched(fetcher, Held(answer, enough=1))
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert len(helpers(server)) <= 3
    assert server.sent < 2 * SIZE + 1000


async def test_03_a_part_shorter_than_asked_is_kept(fetcher: Fetching) -> None:
    def helper(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        wire.part(A, start, min(start + 20_000, end), ETag='"a"')

    _, content, server = await fetched(fetcher, Held(helper, enough=5))
    assert content == A
    assert len(helpers(server)) >= 5


# Versions.


async def test_15_replaced_between_segments(fetcher: Fetching) -> None:
    held = Held(enough=99)

    def helper(request: Request, wire: Wire) -> None:
        if request.number == 1:
            ranged(request, wire)
        else:
            ranged(request, wire, B, '"b"')

    held.helper = helper
    event, content, server = await fetched(fetcher, held)
    assert (content, event.verification) == (B, Verification.VALIDATOR)
    assert event.validators == Validators(etag='"b"')
    # From then on by one connection; what was asked before may reach the server later.
    assert sum("range" not in request.fields for request in server.requests) == 2
    assert len(server.requests) <= 2 + 2 * 3


async def test_15_each_new_version_counts(tmp_path: Path) -> None:
    def helper(request: Request, wire: Wire) -> None:
        ranged(request, wire) if request.number == 1 else ranged(request, wire, B, '"b"')

    async with fetching(tmp_path / "data", **EAGER, restarts=0) as fetcher:
        with HostileServer(Held(helper, enough=99)) as server:
            event = await fetcher.fetch(f"{server.url}/file")
            assert isinstance(event, Failed)
            assert event.error.reason is Reason.REMOTE_FILE_CHANGED
            assert event.claimed == 0


@pytest.mark.parametrize(
    "answer",
    [
        lambda request, wire: ranged(request, wire, B, '"b"'),
        lambda request, wire: wire.part(A + b"x", *request.span(SIZE), ETag='"a"'),
        lambda _, wire: wire.answer(200, B, ETag='"b"'),
        lambda _, wire: wire.answer(416, b"", Content_Range="bytes */7"),
    ],
    ids=["named", "size", "whole", "shorter"],
)
async def test_one_name_per_node_costs_no_byte(fetcher: Fetching, answer: Handler) -> None:
    """The first answer that contradicts the lead, before anything came of others."""
    event, content, server = await fetched(fetcher, Held(answer, enough=1))
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert len(server.requests) == 2


async def test_a_new_beginning_although_claims_have_holes(tmp_path: Path) -> None:
    held, new = Held(enough=99), threading.Event()

    def helper(request: Request, wire: Wire) -> None:
        if request.number == 1:
            ranged(request, wire)
            return
        new.wait(20)
        ranged(request, wire, B, '"b"')

    held.helper = helper
    async with fetching(tmp_path / "data", **EAGER, claim_interval=0.0, claim_bytes=1) as fetcher:
        with HostileServer(held) as server:
            fetcher.start(f"{server.url}/file", digests=sha256(B))
            await fetcher.until(lambda: next((e for e in fetcher.all(Claimed) if e.filled), None))
            new.set()
            event = await fetcher.end()
            assert isinstance(event, Finished)
            assert await fetcher.placed(event) == B
            claims = fetcher.all(Claimed)
            assert any(one.claimed == 0 and not one.filled for one in claims)


async def test_a_wrong_digest_ends(tmp_path: Path) -> None:
    """Also where claims have holes; the second time by one connection."""
    held = Held()
    async with fetching(tmp_path / "data", **EAGER, claim_interval=0.0, claim_bytes=1) as fetcher:
        with HostileServer(held) as server:
            event = await fetcher.fetch(f"{server.url}/file", digests=sha256(B))
            assert isinstance(event, Failed)
            assert event.error.reason is Reason.DIGEST_MISMATCH
            assert event.claimed == 0
