"""Proxies: which are used, in what order, and what their failures are called."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Any

import pytest
import trustme

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
    ProxySettings,
    ProxyUsage,
)
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, Stopped, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.http_proxies import SocksServer, basic, forwarder
from tests.support.tls import context, write_ca

A = random.Random(1).randbytes(50_000)


def whole(_: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


def through(*proxies: str, bypass: tuple[str, ...] = ()) -> ProxySettings:
    return ProxySettings(ProxyUsage.OVERRIDE, proxies, bypass)


def credentials(user: str, password: str) -> tuple[Credentials, ...]:
    key = CredentialsKey(AuthTarget.PROXY, AuthScheme.BASIC)
    return (Credentials(key, user, password),)


async def fetch(
    fetcher: Fetching, url: str, proxy: ProxySettings, **options: Any
) -> Finished | Failed | Stopped:
    fetcher.events.clear()
    http = HttpOptions(proxy=proxy, **options.pop("http", {}))
    return await fetcher.fetch(url, options=TransferOptions(http=http, **options))


def nobody() -> str:
    """The URL of a proxy that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


async def test_forwarded(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as host, HostileServer(forwarder()) as proxy:
            event = await fetch(fetcher, f"{host.url}/a", through(proxy.url))
            assert isinstance(event, Finished), event
            assert await fetcher.placed(event) == A
    assert proxy.requests[0].target == f"{host.url}/a"
    assert (event.attempt.address, event.attempt.url) == ("", f"{host.url}/a")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def test_tunnelled(tmp_path: Path, authority: trustme.CA) -> None:
    ca_file = write_ca(authority, tmp_path)
    http = {"headers": (HttpHeader("X-Key", "k", secret=True),)}
    async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
        with (
            HostileServer(whole, context=context(authority)) as host,
            HostileServer(forwarder()) as proxy,
        ):
            event = await fetch(fetcher, f"{host.url}/a", through(proxy.url), http=http)
    assert isinstance(event, Finished), event
    assert host.requests[0].fields["x-key"] == "k"
    [connect] = proxy.requests
    assert connect.method == "CONNECT"
    # What is meant for the server is not for its proxy.
    assert "x-key" not in connect.fields
    shown = {header.name for header in event.attempt.file.response_headers}
    assert shown == {"date", "content-length", "etag"}


async def test_by_socks_the_proxy_resolves_names(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as host, SocksServer() as proxy:
            port = host.url.rpartition(":")[2]
            event = await fetch(fetcher, f"http://localhost:{port}/a", through(proxy.url))
            assert isinstance(event, Finished), event
            assert proxy.targets == [f"localhost:{port}"]
            refused = await fetch(fetcher, "http://localhost:1/a", through(proxy.url))
    assert isinstance(refused, Failed)
    assert (refused.error.reason, refused.error.transient) == (Reason.PROXY_FAILED, True)


async def test_an_https_proxy_is_verified(tmp_path: Path, authority: trustme.CA) -> None:
    ca_file = write_ca(authority, tmp_path)
    proxy = HostileServer(forwarder(), context=context(authority))
    with HostileServer(whole) as host, proxy:
        async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
            event = await fetch(fetcher, f"{host.url}/a", through(proxy.url))
        assert isinstance(event, Finished), event
        async with fetching(tmp_path / "strange") as fetcher:
            event = await fetch(fetcher, f"{host.url}/a", through(proxy.url))
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.PROXY_FAILED


async def test_the_next_proxy_is_tried(tmp_path: Path, authority: trustme.CA) -> None:
    ca_file = write_ca(authority, tmp_path)
    async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
        with (
            HostileServer(whole) as plain,
            HostileServer(whole, context=context(authority)) as safe,
            HostileServer(forwarder(refuses=503)) as busy,
            HostileServer(lambda _, wire: wire.close()) as mute,
            HostileServer(forwarder()) as good,
        ):
            event = await fetch(fetcher, f"{plain.url}/a", through(nobody(), good.url))
            assert isinstance(event, Finished), event
            event = await fetch(fetcher, f"{safe.url}/a", through(busy.url, mute.url, good.url))
            assert isinstance(event, Finished), event
    assert (len(busy.requests), len(mute.requests), len(good.requests)) == (1, 1, 2)


@pytest.mark.parametrize(
    ("status", "reason", "transient"),
    [
        (503, Reason.PROXY_FAILED, True),
        (403, Reason.PROXY_FAILED, False),
        (407, Reason.HTTP_STATUS, False),
    ],
)
async def test_a_refused_tunnel(
    tmp_path: Path, status: int, reason: Reason, *, transient: bool
) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(forwarder(refuses=status)) as proxy:
            event = await fetch(fetcher, "https://localhost:1/a", through(proxy.url))
    assert isinstance(event, Failed)
    error = event.error
    assert (error.reason, error.http_status, error.transient) == (reason, status, transient)
    assert error.context is ErrorContext.GENERAL_TRANSPORT


async def test_no_proxy_there(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        event = await fetch(fetcher, "http://localhost:1/a", through(nobody()))
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.PROXY_FAILED, True)
    assert event.error.context is ErrorContext.GENERAL_TRANSPORT


async def test_what_a_proxy_of_the_environment_is_told_stays_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants = forwarder(wants=basic("anna", "hidden"))
    with HostileServer(whole) as host, HostileServer(wants) as proxy:
        async with fetching(tmp_path / "data") as fetcher:
            for place, kind in ((proxy.url, Finished), (nobody(), Failed)):
                monkeypatch.setenv("http_proxy", place.replace("//", "//anna:hidden@"))
                url = f"{host.url}/a"
                event = await fetch(fetcher, url, ProxySettings(ProxyUsage.AUTODETECT))
                assert isinstance(event, kind), event
                assert "hidden" not in repr(event)


async def test_a_proxy_is_not_blamed_for_the_server(tmp_path: Path, authority: trustme.CA) -> None:
    def cut(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A), ETag='"a"')
        wire.send(A[:100])
        wire.reset()

    async with fetching(tmp_path / "data", ca_file=write_ca(authority, tmp_path)) as fetcher:
        with (
            HostileServer(cut, context=context(authority)) as host,
            HostileServer(whole, context=context(trustme.CA())) as strange,
            HostileServer(forwarder()) as proxy,
        ):
            event = await fetch(fetcher, f"{host.url}/a", through(proxy.url))
            assert isinstance(event, Failed)
            assert event.error.reason is Reason.CONNECTION_CLOSED
            event = await fetch(fetcher, f"{strange.url}/a", through(proxy.url))
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TLS_FAILED


async def test_a_proxy_that_wants_credentials(tmp_path: Path, authority: trustme.CA) -> None:
    ca_file = write_ca(authority, tmp_path)
    wants = forwarder(wants=basic("anna", "s:ecret"))
    async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
        with (
            HostileServer(whole) as plain,
            HostileServer(whole, context=context(authority)) as safe,
            HostileServer(wants) as proxy,
        ):
            for host in (plain, safe):
                url, settings = f"{host.url}/a", through(proxy.url)
                event = await fetch(fetcher, url, settings)
                assert isinstance(event, Failed)
                assert (event.error.reason, event.error.http_status) == (Reason.HTTP_STATUS, 407)
                assert event.error.context is ErrorContext.GENERAL_TRANSPORT
                assert not event.error.transient
                mine = credentials("anna", "s:ecret")
                event = await fetch(fetcher, url, settings, credentials=mine)
                assert isinstance(event, Finished), event
                assert "authorization" not in host.requests[0].fields
                assert "proxy-authorization" not in host.requests[0].fields


async def test_the_bypass_list_goes_direct(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as host:
            settings = through(nobody(), bypass=("127.0.0.0/8",))
            assert isinstance(await fetch(fetcher, f"{host.url}/a", settings), Finished)


async def test_usages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        HostileServer(whole) as host,
        HostileServer(forwarder()) as configured,
        HostileServer(forwarder()) as ambient,
    ):
        monkeypatch.setenv("http_proxy", ambient.url)
        url = f"{host.url}/a"
        settings = through(configured.url)

        async def counts(usage: ProxyUsage) -> tuple[int, int, int]:
            event = await fetch(fetcher, url, ProxySettings(usage))
            assert isinstance(event, Finished), event
            return len(host.requests), len(configured.requests), len(ambient.requests)

        async with fetching(tmp_path / "data", proxy=settings) as fetcher:
            assert await counts(ProxyUsage.PRECONFIG) == (1, 1, 0)
            assert await counts(ProxyUsage.NO_PROXY) == (2, 1, 0)
            assert await counts(ProxyUsage.AUTODETECT) == (3, 1, 1)
            # Here alone the environment's exceptions count.
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            assert await counts(ProxyUsage.PRECONFIG) == (4, 2, 1)
            assert await counts(ProxyUsage.AUTODETECT) == (5, 2, 1)
