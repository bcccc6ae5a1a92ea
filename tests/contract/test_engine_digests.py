"""Expected digests: compared with every byte, and never more claimed than they prove."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.file import Digest, DigestAlgorithm, Verification
from bgcopyd.jobs.reasons import Reason
from tests.support.fetching import Fetching, digest, fetching
from tests.support.hostile_cases import HAVE, KNOWN, A, B, failed, finished, honest
from tests.support.http_hostile import Request, Wire

ALL = list(DigestAlgorithm)
WEAK = [DigestAlgorithm.SHA1, DigestAlgorithm.MD5]
LARGE = A * 90


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("state", [{}, KNOWN], ids=["new", "resumed"])
async def test_a_right_digest(
    fetcher: Fetching, algorithm: DigestAlgorithm, state: dict[str, object]
) -> None:
    digests = (digest(algorithm, A),)
    event, content, _ = await finished(fetcher, honest, digests=digests, **state)
    proved = Verification.VALIDATOR if algorithm in WEAK else Verification.DIGEST
    assert (content, event.verification) == (A, proved)


@pytest.mark.parametrize("algorithm", ALL)
async def test_a_wrong_digest_is_fetched_once_more(
    fetcher: Fetching, algorithm: DigestAlgorithm
) -> None:
    event, server = await failed(fetcher, honest, digests=(digest(algorithm, B),))
    assert event.error.reason is Reason.DIGEST_MISMATCH
    assert len(server.requests) == 2


@pytest.mark.parametrize("wrong", ALL)
async def test_one_wrong_digest_among_many(fetcher: Fetching, wrong: DigestAlgorithm) -> None:
    digests = tuple(digest(one, B if one is wrong else A) for one in ALL)
    event, _ = await failed(fetcher, honest, digests=digests)
    assert event.error.reason is Reason.DIGEST_MISMATCH


async def test_weak_ones_claim_what_the_transfer_proved(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, etag="")

    digests = tuple(digest(one, A) for one in WEAK)
    event, content, _ = await finished(
        fetcher, handler, have=A[:HAVE], size=len(A), digests=digests
    )
    assert (content, event.verification) == (A, Verification.OVERLAP)


async def test_a_weak_one_finds_what_an_overlap_cannot(fetcher: Fetching) -> None:
    """The file was replaced, by one that differs where nobody looks."""
    mixed = B[:1000] + A[1000:]

    def handler(request: Request, wire: Wire) -> None:
        honest(request, wire, etag="")

    digests = (digest(DigestAlgorithm.MD5, A),)
    event, content, server = await finished(
        fetcher, handler, have=mixed[:HAVE], size=len(A), digests=digests
    )
    assert (content, event.verification) == (A, Verification.VALIDATOR)
    assert [request.start is None for request in server.requests] == [False, True]


async def test_many_of_a_file_of_several_steps(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.answer(200, LARGE)

    digests: tuple[Digest, ...] = tuple(digest(one, LARGE) for one in ALL)
    event, content, _ = await finished(fetcher, handler, digests=digests)
    assert (content == LARGE, event.verification) == (True, Verification.DIGEST)
