"""A daemon with mTLS as people run it: the command, the library, files that change, SIGHUP."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

import bgcopy
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess, run_bgcopyd
from tests.support.tls_house import Authority, TlsFolder

pytestmark = pytest.mark.timeout(180)

CONFIGURATION = 78
NAME = x509.DNSName("build.example.org")
MakeDaemon = Callable[..., DaemonProcess]


def flags(folder: TlsFolder) -> list[str]:
    return [
        "--listen", "mtls://127.0.0.1:0", "--tls-identity", "dns",
        "--tls-certificate-file", str(folder.certificate), "--tls-key-file", str(folder.key),
        "--tls-client-ca-file", str(folder.clients), "--right", "x509:build.example.org=read",
    ]  # fmt: skip


async def test_a_daemon_with_client_certificates(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    folder = TlsFolder(tmp_path)
    daemon = await make_daemon(flags=flags(folder)).start()
    port = next(one for one in daemon.targets if one.startswith("mtls://")).rpartition(":")[2]
    target = f"dns:///localhost:{port}"
    chain, key = folder.clients_of.client(NAME)
    (tmp_path / "me.pem").write_bytes(chain)
    (tmp_path / "me.key").write_bytes(key)
    (tmp_path / "ca.pem").write_bytes(folder.roots)
    command = Command(tmp_path, target)
    given = ("--tls-ca", "ca.pem", "--tls-key", "me.key")
    told = await command.run("status", "--json", *given, BGCOPY_TLS_CERT="me.pem")
    assert told.code == 0, told.err
    assert told.json["caller"] == {
        "principal": "x509:build.example.org", "admin": False, "scopes": ["READ"],
    }  # fmt: skip
    for wrong in (given, ("--tls-ca", "absent.pem")):
        ended = await command.run("status", "--json", *wrong)
        assert (ended.code, "pem" in str(ended.error) or "cert" in str(ended.error)) == (2, True)

    async with bgcopy.AsyncClient(
        target, root_certificates=folder.roots, certificate_chain=chain, private_key=key
    ) as client:
        assert (await client.get_server_info()).caller.scopes == (bgcopy.Scope.READ,)
        folder.clients.write_bytes(Authority("others").pem)
        os.kill(daemon.pid, signal.SIGHUP)
        with pytest.raises(bgcopy.CredentialInvalid, match="authority"):
            await client.get_server_info()
    assert await daemon.terminate() == 0
    assert "asked to read the certificates again" in daemon.log
    assert daemon.log.count("the certificates of the TLS listeners were read again") == 1


async def test_a_key_that_others_can_read_is_no_key(tmp_path: Path) -> None:
    folder = TlsFolder(tmp_path)
    folder.key.chmod(0o644)
    state = ("--state-dir", str(tmp_path / "state"))
    done = await run_bgcopyd("serve", *state, *flags(folder), home=tmp_path)
    assert done.code == CONFIGURATION, done.stderr
    assert f"chmod 600 {folder.key}" in done.stderr
