"""Uploads to servers of files through command and daemon, over kill -9."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.ssh_server import PASSWORD, USER, ssh_site

A = random.Random(1).randbytes(3_000_000)


async def test_put_by_sftp(make_daemon: Callable[..., DaemonProcess], tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "file").write_bytes(A)
    async with ssh_site(tmp_path / "served") as site:
        flags = ["--schemes", "sftp", "--known-hosts", str(site.known_hosts(tmp_path))]
        daemon = await make_daemon(flags=flags).start()
        command = Command(tmp_path, daemon.target)
        put = ("put", str(tmp_path / "file"), "-u", f"{USER}:{PASSWORD}")
        done = await command(*put, site.url("sftp", "a"))
        assert done.code == 0, done.err
        refused = await command(*put, site.url("scp", "a"), "--json")
        assert refused.code == 1
    assert (tmp_path / "served" / "a").read_bytes() == A
    assert [path.name for path in (tmp_path / "served").iterdir()] == ["a"]
    assert PASSWORD not in daemon.log
