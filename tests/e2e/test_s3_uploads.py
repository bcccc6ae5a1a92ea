"""Uploads to a store through command and daemon, over kill -9."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import bgcopy
from bgcopy import FileSpec, JobState, JobType
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.s3_hostile import Store
from tests.support.s3_server import BUCKET, REGION, S3Site

# Both ends and moto handle 32 MiB at a time here, which a busy machine needs time for.
pytestmark = pytest.mark.timeout(300)

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


class HalfWay(Store):
    """Takes one part, and answers no more before the test has seen that."""

    def __init__(self) -> None:
        super().__init__(part=[self._first])
        self.half, self.aborted = threading.Event(), threading.Event()

    def _first(self, request: Request, wire: Wire) -> None:
        self.asked.pop()
        self(request, wire)
        self.lies["part"] = [self._second]

    def _second(self, request: Request, wire: Wire) -> None:
        wire.take(request, 1000)
        self.half.set()
        wire.hang()

    def _abort(self, request: Request, wire: Wire, path: str, query: dict[str, str]) -> None:
        super()._abort(request, wire, path, query)
        self.aborted.set()


async def begun(client: bgcopy.AsyncClient, store: HalfWay) -> bgcopy.Job:
    job = await client.create_job(
        "up",
        [FileSpec("s3://bucket/key", "file")],
        job_type=JobType.UPLOAD,
        start=True,
        minimum_retry_delay=SOON,
    )
    assert await asyncio.to_thread(store.half.wait, 60)
    return job


async def test_kill_in_the_middle(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    store = HalfWay()
    with HostileServer(store) as server:
        daemon = await make_daemon(flags=flags(tmp_path, server.url)).start()
        (daemon.root_dir / "file").write_bytes(A)
        async with bgcopy.AsyncClient(daemon.target) as client:
            job = await begun(client, store)
            await daemon.restart()
            info = await job.wait(60)
    assert info.state is JobState.TRANSFERRED
    assert store.asked == ["create", "part", "part", "list", "part", "part", "complete"]
    assert store.objects == {"/bucket/key": A}


async def test_cancel_drops_the_parts(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    store = HalfWay()
    with HostileServer(store) as server:
        daemon = await make_daemon(flags=flags(tmp_path, server.url)).start()
        (daemon.root_dir / "file").write_bytes(A)
        async with bgcopy.AsyncClient(daemon.target) as client:
            job = await begun(client, store)
            assert (await job.cancel()).state is JobState.CANCELLED
            assert await asyncio.to_thread(store.aborted.wait, 60)
    assert store.asked == ["create", "part", "part", "abort"]
    assert store.uploads == {}


async def test_cancel_drops_the_parts_also_after_a_crash(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    store, asked = HalfWay(), threading.Event()

    def hang(request: Request, wire: Wire) -> None:
        wire.take(request)
        asked.set()
        wire.hang()

    store.lies["abort"] = [hang]
    with HostileServer(store) as server:
        daemon = await make_daemon(flags=flags(tmp_path, server.url)).start()
        (daemon.root_dir / "file").write_bytes(A)
        async with bgcopy.AsyncClient(daemon.target) as client:
            job = await begun(client, store)
            # It does not wait for the store.
            assert (await job.cancel()).state is JobState.CANCELLED
            assert await asyncio.to_thread(asked.wait, 60)
            await daemon.restart()
            assert await asyncio.to_thread(store.aborted.wait, 60)
    assert store.asked == ["create", "part", "part", "abort", "abort"]
    assert store.uploads == {}
