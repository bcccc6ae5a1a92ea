"""M1, M2 and what an idle daemon costs."""

from __future__ import annotations

import asyncio
import time

from tests.bench.report import Check, Measure, Result
from tests.bench.setup import Scale, cpu_seconds, memory_mib
from tests.bench.stored import stored_jobs
from tests.support.daemon import DaemonProcess

SETTLE = 1.0
IDLE = 5.0


async def memory(scale: Scale) -> Result:
    """M1, and the processor that doing nothing takes."""
    result = Result("M1", "memory of a daemon that has nothing to do")
    directory = scale.directory / "m1"
    directory.mkdir()
    async with DaemonProcess(directory) as daemon:
        await asyncio.sleep(SETTLE)
        idle = memory_mib(daemon.pid)
        cpu = cpu_seconds(daemon.pid)
        await asyncio.sleep(IDLE)
        share = (cpu_seconds(daemon.pid) - cpu) / IDLE
    stored = await stored_jobs(scale)
    async with DaemonProcess(stored.directory) as daemon:
        await asyncio.sleep(SETTLE)
        full = memory_mib(daemon.pid)
    result.measures.append(Measure(f"processor while idle, over {IDLE:g} s", "%", [share * 100]))
    result.checks = [
        Check("no jobs", [idle], 80, unit="MiB", exact=True),
        Check(f"{scale.stored_jobs:,} jobs stored", [full], 120, unit="MiB", exact=True),
    ]
    return result


async def start(scale: Scale) -> Result:
    """M2: until the daemon tells its manager that it is ready."""
    result = Result("M2", f"start with {scale.stored_jobs:,} jobs stored, until ready")
    stored = await stored_jobs(scale)
    clean: list[float] = []
    crashed: list[float] = []
    for _ in range(scale.rounds):
        for after_crash, times in ((False, clean), (True, crashed)):
            daemon = DaemonProcess(stored.directory)
            try:
                begun = time.perf_counter()
                await daemon.start()
                times.append(time.perf_counter() - begun)
                if after_crash:
                    await daemon.terminate()
            finally:
                # Killed here: the start that comes next is one after a crash.
                await daemon.close()
    result.checks = [
        Check("after a clean end", clean, 3.0, unit="s"),
        Check("after kill -9", crashed, 3.0, unit="s"),
    ]
    result.notes.append("the file is in the page cache")
    return result
