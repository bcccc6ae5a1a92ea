"""Uploads to a store through command and daemon, over kill -9."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import bgcopy
from bgcopy import FileSpec, JobState, JobType
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.s3_hostile import Store
from tests.support.s3_server import BUCKET, REGION, S3Site

PART = 16 << 20
A = random.Random(1).randbytes(2 * PART + 1000)
SOON = timedelta(seconds=5)


def flags(folder: Path, url: str, more: str = "") -> list[str]:
    store = folder / "store.toml"
    store.write_text(
        f'endpoint = "{url}"\nregion = "{REGION}"\npath_style = true\nuploads = true\n{more}'
    )
    store.chmod(0o600)
    return ["--schemes", "s3", "--s3-store", f"ours={store}"]


async def test_put_to_s3(make_daemon: Callable[..., DaemonProcess], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(A)
    async with S3Site() as site:
        await site.tell(secure=True)
        keys = f'access_key_id = "{site.key_id}"\nsecret_access_key = "{site.secret}"\n'
        daemon = await make_daemon(flags=flags(tmp_path, site.url, keys)).start()
        command = Command(tmp_path, daemon.target)
        done = await command("put", str(tmp_path / "file"), f"s3://{BUCKET}/dir/a")
        assert done.code == 0, done.err
        refused = await command(
            "put", str(tmp_path / "file"), f"s3://{BUCKET}/dir/a", "-X", "POST", "--json"
        )
        assert (refused.code, refused.error["reason"]) == (1, "NOT_SUPPORTED")
        await site.get("dir/a", tmp_path / "found")
    assert (tmp_path / "found").read_bytes() == A
    assert site.secret not in daemon.log


async def test_kill_in_the_middle(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    half, store = threading.Event(), Store()

    def hang(request: Request, wire: Wire) -> None:
        wire.take(request, 1000)
        half.set()
        wire.hang()

    def first(request: Request, wire: Wire) -> None:
        store.asked.pop()
        store(request, wire)
        store.lies["part"] = [hang]

    store.lies["part"] = [first]
    with HostileServer(store) as server:
        daemon = await make_daemon(flags=flags(tmp_path, server.url)).start()
        (daemon.root_dir / "file").write_bytes(A)
        async with bgcopy.AsyncClient(daemon.target) as client:
            job = await client.create_job(
                "up",
                [FileSpec("s3://bucket/key", "file")],
                job_type=JobType.UPLOAD,
                start=True,
                minimum_retry_delay=SOON,
            )
            assert await asyncio.to_thread(half.wait, 60)
            await daemon.restart()
            info = await job.wait(60)
    assert info.state is JobState.TRANSFERRED
    assert store.asked == ["create", "part", "part", "list", "part", "part", "complete"]
    assert store.objects == {"/bucket/key": A}
