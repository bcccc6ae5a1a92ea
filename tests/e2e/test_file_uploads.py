"""Uploads to servers of files through command and daemon, over kill -9."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import bgcopy
from bgcopy import FileSpec, JobState, JobType
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.ftp_server import FtpSite
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


async def test_a_crash_in_the_middle_of_an_ftp_upload(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    """The limit makes sure that the middle is reached; the rest is sent at full speed."""
    served = tmp_path / "served"
    served.mkdir()
    with FtpSite(served, login=True) as site:
        daemon = await make_daemon(flags=["--schemes", "ftp"]).start()
        (daemon.root_dir / "file").write_bytes(A)
        async with bgcopy.AsyncClient(daemon.target) as client:
            job = await client.create_job(
                "up",
                [FileSpec(f"{site.url}/a", "file")],
                job_type=JobType.UPLOAD,
                minimum_retry_delay=timedelta(seconds=5),
                max_bytes_per_second=200_000,
            )
            await client.set_credentials(
                job.job_id, bgcopy.AuthScheme.BASIC, user_name=USER, password=PASSWORD
            )
            await job.resume()
            async with asyncio.timeout(60), job.watch() as changes:
                async for info in changes:
                    if info.progress.bytes_transferred > 100_000:
                        break
            await daemon.kill()
            await daemon.start()
            await job.update(max_bytes_per_second=0)
            assert (await job.wait(60)).state is JobState.TRANSFERRED
    assert {path.name: path.read_bytes() for path in served.iterdir()} == {"a": A}
    assert len(site.sent("APPE")) == 1
    assert PASSWORD not in daemon.log
