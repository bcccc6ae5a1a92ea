"""Other protocols than HTTP through command and daemon."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.ftp_server import PASSWORD, USER, FtpSite

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
