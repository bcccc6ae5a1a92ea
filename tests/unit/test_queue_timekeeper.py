"""Whatever is due comes at its moment, for each kind of moment: neither steps of the wall clock nor
restarts, of the daemon or the machine, starve it or hurry it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import LONGEST_ABSENCE
from bgcopyd.queue.storage import Request
from bgcopyd.store.memory import MemoryStore
from tests.support.rpc_engine import failure
from tests.support.timekeeping import World

TEN_YEARS = 3650 * 86_400.0
WAIT = 1000.0
STEPS = [sign * size for size in (1.0, 3600.0, TEN_YEARS) for sign in (1, -1)]

Ready = Callable[[], Awaitable[bool]]


async def retry(world: World) -> Ready:
    job = await world.add(JobState.QUEUED)
    await world.move(job.job_id, Trigger.CLAIMED, Trigger.TRANSIENT, error=failure(), wait=WAIT)
    return lambda: reached(world, job.job_id, JobState.QUEUED)


async def hold(world: World) -> Ready:
    start = world.clock.now() + timedelta(seconds=WAIT)
    job = await world.add(JobState.QUEUED, not_before=start)
    assert (job.next_attempt_time, job.due) == (start, world.clock.steady() + WAIT)

    async def released() -> bool:
        found = await world.job(job.job_id)
        assert found is not None
        assert found.state is JobState.QUEUED
        return found.due is None

    return released


async def deadline(world: World) -> Ready:
    job = await world.add(deadline=world.clock.now() + timedelta(seconds=WAIT))
    return lambda: failed(world, job.job_id, Reason.DEADLINE_EXCEEDED)


async def oblivion(world: World) -> Ready:
    job = await world.add()
    await world.move(job.job_id, Trigger.CANCEL, wait=WAIT)
    return lambda: reached(world, job.job_id, None)


async def inactivity(world: World) -> Ready:
    world.set_policy(inactivity_timeout=WAIT)
    job = await world.add()
    return lambda: failed(world, job.job_id, Reason.INACTIVE)


async def request_id(world: World) -> Ready:
    job = await world.add()
    expires = world.clock.steady() + WAIT
    use = Request("user:anna", job.job_id, b"x", job.job_id, 0, expires)
    await world.store.transact(lambda tx: tx.insert_request(use))

    async def forgotten() -> bool:
        return (
            await world.store.transact(lambda tx: tx.request(use.creator, use.request_id)) is None
        )

    return forgotten


KINDS: dict[str, Callable[[World], Awaitable[Ready]]] = {
    kind.__name__: kind for kind in (retry, hold, deadline, oblivion, inactivity, request_id)
}


async def reached(world: World, job_id: str, state: JobState | None) -> bool:
    return await world.state(job_id) is state


async def failed(world: World, job_id: str, reason: Reason) -> bool:
    job = await world.job(job_id)
    assert job is not None
    return job.error is not None and job.error.reason is reason


@dataclass(frozen=True)
class Pass:
    seconds: float


@dataclass(frozen=True)
class Step:
    seconds: float


@dataclass(frozen=True)
class Restart:
    away: float
    reboot: bool


SECONDS = st.floats(0.0, WAIT).map(lambda seconds: round(seconds, 3))
DEEDS = st.lists(
    SECONDS.map(Pass)
    | st.sampled_from(STEPS).map(Step)
    | st.builds(Restart, SECONDS, st.booleans()),
    max_size=8,
)


async def do(world: World, deed: Pass | Step | Restart) -> None:
    if isinstance(deed, Step):
        world.clock.set_by += timedelta(seconds=deed.seconds)
        await world.timekeeper.round()
    elif isinstance(deed, Pass):
        await world.pass_time(deed.seconds)
    else:
        await world.restart(deed.away, reboot=deed.reboot)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(deeds=DEEDS)
def test_it_comes_when_it_is_due_and_not_before(kind: str, deeds: list[Any]) -> None:
    async def play() -> None:
        world = World(MemoryStore())
        await world.open()
        ready = await KINDS[kind](world)
        due = world.clock.true + WAIT
        for deed in deeds:
            await do(world, deed)
            early, late = world.clock.true < due - 0.01, world.clock.true > due + 0.01
            come = await ready()
            assert come or not late, f"late by {world.clock.true - due}"
            assert not come or not early, f"early by {due - world.clock.true}"
        await world.pass_time(max(0.0, due + 0.01 - world.clock.true))
        assert await ready()

    asyncio.run(play())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", STEPS)
async def test_a_clock_that_was_wrong_at_the_start_of_the_machine(kind: str, step: float) -> None:
    """Nothing can tell, so it is late by no more than was slept, early by no more than a bound."""
    world = World(MemoryStore())
    await world.open()
    ready = await KINDS[kind](world)
    await world.timekeeper.mark()
    before = world.clock.steady()
    world.clock.set_by += timedelta(seconds=step)
    await world.restart(10.0, reboot=True, crash=True)
    gone = world.clock.steady() - before
    assert 0.0 <= gone <= LONGEST_ABSENCE
    assert gone == pytest.approx(min(LONGEST_ABSENCE, max(0.0, 10.0 + step)))
    await world.pass_time(max(0.0, WAIT - gone - 0.01))
    assert await ready() == (gone > WAIT)
    await world.pass_time(0.02)
    assert await ready()


@pytest.mark.parametrize("state", [JobState.CONNECTING, JobState.TRANSFERRING])
async def test_time_limits_count_runs_only(state: JobState) -> None:
    world = World(MemoryStore())
    await world.open()
    job = await world.add(JobState.QUEUED, maximum_download_time=100.0)
    claim = [Trigger.CLAIMED, *([Trigger.CONNECTED] if state is JobState.TRANSFERRING else [])]
    await world.move(job.job_id, *claim)
    await world.pass_time(40.0)
    await world.move(job.job_id, Trigger.PREEMPTED)
    await world.pass_time(1000.0)
    waiting = await world.move(job.job_id, *claim)
    assert waiting.download_time == pytest.approx(40.0)
    world.clock.set_by += timedelta(seconds=TEN_YEARS)
    await world.pass_time(59.9)
    assert await world.state(job.job_id) is state
    await world.pass_time(0.2)
    ended = await world.job(job.job_id)
    assert ended is not None
    assert ended.error is not None
    assert (ended.state, ended.error.reason) == (JobState.ERROR, Reason.DOWNLOAD_TIME_EXCEEDED)
    assert ended.download_time == pytest.approx(100.1)
    assert ended.error_count == 1
    assert world.runs.let_gone == [job.job_id]


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("reboot", [False, True])
async def test_time_limits_go_on_after_a_restart(*, crash: bool, reboot: bool) -> None:
    world = World(MemoryStore())
    await world.open()
    job = await world.add(JobState.QUEUED, maximum_download_time=100.0)
    await world.move(job.job_id, Trigger.CLAIMED)
    await world.pass_time(40.0)
    await world.restart(5000.0, reboot=reboot, crash=crash)
    found = await world.job(job.job_id)
    assert found is not None
    assert found.download_time == pytest.approx(40.0)
    assert (found.state, found.due, found.error) == (JobState.QUEUED, None, None)


@pytest.mark.parametrize(
    "state",
    [JobState.SUSPENDED, JobState.QUEUED, JobState.ERROR, JobState.TRANSFERRED],
)
async def test_what_nobody_wants_any_more_is_cancelled(
    state: JobState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world = World(MemoryStore())
    await world.open()
    job = await world.add(state)
    timeout = world.policies.policy.inactivity_timeout
    await world.pass_time(timeout - 1)
    assert await world.state(job.job_id) is state
    await world.pass_time(2)
    await world.completion.close(10)
    ended = await world.job(job.job_id)
    assert ended is not None
    assert ended.error is not None
    assert (ended.state, ended.error.reason, ended.cleanup) == (
        JobState.CANCELLED,
        Reason.INACTIVE,
        False,
    )
    assert ended.error_count == 0
    assert "scavenged" in caplog.text
    await world.pass_time(world.policies.policy.retention + 1)
    assert await world.job(job.job_id) is None


async def test_a_job_that_runs_or_is_held_is_not_inactive() -> None:
    world = World(MemoryStore())
    await world.open()
    timeout = world.policies.policy.inactivity_timeout
    running = await world.add(JobState.QUEUED, maximum_download_time=10 * timeout)
    await world.move(running.job_id, Trigger.CLAIMED)
    start = world.clock.now() + timedelta(seconds=2 * timeout)
    held = await world.add(JobState.QUEUED, not_before=start)
    await world.pass_time(1.5 * timeout)
    assert await world.state(running.job_id) is JobState.CONNECTING
    assert await world.state(held.job_id) is JobState.QUEUED
    await world.pass_time(timeout)
    assert await world.state(held.job_id) is JobState.QUEUED
    await world.pass_time(timeout)
    assert await world.state(held.job_id) is JobState.CANCELLED


async def test_a_shorter_policy_holds_at_once() -> None:
    world = World(MemoryStore())
    await world.open()
    job = await world.add()
    await world.pass_time(100.0)
    world.set_policy(inactivity_timeout=50.0)
    await world.timekeeper.round()
    assert await world.state(job.job_id) is JobState.CANCELLED


async def test_what_is_being_completed_waits_for_nothing() -> None:
    world = World(MemoryStore())
    await world.open()
    soon = world.clock.now() + timedelta(seconds=1)
    job = await world.add(JobState.QUEUED, deadline=soon, not_before=soon - timedelta(seconds=0.5))
    await world.store.transact(lambda tx: tx.update_job(dataclasses.replace(job, completing=True)))
    await world.pass_time(1e9)
    assert await world.state(job.job_id) is JobState.QUEUED
    assert await world.store.transact(lambda tx: tx.next_moment(1.0)) is None


async def test_many_at_once_are_all_done() -> None:
    world = World(MemoryStore())
    await world.open()
    end = world.clock.now() + timedelta(seconds=5)
    jobs = [await world.add(deadline=end) for _ in range(1001)]
    await world.pass_time(6)
    assert all([await failed(world, job.job_id, Reason.DEADLINE_EXCEEDED) for job in jobs])


async def test_a_second_look_at_what_rests_does_next_to_nothing() -> None:
    world = World(MemoryStore())
    await world.open()
    await world.add(JobState.TRANSFERRED)
    with mock.patch.object(world.store, "transact", wraps=world.store.transact) as transact:
        await world.timekeeper.round()
    assert transact.call_count == 5
    with mock.patch.object(world.timekeeper, "round", wraps=world.timekeeper.round) as look:
        task = asyncio.create_task(world.timekeeper.run())
        for _ in range(100):
            await asyncio.sleep(0)
        task.cancel()
    assert look.call_count == 1
