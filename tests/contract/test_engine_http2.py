"""HTTP/2 over TLS from Debian's nginx."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.file import FileRange, Verification
from bgcopyd.queue.transfers import Finished
from tests.support.fetching import fetching
from tests.support.nginx_server import nginx_site
from tests.support.segments import EAGER
from tests.support.tls import write_ca

A = random.Random(1).randbytes(3_000_000)
HALF = 1_500_000

pytestmark = pytest.mark.needs("nginx")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "a").write_bytes(A)
    # A Last-Modified that has just come is no validator.
    os.utime(made / "a", (1_700_000_000, 1_700_000_000))
    return made


async def test_a_file_and_its_rest(tmp_path: Path, files: Path, authority: trustme.CA) -> None:
    home = tmp_path / "nginx"
    async with (
        nginx_site(home, files, authority) as url,
        fetching(tmp_path / "data", ca_file=write_ca(authority, tmp_path)) as fetcher,
    ):
        event = await fetcher.fetch(f"{url}/a")
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event) == A
        assert (event.attempt.protocol, event.attempt.http_status) == ("HTTP/2", 200)
        fetcher.events.clear()
        known = {"size": len(A), "validators": event.validators}
        rest = await fetcher.fetch(f"{url}/a", have=A[:HALF], path="b", **known)
        assert isinstance(rest, Finished), rest
        assert await fetcher.placed(rest, "b") == A
        assert rest.verification is Verification.VALIDATOR
        assert (rest.attempt.protocol, rest.attempt.received) == ("HTTP/2", len(A) - HALF)
        fetcher.events.clear()
        ranges = (FileRange(5, 10), FileRange(2_000_000, None))
        parts = await fetcher.fetch(f"{url}/a", ranges=ranges, path="c")
        assert isinstance(parts, Finished), parts
        assert await fetcher.placed(parts, "c") == A[5:15] + A[2_000_000:]
    seen = (home / "access.log").read_text().splitlines()
    assert seen[:2] == ["HTTP/2.0 200 -", f"HTTP/2.0 206 bytes={HALF}-"]


async def test_several_connections_for_one_file_are_apart(
    tmp_path: Path, files: Path, authority: trustme.CA
) -> None:
    """As streams of one connection they would gain nothing."""
    home = tmp_path / "nginx"
    async with (
        nginx_site(home, files, authority, more="limit_rate 500k;") as url,
        fetching(tmp_path / "data", ca_file=write_ca(authority, tmp_path), **EAGER) as fetcher,
    ):
        event = await fetcher.fetch(f"{url}/a")
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event) == A
        assert event.attempt.protocol == "HTTP/2"
        assert event.verification is Verification.VALIDATOR
    seen = [line.split() for line in (home / "connections.log").read_text().splitlines()]
    assert {protocol for _, protocol, _ in seen} == {"HTTP/2.0"}
    assert {status for *_, status in seen} == {"200", "206"}
    assert len({connection for connection, *_ in seen}) > 2


async def test_connections_that_end_after_few_requests(
    tmp_path: Path, files: Path, authority: trustme.CA
) -> None:
    count = 20
    for index in range(count):
        (files / f"f{index}").write_bytes(A[: 50_000 + index])
    async with (
        nginx_site(tmp_path / "nginx", files, authority, requests=3) as url,
        fetching(tmp_path / "data", ca_file=write_ca(authority, tmp_path)) as fetcher,
    ):
        for index in range(count):
            fetcher.start(f"{url}/f{index}", path=f"f{index}", index=index)
        for index in range(count):
            event = await fetcher.end(index)
            assert isinstance(event, Finished), event
            assert event.attempt.protocol == "HTTP/2"
            assert await fetcher.placed(event, f"f{index}") == A[: 50_000 + index]
