"""Whose turn it is, through the API: preemption, slices, shares, bounds, ageing, foreground."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.queue.transfers import Transfer
from tests.support.rpc_house import Caller, House, house
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_watch import arrived

FOREGROUND = job_pb2.JOB_PRIORITY_FOREGROUND
HIGH = job_pb2.JOB_PRIORITY_HIGH
LOW = job_pb2.JOB_PRIORITY_LOW
QUEUED = job_pb2.JOB_STATE_QUEUED
TRANSFERRED = job_pb2.JOB_STATE_TRANSFERRED
SLICE = 300.0


async def waiting(caller: Caller, **options: Any) -> str:
    """A started job that has one file; its id."""
    job = await created(caller, spec(), start=True, **options)
    job_id: str = job.job_id
    return job_id


async def next_ids(home: House, count: int = 1) -> list[str]:
    return [one.job_id for one in await home.engine.take(count)]


def of(home: House, job_id: str) -> Transfer:
    return home.engine.active[job_id, 0]


async def test_a_preempted_job_keeps_its_place_and_the_rest_of_its_slice() -> None:
    async with house(background_jobs=1) as home:
        first = await waiting(home.local)
        assert await next_ids(home) == [first]
        second = await waiting(home.local)
        home.let_pass(200)
        high = await waiting(home.local, priority=HIGH)
        assert await next_ids(home) == [high]
        assert (await got(home.local, first)).state == QUEUED
        home.engine.finish(of(home, high), 1)
        assert await next_ids(home) == [first]
        home.let_pass(50)
        await got(home.local, second)
        assert not home.engine.active.keys() & {(second, 0)}
        home.let_pass(60)
        assert await next_ids(home) == [second]


async def test_equals_take_turns() -> None:
    async with house(background_jobs=2) as home:
        jobs = [await waiting(home.local) for _ in range(5)]
        order = await next_ids(home, 2)
        for _ in range(4):
            home.let_pass(SLICE + 1)
            order += await next_ids(home, 2)
        assert order == (jobs * 2)[:10]
        assert len(home.engine.active) == 2


async def test_a_job_that_nobody_waits_for_runs_on() -> None:
    async with house(background_jobs=1) as home:
        job = await waiting(home.local)
        await next_ids(home)
        for _ in range(3):
            home.let_pass(10 * SLICE)
            await got(home.local, job)
        assert not home.engine.stops


async def test_owners_share_by_weight() -> None:
    async with house(background_jobs=1, owner_weights={"user:bert": 2.0}) as home:
        anna, bert = await home.user("anna"), await home.user("bert")
        owners: dict[str, str] = {}
        for name, caller in (("anna", anna), ("bert", bert)):
            for _ in range(4):
                owners[await waiting(caller)] = name
        turns = []
        for _ in range(14):
            turns.append(owners[(await next_ids(home))[0]])
            home.let_pass(SLICE + 0.001)
        # He joined while she had the slot.
        assert turns[:2] == ["anna", "bert"]
        # Twice her share, to a turn: real time goes by as well.
        assert turns[2:].count("bert") in {7, 8, 9}


async def test_an_owner_has_no_more_than_his_bound() -> None:
    async with house(background_jobs=3, background_jobs_per_owner=2) as home:
        anna, bert = await home.user("anna"), await home.user("bert")
        mine = [await waiting(anna) for _ in range(4)]
        assert await next_ids(home, 2) == mine[:2]
        why = (await got(anna, mine[3])).blocked_reason
        assert why == (
            "Waits for another job of its owner: 2 may run in the background at a time. "
            "Of its owner's jobs of this priority 1 come first."
        )
        his = await waiting(bert)
        assert await next_ids(home) == [his]
        # Foreground is exempt.
        front = await waiting(anna, priority=FOREGROUND)
        assert await next_ids(home) == [front]
        home.engine.finish(of(home, mine[0]), 1)
        assert await next_ids(home) == [mine[2]]


async def test_what_a_waiting_job_waits_for() -> None:
    async with house(background_jobs=2) as home:
        for priority in (HIGH, LOW):
            await waiting(home.local, priority=priority)
        await next_ids(home, 2)
        job = await created(home.local, spec(), start=True, priority=LOW)
        while "taken" not in (found := await got(home.local, job.job_id)).blocked_reason:
            pass
        assert found.blocked_reason == (
            "Waits for its turn: all 2 background slots are taken, 1 of them by jobs of higher "
            "priority."
        )


async def test_foreground_needs_no_slot_and_is_marked_for_the_engine() -> None:
    async with house(background_jobs=1) as home:
        await waiting(home.local)
        background = await home.engine.next()
        fronts = [await waiting(home.local, priority=FOREGROUND) for _ in range(3)]
        transfers = await home.engine.take(3)
        assert [one.job_id for one in transfers] == fronts
        assert not home.engine.stops
        assert all(one.options.foreground for one in transfers)
        assert not background.options.foreground
        owner = (await got(home.local, fronts[0])).owner
        assert {one.options.owner for one in [background, *transfers]} == {owner}


async def starved(home: House) -> tuple[str, str]:
    """A LOW job that waits for a HIGH one which never ends."""
    high = await waiting(home.local, priority=HIGH)
    assert await next_ids(home) == [high]
    low = await waiting(home.local, priority=LOW)
    while "taken" not in (await got(home.local, low)).blocked_reason:
        pass
    return high, low


async def age(home: House, tenths: int) -> None:
    """Lets tenths of the period of 1000 s pass, in each of which the scheduler makes a mark."""
    for _ in range(tenths):
        before = await home.store.transact(lambda tx: tx.ages())
        home.let_pass(100.0)
        while await home.store.transact(lambda tx: tx.ages()) == before:
            pass


@pytest.mark.parametrize(
    "step", [timedelta(0), timedelta(hours=-1), timedelta(hours=1), timedelta(days=3650),
             timedelta(days=-3650), timedelta(seconds=1)],
)  # fmt: skip
async def test_a_low_job_is_lifted_at_last_whatever_the_clock_does(step: timedelta) -> None:
    async with house(background_jobs=1, ageing=1000.0) as home:
        high, low = await starved(home)
        home.clock.ahead = step
        await age(home, 19)
        assert (await got(home.local, low)).state == QUEUED
        home.clock.ahead = -step
        # The other has the rest of its slice before.
        await age(home, 2)
        assert await next_ids(home) == [low]
        # It has a whole slice, and then the other goes on and is left alone.
        await waiting(home.local, priority=HIGH)
        await age(home, 2)
        assert list(home.engine.active) == [(low, 0)]
        home.let_pass(SLICE)
        assert await next_ids(home) == [high]
        assert (await got(home.local, low)).state == QUEUED


async def test_the_time_waited_survives_restarts() -> None:
    async with house(background_jobs=1, ageing=1000.0) as home:
        _, low = await starved(home)
        for _ in range(3):
            await age(home, 6)
            assert (await got(home.local, low)).state == QUEUED
            home.clock.ahead += timedelta(days=1)
            await home.crash()
            await next_ids(home)
        await age(home, 5)
        assert await next_ids(home) == [low]


async def changed(caller: Caller, job_id: str, **fields: Any) -> None:
    request = pb.UpdateJobRequest(
        job_id=job_id, job=job_pb2.Job(**fields), update_mask=FieldMask(paths=list(fields))
    )
    await caller.call("UpdateJob", request)


async def test_a_running_job_follows_its_new_priority_and_rate() -> None:
    async with house(background_jobs=1) as home:
        running = await waiting(home.local, priority=HIGH)
        await next_ids(home)
        waits = await waiting(home.local)
        await changed(home.local, running, max_bytes_per_second=5000)
        assert home.engine.rates == [(running, 5000)]
        await changed(home.local, running, priority=LOW)
        assert await next_ids(home) == [waits]
        assert len(home.engine.rates) == 1
        await changed(home.local, waits, priority=FOREGROUND)
        # It needs no slot any more.
        assert await next_ids(home) == [running]
        assert of(home, running).rate == 5000
        await changed(home.local, waits, priority=HIGH)
        while (await got(home.local, running)).state != QUEUED:
            pass
        assert list(home.engine.active) == [(waits, 0)]


async def test_a_waiting_job_follows_its_new_priority() -> None:
    async with house(background_jobs=1) as home:
        running = await waiting(home.local)
        await next_ids(home)
        waits = await waiting(home.local, priority=LOW)
        await changed(home.local, waits, priority=HIGH)
        assert await next_ids(home) == [waits]
        home.engine.finish(of(home, waits), 1)
        await arrived(home.local, waits, TRANSFERRED)
        assert await next_ids(home) == [running]


async def test_suspending_makes_room() -> None:
    async with house(background_jobs=1) as home:
        first, second = await waiting(home.local), await waiting(home.local)
        assert await next_ids(home) == [first]
        await verb(home.local, "SuspendJob", first)
        assert await next_ids(home) == [second]


async def test_a_job_that_is_being_completed_keeps_no_slot_idle() -> None:
    async with house(background_jobs=1) as home:
        first = await waiting(home.local, priority=HIGH)
        home.engine.finish(await home.engine.next(), 1)
        await arrived(home.local, first, TRANSFERRED)
        await verb(home.local, "AddFiles", first, files=[spec()])
        running = await waiting(home.local, priority=HIGH)
        assert await next_ids(home) == [running]
        await verb(home.local, "ResumeJob", first)
        home.files.gate = asyncio.Event()
        call = asyncio.ensure_future(verb(home.local, "CompleteJob", first, allow_partial=True))
        async with asyncio.timeout(10):
            await home.files.waiting.wait()
        other = await waiting(home.local)
        home.engine.finish(of(home, running), 1)
        assert await next_ids(home) == [other]
        home.files.gate.set()
        await call


async def test_a_lowered_limit_sends_back_and_a_raised_one_starts() -> None:
    async with house(background_jobs=2) as home:
        first, second = await waiting(home.local, priority=HIGH), await waiting(home.local)
        await next_ids(home, 2)
        home.daemon.scheduler.allow(1)
        while (await got(home.local, second)).state != QUEUED:
            pass
        assert list(home.engine.active) == [(first, 0)]
        home.daemon.scheduler.allow(2)
        assert await next_ids(home) == [second]
