"""Credentials and connections: who logs in how, and who shares a connection with whom."""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import re
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
)
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from bgcopyd.transfer.wire import policy
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import Handler, HostileServer, Request, Wire
from tests.support.http_proxies import basic
from tests.support.kerberos import forge_ticket

A = random.Random(1).randbytes(10_000)


def server(scheme: AuthScheme, user: str = "anna", password: str = "s:ecret") -> Credentials:
    return Credentials(CredentialsKey(AuthTarget.SERVER, scheme), user, password)


def wants(*accepted: str, offers: str = 'Basic realm="r"') -> Handler:
    def handler(request: Request, wire: Wire) -> None:
        if request.fields.get("authorization") in accepted:
            wire.answer(200, A, ETag='"a"')
        else:
            wire.answer(401, b"<html>who?", WWW_Authenticate=offers)

    return handler


async def fetch(fetcher: Fetching, url: str, *credentials: Credentials, **fields: Any) -> object:
    options = TransferOptions(credentials=credentials, **fields)
    number = len(fetcher.events)
    return await fetcher.fetch(url, index=number, path=f"f{number}", options=options)


async def test_basic_is_sent_at_once(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants(basic("anna", "s:ecret"))) as host:
            event = await fetch(fetcher, f"{host.url}/a", server(AuthScheme.BASIC))
    assert isinstance(event, Finished)
    assert len(host.requests) == 1


async def test_bearer(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants("Bearer tok-en")) as host:
            event = await fetch(fetcher, f"{host.url}/a", server(AuthScheme.BEARER, "", "tok-en"))
    assert isinstance(event, Finished)
    assert len(host.requests) == 1


def digest_server() -> Handler:
    """RFC 7616 with SHA-256 and auth."""

    def sha(*parts: str) -> str:
        return hashlib.sha256(":".join(parts).encode()).hexdigest()

    def handler(request: Request, wire: Wire) -> None:
        given = request.fields.get("authorization", "")
        part = dict(re.findall(r'(\w+)="?([^",]+)"?', given))
        if given.startswith("Digest "):
            expected = sha(
                sha("anna", "r", "s:ecret"),
                "n1",
                part["nc"],
                part["cnonce"],
                "auth",
                sha(request.method, request.target),
            )
            if part["response"] == expected:
                wire.answer(200, A, ETag='"a"')
                return
        offer = 'Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'
        wire.answer(401, b"<html>who?", WWW_Authenticate=offer)

    return handler


async def test_digest_answers_the_challenge(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(digest_server()) as host:
            event = await fetch(fetcher, f"{host.url}/a", server(AuthScheme.DIGEST))
            assert isinstance(event, Finished), event
            assert "authorization" not in host.requests[0].fields
            wrong = await fetch(
                fetcher, f"{host.url}/a", server(AuthScheme.DIGEST, password="other")
            )
    assert isinstance(wrong, Failed)
    assert (wrong.error.reason, wrong.error.http_status) == (Reason.HTTP_STATUS, 401)
    assert not wrong.error.transient


@pytest.mark.parametrize(
    ("offer", "begin"), [('Basic realm="r"', "Basic "), ("Digest realm=r, nonce=n", "Digest ")]
)
async def test_several_schemes_are_offered_together(tmp_path: Path, offer: str, begin: str) -> None:
    both = (server(AuthScheme.BASIC), server(AuthScheme.DIGEST))
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants(offers=offer)) as host:
            await fetch(fetcher, f"{host.url}/a", *both)
    sent = [request.fields.get("authorization", "") for request in host.requests]
    assert sent[0] == ""
    assert sent[1].startswith(begin)


async def test_other_credentials_are_tried_one_after_the_other(tmp_path: Path) -> None:
    credentials = (
        server(AuthScheme.BASIC, "bert", "b"),
        server(AuthScheme.DIGEST, "anna", "a"),
        server(AuthScheme.BEARER, "", "t"),
    )
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants(basic("bert", "b"))) as host:
            event = await fetch(fetcher, f"{host.url}/a", *credentials)
    assert isinstance(event, Finished), event
    assert host.requests[0].fields["authorization"] == "Bearer t"


async def test_credentials_stay_at_their_origin(tmp_path: Path) -> None:
    with HostileServer(wants(basic("anna", "s:ecret"))) as end:
        start = HostileServer(lambda _, wire: wire.answer(302, b"", Location=f"{end.url}/b"))
        async with fetching(tmp_path / "data") as fetcher:
            with start as host:
                for scheme in (AuthScheme.BASIC, AuthScheme.BEARER):
                    event = await fetch(fetcher, f"{host.url}/a", server(scheme))
                    assert isinstance(event, Failed)
                    assert event.error.http_status == 401
    assert all("authorization" in request.fields for request in host.requests)
    assert all("authorization" not in request.fields for request in end.requests)


async def test_credentials_take_the_place_of_a_header(tmp_path: Path) -> None:
    http = HttpOptions(headers=(HttpHeader("authorization", "Mine x"),))
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants("Bearer t")) as host:
            await fetch(fetcher, f"{host.url}/a", server(AuthScheme.BEARER, "", "t"), http=http)
            assert host.requests[0].fields["authorization"] == "Bearer t"


async def test_negotiate_shows_the_ticket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in forge_ticket(tmp_path, "daemon", "localhost").items():
        monkeypatch.setenv(name, value)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants(offers="Negotiate")) as host:
            url = host.url.replace("127.0.0.1", "localhost")
            await fetch(fetcher, f"{url}/a", server(AuthScheme.NEGOTIATE))
    scheme, message = host.requests[-1].fields["authorization"].split()
    assert scheme == "Negotiate"
    # RFC 4178 section 4.2 in the frame of RFC 2743: its object identifier is 1.3.6.1.5.5.2.
    assert b"\x06\x06\x2b\x06\x01\x05\x05\x02" in base64.b64decode(message)[:16]


async def test_negotiate_without_a_ticket_is_a_final_401(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/none")
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants(offers="Negotiate")) as host:
            event = await fetch(fetcher, f"{host.url}/a", server(AuthScheme.NEGOTIATE))
    assert isinstance(event, Failed)
    assert (event.error.http_status, event.error.transient) == (401, False)


async def test_a_scheme_that_libcurl_lacks_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(policy._FEATURES, AuthScheme.NTLM, 0)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants()) as host:
            event = await fetch(fetcher, f"{host.url}/a", server(AuthScheme.NTLM))
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.NOT_SUPPORTED, False)
    assert "NTLM" in event.error.message
    assert not host.requests


def counting(request: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


async def test_owners_share_no_connection(tmp_path: Path) -> None:
    anna = (server(AuthScheme.BASIC, "anna", "a"),)
    asked: list[tuple[str, tuple[Credentials, ...]]] = [
        ("anna", anna),
        ("bert", ()),
        ("bert", anna),
        ("bert", (server(AuthScheme.BASIC, "anna", "b"),)),
        ("anna", ()),
        ("anna", (server(AuthScheme.BEARER, "", "t"),)),
        ("anna", (server(AuthScheme.BEARER, "", "u"),)),
    ]
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(counting) as host:
            for _ in range(2):
                for owner, credentials in asked:
                    await fetch(fetcher, f"{host.url}/a", *credentials, owner=owner)
    used = [request.connection for request in host.requests]
    assert used == [*range(len(asked))] * 2


async def test_nothing_secret_is_logged_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    http = HttpOptions(headers=(HttpHeader("X-Key", "s:ecret", secret=True),))
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(wants()) as host:
            for scheme in (AuthScheme.BASIC, AuthScheme.DIGEST, AuthScheme.BEARER):
                event = await fetch(fetcher, f"{host.url}/a", server(scheme), http=http)
                assert "s:ecret" not in repr(event)
            options = TransferOptions(http=http, credentials=(server(AuthScheme.BASIC),))
            assert "s:ecret" not in repr(options)
            bad = server(AuthScheme.BASIC, password="s:ecret\0")
            event = await fetch(fetcher, f"{host.url}/a", bad)
            assert isinstance(event, Failed)
            assert "s:ecret" not in repr(event)
    assert "s:ecret" not in caplog.text
    assert "s:ecret" not in "".join(capfd.readouterr())
