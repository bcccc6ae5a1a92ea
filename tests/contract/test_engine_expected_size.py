"""The size that a job expects: a file of another one is never kept, whatever its server says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Finished
from tests.support.fetching import Fetching, fetching
from tests.support.hostile_cases import HAVE, KNOWN, A, B, failed, finished, honest, ranged
from tests.support.http_hostile import HostileServer, Request, Wire


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


@pytest.mark.parametrize("state", [{}, KNOWN], ids=["new", "resumed"])
async def test_the_right_size(fetcher: Fetching, state: dict[str, Any]) -> None:
    event, content, _ = await finished(fetcher, honest, expected_size=len(A), **state)
    assert (content, event.verification) == (A, Verification.VALIDATOR)


@pytest.mark.parametrize("size", [0, len(A) - 1, len(A) + 1])
async def test_another_size_is_never_kept(fetcher: Fetching, size: int) -> None:
    event, server = await failed(fetcher, honest, expected_size=size)
    assert (event.error.reason, event.error.transient) == (Reason.UNEXPECTED_SIZE, False)
    assert str(size) in event.error.message
    assert len(server.requests) == 1
    assert not fetcher.partial().exists()


async def test_what_is_here_outlives_another_size(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.answer(200, B[:1000], ETag='"b"')

    event, _ = await failed(fetcher, handler, expected_size=len(A), **KNOWN)
    assert event.error.reason is Reason.UNEXPECTED_SIZE
    assert event.claimed == HAVE
    assert fetcher.partial().read_bytes() == A[:HAVE]


async def test_a_mirror_of_the_right_size_goes_on(fetcher: Fetching) -> None:
    def login(_: Request, wire: Wire) -> None:
        wire.answer(200, b"<html>log in</html>", Content_Type="text/html")

    with HostileServer(login) as first, HostileServer(ranged) as second:
        event = await fetcher.fetch(
            f"{first.url}/x", mirrors=(f"{second.url}/x",), expected_size=len(A)
        )
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A


def unsized(body: bytes, *, chunked: bool) -> Any:
    def handler(_: Request, wire: Wire) -> None:
        if chunked:
            wire.head(200, Transfer_Encoding="chunked")
            wire.chunk(body)
            wire.chunk(b"")
        else:
            wire.head(200, Connection="close")
            wire.send(body)
        wire.close()

    return handler


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (len(A), None),
        (len(A) - 1, Reason.UNEXPECTED_SIZE),
        (len(A) + 1, Reason.UNEXPECTED_SIZE),
    ],
)
async def test_24_a_body_that_tells_no_size(
    fetcher: Fetching, size: int, reason: Reason | None, *, chunked: bool
) -> None:
    handler = unsized(A, chunked=chunked)
    if reason is None:
        _, content, _ = await finished(fetcher, handler, expected_size=size)
        assert content == A
        return
    event, _ = await failed(fetcher, handler, expected_size=size)
    cut = not chunked and size > len(A)
    assert event.error.reason is (Reason.CONNECTION_CLOSED if cut else reason)
    assert event.error.transient is cut
    path = fetcher.partial()
    assert not path.exists() or path.stat().st_size <= size


async def test_with_ranges_it_is_the_local_files(fetcher: Fetching) -> None:
    ranges = (FileRange(100, 1000), FileRange(len(A) - 500))
    _, content, _ = await finished(fetcher, ranged, ranges=ranges, expected_size=1500)
    assert content == A[100:1100] + A[-500:]
    event, _ = await failed(
        fetcher, ranged, ranges=ranges, expected_size=len(A), index=1, path="other"
    )
    assert event.error.reason is Reason.UNEXPECTED_SIZE
