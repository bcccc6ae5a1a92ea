"""Cost policies, seen through the API: jobs wait while the network costs too much."""

from __future__ import annotations

import pytest

from bgcopy.v1 import error_pb2, job_pb2
from tests.support.rpc_admin import changed
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, got, spec, updated, verb
from tests.support.rpc_watch import arrived

TRANSIENT = job_pb2.JOB_STATE_TRANSIENT_ERROR
FREE, CAPPED, ROAMING = (
    job_pb2.COST_STATE_UNRESTRICTED,
    job_pb2.COST_STATE_BELOW_CAP,
    job_pb2.COST_STATE_ROAMING,
)
PRIORITIES = [job_pb2.JOB_PRIORITY_FOREGROUND, job_pb2.JOB_PRIORITY_NORMAL]


def assert_blocked(job: job_pb2.Job) -> None:
    assert job.state == TRANSIENT
    assert job.error.reason == error_pb2.REASON_BLOCKED_BY_COST_POLICY
    assert job.error.hresult_name == "BG_E_BLOCKED_BY_COST_TRANSFER_POLICY"
    assert job.error.transient
    assert job.error_count == 0
    assert not job.HasField("next_attempt_time")
    assert "ROAMING" in job.blocked_reason
    assert "UNRESTRICTED" in job.blocked_reason


@pytest.mark.parametrize("priority", PRIORITIES)
async def test_too_dear_to_begin(home: House, priority: job_pb2.JobPriority) -> None:
    await changed(home.local, network_cost=ROAMING)
    job = await created(
        home.local, spec(), start=True, priority=priority, cost_policy=[FREE, CAPPED]
    )
    other = await created(home.local, spec(), start=True, priority=priority)
    assert (await home.engine.next()).job_id == other.job_id
    assert_blocked(await arrived(home.local, job.job_id, TRANSIENT))
    await changed(home.local, network_cost=CAPPED)
    assert (await home.engine.next()).job_id == job.job_id


@pytest.mark.parametrize("priority", PRIORITIES)
async def test_too_dear_to_go_on(home: House, priority: job_pb2.JobPriority) -> None:
    job = await created(home.local, spec(), start=True, priority=priority, cost_policy=[FREE])
    one = await home.engine.next()
    home.engine.connect(one, 100)
    home.engine.claim(one, 60, 100)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRING)
    await changed(home.local, network_cost=ROAMING)
    assert_blocked(await arrived(home.local, job.job_id, TRANSIENT))
    await changed(home.local, "network_cost")
    again = await home.engine.next()
    assert (again.job_id, again.claimed) == (job.job_id, 60)


async def test_the_policy_of_a_job_may_change(home: House) -> None:
    await changed(home.local, network_cost=ROAMING)
    job = await created(home.local, spec(), start=True)
    await home.engine.next()
    assert_blocked(await updated(home.local, job.job_id, cost_policy=[FREE]))
    while home.daemon.runs.active(job.job_id):
        await got(home.local, job.job_id)
    await updated(home.local, job.job_id, cost_policy=[FREE, ROAMING])
    assert (await home.engine.next()).job_id == job.job_id


async def test_resume_looks_again(home: House) -> None:
    await changed(home.local, network_cost=ROAMING)
    job = await created(home.local, spec(), start=True, cost_policy=[FREE])
    await arrived(home.local, job.job_id, TRANSIENT)
    await verb(home.local, "ResumeJob", job.job_id)
    assert_blocked(await arrived(home.local, job.job_id, TRANSIENT))
    await verb(home.local, "SuspendJob", job.job_id)
    await changed(home.local, "network_cost")
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).state == job_pb2.JOB_STATE_SUSPENDED


async def test_a_crash_forgets_neither_block_nor_cost(home: House) -> None:
    await changed(home.local, network_cost=ROAMING)
    job = await created(home.local, spec(), start=True, cost_policy=[FREE])
    await arrived(home.local, job.job_id, TRANSIENT)
    await home.crash()
    await home.daemon.timekeeper.round()
    assert_blocked(await got(home.local, job.job_id))
    await changed(home.local, "network_cost")
    assert (await home.engine.next()).job_id == job.job_id
