"""The change feed: order, pages, tombstones, history that is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.job import Job, JobState, Progress
from bgcopyd.queue.storage import Changes, Position, Store, Tombstone, Tx
from tests.support.store_values import ANNA, BERT, STEADY, add, change, new_job

pytest_plugins = ["tests.support.store_kinds"]


async def test_a_new_store_stands_at_zero(store: Store) -> None:
    position = await store.position()
    assert (position.newest, position.oldest) == (0, 0)
    assert len(position.store_id) >= 16
    assert await store.changes(0) == Changes((), (), 0)


async def test_a_job_stands_where_it_last_changed(store: Store) -> None:
    one, two = await add(store, new_job()), await add(store, new_job())
    one = await change(store, one.job_id, display_name="new")
    assert await store.changes(0) == Changes((two, one), (), 3)
    assert await store.changes(2) == Changes((one,), (), 3)
    assert await store.changes(3) == Changes((), (), 3)


async def test_a_deleted_job_leaves_a_tombstone(store: Store) -> None:
    job = await add(store, new_job(state=JobState.CANCELLED, due=STEADY))
    gone = await add(store, new_job(BERT))
    await store.transact(lambda tx: tx.delete_job(gone.job_id))
    await store.transact(lambda tx: tx.expire(STEADY))
    tombstones = (Tombstone(gone.job_id, BERT, 3), Tombstone(job.job_id, ANNA, 4))
    assert await store.changes(0) == Changes((), tombstones, 4)
    assert await store.changes(3) == Changes((), tombstones[1:], 4)


async def test_the_former_owner_is_told(store: Store) -> None:
    job = await add(store, new_job(ANNA))
    taken = await change(store, job.job_id, owner=BERT)
    assert await store.changes(1) == Changes((taken,), (Tombstone(job.job_id, ANNA, 2, True),), 2)
    assert taken.creator == ANNA


async def test_pages_have_no_gap_and_no_repetition(store: Store) -> None:
    jobs = [await add(store, new_job()) for _ in range(12)]
    for job in jobs[::3]:
        await store.transact(lambda tx, job=job: tx.delete_job(job.job_id))  # type: ignore[misc] # a default pins the value
    await change(store, jobs[1].job_id, owner=BERT)
    whole = await store.changes(0)
    for limit in (1, 2, 5):
        seen_jobs: list[Job] = []
        seen_gone: list[Tombstone] = []
        position = 0
        while True:
            part = await store.changes(position, limit=limit)
            numbers = {job.change_seq for job in part.jobs}
            numbers |= {gone.change_seq for gone in part.tombstones}
            assert len(numbers) <= limit
            seen_jobs += part.jobs
            seen_gone += part.tombstones
            if not numbers:
                break
            assert position < min(numbers)
            assert max(numbers) <= part.position
            position = part.position
        assert Changes(tuple(seen_jobs), tuple(seen_gone), position) == whole


async def test_trimmed_history_moves_the_oldest_position(store: Store) -> None:
    for _ in range(5):
        job = await add(store, new_job())
        await store.transact(lambda tx, job=job: tx.delete_job(job.job_id))  # type: ignore[misc] # a default pins the value
    await store.transact(lambda tx: tx.trim_history(9))
    assert (await store.position()).oldest == 0
    await store.transact(lambda tx: tx.trim_history(2))
    position = await store.position()
    assert (position.newest, position.oldest) == (10, 6)
    assert [entry.change_seq for entry in (await store.changes(6)).tombstones] == [8, 10]
    await store.transact(lambda tx: tx.trim_history(0))
    assert (await store.position()) == Position(position.store_id, 10, 10)
    added = await add(store, new_job())
    assert added.change_seq == 11


async def test_callers_on_commit_hear_the_newest_number_once(store: Store) -> None:
    heard: list[int] = []
    store.on_commit(heard.append)
    jobs = await asyncio.gather(*[add(store, new_job()) for _ in range(9)])
    assert heard[-1] == 9
    assert heard == sorted(set(heard))
    silent = len(heard)
    await store.transact(lambda tx: tx.job(jobs[0].job_id))
    await store.transact(lambda tx: tx.set_progress(jobs[0].job_id, Progress(1)))
    with pytest.raises(ZeroDivisionError):
        await store.transact(lambda tx: (tx.insert_job(new_job()), 1 // 0))
    assert len(heard) == silent


async def test_what_was_told_can_be_read(store: Store) -> None:
    """At the call-back the change is there for every kind of read."""
    job = new_job()
    seen: list[asyncio.Task[Changes]] = []
    store.on_commit(lambda newest: seen.append(asyncio.ensure_future(store.changes(newest - 1))))
    added = await add(store, job)
    assert (await seen[0]).jobs == (added,)


_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "touch", "take", "delete"]), st.integers(0, 5)), max_size=25
)


def _act(tx: Tx, ids: list[str], verb: str, choice: int) -> None:
    if verb == "add":
        ids.append(tx.insert_job(new_job()).job_id)
    elif ids and verb == "delete":
        tx.delete_job(ids.pop(choice % len(ids)))
    elif ids:
        job = tx.job(ids[choice % len(ids)])
        assert job is not None
        tx.update_job(replace(job, owner=BERT) if verb == "take" else job)


async def _follow(store: Store, mirror: dict[str, Job], position: int) -> None:
    while (part := await store.changes(position, limit=3)).position != position:
        entries: list[Job | Tombstone] = [*part.jobs, *part.tombstones]
        for entry in sorted(entries, key=lambda one: one.change_seq):
            if isinstance(entry, Tombstone):
                if not entry.owner_changed:
                    mirror.pop(entry.job_id, None)
            else:
                mirror[entry.job_id] = entry
        position = part.position


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_STEPS)
async def test_whoever_follows_the_feed_has_every_job(
    store: Store, steps: list[tuple[str, int]]
) -> None:
    """Whatever happens, a follower from any position ends with the jobs there are."""
    before = await store.changes(0, limit=100_000)
    mirror = {job.job_id: job for job in before.jobs}

    def run(tx: Tx) -> None:
        ids = list(before_ids)
        for verb, choice in steps:
            _act(tx, ids, verb, choice)

    before_ids = tuple(mirror)
    await store.transact(run)
    await _follow(store, mirror, before.position)
    whole = await store.changes(0, limit=100_000)
    assert mirror == {job.job_id: job for job in whole.jobs}
