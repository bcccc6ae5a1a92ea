"""S6: a thousand slow transfers at once: what each takes of memory, and how GetJob fares."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil

import bgcopy
from tests.bench.calls import asking_for
from tests.bench.load import run_load
from tests.bench.race import Stage, staged
from tests.bench.report import Check, Measure, Result
from tests.bench.setup import Scale, cpu_seconds, memory_mib
from tests.bench.web import fill

COUNT = 1000
_HOSTS = 4  # none has so many connections as all
_FOREGROUND = COUNT // 8  # no more than all but these may be in the background
# Each would take a quarter of an hour.
_RATE, _SIZE = 4 << 10, 4 << 20
_PATIENCE = 120.0


async def many_at_once(scale: Scale) -> Result:
    """S6."""
    result = Result("S6", f"{COUNT:,} transfers at once, each held to {_RATE >> 10} KiB/s")
    flags = (f"--files-in-parallel={COUNT}", f"--connections-per-host={COUNT // _HOSTS}")
    more = f"limit_rate {_RATE};"
    async with staged(scale, "s6", result, flags=flags, more=more) as stage:
        if stage is None:
            return result
        fill(stage.web.files / "slow", _SIZE)
        before = memory_mib(stage.daemon.pid)
        jobs = await _start(stage)
        transfers = await _until_all_run(stage)
        # What they share has grown to its size, and each has written something.
        await asyncio.sleep(scale.seconds)
        grown = memory_mib(stage.daemon.pid) - before
        cpu, begun = cpu_seconds(stage.daemon.pid), time.perf_counter()
        asking = asking_for(jobs[0].job_id, stage.daemon, scale)
        outcomes = [await run_load(asking) for _ in range(scale.rounds)]
        busy = (cpu_seconds(stage.daemon.pid) - cpu) / (time.perf_counter() - begun)
        for job in jobs:
            await job.cancel()
    result.measures.append(Measure("transfers that ran", "", [transfers]))
    result.measures.append(Measure("daemon's cores busy meanwhile", "", [busy]))
    result.checks = [
        Check("memory of each", [grown * 1024 / transfers], 64, unit="KiB", exact=True),
        Check("GetJob p99 meanwhile", [one.p99 * 1e3 for one in outcomes], 25, unit="ms"),
    ]
    return result


async def _start(stage: Stage) -> list[bgcopy.Job]:
    place: Path = stage.place
    specs = []
    for number in range(COUNT):
        url = stage.web.url.replace("127.0.0.1", f"127.0.0.{1 + number % _HOSTS}")
        specs.append(bgcopy.FileSpec(f"{url}/slow", place / f"{number}", root="fs"))
    first, rest = specs[:_FOREGROUND], specs[_FOREGROUND:]
    create, urgent = stage.client.create_job, bgcopy.Priority.FOREGROUND
    return [
        await create("slow", rest, start=True),
        await create("urgent", first, start=True, priority=urgent),
    ]


async def _until_all_run(stage: Stage) -> int:
    """How many run, when it is all of them or no more come."""
    process = psutil.Process(stage.daemon.pid)
    deadline = time.perf_counter() + _PATIENCE
    port = int(stage.web.url.rpartition(":")[2])
    while True:
        running = sum(
            one.status == psutil.CONN_ESTABLISHED and one.raddr.port == port
            for one in process.net_connections("tcp")
        )
        if running >= COUNT or time.perf_counter() > deadline:
            return running
        await asyncio.sleep(0.2)
