"""Further sources of a file: when they are tried, and when their bytes are believed."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Claimed, Failed, Finished, Stopped, TransferOptions
from bgcopyd.transfer.disk.partial import PartialFile
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import HAVE, A, B, ranged
from tests.support.http_hostile import Handler, HostileServer, Request, Wire
from tests.support.placing import unbounded

SIZE = len(A)


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


def serving(content: bytes, etag: str = "", **more: Any) -> Handler:
    """A proper server with this content and these validators."""

    def handler(request: Request, wire: Wire) -> None:
        fields = {"ETag": etag, **more} if etag else more
        start, end = request.span(len(content))
        if "range" not in request.fields or request.fields.get("if-range", etag) != etag:
            wire.answer(200, content, **fields)
        else:
            wire.part(content, start, end, **fields)

    return handler


def status(code: int) -> Handler:
    return lambda _, wire: wire.answer(code, b"")


def breaking(content: bytes, count: int, etag: str = '"a"') -> Handler:
    """Breaks off behind so many bytes of the file, and at once from then on."""

    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.head(200, Content_Length=len(content), ETag=etag)
            wire.send(content[:count])
        wire.close()

    return handler


def refuse_it(_: Request, wire: Wire) -> None:
    wire.reset()


class Site:
    """Several servers; the first is the file's own."""

    def __init__(self, *handlers: Handler) -> None:
        self._stack = ExitStack()
        self._handlers = handlers
        self.servers: list[HostileServer] = []

    def __enter__(self) -> Self:
        self.servers = [self._stack.enter_context(HostileServer(one)) for one in self._handlers]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def urls(self) -> list[str]:
        return [f"{server.url}/file?secret={n}" for n, server in enumerate(self.servers)]

    async def fetch(self, fetcher: Fetching, **fields: Any) -> Any:
        url, *mirrors = self.urls
        fetcher.events.clear()
        return await fetcher.fetch(url, mirrors=tuple(mirrors), **fields)

    @property
    def asked(self) -> list[int]:
        return [len(server.requests) for server in self.servers]


async def finished(fetcher: Fetching, site: Site, **fields: Any) -> tuple[Finished, bytes]:
    event = await site.fetch(fetcher, **fields)
    assert isinstance(event, Finished), event
    return event, await fetcher.placed(event)


# When.


@pytest.mark.parametrize("code", [403, 404, 410, 501])
async def test_a_final_failure_leads_to_the_next_at_once(fetcher: Fetching, code: int) -> None:
    with Site(status(code), status(404), serving(A), status(404)) as site:
        _, content = await finished(fetcher, site)
        assert content == A
        assert site.asked == [1, 1, 1, 0]


@pytest.mark.parametrize("first", [status(503), refuse_it])
async def test_a_failure_that_may_pass_is_given_a_second_chance(
    fetcher: Fetching, first: Handler
) -> None:
    with Site(first, serving(A)) as site:
        _, content = await finished(fetcher, site)
        assert content == A
        assert site.asked == [2, 1]


async def test_the_second_chance_suffices(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        status(503)(request, wire) if request.number == 0 else ranged(request, wire)

    with Site(handler, status(404)) as site:
        _, content = await finished(fetcher, site)
        assert content == A
        assert site.asked == [2, 0]


async def test_a_long_pause_is_not_waited_for(fetcher: Fetching) -> None:
    busy: Handler = lambda _, wire: wire.answer(503, b"", Retry_After=3600)  # noqa: E731 - short
    with Site(busy, serving(A)) as site:
        await finished(fetcher, site)
        assert site.asked == [1, 1]


async def test_the_first_sources_last_error_stands(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.answer(503 if request.number == 0 else 429, b"", Retry_After=0)

    with Site(handler, status(404), refuse_it) as site:
        event = await site.fetch(fetcher)
        assert isinstance(event, Failed)
        assert (event.error.http_status, event.error.transient) == (429, True)
        assert event.retry_after == 0
        assert site.asked == [2, 1, 1]


async def test_an_address_that_is_no_url_is_passed_over(fetcher: Fetching) -> None:
    with HostileServer(serving(A)) as server:
        event = await fetcher.fetch(
            f"{server.url}:x/file", mirrors=("ftp://h/x", f"{server.url}/file")
        )
        assert isinstance(event, Finished)


async def test_the_disks_own_failures_have_nothing_to_do_with_it(
    fetcher: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PartialFile, "write", full)
    with Site(serving(A), serving(A)) as site:
        event = await site.fetch(fetcher)
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.DISK_FULL
        assert site.asked == [1, 0]


async def test_a_file_that_is_too_large_is_no_matter_of_its_source(fetcher: Fetching) -> None:
    with Site(serving(A), serving(A)) as site:
        event = await site.fetch(fetcher, options=TransferOptions(max_size=9))
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
        assert site.asked == [1, 0]


async def test_stop_while_the_second_chance_is_waited_for(tmp_path: Path) -> None:
    broken = threading.Event()

    def breaks(request: Request, wire: Wire) -> None:
        breaking(A, HAVE)(request, wire)
        broken.set()

    async with fetching(tmp_path / "data", second_look=3600.0) as fetcher:
        with Site(breaks, serving(A)) as site:
            fetcher.start(site.urls[0], mirrors=tuple(site.urls[1:]))
            assert await asyncio.to_thread(broken.wait, 10)
            fetcher.engine.stop("job")
            event = await fetcher.end()
            assert isinstance(event, Stopped)
            disk = fetcher.partial().read_bytes() if event.claimed else b""
            assert disk[: event.claimed] == A[: event.claimed]


# Whose bytes go together.


@pytest.mark.parametrize(
    ("known", "mirror", "sure"),
    [
        ('"a"', serving(A, '"a"'), Verification.VALIDATOR),
        ('"a"', serving(A, '"other"'), Verification.OVERLAP),
        ('"a"', serving(A), Verification.OVERLAP),
        ('"a"', serving(A, 'W/"a"'), Verification.OVERLAP),
        ("", serving(A, '"other"'), Verification.OVERLAP),
    ],
    ids=["same", "other name", "nameless", "weak", "nothing known"],
)
async def test_a_mirror_continues_what_agrees(
    fetcher: Fetching, known: str, mirror: Handler, sure: Verification
) -> None:
    with Site(breaking(A, HAVE, known or 'W/"x"'), mirror) as site:
        event, content = await finished(fetcher, site)
        assert content == A
        assert event.verification is sure
        assert site.servers[1].sent == SIZE - HAVE + 65536


MIXED = A[: HAVE - 10] + B[HAVE - 10 :]


@pytest.mark.parametrize(
    "mirror",
    [
        serving(B, '"b"'),
        serving(B),
        serving(MIXED),
        serving(A + b"more", '"a"'),
        serving(A[:-1]),
        lambda _, wire: wire.answer(200, A + b"more"),
        lambda _, wire: wire.answer(206, A[:-9], Content_Range=f"bytes 0-{SIZE - 10}/{SIZE - 9}"),
    ],
    ids=["named", "nameless", "late", "longer", "shorter", "whole", "own range"],
)
async def test_a_mirror_with_another_file_is_dropped_and_named(
    fetcher: Fetching, mirror: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    with Site(breaking(A, HAVE), mirror, serving(A, '"c"')) as site:
        _, content = await finished(fetcher, site)
        assert content == A
        text = caplog.text
        assert site.servers[1].url.removeprefix("http://") in text
        assert "secret" not in text


async def test_what_was_here_survives_a_mirror_with_another_file(fetcher: Fetching) -> None:
    with Site(breaking(A, HAVE), serving(B, '"b"')) as site:
        event = await site.fetch(fetcher)
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.CONNECTION_CLOSED
        assert event.claimed == HAVE
        assert event.validators == Validators(etag='"a"')
        assert fetcher.partial().read_bytes()[: event.claimed] == A[: event.claimed]
        with HostileServer(serving(A, '"a"')) as server:
            fetcher.events.clear()
            again = await fetcher.fetch(
                f"{server.url}/file",
                claimed=event.claimed,
                size=event.size,
                validators=event.validators,
            )
        assert isinstance(again, Finished)
        assert again.verification is Verification.VALIDATOR
        assert await fetcher.placed(again) == A


async def test_a_mirror_without_ranges_begins_anew(fetcher: Fetching) -> None:
    with Site(breaking(A, HAVE), lambda _, wire: wire.answer(200, A, ETag='"m"')) as site:
        event, content = await finished(fetcher, site)
        assert (content, event.verification) == (A, Verification.VALIDATOR)


async def test_a_mirror_that_ends_early_is_not_believed(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Transfer_Encoding="chunked")
        wire.chunk(A[:250_000])
        wire.chunk(b"")

    with Site(breaking(A, HAVE), handler, serving(A)) as site:
        _, content = await finished(fetcher, site)
        assert content == A


async def test_a_digest_decides_between_sources(fetcher: Fetching) -> None:
    with Site(serving(B, '"b"'), serving(MIXED, '"m"'), serving(A, '"a"')) as site:
        event, content = await finished(fetcher, site, digests=sha256(A))
        assert (content, event.verification) == (A, Verification.DIGEST)
        assert site.asked[:2] == [2, 2]


async def test_no_source_has_the_digest(fetcher: Fetching) -> None:
    with Site(serving(B), serving(MIXED)) as site:
        event = await site.fetch(fetcher, digests=sha256(A))
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.DIGEST_MISMATCH
        assert event.claimed == 0


async def test_bytes_are_counted_by_source(fetcher: Fetching) -> None:
    with Site(breaking(A, HAVE), serving(A, '"a"')) as site:
        event, _ = await finished(fetcher, site)
        counted = {one.url: one.bytes for one in event.attempt.file.sources}
        names = [url.partition("?")[0] for url in site.urls]
        assert list(counted) == names
        assert counted[names[1]] == SIZE - HAVE + 65536
        assert counted[names[0]] == HAVE


async def test_ranges_from_several_sources(fetcher: Fetching) -> None:
    ranges = (FileRange(200_000, 50_000), FileRange(0, 1_000), FileRange(290_000))
    whole = A[200_000:250_000] + A[:1_000] + A[290_000:]

    def first(request: Request, wire: Wire) -> None:
        ranged(request, wire) if request.number == 0 else wire.reset()

    with Site(first, serving(B, '"b"'), serving(A + b"x"), serving(A)) as site:
        event, content = await finished(fetcher, site, ranges=ranges)
        assert content == whole
        assert event.verification is Verification.OVERLAP


async def test_secrets_stay_with_the_first_source(fetcher: Fetching) -> None:
    from bgcopyd.jobs.http_options import HttpHeader, HttpOptions

    header = HttpHeader("Authorization", "Basic c2VjcmV0", secret=True)
    options = TransferOptions(http=HttpOptions(headers=(header,)))
    with Site(status(404), serving(A)) as site:
        await finished(fetcher, site, options=options)
        assert "authorization" in site.servers[0].requests[0].fields
        assert "authorization" not in site.servers[1].requests[0].fields


# Another URL for what is here: UpdateFile, or a mirror in the attempt before.


async def halfway(fetcher: Fetching, handler: Handler, *mirrors: Handler) -> Failed:
    with Site(handler, *mirrors) as site:
        event = await site.fetch(fetcher)
        assert isinstance(event, Failed), event
        assert event.claimed >= HAVE
        return event


def known(event: Failed) -> dict[str, Any]:
    return {"claimed": event.claimed, "size": event.size, "validators": event.validators}


@pytest.mark.parametrize(
    ("handler", "sure"),
    [
        (serving(A, '"a"'), Verification.VALIDATOR),
        (serving(A, '"new"'), Verification.OVERLAP),
        (serving(A), Verification.OVERLAP),
    ],
    ids=["same", "other name", "nameless"],
)
async def test_another_url_goes_on_with_what_is_here(
    fetcher: Fetching, handler: Handler, sure: Verification
) -> None:
    before = await halfway(fetcher, breaking(A, HAVE))
    with Site(handler) as site:
        event, content = await finished(fetcher, site, **known(before))
        assert (content, event.verification) == (A, sure)
        assert site.servers[0].sent == SIZE - HAVE + 65536
    with pytest.raises(OSError, match=r"No data|not supported"):
        os.getxattr(fetcher.root / "file", "user.bgcopy.source")


@pytest.mark.parametrize(
    "handler", [serving(B, '"b"'), serving(B), serving(A + b"!", '"new"'), serving(A + b"!")]
)
async def test_another_url_with_another_file_begins_anew(
    fetcher: Fetching, handler: Handler
) -> None:
    before = await halfway(fetcher, breaking(A, HAVE))
    with Site(handler) as site:
        _, content = await finished(fetcher, site, **known(before))
        assert content in {B, A + b"!"}


async def test_another_name_at_the_same_url_is_another_file(fetcher: Fetching) -> None:
    """Equal at the overlap or not: the same server says that it has changed."""
    answers: list[Handler] = [breaking(MIXED, HAVE), serving(A, '"new"')]

    def handler(request: Request, wire: Wire) -> None:
        answers[request.number > 0](request, wire)

    with Site(handler) as site:
        event = await site.fetch(fetcher)
        assert isinstance(event, Failed)
        _, content = await finished(fetcher, site, **known(event))
        assert content == A


async def test_a_new_query_is_the_same_source(fetcher: Fetching) -> None:
    answers: list[Handler] = [breaking(A, HAVE), serving(B, '"b"')]

    def handler(request: Request, wire: Wire) -> None:
        answers[request.number > 0](request, wire)

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file?signed=1")
        assert isinstance(event, Failed)
        fetcher.events.clear()
        again = await fetcher.fetch(f"{server.url}/file?signed=2", **known(event))
        assert isinstance(again, Finished)
        assert await fetcher.placed(again) == B
        # Told by its name alone: no byte was compared.
        assert "range" in server.requests[1].fields
        assert server.requests[1].fields["if-range"] == '"a"'


async def test_what_a_mirror_brought_is_continued_by_the_first(fetcher: Fetching) -> None:
    def cut(request: Request, wire: Wire) -> None:
        start, _ = request.span(SIZE)
        wire.head(206, Content_Range=f"bytes {start}-{SIZE - 1}/{SIZE}",
                  Content_Length=SIZE - start, ETag='"m"')  # fmt: skip
        wire.send(A[start:280_000])
        wire.close()

    before = await halfway(fetcher, breaking(A, HAVE), cut)
    assert before.claimed == 280_000
    with Site(serving(A, '"a"')) as site:
        event, content = await finished(fetcher, site, **known(before))
        assert (content, event.verification) == (A, Verification.OVERLAP)
        assert site.servers[0].sent == SIZE - 280_000 + 65536


async def test_without_extended_attributes_a_new_name_is_a_new_file(
    fetcher: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", unsupported)
    before = await halfway(fetcher, breaking(A, HAVE))
    with Site(serving(A, '"new"')) as site:
        event = await site.fetch(fetcher, **known(before))
        # The store has to know first; then it is fetched from its start.
        assert isinstance(event, Failed)
        assert (event.claimed, event.error.transient) == (0, True)
        _, content = await finished(fetcher, site, **known(event))
        assert content == A


async def test_claims_on_the_way_tell_the_source(tmp_path: Path) -> None:
    content = A * 30

    def handler(request: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(content), ETag='"a"')
        wire.send(content[:6_000_000])
        wire.hang()

    async with fetching(tmp_path / "data", claim_interval=0.0) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file?q")
            claim = await fetcher.first(Claimed)
            note = os.getxattr(fetcher.partial(), "user.bgcopy.source").decode()
            held = os.open(fetcher.root, os.O_RDONLY)
            file = PartialFile.open(held, fetcher.partial().name, "file", unbounded())
            os.close(held)
            assert file.source(claim.validators) == note.partition(" ")[0] != ""
            assert file.source(Validators(etag='"b"')) == ""
            file.close()
