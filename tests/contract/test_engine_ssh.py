"""SFTP and SCP downloads from a real server whose host key is pinned."""

from __future__ import annotations

import base64
import hmac
import os
import random
import time
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bgcopyd.config.known_hosts import judged_known_hosts
from bgcopyd.jobs.file import FileRange, Verification
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
from bgcopyd.queue.transfers import Claimed, Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.http_hostile import HostileServer
from tests.support.http_proxies import SocksServer, forwarder
from tests.support.ssh_server import PASSWORD, USER, Relay, SshSite, ssh_site

A = random.Random(1).randbytes(3_000_000)
HALF = 1_500_000
DAY = 86_400
SSH = {"schemes": ("sftp", "scp")}
BASIC = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)


def login(password: str = PASSWORD, certificate: str = "") -> TransferOptions:
    return TransferOptions(
        credentials=(Credentials(BASIC, USER, password),),
        http=HttpOptions(client_certificate=certificate),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    put(made, A)
    return made


def put(folder: Path, content: bytes, *, age: float = 2 * DAY) -> None:
    file = folder / "a b.bin"
    file.write_bytes(content)
    moment = int(time.time() - age)
    os.utime(file, (moment, moment))


async def whole(fetcher: Fetching, url: str, content: bytes = A, **fields: Any) -> Finished:
    """Fetches a file, which must be that one."""
    event = await fetcher.fetch(url, **{"options": login(), **fields})
    assert isinstance(event, Finished), event
    assert await fetcher.placed(event, fields.get("path", "file")) == content
    return event


async def failed(fetcher: Fetching, url: str, **fields: Any) -> Failed:
    event = await fetcher.fetch(url, **{"options": login(), **fields})
    assert isinstance(event, Failed), event
    fetcher.events.clear()
    return event


@pytest.mark.parametrize("scheme", ["sftp", "scp"])
async def test_a_file_and_what_is_told_of_it(tmp_path: Path, folder: Path, scheme: str) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            event = await whole(fetcher, path_of(site, scheme), digests=sha256(A))
    assert event.verification is Verification.DIGEST
    assert (event.attempt.protocol, event.attempt.http_status) == (scheme.upper(), None)
    assert event.attempt.received == len(A)
    assert event.attempt.file.response_headers == ()


def path_of(site: SshSite, scheme: str) -> str:
    return site.url(scheme, "a%20b.bin")


async def cut_off(fetcher: Fetching, site: SshSite) -> dict[str, Any]:
    """Brings half of a file; what is known of it then."""
    site.cut = HALF
    event = await failed(fetcher, path_of(site, "sftp"))
    assert event.error.transient
    assert 0 < event.claimed < len(A)
    assert event.size == len(A)
    site.reads.clear()
    return {"claimed": event.claimed, "size": event.size, "validators": event.validators}


@pytest.mark.parametrize(
    ("age", "proof"), [(2 * DAY, Verification.VALIDATOR), (60, Verification.OVERLAP)]
)
async def test_resumes_by_size_and_time(
    tmp_path: Path, folder: Path, age: float, proof: Verification
) -> None:
    put(folder, A, age=age)
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            known = await cut_off(fetcher, site)
            event = await whole(fetcher, path_of(site, "sftp"), **known)
    assert event.verification is proof
    back = 64 << 10 if proof is Verification.OVERLAP else 0
    assert min(site.reads) == known["claimed"] - back


@pytest.mark.parametrize("new", [A[:HALF] + A[HALF + 1 :] + b"x", A + b"more", A[:1000], b""])
async def test_another_file_is_fetched_from_its_start(
    tmp_path: Path, folder: Path, new: bytes
) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            known = await cut_off(fetcher, site)
            put(folder, new, age=3 * DAY)
            await whole(fetcher, path_of(site, "sftp"), new, **known)
            assert fetcher.all(Claimed)[0].claimed == 0


async def test_scp_begins_anew(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            known = await cut_off(fetcher, site)
            await whole(fetcher, path_of(site, "scp"), **known)
            fetcher.events.clear()
            ranges = (FileRange(9, 1), FileRange(3, 1))
            event = await failed(fetcher, path_of(site, "scp"), ranges=ranges)
    assert event.error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT


async def test_parts_of_a_file(tmp_path: Path, folder: Path) -> None:
    ranges = (FileRange(1000, 10), FileRange(2_950_000, None))
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            url = path_of(site, "sftp")
            await whole(fetcher, url, A[1000:1010] + A[2_950_000:], ranges=ranges)
            fetcher.events.clear()
            outside = await failed(fetcher, url, ranges=(FileRange(len(A), 1),))
    assert outside.error.reason is Reason.RANGE_OUTSIDE_FILE


@pytest.mark.parametrize("scheme", ["sftp", "scp"])
@pytest.mark.parametrize("known", ["nothing", "another host", "another key", "no file"])
async def test_a_key_that_is_not_pinned_is_refused_before_anything_is_said(
    tmp_path: Path, folder: Path, scheme: str, known: str
) -> None:
    async with ssh_site(folder) as site:
        hosts: Path | None = site.known_hosts(tmp_path)
        assert hosts is not None
        if known == "nothing":
            hosts.write_text("# nobody\n")
        elif known == "another host":
            hosts.write_text(hosts.read_text().replace("localhost", "elsewhere"))
        elif known == "another key":
            site.known_hosts(tmp_path, key=asyncssh.generate_private_key("ssh-ed25519"))
        else:
            hosts = None
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            event = await failed(fetcher, path_of(site, scheme))
    assert (event.error.reason, event.error.transient) == (Reason.HOST_KEY_REFUSED, False)
    assert site.key.get_fingerprint() in event.error.message
    assert ("another one" in event.error.message) == (known == "another key")
    assert not site.logins


async def test_a_key_that_is_added_is_believed_at_once(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        hosts = tmp_path / "known_hosts"
        hosts.write_text("")
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            await failed(fetcher, path_of(site, "sftp"))
            site.known_hosts(tmp_path)
            await whole(fetcher, path_of(site, "sftp"))


async def test_passwords(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            for options in (login("wrong"), TransferOptions()):
                event = await failed(fetcher, path_of(site, "sftp"), options=options)
                assert (event.error.reason, event.error.transient) == (Reason.LOGIN_DENIED, False)
            await whole(fetcher, path_of(site, "sftp"))
            fetcher.events.clear()
            # Whoever may, opens the door for nobody else.
            event = await failed(fetcher, path_of(site, "sftp"), options=login("wrong"))
            assert event.error.reason is Reason.LOGIN_DENIED
            assert PASSWORD not in repr(event)


async def test_a_key_by_its_name(tmp_path: Path, folder: Path) -> None:
    mine = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    other = asyncssh.generate_private_key("ssh-ed25519")
    keys = {name: tmp_path / name for name in ("mine", "other")}
    for key, path in zip((mine, other), keys.values(), strict=True):
        path.write_bytes(key.export_private_key("openssh"))
    async with ssh_site(folder, clients=[mine]) as site:
        choices = {"known_hosts": site.known_hosts(tmp_path), "client_certificates": keys, **SSH}
        async with fetching(tmp_path / "data", **choices) as fetcher:
            await whole(fetcher, path_of(site, "sftp"), options=login("", "mine"))
            fetcher.events.clear()
            event = await failed(fetcher, path_of(site, "sftp"), options=login("", "other"))
            assert event.error.reason is Reason.LOGIN_DENIED
    assert {how for how, _ in site.logins} == {"begin"}


@pytest.mark.parametrize("scheme", ["sftp", "scp"])
async def test_what_the_server_does_not_have(tmp_path: Path, folder: Path, scheme: str) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            event = await failed(fetcher, site.url(scheme, "none"))
    assert event.error.reason is Reason.REMOTE_FILE_UNAVAILABLE
    assert not event.error.transient


async def test_a_probe(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            found = await fetcher.engine.probe(path_of(site, "sftp"), login())
            assert (found.size, found.accepts_ranges, found.protocol) == (len(A), True, "SFTP")
            found = await fetcher.engine.probe(path_of(site, "scp"), login())
            assert (found.size, found.accepts_ranges, found.protocol) == (len(A), False, "SCP")


async def test_a_file_that_is_replaced_before_its_first_byte(tmp_path: Path, folder: Path) -> None:
    new = bytes(reversed(A))

    def replace(look: int) -> None:
        if look == 3:
            put(folder, new, age=5 * DAY)

    async with ssh_site(folder, before_look=replace) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            event = await whole(fetcher, path_of(site, "sftp"), new)
    assert site.looks > 4
    modified = parsedate_to_datetime(event.validators.last_modified)
    assert modified.timestamp() == (folder / "a b.bin").stat().st_mtime


async def test_a_server_that_freezes_holds_nobody_else(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        relay = Relay(site.port, HALF)
        async with relay.running():
            hosts = site.known_hosts(tmp_path)
            hosts.write_text(hosts.read_text().replace(f"[localhost]:{site.port}", "localhost"))
            options = {"known_hosts": hosts, "idle_timeout": 0.3, **SSH}
            async with fetching(tmp_path / "data", **options) as fetcher:
                event = await failed(fetcher, f"sftp://localhost:{relay.port}/a%20b.bin")
                assert event.error.reason is Reason.TIMEOUT
                assert event.claimed > 0
                await whole(fetcher, path_of(site, "sftp"), path="other")


async def test_a_connection_serves_the_next_file(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            await whole(fetcher, path_of(site, "sftp"))
            fetcher.events.clear()
            await whole(fetcher, path_of(site, "sftp"))
    assert site.logins.count(("begin", USER)) == 1


@pytest.mark.parametrize("right", [True, False])
async def test_hosts_may_be_hashed(tmp_path: Path, folder: Path, *, right: bool) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        name = f"[localhost]:{site.port if right else site.port + 1}"
        salt = b"s" * 20
        digest = hmac.digest(salt, name.encode(), "sha1")
        hashed = "|".join(base64.b64encode(part).decode() for part in (salt, digest))
        hosts.write_text(f"|1|{hashed} {site.key.export_public_key().decode()}")
        assert judged_known_hosts(hosts) == hosts
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            event = await fetcher.fetch(path_of(site, "sftp"), options=login())
    assert isinstance(event, Finished if right else Failed)


async def test_through_proxies(tmp_path: Path, folder: Path) -> None:
    async with ssh_site(folder) as site:
        hosts = site.known_hosts(tmp_path)
        async with fetching(tmp_path / "data", known_hosts=hosts, **SSH) as fetcher:
            with HostileServer(forwarder()) as web, SocksServer() as socks:
                for proxy in (web.url, socks.url):
                    settings = ProxySettings(ProxyUsage.OVERRIDE, (proxy,))
                    options = replace(login(), http=HttpOptions(proxy=settings))
                    await whole(fetcher, path_of(site, "sftp"), options=options)
                    fetcher.events.clear()
    assert [request.method for request in web.requests] == ["CONNECT"]
