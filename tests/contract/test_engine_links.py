"""Mirrors that servers announce (RFC 6249): used where the job wants them and a digest tells."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Verification
from bgcopyd.jobs.http_options import HttpHeader, HttpOptions, RedirectPolicy
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import HAVE, A, B, ranged
from tests.support.http_hostile import Handler, HostileServer, Request, Wire

WANTED = TransferOptions(http=HttpOptions(announced_mirrors=True))
DIGEST = "SHA-256=" + base64.b64encode(hashlib.sha256(A).digest()).decode()


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


def breaks_off(link: str, have: int = HAVE, **fields: Any) -> Handler:
    """Announces mirrors, breaks off, and is gone."""

    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            told = {"Link": link, "Digest": DIGEST, "ETag": '"a"', **fields}
            wire.head(200, Content_Length=len(A), **told)
            wire.send(A[:have])
        wire.close()

    return handler


def other(request: Request, wire: Wire) -> None:
    """Another file of the same size, which begins as the right one does."""
    ranged(request, wire, A[:1000] + B[1000:])


async def fetched(
    fetcher: Fetching, handler: Any, mirror: Handler, **fields: Any
) -> tuple[Finished | Failed, HostileServer]:
    """The end of a transfer from a server that announces the mirror."""
    with HostileServer(mirror) as second:
        link = f"<{second.url}/m>; rel=duplicate; pri=1"
        with HostileServer(handler(link)) as first:
            event = await fetcher.fetch(f"{first.url}/x", **{"options": WANTED, **fields})
    assert isinstance(event, Finished | Failed)
    return event, second


@pytest.mark.parametrize("have", [1, HAVE])
async def test_an_announced_mirror_goes_on(fetcher: Fetching, have: int) -> None:
    event, second = await fetched(fetcher, lambda link: breaks_off(link, have), ranged)
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A
    assert event.verification is not Verification.DIGEST
    assert second.requests


@pytest.mark.parametrize(
    "options",
    [
        TransferOptions(),
        TransferOptions(
            http=HttpOptions(announced_mirrors=True, redirect_policy=RedirectPolicy.DISALLOW)
        ),
        TransferOptions(http=HttpOptions(announced_mirrors=True, method="POST")),
    ],
    ids=["unwanted", "no redirects", "POST"],
)
async def test_it_is_not_asked_where_it_is_not_wanted(
    fetcher: Fetching, options: TransferOptions
) -> None:
    event, second = await fetched(fetcher, breaks_off, ranged, options=options)
    assert isinstance(event, Failed)
    assert not second.requests


@pytest.mark.parametrize("digest", ["", "MD5=AAAA", f"SHA={base64.b64encode(b'x' * 20).decode()}"])
async def test_nor_where_no_digest_tells_its_bytes(fetcher: Fetching, digest: str) -> None:
    event, second = await fetched(fetcher, lambda link: breaks_off(link, Digest=digest), ranged)
    assert isinstance(event, Failed)
    assert not second.requests
    mine, second = await fetched(
        fetcher, lambda link: breaks_off(link, Digest=digest), ranged, digests=sha256(A), index=1,
        path="mine",
    )  # fmt: skip
    assert isinstance(mine, Finished)
    assert mine.verification is Verification.DIGEST
    assert second.requests


async def test_its_bytes_must_have_the_digest_that_was_sent_with_the_links(
    fetcher: Fetching,
) -> None:
    event, second = await fetched(fetcher, lambda link: breaks_off(link, 1), other)
    assert isinstance(event, Failed)
    # What is said is what is wrong with the file's own server.
    assert event.error.reason is Reason.CONNECTION_CLOSED
    assert len(second.requests) == 2
    assert event.claimed == 0


async def test_links_of_a_redirect_count(fetcher: Fetching) -> None:
    def redirecting(link: str) -> Handler:
        def handler(request: Request, wire: Wire) -> None:
            if request.target == "/x":
                wire.answer(302, b"", Location="/gone", Link=link, Digest=DIGEST)
            else:
                wire.answer(404, b"")

        return handler

    event, second = await fetched(fetcher, redirecting, ranged)
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A
    assert len(second.requests) == 1


async def test_a_new_version_without_links_needs_no_old_digest(fetcher: Fetching) -> None:
    def changing(link: str) -> Handler:
        def handler(request: Request, wire: Wire) -> None:
            if request.number == 0:
                wire.head(200, Content_Length=len(A), Link=link, Digest=DIGEST, ETag='"a"')
                wire.send(A[:HAVE])
                wire.close()
            else:
                wire.answer(200, B, ETag='"b"')

        return handler

    event, _ = await fetched(fetcher, changing, ranged)
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == B


async def test_secrets_stay_with_the_origin_they_are_for(fetcher: Fetching) -> None:
    headers = (HttpHeader("X-Secret", "s", True), HttpHeader("X-Plain", "p"))
    options = TransferOptions(http=HttpOptions(announced_mirrors=True, headers=headers))
    event, second = await fetched(fetcher, breaks_off, ranged, options=options)
    assert isinstance(event, Finished)
    assert all("x-secret" not in request.fields for request in second.requests)


@pytest.mark.parametrize(
    "link",
    [
        "<file:///etc/passwd>; rel=duplicate",
        "<ftp://127.0.0.1/x>; rel=duplicate",
        "<http://u:p@127.0.0.1/x>; rel=duplicate",
        "<http://[/x>; rel=duplicate",
        "<>; rel=duplicate",
        "<",
        "x" * 20_000,
        ", ".join(f"<file:///{n}>; rel=duplicate" for n in range(300)),
    ],
)
async def test_links_to_where_no_job_may_go_are_left_out(fetcher: Fetching, link: str) -> None:
    with HostileServer(breaks_off(link)) as first:
        event = await fetcher.fetch(f"{first.url}/x", options=WANTED)
    assert isinstance(event, Failed)
    assert event.error.reason in {Reason.CONNECTION_CLOSED, Reason.INVALID_RESPONSE}
