"""TLS listeners: who shows which certificate, and what happens when the files change."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from pydantic import ValidationError

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.callers.files import TlsFileSet
from bgcopyd.config import Settings
from bgcopyd.queue.callers import CertificateProblem
from tests.support.rpc_house import Caller, House, house
from tests.support.rpc_status import Refused, refusal
from tests.support.tls_house import Authority, TlsCaller, TlsFolder

INFO = pb.GetServerInfoRequest()
SPIFFE = x509.UniformResourceIdentifier("spiffe://example.org/ci/builder")
OTHER = x509.UniformResourceIdentifier("spiffe://example.org/ops")


class TlsHouse:
    """A house with a tls:// and an mtls:// listener."""

    def __init__(self, home: House, folder: TlsFolder) -> None:
        self.home = home
        self.folder = folder

    def caller(
        self, own: tuple[bytes, bytes] | None = None, token: str = "", *, kind: str = "mtls"
    ) -> Caller:
        place = {"tls": 2, "mtls": 3}[kind]
        port = int(self.home.targets[place].rpartition(":")[2])
        caller = TlsCaller(port, self.folder.roots, own, token)
        self.home.callers.append(caller)
        return caller


@contextlib.asynccontextmanager
async def secured(tmp_path: Path, **settings: Any) -> AsyncIterator[TlsHouse]:
    folder = TlsFolder(tmp_path)
    listen = ("tls://127.0.0.1:0", "mtls://127.0.0.1:0")
    async with house(more_listeners=listen, **folder.settings(), **settings) as home:
        yield TlsHouse(home, folder)


async def who(caller: Caller) -> tuple[str, bool, list[str]]:
    info = await caller.call("GetServerInfo", INFO)
    return info.caller.principal, info.caller.admin, list(info.roots)


async def refused(caller: Caller) -> Refused:
    return await refusal(caller.call("GetServerInfo", INFO))


async def test_who_shows_a_certificate(tmp_path: Path) -> None:
    rights = {f"x509:{OTHER.value}": "admin", "user:anna": "read root:default"}
    async with secured(tmp_path, rights=rights) as site:
        issue = site.folder.clients_of.client
        builder = site.caller(issue(SPIFFE, x509.DNSName("root.example.org")))
        assert await who(builder) == (f"x509:{SPIFFE.value}", False, ["default"])
        admin = site.caller(issue(OTHER))
        assert await who(admin) == (f"x509:{OTHER.value}", True, ["default", "fs"])
        # A token that is presented decides, a bad one too.
        token = await site.home.token("anna", admin=True)
        bearer = site.caller(issue(OTHER), token)
        assert await who(bearer) == ("user:anna", False, ["default"])
        bad = await refused(site.caller(issue(OTHER), "bgc_bad"))
        assert (bad.code, bad.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_INVALID")


async def test_tokens_over_tls_without_a_certificate(tmp_path: Path) -> None:
    async with secured(tmp_path) as site:
        token = await site.home.token("anna")
        assert (await who(site.caller(None, token, kind="tls")))[0] == "user:anna"
        missing = await refused(site.caller(kind="tls"))
        assert (missing.code, missing.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "CREDENTIAL_MISSING",
        )
        # Nobody asked for a certificate there, so that one is nobody's identity.
        own = site.folder.clients_of.client(SPIFFE)
        assert (await refused(site.caller(own, kind="tls"))).reason == "CREDENTIAL_MISSING"


@pytest.mark.parametrize(
    ("rule", "names", "identity"),
    [
        ("dns", [x509.DNSName("a.example.org")], "x509:a.example.org"),
        ("email", [x509.RFC822Name("anna@example.org"), SPIFFE], "x509:anna@example.org"),
        ("uri", [x509.UniformResourceIdentifier("urn:x:1")], "x509:urn:x:1"),
        ("dns", [], ""),
        ("dns", [x509.DNSName("a.example.org"), x509.DNSName("b.example.org")], ""),
        ("dns", [x509.DNSName("*.example.org")], ""),
        ("dns", [SPIFFE], ""),
        ("spiffe", [SPIFFE, OTHER], ""),
        ("spiffe", [x509.UniformResourceIdentifier("https://example.org/x")], ""),
        ("spiffe", [x509.UniformResourceIdentifier("spiffe://example.org")], ""),
        ("email", [x509.DNSName("root.example.org")], ""),
    ],
)
async def test_the_one_name_of_the_chosen_kind(
    tmp_path: Path, rule: str, names: list[x509.GeneralName], identity: str
) -> None:
    async with secured(tmp_path, tls_identity=rule) as site:
        caller = site.caller(site.folder.clients_of.client(*names))
        if identity:
            assert (await who(caller))[0] == identity
            return
        found = await refused(caller)
        assert (found.code, found.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "CREDENTIAL_INVALID",
        )
        assert f"'{rule}'" in found.message


async def test_whom_the_handshake_lets_in(tmp_path: Path) -> None:
    async with secured(tmp_path) as site:
        stranger = Authority("clients").client(SPIFFE)
        expired = site.folder.clients_of.client(SPIFFE, end=dt.timedelta(days=1))
        for own in (None, stranger, expired):
            assert (await refused(site.caller(own))).code is grpc.StatusCode.UNAVAILABLE
        between = Authority("between", site.folder.clients_of)
        assert (await who(site.caller(between.client(SPIFFE))))[0] == f"x509:{SPIFFE.value}"


async def test_a_withdrawn_authority_ends_its_clients_at_once(tmp_path: Path) -> None:
    async with secured(tmp_path) as site:
        old = site.folder.clients_of.client(SPIFFE)
        before = site.caller(old)
        assert await who(before)
        fresh = Authority("fresh")
        site.folder.clients.write_bytes(fresh.pem)
        assert (await refused(before)).reason == "CREDENTIAL_INVALID"
        assert (await refused(site.caller(old))).code is grpc.StatusCode.UNAVAILABLE
        assert await who(site.caller(fresh.client(OTHER)))
        site.folder.clients.write_bytes(fresh.pem + site.folder.clients_of.pem)
        assert await who(before)


async def test_a_certificate_expires_on_its_connection(tmp_path: Path) -> None:
    async with secured(tmp_path) as site:
        caller = site.caller(site.folder.clients_of.client(SPIFFE))
        assert await who(caller)
        site.home.clock.ahead = dt.timedelta(days=30_000)
        assert (await refused(caller)).reason == "CREDENTIAL_EXPIRED"


async def test_a_new_server_certificate_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with secured(tmp_path) as site:
        own = site.folder.clients_of.client(SPIFFE)
        former = site.folder.roots
        assert await who(site.caller(own))
        site.folder.key.write_bytes(b"half a key")
        with caplog.at_level(logging.ERROR):
            assert await who(site.caller(own))
        assert "the former certificates stay in use" in caplog.text
        site.folder.renew()
        assert site.folder.roots != former
        assert await who(site.caller(own))
        site.folder.roots = former
        assert (await refused(site.caller(own))).code is grpc.StatusCode.UNAVAILABLE


async def test_nothing_older_than_tls_1_2(tmp_path: Path) -> None:
    async with secured(tmp_path) as site:
        port = int(site.home.targets[2].rpartition(":")[2])
        for version, spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
            context = ssl.create_default_context(cadata=site.folder.roots.decode())
            context.set_alpn_protocols(["h2"])
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            assert await spoke(port, context) is spoken


async def spoke(port: int, context: ssl.SSLContext) -> bool:
    import asyncio

    try:
        _, writer = await asyncio.open_connection("localhost", port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return False
    writer.transport.abort()
    return True


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    folder = TlsFolder(tmp_path)
    certificate, key = folder.certificate, folder.key
    TlsFileSet(certificate, key, folder.clients)
    other = tmp_path / "other.key"
    other.touch(mode=0o600)
    other.write_bytes(folder.clients_of.client()[1])
    with pytest.raises(CertificateProblem, match="is not that of the certificate"):
        TlsFileSet(certificate, other, None)
    for bad in (certificate, tmp_path / "absent"):
        with pytest.raises(CertificateProblem, match=r"no private key|cannot be read|has mode"):
            TlsFileSet(certificate, bad, None)
    with pytest.raises(CertificateProblem, match="no certificate"):
        TlsFileSet(certificate, key, other)
    key.chmod(0o640)
    with pytest.raises(CertificateProblem, match=f"mode 0640.*chmod 600 {key}"):
        TlsFileSet(certificate, key, None)


@pytest.mark.gives_away
def test_a_key_of_somebody_else(tmp_path: Path) -> None:
    folder = TlsFolder(tmp_path)
    os.chown(folder.key, 12345, -1)
    with pytest.raises(CertificateProblem, match=r"belongs to another user|cannot be read"):
        TlsFileSet(folder.certificate, folder.key, None)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"listen": ("tls://0.0.0.0:1",)}, "tls_certificate_file, tls_key_file"),
        ({"listen": ("mtls://[::]:1",)}, "tls_client_ca_file"),
        ({"rights": {"x509:a": "everything"}}, "says no rights"),
        ({"rights": {"x509:a": "read none"}}, "says no rights"),
        ({"rights": {"x509:a": ""}}, "says no rights"),
        ({"rights": {"x509:a": "read root:media"}}, "name the root 'media'"),
        ({"tls_identity": "cn"}, "tls_identity"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Settings(**settings)
