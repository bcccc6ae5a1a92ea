"""What owners keep: files and bytes of their live jobs, as their progress tells."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from bgcopyd.jobs.job import Job, JobState, JobType, Progress
from bgcopyd.queue.storage import Kept, Store, Tx
from tests.support.store_values import ANNA, BERT, new_job
from tests.support.stores import KINDS

pytest_plugins = ["tests.support.store_kinds"]

NOTHING = Kept(0, 0)


def progress(count: int, files: int = 1) -> Progress:
    return Progress(bytes_transferred=count, files_total=files)


async def insert(store: Store, job: Job) -> None:
    await store.transact(lambda tx: tx.insert_job(job))


async def count(store: Store, job_id: str, after: Progress) -> None:
    await store.transact(lambda tx: tx.set_progress(job_id, after))


async def remove(store: Store, job_id: str) -> None:
    await store.transact(lambda tx: tx.delete_job(job_id))


async def kept(store: Store, owner: str = ANNA) -> Kept:
    return await store.transact(lambda tx: tx.kept(owner))


async def test_jobs_come_and_go(store: Store) -> None:
    assert await kept(store) == NOTHING
    one = new_job(progress=progress(5, 2))
    await insert(store, one)
    await insert(store, new_job(BERT, progress=progress(70, 9)))
    assert await kept(store) == Kept(2, 5)
    await count(store, one.job_id, progress(60, 3))
    assert await kept(store) == Kept(3, 60)
    assert await kept(store, BERT) == Kept(9, 70)

    def given(tx: Tx) -> Job:
        known = tx.job(one.job_id)
        assert known is not None
        return tx.update_job(replace(known, owner=BERT))

    await store.transact(given)
    assert (await kept(store), await kept(store, BERT)) == (NOTHING, Kept(12, 130))

    def ended(tx: Tx) -> Job:
        known = tx.job(one.job_id)
        assert known is not None
        return tx.update_job(replace(known, state=JobState.CANCELLED))

    await store.transact(ended)
    assert await kept(store, BERT) == Kept(9, 70)
    await remove(store, one.job_id)
    assert await kept(store, BERT) == Kept(9, 70)


async def test_uploads_keep_files_and_no_bytes(store: Store) -> None:
    for kind in (JobType.UPLOAD, JobType.UPLOAD_REPLY):
        job = new_job(type=kind, progress=progress(5))
        await insert(store, job)
    assert await kept(store) == Kept(2, 0)


@pytest.mark.parametrize("asked", [True, False])
async def test_what_is_undone_does_not_count(store: Store, asked: bool) -> None:  # noqa: FBT001
    await insert(store, new_job(progress=progress(5)))
    if asked:
        assert await kept(store) == Kept(1, 5)

    def breaks(tx: Tx) -> None:
        job = tx.insert_job(new_job(progress=progress(7)))
        assert tx.kept(ANNA) == Kept(2, 12)
        tx.set_progress(job.job_id, progress(9))
        raise ValueError

    with pytest.raises(ValueError):
        await store.transact(breaks)
    assert await kept(store) == Kept(1, 5)


@pytest.mark.parametrize("kind", KINDS)
async def test_any_history_adds_up(tmp_path: Path, kind: str) -> None:
    chance = random.Random(5)
    store = await KINDS[kind](tmp_path)
    jobs: dict[str, tuple[str, Kept]] = {}
    owners = (ANNA, BERT)
    for _ in range(200):
        match chance.randrange(5):
            case 0 | 1:
                job = new_job(chance.choice(owners), progress=progress(chance.randrange(99), 3))
                await insert(store, job)
                jobs[job.job_id] = (job.owner, Kept(3, job.progress.bytes_transferred))
            case 2 | 3 if jobs:
                job_id, size = chance.choice(list(jobs)), chance.randrange(99)
                await count(store, job_id, progress(size, 4))
                jobs[job_id] = (jobs[job_id][0], Kept(4, size))
            case 4 if jobs:
                job_id = chance.choice(list(jobs))
                await remove(store, job_id)
                del jobs[job_id]
        owner = chance.choice(owners)
        own = [kept for whose, kept in jobs.values() if whose == owner]
        expected = Kept(sum(one.files for one in own), sum(one.bytes for one in own))
        assert await kept(store, owner) == expected
    await store.close()
