"""Addresses that jobs may not connect to: nothing reaches them, whatever leads there."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

import pycurl
import pytest
import trustme

from bgcopyd.jobs.addresses import AddressPolicy
from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.http_options import HttpOptions, ProxySettings, ProxyUsage
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.jobs.schemes import SCHEMES
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from bgcopyd.transfer.judging.redirects import origin_of
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire import requests
from bgcopyd.transfer.wire.handles import Handle
from bgcopyd.transfer.wire.handles import Request as Asked
from bgcopyd.transfer.wire.policy import Policy
from tests.support.fetching import fetching
from tests.support.ftp_server import FtpSite
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.http_proxies import SocksServer, forwarder
from tests.support.sending import sending
from tests.support.tls import context, write_ca

A = random.Random(1).randbytes(50_000)
# Of this machine's own addresses the first is allowed, the second not.
HERE, THERE = "127.0.0.1", "127.0.0.2"
SHARED = {"addresses": AddressPolicy(True, (ip_network(HERE),))}
Names = dict[str, tuple[str, ...]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What names are resolved to, when a request begins; may be changed at any time."""
    known: Names = {}
    prepare = Handle.prepare

    def prepared(handle: Handle, sink: Any, request: Asked, **more: Any) -> None:
        prepare(handle, sink, request, **more)
        for name, addresses in known.items():
            port = request.origin.port
            found = [f"[{one}]" if ":" in one else one for one in addresses]
            entries = [f"-{name}:{port}", f"{name}:{port}:{','.join(found)}"]
            handle.curl.setopt(pycurl.RESOLVE, entries)

    monkeypatch.setattr(Handle, "prepare", prepared)
    return known


class Trap:
    """A place at the forbidden address, by TCP and UDP, where nobody must appear."""

    def __init__(self, port: int = 0) -> None:
        self._tcp = socket.create_server((THERE, port))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.bind((THERE, self.port))
        self._tcp.setblocking(False)
        self._udp.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._tcp, self._udp:
            for attempt in (self._tcp.accept, lambda: self._udp.recv(1)):
                with pytest.raises(BlockingIOError):
                    attempt()


@pytest.fixture
def trap() -> Iterator[Trap]:
    with Trap() as one:
        yield one


def whole(_: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


def at(place: str, handler: Any = whole, port: int = 0) -> HostileServer:
    return HostileServer(handler, bound=socket.create_server((place, port)))


def port_of(server: HostileServer) -> int:
    return int(server.url.rpartition(":")[2])


def forbidden(event: object, *hidden: str) -> Failed:
    """The failure of what was led to a forbidden address."""
    assert isinstance(event, Failed), event
    error = event.error
    assert (error.reason, error.transient) == (Reason.ADDRESS_FORBIDDEN, False)
    assert error.context is ErrorContext.GENERAL_TRANSPORT
    assert "allow_networks" in error.message
    assert THERE not in event.attempt.address
    for text in (HERE, THERE, *hidden):
        assert text not in error.message
    return event


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {"s3"}))
async def test_no_protocol_gets_there(
    tmp_path: Path, names: Names, trap: Trap, scheme: str
) -> None:
    names["far.test"] = (THERE,)
    options = {"schemes": tuple(SCHEMES), "http3": "always", **SHARED}
    async with fetching(tmp_path / "data", **options) as fetcher:
        event = await fetcher.fetch(f"{scheme}://far.test:{trap.port}/a")
    forbidden(event, "far.test")


async def test_of_several_addresses_an_allowed_one_is_taken(tmp_path: Path, names: Names) -> None:
    with at(HERE) as server:
        port = port_of(server)
        names["mixed.test"] = ("::1", THERE, HERE)
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            with Trap(port):
                event = await fetcher.fetch(f"http://mixed.test:{port}/a")
    assert isinstance(event, Finished), event
    assert event.attempt.address == f"{HERE}:{port}"


async def test_all_are_forbidden(tmp_path: Path, names: Names, trap: Trap) -> None:
    names["far.test"] = ("::1", THERE, "10.255.0.1", "fd00:ec2::254")
    async with fetching(tmp_path / "data", **SHARED) as fetcher:
        forbidden(await fetcher.fetch(f"http://far.test:{trap.port}/a"))


async def test_an_allowed_address_where_nobody_is_does_not_count_as_forbidden(
    tmp_path: Path, names: Names, trap: Trap
) -> None:
    names["mixed.test"] = (THERE, HERE)
    async with fetching(tmp_path / "data", **SHARED) as fetcher:
        event = await fetcher.fetch(f"http://mixed.test:{trap.port}/a")
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.CONNECT_FAILED, True)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_name_that_is_rebound(tmp_path: Path, names: Names, kept: bool) -> None:  # noqa: FBT001
    """A connection that is kept goes on to where it was made; a new one is judged anew."""
    names["far.test"] = (HERE,)

    def half(request: Request, wire: Wire) -> None:
        names["far.test"] = (THERE,)
        start, end = request.span(len(A))
        wire.part(A, start, min(start + len(A) // 2, end), ETag='"a"')
        if not kept:
            wire.close()

    with at(HERE, half) as server:
        port = port_of(server)
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            with Trap(port):
                event = await fetcher.fetch(
                    f"http://far.test:{port}/a",
                    have=A[:1_000],
                    size=len(A),
                    validators=Validators(etag='"a"'),
                )
        if kept:
            assert isinstance(event, Finished), event
        else:
            assert forbidden(event).claimed > 1_000
        assert len({one.connection for one in server.requests}) == 1


def test_a_kept_connection_is_judged_for_each_request() -> None:
    class Sink:
        def on_body(self, _: bytes) -> None:
            return None

        def on_done(self, code: int, detail: str) -> None:
            raise AssertionError

    with at(HERE) as server:
        policy = Policy()
        handle = Handle(EngineOptions(addresses=SHARED["addresses"]), policy)
        origin = origin_of(server.url)
        asked = Asked(server.url, origin, policy, [])
        with contextlib.closing(handle.curl):
            for addresses, expected in ((SHARED["addresses"], 0), (AddressPolicy(True), 42)):
                handle.gate._addresses = addresses
                handle.prepare(Sink(), asked, buffer=1 << 16, newest=handle.newest)
                code = 0
                try:
                    handle.curl.perform()
                except pycurl.error as error:
                    code = error.args[0]
                assert code == expected
                assert handle.gate.forbidden is bool(code)
    assert len(server.requests) == 1


LITERALS = [
    "127.0.0.2", "127.2", "127.0.2", "2130706434", "0x7f000002", "0X7F.2", "017700000002",
    "0177.0.0.02", "127.0.0.2.", "127%2e0.0%2E2", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]",
]  # fmt: skip
ELSEWHERE = [
    "[::1]", "[::]", "[::127.0.0.2]", "[64:ff9b::127.0.0.2]", "[2002:7f00:2::]", "[fe80::1%25lo]",
    "[::1%25lo]", "0.0.0.0", "10.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "224.0.0.1",
    "255.255.255.255", "metadata.google.internal",
]  # fmt: skip


@pytest.mark.parametrize("place", LITERALS + ELSEWHERE)
async def test_redirects_to_addresses_however_they_are_spelt(
    tmp_path: Path, trap: Trap, place: str
) -> None:
    target = f"http://{place}:{trap.port}/b?secret"
    with at(HERE, lambda _, wire: wire.answer(302, b"", Location=target)) as server:
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            forbidden(await fetcher.fetch(f"{server.url}/a"), place, "secret")


@pytest.mark.parametrize("place", LITERALS)
async def test_the_gate_sees_them_too(
    tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(requests, "judge_host", lambda _host, _policy: "")
    async with fetching(tmp_path / "data", **SHARED) as fetcher:
        forbidden(await fetcher.fetch(f"http://{place}:{trap.port}/a"))


@pytest.mark.parametrize("place", LITERALS)
async def test_who_shares_nothing_gets_there(tmp_path: Path, place: str) -> None:
    with at(THERE) as server:
        async with fetching(tmp_path / "data") as fetcher:
            event = await fetcher.fetch(f"http://{place}:{port_of(server)}/a")
    assert isinstance(event, Finished), event


async def test_a_name_that_a_redirect_leads_to(tmp_path: Path, names: Names, trap: Trap) -> None:
    names["far.test"] = (THERE,)
    target = f"http://far.test:{trap.port}/b"
    with at(HERE, lambda _, wire: wire.answer(302, b"", Location=target)) as server:
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            forbidden(await fetcher.fetch(f"{server.url}/a"), "far.test")


async def test_mirrors_are_sources_of_their_own(tmp_path: Path, names: Names, trap: Trap) -> None:
    names["far.test"] = (THERE,)
    far = f"http://far.test:{trap.port}/a"
    with at(HERE) as server:
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            event = await fetcher.fetch(far, mirrors=(f"{server.url}/a",))
            assert isinstance(event, Finished), event
        async with fetching(tmp_path / "other", **SHARED) as fetcher:
            forbidden(await fetcher.fetch(far, mirrors=(f"http://{THERE}:{trap.port}/a",)))


async def test_uploads_and_probes(tmp_path: Path, names: Names, trap: Trap) -> None:
    names["far.test"] = (THERE,)
    async with sending(tmp_path / "data", **SHARED) as sender:
        sender.write(A)
        for host in ("far.test", THERE):
            url = f"http://{host}:{trap.port}/a"
            forbidden(await sender.send(url))
            probe = await sender.fetching.engine.probe(url, TransferOptions())
            assert probe.error is not None
            assert probe.error.reason is Reason.ADDRESS_FORBIDDEN
            assert (probe.address, probe.http_status) == ("", None)


# Proxies.


def through(*proxies: str) -> dict[str, Any]:
    proxy = ProxySettings(ProxyUsage.OVERRIDE, proxies)
    return {"options": TransferOptions(http=HttpOptions(proxy=proxy))}


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
async def test_a_job_s_proxy_is_judged(
    tmp_path: Path, names: Names, trap: Trap, scheme: str
) -> None:
    names["far.test"] = (THERE,)
    proxy = f"{scheme}://{THERE}:{trap.port}"
    async with fetching(tmp_path / "data", **SHARED) as fetcher:
        event = await fetcher.fetch("http://near.test/a", **through(proxy))
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.ADDRESS_FORBIDDEN
    assert proxy in event.error.message


async def test_the_next_proxy_may_be_allowed(tmp_path: Path, trap: Trap) -> None:
    far = f"http://{THERE}:{trap.port}"
    with at(HERE) as server, at(HERE, forwarder()) as proxy:
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            event = await fetcher.fetch(f"{server.url}/a", **through(far, proxy.url))
    assert isinstance(event, Finished), event


async def test_the_operator_s_proxy_is_not_judged(tmp_path: Path) -> None:
    with at(HERE) as server, at(THERE, forwarder()) as proxy:
        place = f"http://{THERE}:{port_of(proxy)}"
        own = ProxySettings(ProxyUsage.OVERRIDE, (place,))
        async with fetching(tmp_path / "data", proxy=own, **SHARED) as fetcher:
            event = await fetcher.fetch(f"{server.url}/a")
    assert isinstance(event, Finished), event
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("place", LITERALS)
async def test_through_a_proxy_addresses_are_judged_and_names_are_not(
    tmp_path: Path, place: str
) -> None:
    with SocksServer() as socks, at(HERE) as server:
        async with fetching(tmp_path / "data", **SHARED) as fetcher:
            proxied = through(socks.url)
            forbidden(await fetcher.fetch(f"http://{place}:1/a", **proxied), place)
            assert not socks.targets
            if place == LITERALS[0]:
                fetcher.events.clear()
                await fetcher.fetch(f"http://far.test:{port_of(server)}/a", **proxied)
                assert socks.targets == [f"far.test:{port_of(server)}"]


# What else there is.


async def test_ftp_s_other_connection_goes_to_the_same_address(
    tmp_path: Path, names: Names
) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.bin").write_bytes(A)
    names["near.test"] = (HERE,)
    async with fetching(tmp_path / "data", schemes=("ftp",), **SHARED) as fetcher:
        with FtpSite(tmp_path / "served", lying=True) as site:
            event = await fetcher.fetch(f"ftp://near.test:{site.port}/a.bin")
    assert isinstance(event, Finished), event


async def test_the_operator_s_stores_are_not_judged(tmp_path: Path) -> None:
    with at(THERE) as server:
        store = S3Store("ours", f"http://{THERE}:{port_of(server)}", "r", path_style=True)
        options = {"schemes": ("s3",), "s3_stores": (store,), **SHARED}
        async with fetching(tmp_path / "data", **options) as fetcher:
            event = await fetcher.fetch("s3://bucket/a")
    assert isinstance(event, Finished), event


async def test_https_by_name(tmp_path: Path, names: Names) -> None:
    authority = trustme.CA()
    ca_file = write_ca(authority, tmp_path)
    names["near.test"] = (HERE,)
    server = HostileServer(whole, context=context(authority, "near.test"))
    async with fetching(tmp_path / "data", ca_file=ca_file, **SHARED) as fetcher:
        with server:
            event = await fetcher.fetch(f"https://near.test:{port_of(server)}/a")
    assert isinstance(event, Finished), event


async def test_metadata_is_forbidden_to_those_who_share_nothing(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        forbidden(await fetcher.fetch("http://169.254.169.254/latest/meta-data/"), "169.254")


async def test_the_log_tells_the_operator(
    tmp_path: Path, names: Names, trap: Trap, caplog: pytest.LogCaptureFixture
) -> None:
    names["far.test"] = (THERE,)
    caplog.set_level("INFO")
    async with fetching(tmp_path / "data", **SHARED) as fetcher:
        forbidden(await fetcher.fetch(f"http://far.test:{trap.port}/a"))
    assert f"no connection is made to {THERE} (this machine)" in caplog.text
