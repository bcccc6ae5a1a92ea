"""Mirrors that help with one file: believed for what they have in common with it, or dropped.

The first answer is held back until the mirrors were answered: nothing depends on time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.jobs.http_options import HttpHeader, HttpOptions
from bgcopyd.queue.transfers import Finished, Stopped, TransferOptions
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import A, B, ranged
from tests.support.http_hostile import OLD, Handler, HostileServer, Request, Wire
from tests.support.segments import EAGER, FIRST, SIZE, Held, begun, reached


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data", **EAGER) as one:
        yield one


class Home(Held):
    """The file's own server, which finishes no answer before the mirrors had `enough` requests."""

    def __init__(self, enough: int, **fields: Any) -> None:
        super().__init__(enough=99, fields=fields or {"ETag": '"a"'})
        self.helper = self._helper
        self._left = enough

    def _helper(self, request: Request, wire: Wire) -> None:
        if self.go.is_set():
            ranged(request, wire)
            return
        start, end = begun(request, wire, 1000)
        self.wait(wire)
        wire.send(A[start:end])

    def counts(self, handler: Handler) -> Handler:
        """A mirror whose answers this one waits for."""

        def counted(request: Request, wire: Wire) -> None:
            try:
                handler(request, wire)
            finally:
                with self.lock:
                    self._left -= 1
                    if not self._left:
                        self.go.set()

        return counted


def mirror(content: bytes = A, etag: str = '"a"', **fields: Any) -> Handler:
    """An honest server of this content."""

    def handler(request: Request, wire: Wire) -> None:
        named = {"ETag": etag, **fields} if etag else fields
        wire.part(content, *request.span(len(content)), **named)

    return handler


def status(code: int, **fields: Any) -> Handler:
    return lambda _, wire: wire.answer(code, b"", **fields)


async def helped(
    fetcher: Fetching,
    handler: Handler,
    enough: int = 99,
    *,
    until: Callable[[], bool] = lambda: False,
    **fields: Any,
) -> tuple[Finished, HostileServer]:
    """Fetches A beside one mirror, whose server it returns; held back until that is so."""
    home = Home(enough)
    with HostileServer(home) as own, HostileServer(home.counts(handler)) as other:
        fetcher.start(f"{own.url}/file", mirrors=(f"{other.url}/m?key=1",), **fields)
        while not home.go.is_set() and not until():  # noqa: ASYNC110 - a log is no event
            await asyncio.sleep(0.005)
        home.go.set()
        event = await fetcher.end()
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event) == A
        return event, other


def brought(event: Finished, server: HostileServer) -> int:
    """How many bytes are told to have come from a server."""
    return sum(
        one.bytes for one in event.attempt.file.sources if one.url.startswith(server.url + "/")
    )


def helps(fetcher: Fetching) -> bool:
    """Whether more is here than the file's own server has sent."""
    return reached(fetcher, FIRST + 10_000) is not None


def drops(caplog: pytest.LogCaptureFixture) -> bool:
    return "drops a mirror" in caplog.text


async def test_a_mirror_with_the_same_name_helps_at_once(fetcher: Fetching) -> None:
    event, other = await helped(fetcher, mirror(), until=lambda: helps(fetcher))
    assert event.verification is Verification.VALIDATOR
    assert brought(event, other) >= 16 << 10


async def test_a_mirror_with_the_same_old_date_helps_at_once(fetcher: Fetching) -> None:
    home = Home(99, Last_Modified=OLD)
    other = mirror(etag="", Last_Modified=OLD)
    with HostileServer(home) as own, HostileServer(other) as beside:
        fetcher.start(f"{own.url}/file", mirrors=(f"{beside.url}/m",))
        await fetcher.until(lambda: reached(fetcher, FIRST + 10_000))
        home.go.set()
        event = await fetcher.end()
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A
        assert event.verification is Verification.VALIDATOR
        assert brought(event, beside)


async def test_several_mirrors_have_a_connection_each(fetcher: Fetching) -> None:
    home, all_asked = Home(99), threading.Barrier(3)

    def handler(request: Request, wire: Wire) -> None:
        if not request.number:
            all_asked.wait(20)
        mirror()(request, wire)

    with ExitStack() as stack:
        own = stack.enter_context(HostileServer(home))
        others = [stack.enter_context(HostileServer(handler)) for _ in range(3)]
        urls = tuple(f"{one.url}/m" for one in others)
        fetcher.start(f"{own.url}/file", mirrors=urls)
        # Two of them, and all that the lead could give them, are not so much.
        await fetcher.until(lambda: reached(fetcher, FIRST + 210_000))
        home.go.set()
        event = await fetcher.end()
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A
        assert all(brought(event, one) for one in others)


@pytest.mark.parametrize("etag", ['"m"', "", 'W/"a"'], ids=["named", "nameless", "weak"])
async def test_without_a_digest_another_name_is_not_believed(fetcher: Fetching, etag: str) -> None:
    event, other = await helped(fetcher, mirror(etag=etag), 1)
    assert event.verification is Verification.VALIDATOR
    assert len(other.requests) == 1
    assert not brought(event, other)


async def test_with_a_digest_it_is_compared_first(fetcher: Fetching) -> None:
    event, other = await helped(
        fetcher, mirror(etag='"m"'), until=lambda: helps(fetcher), digests=sha256(A)
    )
    assert event.verification is Verification.DIGEST
    compared, part = (request.span(SIZE) for request in other.requests[1:3])
    assert compared[1] - compared[0] <= 64 << 10
    assert brought(event, other) >= (16 << 10) + compared[1] - compared[0]
    assert part[0] >= compared[1] or part[1] <= compared[0]


@pytest.mark.parametrize(
    ("handler", "asked"),
    [
        (mirror(B, '"b"'), 2),
        (mirror(A + b"more", '"a"'), 1),
        (mirror(A[:-1], '"b"'), 1),
        (lambda _, wire: wire.answer(200, A + b"more", ETag='"b"'), 1),
    ],
    ids=["other bytes", "longer", "shorter", "whole"],
)
async def test_21_a_mirror_with_another_file_is_dropped_and_named(
    fetcher: Fetching, handler: Handler, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    event, other = await helped(fetcher, handler, until=lambda: drops(caplog), digests=sha256(A))
    assert event.verification is Verification.DIGEST
    assert len(other.requests) == asked
    assert "key=" not in caplog.text


async def test_a_mirror_that_is_replaced_meanwhile_is_dropped(
    fetcher: Fetching, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        changed = request.number > 2
        mirror(B if changed else A, '"n"' if changed else '"m"')(request, wire)

    event, _ = await helped(fetcher, handler, until=lambda: drops(caplog), digests=sha256(A))
    assert event.verification is Verification.DIGEST


async def test_what_a_comparison_did_not_show_the_digest_does(fetcher: Fetching) -> None:
    """Only then the file is fetched anew, from its own server alone."""
    mixed = A[:FIRST] + B[FIRST:]
    handler = mirror(mixed, '"m"')
    event, _ = await helped(fetcher, handler, until=lambda: helps(fetcher), digests=sha256(A))
    assert event.verification is Verification.DIGEST


@pytest.mark.parametrize(
    "handler",
    [
        status(404),
        status(403),
        status(429, Retry_After=0),
        status(503),
        status(416),
        status(302, Location="http://127.0.0.1:1/nobody"),
        lambda _, wire: wire.answer(200, A),
        lambda _, wire: wire.answer(200, A, ETag='"a"'),
        lambda request, wire: wire.part(A, request.span(SIZE)[0] - 999, ETag='"a"'),
    ],
    ids=["404", "403", "429", "503", "416", "nobody", "whole", "whole, named", "from elsewhere"],
)
async def test_a_mirror_that_is_of_no_use_is_not_asked_again(
    fetcher: Fetching, handler: Handler
) -> None:
    event, other = await helped(fetcher, handler, 1)
    assert event.verification is Verification.VALIDATOR
    assert len(other.requests) == 1


async def test_a_mirror_that_breaks_off_is_given_up_in_the_end(fetcher: Fetching) -> None:
    event, other = await helped(fetcher, lambda _, wire: wire.reset(), 3)
    assert event.verification is Verification.VALIDATOR
    assert len(other.requests) == 3


async def test_a_mirror_that_is_elsewhere(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.target.startswith("/m"):
            wire.answer(302, b"", Location="/elsewhere")
        else:
            mirror()(request, wire)

    event, other = await helped(fetcher, handler, until=lambda: helps(fetcher))
    assert brought(event, other)
    assert [request.target for request in other.requests[:2]] == ["/m?key=1", "/elsewhere"]


async def test_secrets_stay_with_the_files_own_server(fetcher: Fetching) -> None:
    headers = (HttpHeader("Cookie", "secret=1"), HttpHeader("X-Plain", "yes"))
    options = TransferOptions(http=HttpOptions(headers=headers))
    home = Home(1)
    with HostileServer(home) as own, HostileServer(home.counts(mirror())) as other:
        url = own.url.replace("127.0.0.1", "localhost")
        event = await fetcher.fetch(f"{url}/file", mirrors=(f"{other.url}/m",), options=options)
        assert isinstance(event, Finished)
        assert all(request.fields["cookie"] == "secret=1" for request in own.requests)
        assert other.requests
        assert not any("cookie" in request.fields for request in other.requests)


async def test_what_was_only_compared_is_not_resumed_as_validated(tmp_path: Path) -> None:
    home, holding = Home(99), threading.Event()

    def handler(request: Request, wire: Wire) -> None:
        if request.number < 2:
            mirror(etag='"m"')(request, wire)
            return
        start, end = request.span(SIZE)
        span = f"bytes {start}-{end - 1}/{SIZE}"
        wire.head(206, Content_Range=span, Content_Length=end - start, ETag='"m"')
        wire.send(A[start : start + 5000])
        holding.set()
        wire.hang()

    async with fetching(tmp_path / "data", **EAGER) as fetcher:
        with HostileServer(home) as own, HostileServer(handler) as other:
            fetcher.start(f"{own.url}/file", mirrors=(f"{other.url}/m",), digests=sha256(A))
            assert await asyncio.to_thread(holding.wait, 20)
            await fetcher.until(lambda: reached(fetcher, FIRST + 5000))
            fetcher.engine.stop("job")
            event = await fetcher.end()
            home.go.set()
    assert isinstance(event, Stopped)
    assert sum(part.length or 0 for part in event.filled) >= 5000
    assert event.validators == Validators(etag='W/"a"')
