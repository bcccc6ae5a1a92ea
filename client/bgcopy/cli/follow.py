"""Following jobs until they come to rest."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing

from bgcopy import (
    AsyncClient,
    JobChanged,
    JobFailed,
    JobFilter,
    JobInfo,
    JobRemoved,
    WatchEvent,
    WatchOptions,
)
from bgcopy._job import is_done
from bgcopy.cli.progress import Display

_LOST = "bgcopy: the daemon does not answer any more; trying to reach it again"


def settled(info: JobInfo) -> bool:
    """Whether the job will not get further by itself."""
    try:
        return is_done(info)
    except JobFailed:
        return True


async def follow(
    client: AsyncClient, job_ids: Sequence[str], display: Display
) -> dict[str, JobInfo]:
    """Show jobs until all have come to rest; their last states.

    Raises:
        BgcopyError: a job is gone or not the caller's, or the daemon stays away.
    """
    last: dict[str, JobInfo] = {}
    waiting = set(job_ids)
    with closing(display):
        options = WatchOptions(on_lost=lambda _: display.say(_LOST))
        async with client.watch_jobs(JobFilter(job_ids=job_ids), options=options) as events:
            async for event in events:
                for info in await _news(client, event, job_ids, last):
                    last[info.job_id] = info
                    display.update(info)
                    if settled(info):
                        waiting.discard(info.job_id)
                if not waiting:
                    break
    return last


async def _news(
    client: AsyncClient,
    event: WatchEvent,
    job_ids: Sequence[str],
    last: dict[str, JobInfo],
) -> list[JobInfo]:
    """Jobs of which there is news; of what left the watch's sight the server says why."""
    if isinstance(event, JobChanged):
        return [event.job]
    if isinstance(event, JobRemoved):
        return [await client.get_job(event.job_id)]
    return [await client.get_job(job_id) for job_id in job_ids if job_id not in last]


@asynccontextmanager
async def interrupts() -> AsyncIterator[asyncio.Semaphore]:
    """A semaphore that each Ctrl-C releases once, instead of ending the command."""
    presses = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, presses.release)
    try:
        yield presses
    finally:
        loop.remove_signal_handler(signal.SIGINT)
