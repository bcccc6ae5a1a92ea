"""Jobs whose cost policy does not allow what the network costs wait, and go on by themselves."""

from __future__ import annotations

import pytest

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import Trigger
from bgcopyd.store.memory import MemoryStore
from tests.support.rpc_engine import failure
from tests.support.timekeeping import World


async def test_the_network_becomes_too_dear_and_cheap_again() -> None:
    world = World(MemoryStore())
    await world.open()
    careful = {"cost_policy": (CostState.UNRESTRICTED, CostState.BELOW_CAP)}
    running = await world.add(JobState.QUEUED, **careful)
    careless = await world.add(JobState.QUEUED)
    for job in (running, careless):
        await world.move(job.job_id, Trigger.CLAIMED)
    await world.pass_time(10.0)
    world.set_policy(network_cost=CostState.ROAMING)
    await world.timekeeper.round()
    blocked = await world.job(running.job_id)
    assert blocked is not None
    assert blocked.error is not None
    assert blocked.state is JobState.TRANSIENT_ERROR
    assert blocked.error.reason is Reason.BLOCKED_BY_COST_POLICY
    assert "ROAMING" in blocked.error.message
    assert (blocked.error_count, blocked.retries, blocked.next_attempt_time) == (0, 0, None)
    assert blocked.download_time == pytest.approx(10.0)
    assert await world.state(careless.job_id) is JobState.CONNECTING
    assert world.runs.let_gone == [running.job_id]
    await world.pass_time(1000.0)
    assert await world.state(running.job_id) is JobState.TRANSIENT_ERROR
    await world.restart(1.0, reboot=False)
    assert await world.state(running.job_id) is JobState.TRANSIENT_ERROR
    world.set_policy(network_cost=CostState.BELOW_CAP)
    before = world.queued
    await world.timekeeper.round()
    freed = await world.job(running.job_id)
    assert freed is not None
    assert (freed.state, freed.error) == (JobState.QUEUED, None)
    assert world.queued > before


async def test_a_policy_that_was_changed_while_the_daemon_was_away() -> None:
    world = World(MemoryStore())
    world.set_policy(network_cost=CostState.ROAMING)
    await world.open()
    job = await world.add(JobState.QUEUED, cost_policy=(CostState.UNRESTRICTED,))
    await world.move(job.job_id, Trigger.COST, error=failure())
    world.set_policy(network_cost=CostState.UNRESTRICTED)
    await world.restart(1.0, reboot=False)
    assert await world.state(job.job_id) is JobState.QUEUED
