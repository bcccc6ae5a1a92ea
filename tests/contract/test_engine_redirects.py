"""Redirects and TLS: where an engine goes, and where it does not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.tls import context, write_ca

A = random.Random(1).randbytes(10_000)


def redirect(location: str, status: int = 302) -> HostileServer:
    return HostileServer(lambda _, wire: wire.answer(status, b"<html>moved", Location=location))


async def refusal(fetcher: Fetching, url: str) -> Failed:
    event = await fetcher.fetch(url)
    assert isinstance(event, Failed), event
    assert event.error.reason is Reason.REDIRECT_REFUSED
    assert "secret" not in event.error.message
    return event


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_resumes_there(tmp_path: Path, status: int) -> None:
    def target(request: Request, wire: Wire) -> None:
        assert request.target == "/b?x=1"
        wire.part(A, request.start or 0, ETag='"a"')

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(target) as end, redirect(f"{end.url}/b?x=1", status) as start:
            event = await fetcher.fetch(
                f"{start.url}/a", have=A[:4_000], size=len(A), validators=Validators(etag='"a"')
            )
            assert end.requests[0].start == 4_000
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A


async def test_relative_redirects(tmp_path: Path) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/dir/a":
            wire.answer(302, b"", Location="../b%20c d?q#fragment")
        else:
            assert request.target == "/b%20c%20d?q"
            wire.answer(200, A)

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            assert isinstance(await fetcher.fetch(f"{server.url}/dir/a"), Finished)


async def test_36_loops_and_too_many_hops_end(tmp_path: Path) -> None:
    def hop(request: Request, wire: Wire) -> None:
        wire.answer(302, b"", Location=f"/{request.number}")

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(hop) as server:
            await refusal(fetcher, f"{server.url}/start")
            assert len(server.requests) == 11
        fetcher.events.clear()
        with redirect("/a") as loop:
            await refusal(fetcher, f"{loop.url}/a")
            assert len(loop.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/x",
        "http://user:secret@127.0.0.1/x",
        "http:///x",
        "http://[::1/x",
        "javascript:alert(1)",
    ],
)
async def test_37_only_the_web(tmp_path: Path, location: str) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with redirect(location) as server:
            await refusal(fetcher, f"{server.url}/a?secret")


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "http://u:secret@h/x", "x"])
async def test_urls_that_are_not_fetched(tmp_path: Path, url: str) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        event = await fetcher.fetch(url)
    assert isinstance(event, Failed)
    assert not event.error.transient
    assert "secret" not in event.error.message


async def test_a_redirect_without_location_and_300(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(302, b"")) as server:
            event = await fetcher.fetch(f"{server.url}/a")
            assert len(server.requests) == 2
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.INVALID_RESPONSE


async def test_proxies_of_the_environment_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
            assert isinstance(await fetcher.fetch(f"{server.url}/a"), Finished)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    return write_ca(authority, tmp_path)


def secure(authority: trustme.CA, name: str = "localhost") -> HostileServer:
    return HostileServer(lambda _, wire: wire.answer(200, A), context=context(authority, name))


async def test_https(tmp_path: Path, authority: trustme.CA, ca_file: Path) -> None:
    async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
        with secure(authority) as server:
            event = await fetcher.fetch(f"{server.url}/a")
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A


async def test_unknown_authority(tmp_path: Path, authority: trustme.CA) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with secure(authority) as server:
            event = await fetcher.fetch(f"{server.url}/a")
            assert not server.requests
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.TLS_FAILED, False)


async def test_another_name(tmp_path: Path, authority: trustme.CA, ca_file: Path) -> None:
    async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
        with secure(authority, "other.example") as server:
            event = await fetcher.fetch(f"{server.url}/a")
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TLS_FAILED


async def test_no_tls_where_https_is_asked(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
            event = await fetcher.fetch(f"{server.url.replace('http:', 'https:')}/a")
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.TLS_FAILED, True)


async def test_37_https_to_http(tmp_path: Path, authority: trustme.CA, ca_file: Path) -> None:
    with HostileServer(lambda _, wire: wire.answer(200, A)) as plain:
        moved = HostileServer(
            lambda _, wire: wire.answer(302, b"", Location=f"{plain.url}/b"),
            context=context(authority),
        )
        async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
            with moved as server:
                await refusal(fetcher, f"{server.url}/a")
        assert not plain.requests
