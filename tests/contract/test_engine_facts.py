"""What a host cannot do is learnt, on all volumes, and saves requests; it never spares a check."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pycurl
import pytest

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.queue.transfers import Finished
from bgcopyd.transfer.disk.mounts import MountTable
from bgcopyd.transfer.judging.redirects import origin_of
from bgcopyd.transfer.network.facts import Fact
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire

A, B = (random.Random(seed).randbytes(100_000) for seed in (1, 2))
HAVE = A[:70_000]
KNOWN = Validators(etag='"a"')


@pytest.fixture
async def fetcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fetching]:
    # A volume for each file: what one learns the others know.
    monkeypatch.setattr(MountTable, "volume_of", lambda _, path: Path(path).name)
    async with fetching(tmp_path / "data", second_look=0.01) as fetcher:
        yield fetcher


async def resumed(fetcher: Fetching, server: HostileServer, index: int) -> tuple[Finished, bytes]:
    path = f"f{index}"
    event = await fetcher.fetch(
        f"{server.url}/{path}", path=path, index=index, have=HAVE, size=len(A), validators=KNOWN
    )
    assert isinstance(event, Finished), event
    return event, await fetcher.placed(event, path)


def ignores_if_range(content: bytes, etag: str) -> tuple[list[bool], HostileServer]:
    asked: list[bool] = []

    def handler(request: Request, wire: Wire) -> None:
        asked.append("if-range" in request.fields)
        if "range" in request.fields and "if-range" not in request.fields:
            wire.part(content, *request.span(len(content)), ETag=etag)
        else:
            wire.answer(200, content, ETag=etag)

    return asked, HostileServer(handler)


async def test_a_host_that_ignores_if_range_is_asked_without(fetcher: Fetching) -> None:
    asked, server = ignores_if_range(A, '"a"')
    with server:
        for index in range(3):
            event, content = await resumed(fetcher, server, index)
            assert content == A
            assert event.verification is Verification.VALIDATOR
    assert asked == [True, False, False, False]


async def test_11_ranges_that_are_advertised_and_not_honoured_cost_one_request_more_only_once(
    fetcher: Fetching,
) -> None:
    ranged: list[bool] = []

    def handler(request: Request, wire: Wire) -> None:
        ranged.append("range" in request.fields)
        wire.answer(200, A, ETag='"a"', Accept_Ranges="bytes")

    with HostileServer(handler) as server:
        for index in range(3):
            _, content = await resumed(fetcher, server, index)
            assert content == A
    # The host may have learnt it by now, so that it is always asked for the rest.
    assert ranged == [True] * 4


async def test_what_is_known_spares_no_check(fetcher: Fetching) -> None:
    asked, server = ignores_if_range(B, '"b"')
    with server:
        fetcher.engine._shared.facts.learn(
            origin_of(server.url), Fact.IF_RANGE_IGNORED, 1, fetcher.engine._clock.monotonic()
        )
        _, content = await resumed(fetcher, server, 0)
    # The first answer is another version's: nothing of it joins what is on disk.
    assert content == B
    assert asked == [False, False]


async def test_what_was_learnt_is_forgotten(
    fetcher: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, server = ignores_if_range(A, '"a"')
    with server:
        await resumed(fetcher, server, 0)
        monkeypatch.setattr(fetcher.engine._shared.facts, "_memory", -1.0)
        fetcher.engine._shared.facts.add(
            origin_of(server.url), Fact.IF_RANGE_IGNORED, fetcher.engine._clock.monotonic()
        )
        await resumed(fetcher, server, 1)
    assert asked == [True, False, True, False]


async def test_after_two_broken_streams_http_1(
    fetcher: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: list[int] = []
    set_version = pycurl.CURL_HTTP_VERSION_2TLS

    class Curl(pycurl.Curl):  # type: ignore[misc] # untyped
        def setopt(self, option: int, *value: object) -> None:
            if option == pycurl.HTTP_VERSION:
                versions.append(int(str(value[0])))
            super().setopt(option, *value)

    monkeypatch.setattr(pycurl, "Curl", Curl)
    with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
        facts, clock = fetcher.engine._shared.facts, fetcher.engine._clock
        for index in range(3):
            await resumed(fetcher, server, index)
            facts.add(origin_of(server.url), Fact.STREAM_ERRORS, clock.monotonic())
    assert versions == [set_version, set_version, pycurl.CURL_HTTP_VERSION_1_1]
