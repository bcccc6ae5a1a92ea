"""What the scheduler asks: whose turn it is, and what is in which state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.queue.storage import Place, Store, Tx
from tests.support.store_values import ANNA, BERT, STEADY, add, change, new_file, new_job

pytest_plugins = ["tests.support.store_kinds"]


def place(job: Job) -> Place:
    return Place(job.job_id, job.owner, job.priority, job.queue_seq)


async def test_only_queued_jobs_of_the_priority_by_place(store: Store) -> None:
    jobs = [
        await add(store, new_job(state=state, priority=priority))
        for _ in range(2)
        for state in JobState
        for priority in Priority
    ]
    for priority in Priority:
        expected = [
            place(job) for job in jobs if job.state is JobState.QUEUED and job.priority is priority
        ]
        for limit in (1, 2, 10):
            found = await store.transact(
                lambda tx, rank=priority, limit=limit: tx.queued(rank, limit)  # type: ignore[misc] # defaults pin the values
            )
            assert found == expected[:limit]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    owners=st.lists(st.integers(0, 6), max_size=20),
    moved=st.lists(st.integers(0, 19), max_size=3),
    after=st.integers(-1, 6),
    limit=st.integers(1, 8),
)
async def test_lanes_and_their_jobs(
    store: Store, owners: list[int], moved: list[int], after: int, limit: int
) -> None:
    await store.transact(_clear)
    jobs = [await add(store, new_job(f"user:{owner}", state=JobState.QUEUED)) for owner in owners]
    for number in moved:
        if number < len(jobs):
            jobs.append(await change(store, jobs[number].job_id, requeue=True))
    lanes: dict[str, list[Place]] = {}
    for job in sorted({job.job_id: job for job in jobs}.values(), key=lambda one: one.queue_seq):
        lanes.setdefault(job.owner, []).append(place(job))
    name = "" if after < 0 else f"user:{after}"
    heads = [lanes[owner][0] for owner in sorted(lanes) if owner > name]
    found = await store.transact(lambda tx: tx.lanes(Priority.NORMAL, after=name, limit=limit))
    assert found == heads[:limit]
    assert not await store.transact(lambda tx: tx.lanes(Priority.LOW, limit=limit))
    for owner, lane in lanes.items():
        for start in (0, lane[0].queue_seq, lane[-1].queue_seq):
            rest = [one for one in lane if one.queue_seq > start]
            assert rest[:limit] == await store.transact(
                lambda tx, owner=owner, start=start: tx.lane(  # type: ignore[misc] # as above
                    Priority.NORMAL, owner, after=start, limit=limit
                )
            )


def _clear(tx: Tx) -> None:
    for job in tx.jobs_in([JobState.QUEUED]):
        tx.delete_job(job.job_id)


async def test_how_many_come_first(store: Store) -> None:
    mine = [await add(store, new_job(ANNA, state=JobState.QUEUED)) for _ in range(5)]
    await add(store, new_job(BERT, state=JobState.QUEUED))
    await add(store, new_job(ANNA, state=JobState.QUEUED, priority=Priority.HIGH))
    assert [await store.ahead(job, 3) for job in mine] == [0, 1, 2, 3, 3]
    last = await change(store, mine[0].job_id, requeue=True)
    assert await store.ahead(last, 100) == 4


async def test_marks_of_the_age_say_where_the_sequence_stood(store: Store) -> None:
    assert await store.transact(lambda tx: tx.ages()) == []
    first = await store.transact(lambda tx: tx.mark_age(1.5, forget=0.0))
    job = await add(store, new_job(state=JobState.QUEUED))
    second = await store.transact(lambda tx: tx.mark_age(2.5, forget=0.0))
    third = await store.transact(lambda tx: tx.mark_age(3.5, forget=0.0))
    assert first.number < job.queue_seq <= second.number == third.number
    assert await store.transact(lambda tx: tx.ages()) == [first, second, third]
    again = await store.transact(lambda tx: tx.mark_age(3.5, forget=2.5))
    assert await store.transact(lambda tx: tx.ages()) == [second, again]


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
