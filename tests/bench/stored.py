"""A queue with a million jobs in it, made once and kept for later runs."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bgcopyd.store
from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.jobs.job import Job, JobState, Progress
from bgcopyd.queue.storage import Tx
from bgcopyd.store.sqlite import SQLiteStore
from tests.bench.setup import Scale
from tests.support.daemon import DaemonProcess

OWNER = "user:bench"
BATCH = 5000
# Of so many jobs one waits, suspended; the others are history that has not expired.
LIVE_EACH = 10
_SEED = 20
_BORN = datetime(2026, 1, 1, tzinfo=UTC)
_EXPIRES = datetime(2099, 1, 1, tzinfo=UTC)
_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A daemon's directory with `count` jobs of OWNER, and a token of theirs."""

    directory: Path
    count: int
    token: str

    def sample(self, count: int, *, offset: int = 0) -> list[str]:
        """Ids of jobs, evenly out of all; other ones for each offset below the step."""
        step = max(1, self.count // count)
        return [job_id for place, job_id in enumerate(_ids(self.count)) if place % step == offset]


async def stored_jobs(scale: Scale) -> Stored:
    """The queue, from the cache where the store has not changed since."""
    directory = scale.cache / f"{scale.stored_jobs}-jobs-{_store_version()}"
    note = directory / "complete.json"
    if not note.exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        daemon = DaemonProcess(directory)
        try:
            # The first start makes the store.
            await daemon.start()
            await daemon.terminate()
            token = await daemon.token(OWNER.removeprefix("user:"))
        finally:
            await daemon.close()
        await _fill(daemon.state_dir, scale.stored_jobs)
        note.write_text(json.dumps({"token": token}))
    return Stored(directory, scale.stored_jobs, json.loads(note.read_text())["token"])


def _store_version() -> str:
    """Changes whenever the store's code does."""
    sources = sorted(Path(bgcopyd.store.__file__).parent.rglob("*.*"))
    digest = hashlib.sha256()
    for path in sources:
        if path.suffix in {".py", ".sql"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def _fill(state_dir: Path, count: int) -> None:
    store = await SQLiteStore.open(state_dir)
    try:
        jobs = enumerate(_ids(count))
        for start in range(0, count, BATCH):
            batch = [next(jobs) for _ in range(min(BATCH, count - start))]

            def insert(tx: Tx, batch: list[tuple[int, str]] = batch) -> None:
                for number, job_id in batch:
                    _insert(tx, number, job_id)

            await store.transact(insert)
    finally:
        await store.close()


def _insert(tx: Tx, number: int, job_id: str) -> None:
    live = number % LIVE_EACH == 0
    born = _BORN + timedelta(seconds=number)
    job = Job(
        job_id=job_id,
        owner=OWNER,
        creator=OWNER,
        display_name=f"nightly {number}",
        create_time=born,
        modification_time=born,
        etag=f"{number:08x}-1",
        state=JobState.SUSPENDED if live else JobState.ACKNOWLEDGED,
        labels={"site": f"{number % 100}"},
        progress=Progress(0, None, 1, 0) if live else Progress(_SIZE, _SIZE, 1, 1),
        transferred_time=None if live else born,
        expire_time=None if live else _EXPIRES,
    )
    tx.insert_job(job)
    path = f"{number // 1000}/{number}"
    spec = FileSpec(f"https://example.org/{path}", "default", path, f"/bench/{path}")
    tx.insert_files(job_id, [File(job_id, 0, spec)])
    if not live:
        tx.release_destinations(job_id)


def _ids(count: int) -> Iterator[str]:
    draw = random.Random(_SEED)
    for _ in range(count):
        yield str(uuid.UUID(int=draw.getrandbits(128), version=4))
