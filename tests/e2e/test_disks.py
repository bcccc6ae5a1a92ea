"""Disks that are full, read-only or bounded, and jobs of ten thousand files: the whole daemon."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import bgcopy
from bgcopy import FileSpec, JobInfo, JobState, Reason
from tests.support.daemon import DaemonProcess
from tests.support.disks import BoundedDaemon, SmallDiskDaemon, descriptors
from tests.support.http_files import process
from tests.support.http_hostile import HostileServer, Request, Wire

MIB = 1 << 20
CONTENT = random.Random(6).randbytes(4 * MIB)
SOON = timedelta(seconds=5)


def sized(request: Request, wire: Wire) -> None:
    start, end = request.span(len(CONTENT))
    if "range" in request.fields:
        wire.part(CONTENT, start, end, ETag='"a"')
    else:
        wire.answer(200, CONTENT, ETag='"a"')


def unsized(request: Request, wire: Wire) -> None:
    if "range" in request.fields:
        sized(request, wire)
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


async def reached(job: bgcopy.Job, *states: JobState, reason: Reason | None = None) -> JobInfo:
    async with job.watch() as changes:
        async for info in changes:
            failed = info.error is not None and info.error.reason is reason
            if info.state in states and (reason is None or failed):
                return info
            assert not info.state.final, info
    raise AssertionError("a watch ends with a final state")


@pytest.mark.mounts
@pytest.mark.parametrize("handler", [sized, unsized])
async def test_a_full_disk_waits_for_room(
    handler: Callable[[Request, Wire], None], tmp_path: Path, started: Callable[..., Any]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    flags = ["--root", f"elsewhere={elsewhere}"]
    daemon = await started(SmallDiskDaemon(6 * MIB, flags=flags))
    filler = daemon.disk / "filler"
    filler.write_bytes(bytes(4 * MIB))
    async with bgcopy.AsyncClient(daemon.target) as client:
        with HostileServer(handler) as server:
            url = f"{server.url}/file"
            job = await client.create_job(
                "small",
                [FileSpec(url, "file")],
                start=True,
                auto_complete=True,
                minimum_retry_delay=SOON,
            )
            waiting = await reached(job, JobState.TRANSIENT_ERROR, reason=Reason.DISK_FULL)
            assert "no room left" in waiting.blocked_reason
            assert waiting.next_attempt_time is not None
            kept = waiting.progress.bytes_transferred
            # Where no size was told, what had room is kept.
            assert (kept > MIB) == (handler is unsized)
            other = await client.create_job(
                "elsewhere", [FileSpec(url, "file", root="elsewhere")], start=True,
                auto_complete=True,
            )  # fmt: skip
            await reached(other, JobState.ACKNOWLEDGED)
            filler.unlink()
            await reached(job, JobState.ACKNOWLEDGED)
            assert (daemon.disk / "file").read_bytes() == CONTENT
            if handler is unsized:
                assert max(request.start or 0 for request in server.requests) > MIB
    assert (elsewhere / "file").read_bytes() == CONTENT


@pytest.mark.mounts
async def test_a_read_only_root_waits_until_it_is_not(started: Callable[..., Any]) -> None:
    daemon = await started(SmallDiskDaemon(6 * MIB, read_only=True))
    async with bgcopy.AsyncClient(daemon.target) as client:
        with HostileServer(sized) as server:
            job = await client.create_job(
                "read-only", [FileSpec(f"{server.url}/file", "deep/file")], start=True,
                minimum_retry_delay=SOON,
            )  # fmt: skip
            waiting = await reached(job, JobState.TRANSIENT_ERROR, reason=Reason.DISK_ERROR)
            assert "Read-only" in waiting.blocked_reason
            daemon.remount("rw")
            await reached(job, JobState.TRANSFERRED)
            daemon.remount("ro")
            with pytest.raises(bgcopy.BgcopyError) as refused:
                await job.complete()
            assert "Read-only" in str(refused.value)
            assert not (daemon.disk / "deep" / "file").exists()
            daemon.remount("rw")
            await job.complete()
    assert (daemon.disk / "deep" / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("handler", [sized, unsized])
async def test_a_file_larger_than_the_system_lets_it_be(
    handler: Callable[[Request, Wire], None], started: Callable[..., Any]
) -> None:
    # Blocks of 512 bytes: 2 MiB, which is more than the queue takes.
    daemon = await started(BoundedDaemon("ulimit -f 4096"))
    async with bgcopy.AsyncClient(daemon.target) as client:
        with HostileServer(handler) as server:
            job = await client.create_job(
                "bounded", [FileSpec(f"{server.url}/file", "file")], start=True
            )
            stuck = await reached(job, JobState.ERROR)
            assert stuck.error is not None
            assert stuck.error.reason is Reason.DISK_ERROR
            assert "File too large" in stuck.error.message
            await job.cancel()
        with HostileServer(lambda _, wire: wire.answer(200, CONTENT[:MIB])) as server:
            small = await client.create_job(
                "small", [FileSpec(f"{server.url}/file", "small")], start=True, auto_complete=True
            )
            await reached(small, JobState.ACKNOWLEDGED)
    assert [path.name for path in daemon.root_dir.iterdir()] == ["small"]
    assert (daemon.root_dir / "small").read_bytes() == CONTENT[:MIB]


@pytest.mark.timeout(600)
async def test_ten_thousand_files_with_few_open(
    tmp_path: Path, started: Callable[..., Any]
) -> None:
    count, batch = 10_000, 2_500
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_bytes(CONTENT[:100])
    most = 0
    daemon = await started(DaemonProcess(flags=["--files-in-parallel", "32"]))
    async with (
        process(source) as url,
        bgcopy.AsyncClient(daemon.target) as client,
    ):
        job = await client.create_job("many")
        for first in range(0, count, batch):
            await job.add_files(
                [FileSpec(f"{url}/file", f"d{n % 100}/f{n}") for n in range(first, first + batch)]
            )
        before = descriptors(daemon.pid)
        await job.resume()
        async with job.watch() as changes:
            async for info in changes:
                most = max(most, descriptors(daemon.pid))
                assert info.state is not JobState.ERROR, info
                if info.state is JobState.TRANSFERRED:
                    break
        assert info.progress.files_transferred == count
        await job.complete()
    assert most - before < 150
    places = [path for path in daemon.root_dir.rglob("*") if path.is_file()]
    assert len(places) == count
    assert all(path.stat().st_size == 100 for path in places)
