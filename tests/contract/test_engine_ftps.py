"""FTP over TLS: asked for before the login, or from the first byte."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from bgcopyd.jobs.http_options import AuthScheme, AuthTarget, Credentials, CredentialsKey
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from tests.support.fetching import fetching
from tests.support.ftp_server import PASSWORD, USER, FtpSite
from tests.support.tls import write_ca

A = random.Random(1).randbytes(300_000)
BASIC = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
SCHEMES = ("ftp", "ftps", "ftpes")
LOGIN = TransferOptions(credentials=(Credentials(BASIC, USER, PASSWORD),))
Sites = Callable[..., FtpSite]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def sites(tmp_path: Path, authority: trustme.CA) -> Sites:
    """Makes servers that have the file `a`, with a certificate for a name."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a").write_bytes(A)

    def site(tls: str, *, name: str = "localhost") -> FtpSite:
        certificate = tmp_path / "server.pem"
        issued = authority.issue_cert(name).private_key_and_cert_chain_pem
        issued.write_to_path(str(certificate))
        return FtpSite(folder, login=True, tls=tls, certificate=certificate)

    return site


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
async def test_login_and_file_are_protected(
    tmp_path: Path, authority: trustme.CA, sites: Sites, tls: str
) -> None:
    trust = {"ca_file": write_ca(authority, tmp_path), "schemes": SCHEMES}
    async with fetching(tmp_path / "data", **trust) as fetcher:
        with sites(tls) as site:
            event = await fetcher.fetch(f"{site.url}/a", options=LOGIN)
            assert isinstance(event, Finished), event
            assert await fetcher.placed(event) == A
            assert event.attempt.protocol == "FTPS"
    assert site.sent("PROT") == ["P"]
    commands = [command for command, _ in site.commands]
    if tls == "explicit":
        assert commands.index("AUTH") < commands.index("USER")


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
async def test_nothing_is_said_to_a_server_with_another_certificate(
    tmp_path: Path, authority: trustme.CA, sites: Sites, tls: str
) -> None:
    trust = {"ca_file": write_ca(authority, tmp_path), "schemes": SCHEMES}
    async with fetching(tmp_path / "data", **trust) as fetcher:
        with sites(tls, name="elsewhere") as site:
            event = await fetcher.fetch(f"{site.url}/a", options=LOGIN)
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.TLS_FAILED, False)
    assert not site.sent("USER")


async def test_nothing_is_said_to_a_server_without_tls(tmp_path: Path, sites: Sites) -> None:
    async with fetching(tmp_path / "data", schemes=SCHEMES) as fetcher:
        with sites("") as site:
            url = f"ftpes://localhost:{site.port}/a"
            event = await fetcher.fetch(url, options=LOGIN)
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.TLS_FAILED, False)
    assert {command for command, _ in site.commands} == {"AUTH"}
