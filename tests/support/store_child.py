"""A process that creates jobs until it is killed, and says which ones it was promised.

Usage: python -m tests.support.store_child STATE_DIR [LARGEST_FILE_IN_BYTES]
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path

from bgcopyd.queue.storage import Store, StoreUnavailable
from bgcopyd.store.directory import StateDirectory
from tests.support.store_values import add, new_file, new_job
from tests.support.stores import BriefStore

CALLERS = 8


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _create(store: Store) -> None:
    while True:
        job = new_job(description="x" * 500)
        await add(store, job, new_file(job))
        # Only what has left the process counts as acknowledged.
        _say(job.job_id)


async def _fill(state_dir: Path, largest: int) -> None:
    """Writes until the disk takes no more, then shows that the store still works."""
    store = await BriefStore.open(state_dir)
    # A file beyond the limit is EFBIG instead of a signal: what a full disk looks like.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    results = await asyncio.gather(
        *[_create(store) for _ in range(CALLERS)], return_exceptions=True
    )
    assert all(isinstance(result, StoreUnavailable) for result in results), results
    _say("full")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    job = new_job()
    await add(store, job)
    _say(f"{job.job_id} again")
    await store.close()


async def _run(state_dir: Path) -> None:
    store = await BriefStore.open(state_dir)
    _say("ready")
    await asyncio.gather(*[_create(store) for _ in range(CALLERS)])


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    with StateDirectory(directory):
        if len(sys.argv) > 2:
            asyncio.run(_fill(directory, int(sys.argv[2])))
        else:
            asyncio.run(_run(directory))
