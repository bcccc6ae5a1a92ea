"""Other protocols than HTTP through command and daemon."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.support.cli import Command
from tests.support.daemon import DaemonProcess, run_bgcopyd
from tests.support.ftp_server import PASSWORD, USER, FtpSite
from tests.support.s3_server import BUCKET, REGION, S3Site
from tests.support.ssh_server import ssh_site

A = random.Random(1).randbytes(300_000)


async def test_get_by_ftp(make_daemon: Callable[..., DaemonProcess], tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.bin").write_bytes(A)
    daemon = await make_daemon(flags=["--schemes", "https,ftp"]).start()
    command = Command(tmp_path, daemon.target)
    with FtpSite(tmp_path / "served", login=True) as site:
        url = f"{site.url}/a.bin"
        probed = await command("probe", url, "--json")
        assert probed.json["error"]["reason"] == "LOGIN_DENIED"
        done = await command("get", url, "-d", str(tmp_path), "-u", f"{USER}:{PASSWORD}")
    assert done.code == 0, done.err
    assert (tmp_path / "a.bin").read_bytes() == A
    assert PASSWORD not in daemon.log
    refused = await command("get", "http://localhost:1/a", "-d", str(tmp_path), "--json")
    assert (refused.code, refused.error["reason"]) == (2, "URL_INVALID")


async def test_get_by_sftp(make_daemon: Callable[..., DaemonProcess], tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.bin").write_bytes(A)
    async with ssh_site(tmp_path / "served") as site:
        hosts = site.known_hosts(tmp_path)
        known, hosts_text = hosts.read_text(), "# nobody yet"
        hosts.write_text(hosts_text)
        flags = ["--schemes", "sftp", "--known-hosts", str(hosts)]
        daemon = await make_daemon(flags=flags).start()
        command = Command(tmp_path, daemon.target)
        get = ("get", site.url("sftp", "a.bin"), "-d", str(tmp_path), "-u", f"{USER}:{PASSWORD}")
        refused = await command(*get, "--json")
        assert refused.code == 6
        assert site.key.get_fingerprint() in refused.out + refused.err
        hosts.write_text(known)
        done = await command(*get)
    assert done.code == 0, done.err
    assert (tmp_path / "a.bin").read_bytes() == A
    assert PASSWORD not in daemon.log


async def test_config_check_reads_the_host_keys(tmp_path: Path) -> None:
    hosts = tmp_path / "known_hosts"
    hosts.write_text("\n*.example.com ssh-ed25519 AAAA\n")
    checked = await run_bgcopyd(
        "config", "check", home=tmp_path, environment={"BGCOPY_KNOWN_HOSTS": str(hosts)}
    )
    assert checked.code != 0
    assert f"{hosts}, line 2, has a host that is a pattern" in checked.stdout + checked.stderr


async def test_get_from_s3(make_daemon: Callable[..., DaemonProcess], tmp_path: Path) -> None:
    (tmp_path / "object").write_bytes(A)
    async with S3Site() as site:
        await site.put("dir/a.bin", tmp_path / "object")
        await site.tell(secure=True)
        store = tmp_path / "store.toml"
        store.write_text(
            f'endpoint = "{site.url}"\nregion = "{REGION}"\npath_style = true\n'
            f'buckets = ["{BUCKET}"]\n'
            f'access_key_id = "{site.key_id}"\nsecret_access_key = "{site.secret}"\n'
        )
        store.chmod(0o600)
        flags = ["--schemes", "s3", "--s3-store", f"ours={store}"]
        daemon = await make_daemon(flags=flags).start()
        command = Command(tmp_path, daemon.target)
        done = await command("get", f"s3://{BUCKET}/dir/a.bin", "-d", str(tmp_path))
        unknown = await command("get", "s3://another/a.bin", "-d", str(tmp_path), "--json")
    assert done.code == 0, done.err
    assert (tmp_path / "a.bin").read_bytes() == A
    assert (unknown.code, unknown.error["reason"]) == (2, "URL_INVALID")
    assert site.secret not in daemon.log
