"""Leftovers of this queue's jobs go, wherever they were noted; nobody else's do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from bgcopyd.jobs.file import FileSpec
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.queue.ledger import partial_name, update_of
from bgcopyd.queue.sweeper import BATCH, SWEPT_FOR, Sweeper
from bgcopyd.store.memory import MemoryStore
from bgcopyd.transfer.disk.files import LocalFiles
from tests.support.clocks import FakeClock
from tests.support.store_values import add, change, new_file, new_id, new_job


class Place:
    """A store, a root on the disk, and a sweeper of both."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.files = LocalFiles({"default": root})
        self.sweeper = Sweeper(self.store, self.files, self.clock)

    async def job(
        self, directory: str, *, state: JobState = JobState.SUSPENDED
    ) -> tuple[Job, Path]:
        """A job with one file, of which there is a part."""
        job = new_job(state=state)
        path = f"{directory}/file"
        (self.root / directory).mkdir(exist_ok=True)
        spec = FileSpec("http://h/file", "default", path, str(self.root / f"{job.job_id}/x"))
        file = new_file(job, 0)
        await add(self.store, job, type(file)(job.job_id, 0, spec))
        partial = self.root / directory / partial_name(file)
        partial.touch()
        return job, partial

    async def note(self, *directories: str) -> None:
        noted = [("default", one) for one in directories]
        until = self.clock.steady() + SWEPT_FOR
        await self.store.transact(lambda tx: tx.note_directories(noted, until))


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    one = Place(tmp_path)
    yield one
    one.files.close()


async def test_what_has_ended_goes_and_what_lives_stays(place: Place) -> None:
    _, live = await place.job("a")
    ended, left = await place.job("a", state=JobState.CANCELLED)
    forgotten, orphan = await place.job("a", state=JobState.CANCELLED)
    await place.store.transact(lambda tx: tx.delete_job(forgotten.job_id))
    foreign = place.root / "a" / f".bgcopy-{new_id()}-0"
    foreign.touch()
    _, elsewhere = await place.job("b", state=JobState.CANCELLED)
    await place.note("a")
    assert await place.sweeper.sweep() == 2
    there = {path: path.exists() for path in (live, left, orphan, foreign, elsewhere)}
    assert there == {live: True, left: False, orphan: False, foreign: True, elsewhere: True}
    assert await place.sweeper.sweep() == 0
    await change(place.store, ended.job_id, cleanup=True)
    left.touch()
    assert await place.sweeper.sweep() == 0


async def test_a_removed_file_of_a_job_that_lives_goes(place: Place) -> None:
    job, partial = await place.job("a")
    await place.note("a")
    await place.store.transact(lambda tx: tx.remove_files(job.job_id, [0]))
    assert await place.sweeper.sweep() == 1
    assert not partial.exists()


async def test_a_volume_that_was_away_is_swept_when_it_is_back(place: Place) -> None:
    _, partial = await place.job("a", state=JobState.CANCELLED)
    await place.note("a", "never")
    (place.root / "a").rename(place.root / "away")
    assert await place.sweeper.sweep() == 0
    place.clock.true += SWEPT_FOR - 1
    (place.root / "away").rename(place.root / "a")
    assert await place.sweeper.sweep() == 1
    assert not partial.exists()
    place.clock.true += 2
    await place.sweeper.sweep()
    assert await place.store.transact(lambda tx: tx.directories()) == []


async def test_many_directories_are_swept_in_turns(place: Place) -> None:
    names = [f"d{number}" for number in range(2 * BATCH + 1)]
    for name in names:
        await place.job(name, state=JobState.CANCELLED)
    await place.note(*names)
    assert await place.sweeper.sweep() == len(names)
    assert not list(place.root.rglob(".bgcopy*"))


async def test_what_a_transfer_has_learnt_keeps_its_file(place: Place) -> None:
    job, partial = await place.job("a")
    (file,) = await place.store.files(job.job_id)
    await place.store.transact(lambda tx: tx.update_files(job.job_id, [update_of(file)]))
    await place.note("a")
    assert await place.sweeper.sweep() == 0
    assert partial.exists()
