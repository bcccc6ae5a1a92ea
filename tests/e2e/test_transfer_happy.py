"""Downloads through the whole daemon that go as they should."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import bgcopy
from bgcopy import FileSpec, JobState, Priority, Reason, Verification
from tests.support.daemon import DaemonProcess
from tests.support.site import Site, content

MIB = 1 << 20

MakeDaemon = Callable[..., DaemonProcess]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[bgcopy.AsyncClient]:
    async with bgcopy.AsyncClient(daemon.target) as connected:
        yield connected


async def until(job: bgcopy.Job, wanted: Callable[[bgcopy.JobInfo], bool]) -> bgcopy.JobInfo:
    async with job.watch() as changes:
        async for info in changes:
            if wanted(info):
                return info
    raise AssertionError("the job ended otherwise")


def left_over(root: Path) -> list[Path]:
    """Partial files."""
    return list(root.rglob(".*"))


async def test_several_files_get_their_names_with_complete(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    sizes = {"empty": 0, "one": 1, "some": 100_000, "more": 3 * MIB}
    files = [
        FileSpec(
            site.url(name, size),
            f"new/{name}/{name}.bin",
            hashlib.sha256(content(name, size)).hexdigest(),
        )
        for name, size in sizes.items()
    ]
    job = await client.create_job("several", files, start=True)
    info = await job.wait(30)
    assert info.state is JobState.TRANSFERRED
    assert info.progress.bytes_transferred == info.progress.bytes_total == sum(sizes.values())
    assert info.progress.files_transferred == len(sizes)
    assert not [path for path in daemon.root_dir.rglob("*.bin") if path.name[0] != "."]
    assert (await job.complete()).state is JobState.ACKNOWLEDGED
    for name, size in sizes.items():
        got = (daemon.root_dir / "new" / name / f"{name}.bin").read_bytes()
        assert got == content(name, size), name
    found = [file async for file in job.files()]
    assert all(file.completed for file in found)
    assert {file.verification for file in found} == {Verification.DIGEST}
    assert not left_over(daemon.root_dir)


async def test_completes_by_itself(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    spec = FileSpec(site.url("auto", MIB), "auto")
    job = await client.create_job("auto", [spec], start=True, auto_complete=True)
    assert (await job.wait(30)).state is JobState.ACKNOWLEDGED
    assert (daemon.root_dir / "auto").read_bytes() == content("auto", MIB)
    assert not left_over(daemon.root_dir)


async def test_replaces_what_stood_there_with_complete_and_not_before(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    target = daemon.root_dir / "old"
    target.write_bytes(b"as it was")
    job = await client.create_job("new", [FileSpec(site.url("old", 1000), "old")], start=True)
    await job.wait(30)
    assert target.read_bytes() == b"as it was"
    await job.complete()
    assert target.read_bytes() == content("old", 1000)


async def test_wrong_digest_is_never_a_finished_file(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    spec = FileSpec(site.url("wrong", MIB), "wrong", "00" * 32)
    job = await client.create_job("wrong", [spec], start=True, auto_complete=True)
    with pytest.raises(bgcopy.TransferFailed):
        await job.wait(30)
    info = await job.info()
    assert info.state is JobState.ERROR
    assert info.error is not None
    assert info.error.reason is Reason.DIGEST_MISMATCH
    assert info.error.file_index == 0
    with pytest.raises(bgcopy.JobNotTransferred):
        await job.complete()
    await job.cancel()
    assert not [path for path in daemon.root_dir.rglob("*") if path.is_file()]


async def test_cancel_leaves_nothing_and_nothing_comes_after_it(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    spec = FileSpec(site.url("gone", 8 * MIB, rate=4 * MIB), "gone")
    job = await client.create_job("gone", [spec], start=True)
    await until(job, lambda info: info.progress.bytes_transferred > 0)
    assert (await job.cancel()).state is JobState.CANCELLED
    assert not [path for path in daemon.root_dir.rglob("*") if path.is_file()]
    # What the server sends after it would be written within this other download.
    other = await client.create_job(
        "other", [FileSpec(site.url("other", 2 * MIB, rate=4 * MIB), "other")], start=True
    )
    await other.wait(30)
    await other.cancel()
    assert not [path for path in daemon.root_dir.rglob("*") if path.is_file()]


async def test_resumed_from_where_it_was_suspended(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    size = 8 * MIB
    job = await client.create_job(
        "paused", [FileSpec(site.url("paused", size, rate=6 * MIB), "paused")], start=True
    )
    await until(job, lambda info: info.progress.bytes_transferred > MIB)
    assert (await job.suspend()).state is JobState.SUSPENDED
    await job.resume()
    await job.wait(30)
    await job.complete()
    assert (daemon.root_dir / "paused").read_bytes() == content("paused", size)
    asked = (await site.stats())["paused"]
    assert len(asked.starts) == 2
    assert asked.starts[1] > 0
    # Stopping claims what is there; only what was on its way is sent twice.
    assert asked.bytes <= size + MIB


async def test_job_keeps_to_its_rate(site: Site, client: bgcopy.AsyncClient) -> None:
    rate = MIB
    begun = time.monotonic()
    job = await client.create_job(
        "slow",
        [FileSpec(site.url(f"slow-{one}", MIB), f"slow-{one}") for one in range(2)],
        start=True,
        max_bytes_per_second=rate,
    )
    await job.wait(30)
    # A bucket may begin full: of 2 MiB one second's worth comes at once.
    assert time.monotonic() - begun >= 0.9


async def test_four_background_jobs_run_and_foreground_passes_them(
    site: Site, client: bgcopy.AsyncClient
) -> None:
    def spec(name: str) -> FileSpec:
        return FileSpec(site.url(name, 4 * MIB, rate=256 * 1024), name)

    ranks = [Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.NORMAL, Priority.HIGH]
    background = [
        await client.create_job(f"b{place}", [spec(f"b{place}")], start=True, priority=rank)
        for place, rank in enumerate(ranks)
    ]
    # The HIGH one, though last, runs; the LOW one had to make room.
    await until(background[4], lambda info: info.progress.bytes_transferred > 0)
    low = await until(background[0], lambda info: info.state is JobState.QUEUED)
    assert low.blocked_reason
    front = await client.create_job(
        "front", [spec("front")], start=True, priority=Priority.FOREGROUND
    )
    await until(front, lambda info: info.progress.bytes_transferred > 0)
    states = [(await job.info()).state for job in [*background, front]]
    assert sum(state in {JobState.CONNECTING, JobState.TRANSFERRING} for state in states) == 5
    assert states[0] is JobState.QUEUED
    await asyncio.gather(*(job.cancel() for job in [*background, front]))
