"""What is due by the steady scale, on every store; SQLite finds it along indexes."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.jobs.upload import Upload
from bgcopyd.queue.clock import ClockMark
from bgcopyd.queue.storage import Farewell, Place, Store, Tx
from bgcopyd.store import clock_rows
from bgcopyd.store.connection import DATABASE
from bgcopyd.store.memory import MemoryStore
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import (
    ANNA,
    BERT,
    NOW,
    add,
    change,
    full_options,
    new_file,
    new_id,
    new_job,
    new_request,
)

pytest_plugins = ["tests.support.store_kinds"]

HOUR = 3600.0


def found(store: Store, look: Callable[[Tx], list[Job] | list[Place]]) -> Any:
    return store.transact(lambda tx: [job.job_id for job in look(tx)])


async def test_jobs_come_in_the_order_of_their_moments(store: Store) -> None:
    states = [JobState.TRANSIENT_ERROR, JobState.QUEUED, JobState.CONNECTING]
    jobs = [
        await add(store, new_job(state=state, due=10.0 - number))
        for number, state in enumerate(states)
    ]
    others = [
        new_job(state=JobState.TRANSIENT_ERROR),
        new_job(state=JobState.CANCELLED, due=1.0),
        new_job(state=JobState.TRANSIENT_ERROR, due=1.0, completing=True),
        new_job(state=JobState.QUEUED, due=10.001),
    ]
    for job in others:
        await add(store, job)
    ids = [job.job_id for job in reversed(jobs)]
    assert await found(store, lambda tx: tx.due(10.0)) == ids
    assert await found(store, lambda tx: tx.due(10.0, 2)) == ids[:2]
    assert await found(store, lambda tx: tx.due(7.9)) == []
    assert await found(store, lambda tx: tx.blocked()) == [others[0].job_id]


async def test_held_jobs_are_not_offered(store: Store) -> None:
    held = await add(store, new_job(state=JobState.QUEUED, due=5.0))
    free = await add(store, new_job(BERT, state=JobState.QUEUED))
    assert await offered(store) == [[free.job_id], [], [free.job_id]]
    released = await change(store, held.job_id, requeue=True, due=None)
    both = [free.job_id, released.job_id]
    assert await offered(store) == [both, [released.job_id], [released.job_id, free.job_id]]


async def offered(store: Store) -> list[list[str]]:
    """Ids of the queue, of Anna's lane, and of the lanes' first jobs by their owners' names."""

    def look(tx: Tx) -> list[list[Place]]:
        return [
            tx.queued(Priority.NORMAL, 9),
            tx.lane(Priority.NORMAL, ANNA, limit=9),
            tx.lanes(Priority.NORMAL, limit=9),
        ]

    return [[place.job_id for place in places] for places in await store.transact(look)]


@pytest.mark.parametrize("state", JobState)
async def test_who_can_miss_a_deadline_and_who_can_be_inactive(
    store: Store, state: JobState
) -> None:
    job = await add(store, new_job(state=state, deadline_due=3.0, active=4.0))
    waits = state < JobState.TRANSFERRED and state is not JobState.ERROR
    overdue = [job.job_id] if waits else []
    assert await found(store, lambda tx: tx.overdue(3.0)) == overdue
    assert await found(store, lambda tx: tx.overdue(2.9)) == []
    inactive = [job.job_id] if not state.final and not state.running else []
    assert await found(store, lambda tx: tx.inactive(4.0)) == inactive
    assert await found(store, lambda tx: tx.inactive(3.9)) == []
    await change(store, job.job_id, completing=True)
    assert await found(store, lambda tx: tx.overdue(9.0) + tx.inactive(9.0)) == []


async def test_the_next_moment_is_the_earliest_of_all_kinds(store: Store) -> None:
    def following() -> Any:
        return store.transact(lambda tx: tx.next_moment(HOUR))

    assert await following() is None
    job = await add(store, new_job(active=100.0))
    assert await following() == 100.0 + HOUR
    await add(store, new_job(state=JobState.TRANSIENT_ERROR, due=3000.0, active=100.0))
    assert await following() == 3000.0
    await add(store, new_job(deadline_due=2000.0, active=100.0))
    assert await following() == 2000.0
    await store.transact(lambda tx: tx.insert_request(new_request(job, expires=1000.0)))
    assert await following() == 1000.0
    await store.transact(lambda tx: tx.insert_request(new_request(job, "r2")))
    await store.transact(lambda tx: tx.delete_job(job.job_id))
    assert await following() == -1.0
    await store.transact(lambda tx: tx.expire(500.0))
    assert await following() == 2000.0


async def test_marks_of_the_clock(store: Store) -> None:
    assert await store.transact(lambda tx: tx.clock_mark()) is None
    for mark in (ClockMark(0.0, "", 1.0, NOW), ClockMark(1e9 + 0.25, "a-b", 0.125, NOW)):
        await store.transact(lambda tx, mark=mark: tx.set_clock_mark(mark))  # type: ignore[misc] # a default pins the value
        assert await store.transact(lambda tx: tx.clock_mark()) == mark


async def test_directories(store: Store) -> None:
    places = [("data", "ä/b"), ("data", ""), ("fs", "srv"), ("data", "a")]
    await store.transact(lambda tx: tx.note_directories(places, 10.0))
    await store.transact(lambda tx: tx.note_directories(places[:1], 20.0))

    def read(**page: Any) -> Any:
        return store.transact(lambda tx: tx.directories(**page))

    assert await read() == sorted(places)
    assert await read(limit=1) == [("data", "")]
    assert await read(after=("data", "a")) == [("data", "ä/b"), ("fs", "srv")]
    await store.transact(lambda tx: tx.forget_directories(9.9))
    assert await read() == sorted(places)
    await store.transact(lambda tx: tx.forget_directories(10.0))
    assert await read() == [("data", "ä/b")]


async def test_what_is_known_to_be_unwanted(store: Store) -> None:
    live, ended = new_job(), new_job(state=JobState.CANCELLED)
    ending = new_job(state=JobState.CANCELLED, cleanup=True)
    for job in (live, ended, ending):
        await add(store, job, new_file(job, 0))
    gone = await add(store, new_job())
    await store.transact(lambda tx: tx.delete_job(gone.job_id))
    strange = new_id()
    keys = [(job.job_id, index) for job in (live, ended, ending, gone) for index in (0, 5)]
    keys += [(strange, 0), (live.job_id, 999_999_999), ("no id", 0)]
    unwanted = await store.transact(lambda tx: tx.unwanted(keys))
    assert unwanted == {
        (live.job_id, 5),
        (live.job_id, 999_999_999),
        (ended.job_id, 0),
        (ended.job_id, 5),
        (ending.job_id, 5),
        (gone.job_id, 0),
        (gone.job_id, 5),
    }


MOMENTS = st.none() | st.integers(0, 6).map(float)
JOBS = st.lists(
    st.builds(
        lambda state, due, deadline, active, completing, cleanup: {
            "state": state,
            "due": due,
            "deadline_due": deadline,
            "active": active,
            "completing": completing,
            "cleanup": cleanup,
        },
        st.sampled_from(JobState),
        MOMENTS,
        MOMENTS,
        st.integers(0, 6).map(float),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(JOBS, st.integers(0, 6), st.integers(1, 4))
def test_all_stores_find_the_same(jobs: list[dict[str, Any]], now: int, limit: int) -> None:
    given_jobs = [new_job(job_id=new_id(n), **fields) for n, fields in enumerate(jobs, 1)]

    def look(tx: Tx) -> list[object]:
        kinds = (tx.due, tx.overdue, tx.inactive)
        ids = [[job.job_id for job in kind(now, 99)] for kind in kinds]
        blocked = [job.job_id for job in tx.blocked(after=0, limit=limit)]
        # Of equal moments any may be first.
        return [*map(sorted, ids), blocked, tx.next_moment(2.5), tx.expire(now, 99)]

    async def play(store: Store) -> list[object]:
        for job in given_jobs:
            await add(store, job)
        answer = await store.transact(look)
        await store.close()
        return answer

    async def both() -> None:
        with tempfile.TemporaryDirectory() as directory:
            real = await SQLiteStore.open(Path(directory))
            assert await play(real) == await play(MemoryStore())

    asyncio.run(both())


async def test_no_look_at_the_clock_reads_the_whole_queue(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    await add(store, replace(new_job(), due=1.0))
    await store.close()
    statements = {
        clock_rows.SELECT_NEXT: (1.0,),
        clock_rows.SELECT_DUE: (1.0, 9),
        clock_rows.SELECT_OVERDUE: (1.0, 9),
        clock_rows.SELECT_INACTIVE: (1.0, 9),
        clock_rows.SELECT_EXPIRED: (1.0, 9),
        clock_rows.SELECT_BLOCKED: (1, 9),
    }
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        for sql, values in statements.items():
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            reads = [step for step in plan if step.startswith(("SCAN job", "SEARCH job", "USE"))]
            assert reads, sql
            assert all("USING" in step and "B-TREE" not in step for step in reads), (sql, plan)


async def test_farewells(store: Store) -> None:
    options = full_options()
    first = Farewell("a", ANNA, "s3://b/k", DEFAULT_OPTIONS, 10.0)
    upload = Upload(session="s", parts=("a", "b"))
    second = Farewell("b", ANNA, "http://u/", options, 20.5, {"header/0": b"\x00\xff"}, upload)

    def put(tx: Tx) -> None:
        for one in (second, first, first):
            tx.put_farewell(one)

    await store.transact(put)
    assert await store.transact(lambda tx: tx.farewells()) == [first, second]
    told = replace(first, upload=upload)
    await store.transact(lambda tx: tx.put_farewell(told))
    assert await store.transact(lambda tx: tx.farewell("a")) == told
    for _ in range(2):
        await store.transact(lambda tx: tx.drop_farewell("a"))
    assert await store.transact(lambda tx: tx.farewell("a")) is None
    assert await store.transact(lambda tx: tx.farewells()) == [second]
