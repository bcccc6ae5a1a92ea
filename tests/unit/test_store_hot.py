"""Jobs that the store holds in memory are never older than the last commit that it told of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.job import Job, JobState, Progress
from bgcopyd.queue.storage import StoreUnavailable, Tx
from bgcopyd.store.hot_jobs import HotJobs
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import add, new_job


def test_the_job_that_was_used_longest_ago_is_let_go() -> None:
    first, second, third = new_job(), new_job(), new_job()
    hot = HotJobs(kept=2)
    hot.keep(first)
    hot.keep(second)
    assert hot.get(first.job_id) is first
    hot.keep(third)
    assert hot.get(second.job_id) is None
    assert hot.get(first.job_id) is first
    hot.forget([first.job_id, second.job_id])
    assert hot.get(first.job_id) is None
    assert hot.get(third.job_id) is third


WRITES: dict[str, Callable[[Tx, Job], Any]] = {
    "update": lambda tx, job: tx.update_job(replace(job, display_name="other")),
    "owner": lambda tx, job: tx.update_job(replace(job, owner="user:bert")),
    "progress": lambda tx, job: tx.set_progress(job.job_id, Progress(5, 9, 1, 0)),
    "delete": lambda tx, job: tx.delete_job(job.job_id),
    "expire": lambda tx, _: tx.expire(9.0),
}


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("write", WRITES)
async def test_a_change_is_seen_by_whoever_asked_before(
    tmp_path: Path, write: str, *, durable: bool, brief: bool
) -> None:
    store = await SQLiteStore.open(tmp_path)
    job = await add(store, new_job(state=JobState.CANCELLED, due=8.0))
    assert await store.job(job.job_id) == job
    await store.transact(lambda tx: WRITES[write](tx, job), durable=durable, brief=brief)
    after = await store.job(job.job_id)
    await store.close()
    store = await SQLiteStore.open(tmp_path)
    assert after == await store.job(job.job_id)
    assert after != job
    await store.close()


async def test_a_refused_change_leaves_the_job_as_it_is(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    job = await add(store, new_job())
    assert await store.job(job.job_id) == job

    def refused(tx: Tx) -> None:
        tx.update_job(replace(job, display_name="other"))
        raise LookupError

    with pytest.raises(LookupError):
        await store.transact(refused, brief=True)
    assert await store.job(job.job_id) == job
    await store.close()


async def test_a_closed_store_answers_nothing(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    job = await add(store, new_job())
    assert await store.job(job.job_id) == job
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.job(job.job_id)
    with pytest.raises(StoreUnavailable):
        await store.token(b"\x01" * 32)
