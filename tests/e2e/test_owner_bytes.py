"""`bytes_per_owner` and `free_space_floor` through the whole daemon."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

import bgcopy
from bgcopy import FileSpec, Job, JobState, Reason
from tests.support.daemon import DaemonProcess
from tests.support.disks import SmallDiskDaemon
from tests.support.http_hostile import HostileServer, Request, Wire

MIB = 1 << 20
CONTENT = random.Random(6).randbytes(2 * MIB)
SOON = timedelta(seconds=1)


def chunked(request: Request, wire: Wire) -> None:
    """Nobody knows the size before the end, the first time."""
    if request.start is not None:
        wire.part(CONTENT, request.start, ETag='"a"')
        return
    wire.head(200, Transfer_Encoding="chunked", ETag='"a"')
    for start in range(0, len(CONTENT), 64 << 10):
        wire.chunk(CONTENT[start : start + (64 << 10)])
    wire.chunk(b"")


@pytest.fixture
async def started() -> AsyncIterator[Callable[..., Any]]:
    made: list[DaemonProcess] = []

    async def start(one: DaemonProcess) -> DaemonProcess:
        made.append(one)
        return await one.start()

    yield start
    for one in made:
        await one.close()


async def fetch(client: bgcopy.AsyncClient, url: str, name: str) -> Job:
    return await client.create_job(
        display_name=name, files=[FileSpec(url, name)], start=True, minimum_retry_delay=SOON
    )


async def waits(job: Job, reason: Reason) -> bgcopy.JobInfo:
    async with job.watch() as changes:
        async for info in changes:
            if info.error is not None and info.error.reason is reason:
                assert info.state is JobState.TRANSIENT_ERROR
                return info
            assert info.state is not JobState.TRANSFERRED
    raise AssertionError("the watch has ended")


async def test_an_owner_keeps_no_more_than_allowed(started: Callable[..., Any]) -> None:
    daemon = await started(DaemonProcess(flags=["--bytes-per-owner", "3M"]))

    def kept() -> int:
        return sum(one.stat().st_size for one in daemon.root_dir.rglob("*") if one.is_file())

    async with bgcopy.AsyncClient(daemon.target) as client:
        with HostileServer(chunked) as server:
            first = await fetch(client, f"{server.url}/a", "a")
            await first.wait()
            second = await fetch(client, f"{server.url}/b", "b")
            info = await waits(second, Reason.SPACE_QUOTA_EXCEEDED)
            assert info.progress.bytes_transferred <= MIB
            assert kept() <= 3 * MIB
            # What is completed is nobody's to keep any more, and the job goes on by itself.
            await first.complete()
            await second.wait()
            third = await fetch(client, f"{server.url}/c", "c")
            await waits(third, Reason.SPACE_QUOTA_EXCEEDED)
            assert kept() <= len(CONTENT) + 3 * MIB
            # As when the operator allows more.
            await client.admin.update_policy(bytes_per_owner=10 * MIB)
            await third.wait()
            await third.complete()
    assert (daemon.root_dir / "a").read_bytes() == CONTENT
    assert (daemon.root_dir / "c").read_bytes() == CONTENT


@pytest.mark.mounts
async def test_so_much_of_a_disk_is_left_free(started: Callable[..., Any]) -> None:
    daemon = await started(SmallDiskDaemon(4 * MIB, flags=["--free-space-floor", "3M"]))
    async with bgcopy.AsyncClient(daemon.target) as client:
        with HostileServer(chunked) as server:
            job = await fetch(client, f"{server.url}/a", "a")
            info = await waits(job, Reason.DISK_FULL)
            assert info.error is not None
            assert "free_space_floor" in info.error.message
            used = sum(one.stat().st_blocks * 512 for one in daemon.disk.iterdir())
            assert 0 < used <= MIB
            await job.cancel()
