"""More calls and watches at once than a connection has streams."""

from __future__ import annotations

import asyncio

import bgcopy
from tests.support.daemon import DaemonProcess

CROWD = 150


async def test_a_crowd_of_calls_on_one_client(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client:

        async def customer(number: int) -> None:
            for turn in range(3):
                job = await client.create_job(f"{number}-{turn}")
                assert (await job.info()).state is bgcopy.JobState.SUSPENDED
                await job.suspend()

        await asyncio.gather(*(customer(number) for number in range(CROWD)))


async def test_waits_leave_room_for_calls(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client:
        jobs = [await client.create_job(f"job {number}") for number in range(CROWD)]
        waits = [asyncio.create_task(job.wait()) for job in jobs]
        async with asyncio.timeout(30):
            assert (await client.get_job(jobs[0].job_id)).display_name == "job 0"
            await asyncio.gather(*(job.cancel() for job in jobs))
            ends = await asyncio.gather(*waits, return_exceptions=True)
        assert all(isinstance(end, bgcopy.JobCancelled) for end in ends)
