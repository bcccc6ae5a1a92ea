"""Digests that servers send: they prove the transport, and nothing more."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import DigestAlgorithm, FileRange, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Finished
from tests.support.fetching import Fetching, digest, fetching, sha256
from tests.support.hostile_cases import HAVE, KNOWN, A, B, failed, finished, honest, ranged
from tests.support.http_hostile import Handler, HostileServer, Request, Wire

NAMES = {
    "sha-256": DigestAlgorithm.SHA256,
    "sha-512": DigestAlgorithm.SHA512,
    "sha": DigestAlgorithm.SHA1,
    "md5": DigestAlgorithm.MD5,
}


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


def text(name: str, content: bytes) -> str:
    return base64.b64encode(digest(NAMES[name], content).value).decode()


def field(kind: str, name: str, content: bytes) -> dict[str, Any]:
    """A header field with the digest of some content."""
    value = (
        f"{name}={text(name, content)}" if kind == "Digest" else f"{name}=:{text(name, content)}:"
    )
    return {kind: value}


def answers(*fields: dict[str, str], body: bytes = A) -> Handler:
    """Whole answers, each with the next of these fields; the last for all that follow."""

    def handler(request: Request, wire: Wire) -> None:
        wire.answer(200, body, **fields[min(request.number, len(fields) - 1)])

    return handler


KINDS = ("Digest", "Repr_Digest", "Content_Digest")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_right_one_proves_no_more_than_the_transport(
    fetcher: Fetching, kind: str, name: str
) -> None:
    event, content, server = await finished(fetcher, answers(field(kind, name, A)))
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_wrong_one_is_fetched_anew_and_named(
    fetcher: Fetching, kind: str, name: str
) -> None:
    event, server = await failed(fetcher, answers(field(kind, name, B)))
    assert event.error.reason is Reason.ANNOUNCED_DIGEST_MISMATCH
    assert (event.error.transient, event.claimed, len(server.requests)) == (False, 0, 2)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_broke_on_the_way_is_mended(fetcher: Fetching, kind: str) -> None:
    right = field(kind, "sha-256", A)

    def handler(request: Request, wire: Wire) -> None:
        wire.answer(200, B if request.number == 0 else A, **right)

    _, content, server = await finished(fetcher, handler)
    assert (content, len(server.requests)) == (A, 2)


async def test_the_jobs_own_digest_counts_instead(fetcher: Fetching) -> None:
    handler = answers(field("Repr_Digest", "sha-256", B))
    event, content, server = await finished(fetcher, handler, digests=sha256(A))
    assert (content, event.verification) == (A, Verification.DIGEST)
    assert len(server.requests) == 1


async def test_a_weak_one_of_the_job_does_not(fetcher: Fetching) -> None:
    handler = answers(field("Repr_Digest", "sha-256", B))
    digests = (digest(DigestAlgorithm.MD5, A),)
    event, _ = await failed(fetcher, handler, digests=digests)
    assert event.error.reason is Reason.ANNOUNCED_DIGEST_MISMATCH


@pytest.mark.parametrize(
    "fields",
    [
        {"Repr_Digest": "sha-256=:AAAA:"},
        {"Repr_Digest": f"sha-256=:{text('sha-256', B)}:, sha-512=nonsense"},
        {"Repr_Digest": f"SHA-256=:{text('sha-256', B)}:"},
        {"Repr_Digest": f"sha-256={text('sha-256', B)}"},
        {"Repr_Digest": "sha-256=:" + "A" * 100_000 + ":"},
        {"Repr_Digest": "\xff\x80, ::::, =, ;"},
        {"Content_Digest": "sha-256=:====:"},
        {"Digest": "sha-256"},
        {"Digest": "sha-256=%%%"},
        {"Digest": f"sha-256={text('sha-256', A)}, sha-256={text('sha-256', B)}"},
        {"Digest": "crc32c=AAAAAA==, unixsum=30637"},
    ],
)
async def test_malformed_ones_are_ignored(fetcher: Fetching, fields: dict[str, str]) -> None:
    event, content, server = await finished(fetcher, answers(fields))
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert len(server.requests) == 1


# Parts.


def parts(*contents: bytes, kind: str = "Content_Digest", etag: str = '"a"') -> Handler:
    """Parts of at most 60,000 bytes, each with the digest of the same part of the next content."""

    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(len(A))
        if "range" not in request.fields:
            wire.answer(200, A, ETag=etag)
            return
        end = min(end, start + 60_000)
        content = contents[min(request.number, len(contents) - 1)]
        told = content if kind == "Repr_Digest" else content[start:end]
        wire.part(A, start, end, ETag=etag, **field(kind, "sha-256", told))

    return handler


@pytest.mark.parametrize("kind", ["Content_Digest", "Repr_Digest"])
async def test_right_ones_of_parts(fetcher: Fetching, kind: str) -> None:
    event, content, server = await finished(fetcher, parts(A, kind=kind), **KNOWN)
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert [request.start for request in server.requests] == [200_000, 260_000]


@pytest.mark.parametrize("kind", ["Content_Digest", "Repr_Digest"])
@pytest.mark.parametrize("wrong", [0, 1])
async def test_a_wrong_one_of_a_part_drops_the_file(
    fetcher: Fetching, kind: str, wrong: int
) -> None:
    """Of the whole file the last one counts that was sent."""
    contents = [A, A, A]
    contents[wrong] = B
    _, content, server = await finished(fetcher, parts(*contents, kind=kind), **KNOWN)
    assert content == A
    dropped = kind == "Content_Digest" or wrong == 1
    assert (server.requests[-1].start is None) is dropped


async def test_a_part_that_is_always_wrong_is_named(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(len(A))
        if "range" not in request.fields:
            wire.part(A, 0, **field("Content_Digest", "sha-256", B))
        else:
            wire.part(A, start, end, ETag='"a"', **field("Content_Digest", "sha-256", B))

    event, _ = await failed(fetcher, handler, **KNOWN)
    assert event.error.reason is Reason.ANNOUNCED_DIGEST_MISMATCH
    assert event.claimed == 0


async def test_a_resumed_file_has_the_digest_of_the_whole(fetcher: Fetching) -> None:
    """What is on disk was damaged where no overlap looks."""

    def handler(request: Request, wire: Wire) -> None:
        if request.start is None:
            wire.answer(200, A, **field("Repr_Digest", "sha-512", A))
        else:
            wire.part(A, request.start, **field("Repr_Digest", "sha-512", A))

    damaged = b"x" * 100 + A[100:HAVE]
    _, content, server = await finished(fetcher, handler, have=damaged, size=len(A))
    assert content == A
    assert [request.start is None for request in server.requests] == [False, True]


RANGES = (FileRange(1_000, 100_000), FileRange(200_000))
LOCAL = A[1_000:101_000] + A[200_000:]


@pytest.mark.parametrize("serves_ranges", [True, False])
async def test_digests_of_the_remote_file_say_nothing_of_its_ranges(
    fetcher: Fetching, *, serves_ranges: bool
) -> None:
    def handler(request: Request, wire: Wire) -> None:
        told: Any = {**field("Repr_Digest", "sha-256", A), **field("Digest", "md5", A)}
        if serves_ranges:
            wire.part(A, *request.span(len(A)), ETag='"a"', **told)
        else:
            wire.answer(200, A, **told, **field("Content_Digest", "sha-256", A))

    _, content, _ = await finished(fetcher, handler, ranges=RANGES)
    assert content == LOCAL


async def test_digests_of_ranges_parts_are_compared(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(len(A))
        wire.part(A, start, end, ETag='"a"', **field("Content_Digest", "md5", A[start:end]))

    _, content, _ = await finished(fetcher, handler, ranges=RANGES)
    assert content == LOCAL


async def test_a_mirror_takes_over_from_a_server_that_sends_wrong_ones(fetcher: Fetching) -> None:
    with (
        HostileServer(answers(field("Digest", "sha-256", B))) as first,
        HostileServer(ranged) as second,
    ):
        event = await fetcher.fetch(f"{first.url}/x", mirrors=(f"{second.url}/x",))
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A


async def test_only_the_file_counts(fetcher: Fetching) -> None:
    """What a redirect or an error carries is not its digest."""

    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/file":
            wire.answer(302, b"", Location="/other", **field("Repr_Digest", "sha-256", B))
        else:
            honest(request, wire)

    _, content, _ = await finished(fetcher, handler)
    assert content == A
