"""R4: many watches, half of them never read."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import bgcopy
from tests.bench.report import Check, Measure, Result
from tests.bench.setup import Scale, memory_mib, python_module
from tests.support.daemon import DaemonProcess

CHANGES = 60
INTERVAL = 0.1
SETTLE = 1.0
LONGEST = 300.0


async def fan_out(scale: Scale) -> Result:
    """R4."""
    counts = " and ".join(f"{one:,}" for one in scale.watchers)
    result = Result("R4", f"WatchJobs, {counts} watchers, half never reading")
    for count in scale.watchers:
        memory, lags = [], []
        for number in range(max(1, scale.rounds // 2)):
            directory = scale.directory / f"r4-{count}-{number}"
            directory.mkdir()
            async with asyncio.timeout(LONGEST):
                kib, lag = await _round(directory, count)
            memory.append(kib)
            lags.append(sorted(lag))
        p50 = [one[len(one) // 2] * 1e3 for one in lags]
        p99 = [one[len(one) * 99 // 100] * 1e3 for one in lags]
        result.measures.append(Measure(f"{count:,} watchers: p50 until told", "ms", p50))
        result.checks += [
            Check(f"{count:,} watchers: memory of each", memory, 50, unit="KiB"),
            Check(f"{count:,} watchers: p99 from the call until told", p99, 250, unit="ms"),
        ]
    result.notes.append(f"{CHANGES} changes, one each {INTERVAL:g} s, told to every reader")
    return result


async def _round(directory: Path, count: int) -> tuple[float, list[float]]:
    """KiB per watcher after all changes, and seconds from each call until each reader knew."""
    flags = ["--watches-per-owner", str(count)]
    async with (
        DaemonProcess(directory, flags=flags) as daemon,
        bgcopy.AsyncClient(daemon.target) as client,
    ):
        await client.create_job("first")
        await asyncio.sleep(SETTLE)
        before = memory_mib(daemon.pid)
        process = await asyncio.create_subprocess_exec(
            *python_module("tests.bench.watchers"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 30,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        order = {"target": daemon.target, "watchers": count, "readers": count // 2}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the watchers failed")
        called = {}
        for number in range(CHANGES):
            begun = time.monotonic()
            job = await client.create_job(f"change {number}")
            called[job.job_id] = begun
            await asyncio.sleep(max(0.0, begun + INTERVAL - time.monotonic()))
        await asyncio.sleep(SETTLE)
        memory = (memory_mib(daemon.pid) - before) * 1024 / count
        out, _ = await process.communicate(b"")
    told = json.loads(out)
    for job_id in called:
        if len(told.get(job_id, ())) < count // 2:
            raise RuntimeError(f"{len(told.get(job_id, ()))} of {count // 2} readers were told")
    return memory, [at - begun for one, begun in called.items() for at in told[one]]
