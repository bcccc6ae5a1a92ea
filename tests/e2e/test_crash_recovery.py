"""Kills at chosen moments, and what clients notice of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

import bgcopy
from bgcopy import FileSpec, JobState
from tests.support.daemon import DaemonProcess
from tests.support.site import Site, content

MIB = 1 << 20
# transfer.md: a crash loses at most the larger of 4 MiB and what arrived in a second (and a sync).
LOST_AT_MOST = 4 * MIB
# What the server has handed to the kernel and the daemon has not read.
ON_ITS_WAY = MIB
# Size of a file that stands at a target already; not that of what replaces it.
OLDER = 5

MakeDaemon = Callable[..., DaemonProcess]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.mark.parametrize("connections", [1, 4])
async def test_resume_loses_no_more_than_allowed(
    connections: int, site: Site, make_daemon: MakeDaemon
) -> None:
    """Of a file, however many connections bring it."""
    kills, size, rate = 3, 40 * MIB, 8 * MIB // connections
    loss = max(LOST_AT_MOST, connections * rate * 3 // 2) + connections * ON_ITS_WAY
    daemon = await make_daemon(flags=(f"--segments-per-file={connections}",)).start()
    async with bgcopy.AsyncClient(daemon.target) as client:
        job = await client.create_job(
            "big", [FileSpec(site.url("big", size, rate=rate), "big")], start=True
        )
        for number in range(kills):
            mark = (number + 1) * size // (kills + 1)
            async with job.watch() as changes:
                async for info in changes:
                    if info.progress.bytes_transferred >= mark:
                        break
            await daemon.restart()
        await job.wait(45)
        await job.complete()
    assert (daemon.root_dir / "big").read_bytes() == content("big", size)
    asked = (await site.stats())["big"]
    assert asked.bytes <= size + kills * loss
    assert asked.starts[0] == 0
    # Each time it went on from behind the last claim, never from the start.
    assert 0 not in asked.starts[1:]
    if connections == 1:
        assert len(asked.starts) <= kills + 1
        for number, start in enumerate(asked.starts[1:]):
            assert start >= (number + 1) * size // (kills + 1) - loss


@pytest.mark.parametrize("named", [1, 60, 200])
async def test_kill_in_the_middle_of_complete(
    named: int, site: Site, daemon: DaemonProcess
) -> None:
    count = 300
    for number in range(count):
        path = daemon.root_dir / "many" / str(number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(OLDER))
    target = daemon.root_dir / "many" / str(named)
    async with bgcopy.AsyncClient(daemon.target) as client:
        files = [FileSpec(site.url(f"{one}", 512), f"many/{one}") for one in range(count)]
        job = await client.create_job("many", files, start=True)
        await job.wait(30)
        complete = asyncio.create_task(job.complete())
        try:
            # The renames come by index: this many are done, the others most likely not.
            while target.stat().st_size == OLDER and not complete.done():  # noqa: ASYNC110 - a file
                await asyncio.sleep(0)
            await daemon.kill()
        finally:
            complete.cancel()
            await asyncio.wait([complete])
        await daemon.start()
        async with job.watch() as changes:
            async for info in changes:
                assert info.state in {JobState.TRANSFERRED, JobState.ACKNOWLEDGED}
                if info.state is JobState.TRANSFERRED and not info.state.final:
                    await job.complete()
        assert (await job.info()).state is JobState.ACKNOWLEDGED
        assert all([file.completed async for file in job.files()])
    for number in range(count):
        got = (daemon.root_dir / "many" / str(number)).read_bytes()
        assert got == content(f"{number}", 512), number
    assert not list(daemon.root_dir.rglob(".*"))


async def test_watch_and_wait_survive_restarts(site: Site, daemon: DaemonProcess) -> None:
    seen: list[bgcopy.JobInfo] = []
    restarts = 0
    async with bgcopy.AsyncClient(daemon.target) as client:
        job = await client.create_job(
            "w", [FileSpec(site.url("w", 6 * MIB, rate=3 * MIB), "w")], start=True
        )
        waiting = asyncio.create_task(job.wait(45))
        async with job.watch() as changes:
            async for info in changes:
                seen.append(info)
                if info.state is JobState.TRANSFERRING and restarts < 3:
                    restarts += 1
                    await daemon.restart()
                if info.state is JobState.TRANSFERRED:
                    break
        assert (await waiting).state is JobState.TRANSFERRED
    assert restarts == 3
    revisions = [info.revision for info in seen]
    assert revisions == sorted(revisions)


async def test_watch_of_all_jobs_has_no_gap_over_a_crash(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client, client.watch_jobs() as events:
        async for event in events:
            if isinstance(event, bgcopy.SnapshotComplete):
                break
        before = await client.create_job("before")
        await daemon.restart()
        after = await client.create_job("after")
        told: set[str] = set()
        async for event in events:
            if isinstance(event, bgcopy.JobChanged):
                told.add(event.job.job_id)
            if {before.job_id, after.job_id} <= told:
                break


async def test_what_a_crash_cut_off_goes_on_by_itself(site: Site, daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client:
        job = await client.create_job(
            "auto",
            [FileSpec(site.url("auto", 6 * MIB, rate=4 * MIB), "auto")],
            start=True,
            auto_complete=True,
        )
        paused = await client.create_job("paused", [FileSpec(site.url("p", 10), "p")])
        async with job.watch() as changes:
            async for info in changes:
                if info.state is JobState.TRANSFERRING:
                    break
        await daemon.restart()
        assert (await job.wait(30)).state is JobState.ACKNOWLEDGED
        assert (await paused.info()).state is JobState.SUSPENDED
    assert (daemon.root_dir / "auto").read_bytes() == content("auto", 6 * MIB)
