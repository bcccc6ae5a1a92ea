"""1,000 watches, half of which are never read, and the others miss nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import psutil
import pytest

import bgcopy
from tests.bench.watchers import Order, open_all
from tests.support.daemon import DaemonProcess

WATCHES, READERS = 1000, 500
CHANGES = 40
# Twice the budget R4: what is sent to nobody must not pile up.
MOST_BYTES_EACH = 100 << 10


@pytest.mark.timeout(600)
async def test_a_thousand_watches(make_daemon: Callable[..., DaemonProcess]) -> None:
    daemon = await make_daemon().start()
    process = psutil.Process(daemon.pid)
    told: dict[str, list[float]] = defaultdict(list)
    async with bgcopy.AsyncClient(daemon.target) as client:
        job = await client.create_job("first")
        before = process.memory_info().rss
        connections = await open_all(Order(daemon.target, WATCHES, READERS), told)
        try:
            jobs = [job.job_id]
            for number in range(CHANGES):
                # The silent half is sent ever more, and nobody waits for it.
                jobs.append((await client.create_job(f"change {number}" + "x" * 200)).job_id)
                await job.update(description=f"{number}" * 200)
            while any(len(told[job_id]) < READERS for job_id in jobs[1:]):  # noqa: ASYNC110 - another process's events
                await asyncio.sleep(0.02)
            assert (await client.get_job(job.job_id)).description == f"{CHANGES - 1}" * 200
            assert process.memory_info().rss - before < WATCHES * MOST_BYTES_EACH
        finally:
            for connection in connections:
                connection.close()
    assert "Traceback" not in daemon.log
