"""Proxies that are not ours, with passwords: HTTP, HTTPS, SOCKS5, to plain and to safe servers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpOptions,
    ProxySettings,
    ProxyUsage,
)
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, Stopped, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer
from tests.support.network import in_tls, microsocks, tinyproxy
from tests.support.tls import context, write_ca

A = random.Random(1).randbytes(300_000)
USER, PASSWORD = "anna", "s3cret"
PROXIES = [
    pytest.param("http", marks=pytest.mark.needs("tinyproxy")),
    pytest.param("https", marks=pytest.mark.needs("tinyproxy")),
    pytest.param("socks5h", marks=pytest.mark.needs("microsocks")),
]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextlib.asynccontextmanager
async def proxy(kind: str, directory: Path, authority: trustme.CA) -> AsyncIterator[str]:
    """The URL of a running proxy."""
    if kind == "socks5h":
        async with microsocks(USER, PASSWORD) as port:
            yield f"socks5h://127.0.0.1:{port}"
        return
    async with tinyproxy(directory, USER, PASSWORD) as port:
        if kind == "http":
            yield f"http://127.0.0.1:{port}"
        else:
            with in_tls(port, context(authority)) as safe:
                yield f"https://localhost:{safe}"


async def fetch(
    fetcher: Fetching, url: str, proxy: str, password: str | None
) -> Finished | Failed | Stopped:
    fetcher.events.clear()
    key = CredentialsKey(AuthTarget.PROXY, AuthScheme.BASIC)
    credentials = () if password is None else (Credentials(key, USER, password),)
    http = HttpOptions(proxy=ProxySettings(ProxyUsage.OVERRIDE, (proxy,)))
    return await fetcher.fetch(url, options=TransferOptions(http=http, credentials=credentials))


@pytest.mark.parametrize("kind", PROXIES)
@pytest.mark.parametrize("safe", [False, True], ids=["plain", "tls"])
async def test_by_way_of_a_proxy_that_wants_a_password(
    tmp_path: Path, authority: trustme.CA, kind: str, *, safe: bool
) -> None:
    server = HostileServer(
        lambda _, wire: wire.answer(200, A, ETag='"a"'),
        context=context(authority) if safe else None,
    )
    ca_file = write_ca(authority, tmp_path)
    async with proxy(kind, tmp_path, authority) as url:
        with server:
            # A name that the proxy has to find.
            target = server.url.replace("127.0.0.1", "localhost") + "/file"
            async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
                event = await fetch(fetcher, target, url, PASSWORD)
                assert isinstance(event, Finished), event
                assert await fetcher.placed(event) == A
                assert event.attempt.address == ""
            assert len(server.requests) == 1
            assert "proxy-authorization" not in server.requests[0].fields


@pytest.mark.parametrize("kind", PROXIES)
@pytest.mark.parametrize("password", [None, "wrong"], ids=["none", "wrong"])
async def test_without_the_right_password(
    tmp_path: Path, authority: trustme.CA, kind: str, password: str | None
) -> None:
    ca_file = write_ca(authority, tmp_path)
    async with proxy(kind, tmp_path, authority) as url:
        with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
            async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
                event = await fetch(fetcher, f"{server.url}/file", url, password)
            assert isinstance(event, Failed), event
            reason = Reason.PROXY_FAILED if kind == "socks5h" else Reason.HTTP_STATUS
            assert (event.error.reason, event.error.transient) == (reason, False)
            assert "credentials" in event.error.message
            assert "wrong" not in repr(event)
            # A login that is refused at one proxy says nothing of the host.
            assert not event.held
            assert not server.requests


@pytest.mark.needs("microsocks")
@pytest.mark.parametrize(
    ("target", "name"),
    [("http://localhost:1/file", "closed"), ("http://nowhere.invalid/f", "none")],
)
async def test_what_a_socks_proxy_cannot_reach(tmp_path: Path, target: str, name: str) -> None:
    async with microsocks(USER, PASSWORD) as port, fetching(tmp_path / "data") as fetcher:
        event = await fetch(fetcher, target, f"socks5h://127.0.0.1:{port}", PASSWORD)
    assert isinstance(event, Failed), name
    assert (event.error.reason, event.error.transient) == (Reason.PROXY_FAILED, True)
