"""HTTP/3 where a host offers it, and what comes instead where UDP does not get through."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.file import Verification
from bgcopyd.jobs.http_options import HttpOptions, ProxySettings, ProxyUsage
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from bgcopyd.transfer.judging.redirects import origin_of
from bgcopyd.transfer.wire.services import offers_http3
from tests.support.fetching import Fetching, fetching
from tests.support.http3_server import Http3Site, http3_site
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.http_proxies import forwarder
from tests.support.tls import context, write_ca

A = random.Random(1).randbytes(300_000)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def place() -> Iterator[socket.socket]:
    """A TCP port on which nobody listens yet."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
def port(place: socket.socket) -> int:
    return int(place.getsockname()[1])


def offering(authority: trustme.CA, place: socket.socket) -> HostileServer:
    """A server by TCP that says that its port speaks HTTP/3 as well.

    Where both serve, the faster one is taken; tests that want HTTP/3 leave it out.
    """

    port = place.getsockname()[1]

    def handle(request: Request, wire: Wire) -> None:
        fields = {"ETag": '"a"', "Alt_Svc": f'h3=":{port}"; ma=60', "Connection": "close"}
        if request.start is None:
            wire.answer(200, A, **fields)
        else:
            wire.part(A, request.start, None, **fields)
        wire.close()

    return HostileServer(handle, context=context(authority), bound=place)


async def protocol(fetcher: Fetching, port: int, **fields: Any) -> str:
    """By which protocol the file came."""
    fetcher.events.clear()
    event = await fetcher.fetch(f"https://localhost:{port}/a", **fields)
    assert isinstance(event, Finished), event
    assert await fetcher.placed(event) == A
    return event.attempt.protocol


async def test_it_comes_after_it_was_offered(
    tmp_path: Path, authority: trustme.CA, place: socket.socket, port: int
) -> None:
    site = Http3Site(A)
    async with (
        http3_site(site, authority, tmp_path, port),
        fetching(tmp_path / "data", ca_file=write_ca(authority, tmp_path)) as fetcher,
    ):
        with offering(authority, place):
            assert await protocol(fetcher, port) == "HTTP/1.1"
        assert not site.starts
        assert await protocol(fetcher, port) == "HTTP/3"
        assert await protocol(fetcher, port) == "HTTP/3"
    assert site.starts == [0, 0]


async def test_it_may_be_tried_always(tmp_path: Path, authority: trustme.CA, port: int) -> None:
    trust = {"ca_file": write_ca(authority, tmp_path), "http3": "always"}
    async with (
        http3_site(Http3Site(A), authority, tmp_path, port),
        fetching(tmp_path / "data", **trust) as fetcher,
    ):
        assert await protocol(fetcher, port) == "HTTP/3"


async def test_it_may_be_tried_never(
    tmp_path: Path, authority: trustme.CA, place: socket.socket, port: int
) -> None:
    trust = {"ca_file": write_ca(authority, tmp_path), "http3": "off"}
    async with (
        http3_site(Http3Site(A), authority, tmp_path, port),
        fetching(tmp_path / "data", **trust) as fetcher,
    ):
        with offering(authority, place):
            assert await protocol(fetcher, port) == "HTTP/1.1"
            assert await protocol(fetcher, port) == "HTTP/1.1"


@pytest.mark.parametrize("black_hole", [True, False])
async def test_without_udp_it_comes_by_tcp(
    tmp_path: Path, authority: trustme.CA, place: socket.socket, port: int, *, black_hole: bool
) -> None:
    trust = {"ca_file": write_ca(authority, tmp_path), "http3": "always"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf, offering(authority, place):
        if black_hole:
            deaf.bind(("127.0.0.1", port))
        async with fetching(tmp_path / "data", **trust) as fetcher:
            assert await protocol(fetcher, port) == "HTTP/1.1"


async def test_through_a_proxy_it_is_not_tried(
    tmp_path: Path, authority: trustme.CA, place: socket.socket, port: int
) -> None:
    trust = {"ca_file": write_ca(authority, tmp_path), "http3": "always"}
    with HostileServer(forwarder()) as proxy, offering(authority, place):
        chosen = ProxySettings(ProxyUsage.OVERRIDE, (proxy.url,))
        options = TransferOptions(http=HttpOptions(proxy=chosen))
        async with (
            http3_site(Http3Site(A), authority, tmp_path, port),
            fetching(tmp_path / "data", **trust) as fetcher,
        ):
            assert await protocol(fetcher, port, options=options) == "HTTP/1.1"
    assert [request.method for request in proxy.requests] == ["CONNECT"]


async def test_what_breaks_in_the_middle_goes_on_by_tcp(
    tmp_path: Path, authority: trustme.CA, place: socket.socket, port: int
) -> None:
    site = Http3Site(A, silent_after=100_000)
    trust = {"ca_file": write_ca(authority, tmp_path), "http3": "always", "idle_timeout": 1.0}
    async with (
        http3_site(site, authority, tmp_path, port),
        fetching(tmp_path / "data", **trust) as fetcher,
    ):
        event = await fetcher.fetch(f"https://localhost:{port}/a")
        assert isinstance(event, Failed), event
        assert (event.error.reason, event.error.transient) == (Reason.TIMEOUT, True)
        assert event.attempt.protocol == "HTTP/3"
        assert 0 < event.claimed <= 100_000
        known = {"claimed": event.claimed, "size": event.size, "validators": event.validators}
        with offering(authority, place) as server:
            assert await protocol(fetcher, port, **known) == "HTTP/1.1"
    assert [request.start for request in server.requests] == [event.claimed]
    assert site.starts == [0]


async def test_resumes_by_http_3(tmp_path: Path, authority: trustme.CA, port: int) -> None:
    site = Http3Site(A)
    trust = {"ca_file": write_ca(authority, tmp_path), "http3": "always"}
    async with (
        http3_site(site, authority, tmp_path, port),
        fetching(tmp_path / "data", **trust) as fetcher,
    ):
        url = f"https://localhost:{port}/a"
        first = await fetcher.fetch(url)
        assert isinstance(first, Finished)
        fetcher.events.clear()
        known = {"size": len(A), "validators": first.validators}
        event = await fetcher.fetch(url, have=A[:1000], path="b", **known)
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event, "b") == A
    assert event.verification is Verification.VALIDATOR
    assert site.starts == [0, 1000]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("", None),
        ('h3=":443"', True),
        ('h3=":443"; ma=86400', True),
        ('h2=":443", h3="host:443"; ma=1; persist=1', True),
        ('h3-29=":443"; ma=5 , h3=":443"', True),
        ('h3=":443"; ma=0', False),
        ('h3=":8443"', False),
        ('h3="other:443"', False),
        ("clear", False),
        ("h3", False),
        ('h3=":443"' + " " * 5000, None),
    ],
)
def test_what_is_an_offer(text: str, offered: bool | None) -> None:  # noqa: FBT001 - expected
    assert offers_http3(text, origin_of("https://host/")) is offered


@settings(deadline=None)
@given(st.text(alphabet='h3=":;,. ma0\t"x', max_size=60))
def test_whatever_is_offered(text: str) -> None:
    assert offers_http3(text, origin_of("https://host/")) in {None, True, False}
