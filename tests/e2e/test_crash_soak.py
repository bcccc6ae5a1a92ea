"""What many calls leave behind in the daemon: nothing that grows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psutil

import bgcopy
from tests.support.daemon import DaemonProcess

WATCHES = 2000
CALLS = 5000
AT_ONCE = 20
# What allocators keep for themselves; a leak of one watch or call in ten would be more.
ALLOWED_MIB = 12


def resident_mib(daemon: DaemonProcess) -> float:
    return float(psutil.Process(daemon.pid).memory_info().rss) / (1 << 20)


async def times(count: int, work: Callable[[], Awaitable[None]]) -> None:
    """Does the work so often, some at once."""

    async def one() -> None:
        for _ in range(count // AT_ONCE):
            await work()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def test_watches_and_calls_leave_nothing(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client:
        job = await client.create_job("soak")
        unknown = "00000000-0000-4000-8000-000000000000"

        async def watch() -> None:
            async with client.watch_jobs() as events:
                await anext(events)

        async def call() -> None:
            await job.info()

        async def refused() -> None:
            try:
                await client.get_job(unknown)
            except bgcopy.JobNotFound:
                return
            raise AssertionError("there is no such job")

        async def all_of_it(part: int) -> None:
            await times(WATCHES // part, watch)
            await times(CALLS // part, call)
            await times(CALLS // part // 5, refused)

        # The first ones fill caches and arenas.
        await all_of_it(10)
        before = resident_mib(daemon)
        await all_of_it(1)
        assert resident_mib(daemon) - before < ALLOWED_MIB
    assert "Traceback" not in daemon.log
