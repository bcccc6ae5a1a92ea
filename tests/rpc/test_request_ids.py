"""Repeated calls with a request id."""

from __future__ import annotations

from datetime import timedelta

import grpc

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_admin import changed
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import create, created, got, listed, new_id, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived


def with_id(request_id: str, name: str = "a job") -> pb.CreateJobRequest:
    request = create(spec("a"), display_name=name, labels={"x": "1", "y": "2"})
    request.request_id = request_id
    return request


async def test_the_same_content_answers_with_the_job_as_it_is_now(home: House) -> None:
    request = with_id(new_id())
    first = (await home.local.call("CreateJob", request)).job
    await verb(home.local, "ResumeJob", first.job_id)
    transfer = await home.engine.next()
    home.engine.finish(transfer, 5)
    await arrived(home.local, first.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    request.request_id = request.request_id.upper()
    # Spelled otherwise, but the same values.
    request.files[0].local_path = "./a"
    request.job.priority = job_pb2.JOB_PRIORITY_NORMAL
    again = (await home.local.call("CreateJob", request)).job
    assert again.job_id == first.job_id
    assert again == await got(home.local, first.job_id)
    assert len(await listed(home.local)) == 1


async def test_other_content_is_refused(home: House) -> None:
    request_id = new_id()
    await home.local.call("CreateJob", with_id(request_id))
    refused = await refusal(home.local.call("CreateJob", with_id(request_id, "another")))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.reason, refused.fields) == ("REQUEST_ID_REUSED", ["request_id"])
    assert len(await listed(home.local)) == 1


async def test_ids_belong_to_their_creator(home: House) -> None:
    request_id = new_id()
    anna, bert = await home.user("anna"), await home.user("bert")
    one = create()
    one.request_id = request_id
    jobs = {(await caller.call("CreateJob", one)).job.job_id for caller in (anna, bert)}
    assert len(jobs) == 2


async def test_a_repetition_after_the_job_is_gone(home: House) -> None:
    request = with_id(new_id())
    job = (await home.local.call("CreateJob", request)).job
    await verb(home.local, "CancelJob", job.job_id)
    again = (await home.local.call("CreateJob", request)).job
    assert again.state == job_pb2.JOB_STATE_CANCELLED
    await verb(home.local, "DeleteJob", job.job_id)
    refused = await refusal(home.local.call("CreateJob", request))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    await home.daemon.timekeeper.round()
    home.clock.passed = 23 * 3600.0
    await home.daemon.timekeeper.round()
    assert (await refusal(home.local.call("CreateJob", request))).reason == "JOB_NOT_FOUND"
    home.clock.passed = 25 * 3600.0
    await home.daemon.timekeeper.round()
    fresh = (await home.local.call("CreateJob", request)).job
    assert fresh.job_id != job.job_id


async def test_a_repetition_beats_the_quota() -> None:
    async with house(jobs_per_owner=1) as home:
        request = with_id(new_id())
        anna = await home.user("anna")
        job = (await anna.call("CreateJob", request)).job
        assert (await anna.call("CreateJob", request)).job == job


async def test_a_repetition_beats_limits_and_clocks_that_have_moved_on(home: House) -> None:
    request = with_id(new_id())
    request.files[0].ranges.extend(job_pb2.FileRange(offset=at, length=1) for at in (0, 2))
    request.job.deadline.FromDatetime(home.clock.now() + timedelta(hours=1))
    job = (await home.local.call("CreateJob", request)).job
    await changed(home.local, ranges_per_file=1)
    assert (await home.local.call("CreateJob", request)).job == job
    home.clock.ahead += timedelta(hours=2)
    assert (await home.local.call("CreateJob", request)).job == job
    request.request_id = new_id()
    refused = await refusal(home.local.call("CreateJob", request))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["job.deadline"])
    request.job.ClearField("deadline")
    assert (await refusal(home.local.call("CreateJob", request))).reason == "RANGE_QUOTA_EXCEEDED"
    assert len(await listed(home.local)) == 1


async def test_add_files_is_repeatable(home: House) -> None:
    job = await created(home.local, spec("a"))
    request = pb.AddFilesRequest(
        job_id=job.job_id, files=[spec("b"), spec("c")], etag=job.etag, request_id=new_id()
    )
    first = await home.local.call("AddFiles", request)
    assert first.first_index == 1
    assert first.job.progress.files_total == 3
    again = await home.local.call("AddFiles", request)  # also with what is now an old etag
    assert again == first
    request.files.append(spec("d"))
    refused = await refusal(home.local.call("AddFiles", request))
    assert (refused.reason, refused.fields) == ("REQUEST_ID_REUSED", ["request_id"])
    assert (await got(home.local, job.job_id)).progress.files_total == 3


async def test_one_id_for_two_rpcs(home: House) -> None:
    request_id = new_id()
    job = (await home.local.call("CreateJob", with_id(request_id))).job
    request = pb.AddFilesRequest(job_id=job.job_id, files=[spec()], request_id=request_id)
    assert (await refusal(home.local.call("AddFiles", request))).reason == "REQUEST_ID_REUSED"


async def test_a_repetition_while_running_counts_its_files_once(home: House) -> None:
    job = await created(home.local, spec("a"), start=True)
    first = await home.engine.next()
    request = pb.AddFilesRequest(job_id=job.job_id, files=[spec("b")], request_id=new_id())
    for _ in range(3):
        await home.local.call("AddFiles", request)
    second = await home.engine.next()
    home.engine.finish(first, 3)
    home.engine.finish(second, 4)
    done = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    assert (done.progress.files_total, done.progress.files_transferred) == (2, 2)
    assert done.progress.bytes_total == done.progress.bytes_transferred == 7
