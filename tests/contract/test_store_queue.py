"""What the scheduler asks: whose turn it is, and what is in which state."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.store import fairness
from tests.support.store_values import ANNA, BERT, STEADY, add, change, new_file, new_job

pytest_plugins = ["tests.support.store_kinds"]


async def queued(store: Store, limit: int, priority: Priority = Priority.NORMAL) -> list[Job]:
    return await store.transact(lambda tx: tx.queued(priority, limit))


async def test_only_queued_jobs_of_the_priority(store: Store) -> None:
    jobs = [
        await add(store, new_job(state=state, priority=priority))
        for state in JobState
        for priority in Priority
    ]
    for priority in Priority:
        expected = [
            job for job in jobs if job.state is JobState.QUEUED and job.priority is priority
        ]
        assert await queued(store, 10, priority) == expected


async def test_owners_take_turns(store: Store) -> None:
    anna = [await add(store, new_job(ANNA, state=JobState.QUEUED)) for _ in range(4)]
    bert = [await add(store, new_job(BERT, state=JobState.QUEUED)) for _ in range(2)]
    order = [anna[0], bert[0], anna[1], bert[1], anna[2], anna[3]]
    for limit in range(8):
        assert await queued(store, limit) == order[:limit]
    moved = await change(store, anna[0].job_id, requeue=True)
    assert (await queued(store, 2)) == [anna[1], bert[0]]
    assert (await queued(store, 6))[-1] == moved


@st.composite
def queues(draw: st.DrawFn) -> list[str]:
    """Owners of jobs in the order in which they were queued: floods and crowds."""
    parts = draw(
        st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), min_size=1, max_size=15)
    )
    return [f"user:{owner}" for owner, count in parts for _ in range(count)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(owners=queues(), limit=st.integers(1, 12), window=st.sampled_from([1, 4, 256]))
async def test_each_prefix_is_fair(
    store: Store, owners: list[str], limit: int, window: int
) -> None:
    """Both ways to the answer, by the oldest jobs and from owner to owner, give the same."""
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(fairness, "WINDOW", window)
        await store.transact(_clear)
        jobs = [await add(store, new_job(owner, state=JobState.QUEUED)) for owner in owners]
        turns: Counter[str] = Counter()
        dealt = []
        for job in jobs:
            dealt.append((turns[job.owner], job.queue_seq, job))
            turns[job.owner] += 1
        expected = [job for _, _, job in sorted(dealt, key=lambda entry: entry[:2])]
        assert await queued(store, limit) == expected[:limit]


def _clear(tx: Tx) -> None:
    for job in tx.jobs_in([JobState.QUEUED]):
        tx.delete_job(job.job_id)


async def test_jobs_in_states_by_creation(store: Store) -> None:
    jobs = [await add(store, new_job(state=state)) for _ in range(3) for state in JobState]
    chosen = [JobState.ERROR, JobState.QUEUED, JobState.ACKNOWLEDGED]
    expected = [job for job in jobs if job.state in chosen]

    async def found(after: int, limit: int) -> list[Job]:
        return await store.transact(lambda tx: tx.jobs_in(chosen, after=after, limit=limit))

    assert await found(0, 100) == expected
    assert await found(expected[2].seq, 4) == expected[3:7]
    assert await store.transact(lambda tx: tx.jobs_in([])) == []
    moved = await change(store, expected[0].job_id, state=JobState.TRANSFERRED)
    assert moved not in await found(0, 100)


async def test_unsettled_jobs(store: Store) -> None:
    await add(store, new_job())
    one = await add(store, new_job(cleanup=True, state=JobState.CANCELLED))
    two = await add(store, new_job(completing=True, state=JobState.TRANSFERRED))
    assert await store.transact(lambda tx: tx.unsettled()) == [one, two]
    assert await store.transact(lambda tx: tx.unsettled(1)) == [one]
    await change(store, one.job_id, cleanup=False)
    assert await store.transact(lambda tx: tx.unsettled()) == [two]


async def test_expiry_takes_final_settled_jobs_whose_time_has_come(store: Store) -> None:
    final: dict[str, Any] = {"state": JobState.ACKNOWLEDGED}
    due = [await add(store, new_job(due=STEADY, **final)) for _ in range(3)]
    kept = [
        await add(store, new_job(**final)),
        await add(store, new_job(due=STEADY + 1e-6, **final)),
        await add(store, new_job(due=STEADY, state=JobState.QUEUED)),
        await add(store, new_job(due=STEADY, cleanup=True, **final)),
    ]
    job = await add(store, replace(due[0], job_id=new_job().job_id))
    await store.transact(lambda tx: tx.insert_files(job.job_id, [new_file(job)]))
    assert await store.transact(lambda tx: tx.expire(STEADY, 3)) == 3
    assert await store.transact(lambda tx: tx.expire(STEADY, 3)) == 1
    assert await store.transact(lambda tx: tx.expire(STEADY, 3)) == 0
    for one in kept:
        assert await store.job(one.job_id) == one
    for one in [*due, job]:
        assert await store.job(one.job_id) is None
        assert await store.files(one.job_id) == []
