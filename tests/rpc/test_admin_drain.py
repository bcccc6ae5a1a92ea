"""DrainServer: nothing starts, what runs comes to rest, everything else is served."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_admin import begin, policy, stats
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import create, created, got, listed, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived

QUEUED = job_pb2.JOB_STATE_QUEUED
FOREGROUND = job_pb2.JOB_PRIORITY_FOREGROUND
SERVING = health_pb2.HealthCheckResponse.SERVING


async def test_running_jobs_go_back_and_nothing_starts(home: House) -> None:
    usual = await created(home.local, spec(), start=True)
    urgent = await created(home.local, spec(), start=True, priority=FOREGROUND)
    await home.engine.take(2)
    left = await begin(home.local, "DrainServer")
    assert left == pb.DrainServerResponse(running_jobs=2)
    for job in (usual, urgent):
        await arrived(home.local, job.job_id, QUEUED)
    while (await begin(home.local, "DrainServer")).running_jobs:
        pass
    assert (await stats(home.local)).draining
    # A verb wakes the scheduler, and a second drain changes nothing.
    await verb(home.local, "SuspendJob", usual.job_id)
    await verb(home.local, "ResumeJob", usual.job_id)
    await home.daemon.scheduler.turn()
    assert home.engine.started == 2
    assert not home.engine.active
    for job in (usual, urgent):
        assert "draining" in (await got(home.local, job.job_id)).blocked_reason
    done = await begin(home.local, "DrainServer", undo=True)
    assert done == pb.DrainServerResponse()
    again = await home.engine.take(2)
    assert {one.job_id for one in again} == {usual.job_id, urgent.job_id}
    assert not (await stats(home.local)).draining


async def test_new_jobs_are_refused_and_come_later(home: House) -> None:
    await begin(home.local, "DrainServer")
    for request in (create(spec()), create(spec(), start=True), create()):
        refused = await refusal(home.local.call("CreateJob", request))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert refused.detail(details_pb2.RetryInfo).retry_delay.seconds == 30
    assert not await listed(home.local)
    await begin(home.local, "DrainServer", undo=True)
    await created(home.local, spec())


@pytest.mark.parametrize("name", ["ResumeJob", "CancelJob", "CompleteJob"])
async def test_verbs_are_served(home: House, name: str) -> None:
    job = await created(home.local, spec())
    await begin(home.local, "DrainServer")
    fields: dict[str, Any] = {"allow_partial": True} if name == "CompleteJob" else {}
    await verb(home.local, name, job.job_id, **fields)
    assert not home.engine.started


async def test_a_job_that_was_acknowledged_may_be_asked_for_again(home: House) -> None:
    request = create(spec())
    request.request_id = "11111111-2222-4333-8444-555555555555"
    first = (await home.local.call("CreateJob", request)).job
    await begin(home.local, "DrainServer")
    assert (await home.local.call("CreateJob", request)).job == first
    assert await got(home.local, first.job_id) == first


async def test_health_stays(home: House) -> None:
    stub: Any = health_pb2_grpc.HealthStub(home.caller(tcp=True).channel)
    await begin(home.local, "DrainServer")
    for service in ("", "bgcopy.v1.AdminService", "bgcopy.v1.BackgroundCopyManager"):
        request = health_pb2.HealthCheckRequest(service=service)
        assert (await stub.Check(request, timeout=10)).status == SERVING


async def test_jobs_that_do_not_stop_are_counted() -> None:
    async with house() as home:
        home.engine.obedient = False
        job = await created(home.local, spec(), start=True)
        one = await home.engine.next()
        for _ in range(2):
            assert (await begin(home.local, "DrainServer")).running_jobs == 1
        home.engine.let_stop(one.job_id)
        await arrived(home.local, job.job_id, QUEUED)


async def test_a_restart_ends_it_and_the_policy_stays(home: House) -> None:
    before = await policy(home.local)
    job = await created(home.local, spec(), start=True)
    await home.engine.next()
    await begin(home.local, "DrainServer")
    await arrived(home.local, job.job_id, QUEUED)
    await home.crash()
    assert (await home.engine.next()).job_id == job.job_id
    assert not (await stats(home.local)).draining
    assert await policy(home.local) == before
