"""What calls carry, how they are retried, and how they fail."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import google.rpc.error_details_pb2 as details_pb2
import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

import bgcopy
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.fake_server import Context, Manager, refuse, refusing, serving

JOB = job_pb2.Job(job_id=str(uuid.uuid4()), state=job_pb2.JOB_STATE_QUEUED)
SPEC = bgcopy.FileSpec("http://example.com/a", "/tmp/a", "ab" * 32)


async def got(_: Any, __: Context) -> pb.GetJobResponse:
    return pb.GetJobResponse(job=JOB)


async def created(_: Any, __: Context) -> pb.CreateJobResponse:
    return pb.CreateJobResponse(job=JOB)


async def added(_: Any, __: Context) -> pb.AddFilesResponse:
    return pb.AddFilesResponse(job=JOB, first_index=3)


class Failing:
    """Refuses the first calls with UNAVAILABLE, then answers."""

    def __init__(self, times: int, answer: Any) -> None:
        self.left = times
        self.answer = answer

    async def __call__(self, _: Any, context: Context) -> Any:
        if self.left:
            self.left -= 1
            await refuse(context, grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
        return self.answer


async def test_a_call_has_a_deadline_of_30_seconds(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.handlers["GetJob"] = got
    await client.get_job(JOB.job_id)
    await client.get_job(JOB.job_id, timeout=timedelta(minutes=5))
    default, asked = (call.time_remaining or 0 for call in manager.called("GetJob"))
    # gRPC rounds long deadlines up.
    assert 20 < default < 32
    assert 290 < asked < 310


@pytest.mark.parametrize("span", [0, -1.0, timedelta(0)])
async def test_a_deadline_lies_ahead(client: bgcopy.AsyncClient, span: Any) -> None:
    with pytest.raises(ValueError, match="longer than 0"):
        await client.get_job("x", timeout=span)


async def test_a_deadline_that_passes_is_a_timeout_error(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    async def never(_: Any, __: Context) -> None:
        await asyncio.Event().wait()

    manager.handlers["GetJob"] = never
    with pytest.raises(bgcopy.DeadlineExceeded) as failure:
        await client.get_job(JOB.job_id, timeout=0.05)
    assert isinstance(failure.value, TimeoutError)


async def test_create_job_sends_everything(manager: Manager, client: bgcopy.AsyncClient) -> None:
    manager.handlers["CreateJob"] = created
    job = await client.create_job(
        "nightly",
        files=[SPEC],
        start=True,
        priority=bgcopy.Priority.HIGH,
        labels={"a": "b"},
        minimum_retry_delay=timedelta(seconds=30),
        no_progress_timeout=timedelta(0),
        max_bytes_per_second=5,
        auto_complete=True,
    )
    assert job.job_id == JOB.job_id
    request = manager.called("CreateJob")[0].request
    assert request.job.display_name == "nightly"
    assert request.job.priority == job_pb2.JOB_PRIORITY_HIGH
    assert request.job.minimum_retry_delay.seconds == 30
    assert request.job.HasField("no_progress_timeout")
    assert request.job.no_progress_timeout.seconds == 0
    assert request.start
    assert request.files[0].digests[0].value == bytes.fromhex("ab" * 32)


async def test_request_ids_are_always_there_and_fresh(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.handlers |= {"CreateJob": created, "AddFiles": added}
    job = await client.create_job("a")
    await client.create_job("a")
    await job.add_files([SPEC])
    ids = {str(uuid.UUID(call.request.request_id)) for call in manager.calls}
    assert len(ids) == 3
    await client.create_job("a", request_id="mine")
    assert manager.calls[-1].request.request_id == "mine"


async def test_unavailable_is_retried_with_the_same_request_id(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.handlers["CreateJob"] = Failing(2, pb.CreateJobResponse(job=JOB))
    await client.create_job("a", files=[SPEC])
    requests = [call.request.request_id for call in manager.called("CreateJob")]
    assert len(requests) == 3
    assert len(set(requests)) == 1


async def test_other_errors_are_not_retried(manager: Manager, client: bgcopy.AsyncClient) -> None:
    manager.handlers["GetJob"] = refusing(grpc.StatusCode.INTERNAL, "INTERNAL")
    with pytest.raises(bgcopy.InternalError):
        await client.get_job(JOB.job_id)
    assert len(manager.calls) == 1


async def test_a_call_with_an_etag_is_never_retried(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    unavailable = refusing(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
    job = client.job(JOB.job_id)
    verbs: dict[str, Callable[[], Awaitable[object]]] = {
        "SuspendJob": lambda: job.suspend(etag="e"),
        "ResumeJob": lambda: job.resume(etag="e"),
        "CompleteJob": lambda: job.complete(etag="e"),
        "CancelJob": lambda: job.cancel(etag="e"),
        "DeleteJob": lambda: job.delete(etag="e"),
        "AddFiles": lambda: job.add_files([SPEC], etag="e"),
    }
    for rpc, verb in verbs.items():
        manager.handlers[rpc] = unavailable
        with pytest.raises(bgcopy.StoreUnavailable):
            await verb()
        assert len(manager.called(rpc)) == 1, rpc


async def test_the_token_is_sent_with_each_call_without_tls(
    manager: Manager, short_path: Path
) -> None:
    manager.handlers["GetJob"] = got
    async with (
        serving(manager, short_path) as target,
        bgcopy.AsyncClient(target, token="secret") as client,
    ):
        await client.get_job(JOB.job_id)
        assert "secret" not in repr(client)
    assert manager.calls[0].metadata["authorization"] == "Bearer secret"


async def test_a_request_above_4_mib_is_not_sent(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    files = [bgcopy.FileSpec("http://example.com/" + "x" * 2000, f"{n}") for n in range(2200)]
    with pytest.raises(bgcopy.RequestTooLarge, match="batches"):
        await client.create_job("big", files=files)
    assert manager.calls == []


async def test_an_error_carries_what_the_server_said(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    violation = details_pb2.BadRequest.FieldViolation(field="job_id", description="no UUID")
    quota = details_pb2.QuotaFailure.Violation(subject="jobs", description="too many")
    manager.handlers["GetJob"] = refusing(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        "job_id: no UUID",
        details_pb2.BadRequest(field_violations=[violation]),
        details_pb2.QuotaFailure(violations=[quota]),
        details_pb2.RetryInfo(retry_delay=Duration(seconds=2)),
    )
    with pytest.raises(bgcopy.InvalidRequest, match="job_id: no UUID") as failure:
        await client.get_job("x")
    error = failure.value
    assert error.violations == (bgcopy.FieldViolation("job_id", "no UUID"),)
    assert error.quotas == (bgcopy.QuotaViolation("jobs", "too many"),)
    assert error.retry_after == timedelta(seconds=2)
    assert error.status is not None
    assert error.status.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_reason_of_a_newer_server_falls_back_to_the_code(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.handlers["GetJob"] = refusing(grpc.StatusCode.NOT_FOUND, "VOLUME_NOT_FOUND")
    with pytest.raises(bgcopy.NotFound) as failure:
        await client.get_job("x")
    assert type(failure.value) is bgcopy.NotFound
    assert failure.value.reason is bgcopy.Reason.UNKNOWN
    assert failure.value.reason_name == "VOLUME_NOT_FOUND"


async def test_damaged_details_do_no_harm(manager: Manager, client: bgcopy.AsyncClient) -> None:
    async def damaged(_: Any, context: Context) -> None:
        trailers = (("grpc-status-details-bin", b"\xff\xff\xff"),)
        await context.abort(grpc.StatusCode.NOT_FOUND, "gone", trailing_metadata=trailers)

    manager.handlers["GetJob"] = damaged
    with pytest.raises(bgcopy.NotFound, match="gone"):
        await client.get_job("x")


async def test_cancelling_the_task_cancels_the_call(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def parked(_: Any, __: Context) -> None:
        arrived.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    manager.handlers["GetJob"] = parked
    task = asyncio.create_task(client.get_job("x"))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await cancelled.wait()


async def test_closing_the_client_ends_calls_under_way(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    arrived = asyncio.Event()

    async def parked(_: Any, __: Context) -> None:
        arrived.set()
        await asyncio.Event().wait()

    manager.handlers["GetJob"] = parked
    task = asyncio.create_task(client.get_job("x"))
    await arrived.wait()
    await client.close()
    with pytest.raises(bgcopy.ClientClosed):
        await task
    with pytest.raises(bgcopy.ClientClosed):
        await client.get_job("x")


async def test_nobody_there(short_path: Path) -> None:
    async with bgcopy.AsyncClient(f"unix:{short_path / 'nobody'}") as client:
        with pytest.raises(bgcopy.Unavailable):
            await client.get_job("x")


async def test_lists_go_through_all_pages(manager: Manager, client: bgcopy.AsyncClient) -> None:
    async def page(request: pb.ListJobsRequest, _: Context) -> pb.ListJobsResponse:
        number = int(request.page_token or "0")
        jobs = [] if number == 1 else [job_pb2.Job(job_id=str(number))]
        return pb.ListJobsResponse(jobs=jobs, next_page_token=str(number + 1) if number < 2 else "")

    async def files(request: pb.ListFilesRequest, _: Context) -> pb.ListFilesResponse:
        if not request.page_token:
            return pb.ListFilesResponse(files=[job_pb2.File(index=0)], next_page_token="n")
        return pb.ListFilesResponse(files=[job_pb2.File(index=1)])

    manager.handlers |= {"ListJobs": page, "ListFiles": files}
    found = [info async for info in client.jobs(states={bgcopy.JobState.ERROR}, page_size=7)]
    assert [info.job_id for info in found] == ["0", "2"]
    request = manager.called("ListJobs")[2].request
    assert list(request.filter.states) == [job_pb2.JOB_STATE_ERROR]
    assert request.page_size == 7
    assert [file.index async for file in client.job("x").files()] == [0, 1]


@pytest.mark.parametrize(
    ("error", "request_field", "sent"),
    [
        (bgcopy.Reason.JOB_NOT_FOUND, "reason", 15),
        (bgcopy.ErrorContext.LOCAL_FILE, "context", 4),
        ("DO_E_NOT_FOUND", "hresult", "DO_E_NOT_FOUND"),
    ],
)
async def test_errors_are_described_by_all_that_names_them(
    manager: Manager,
    client: bgcopy.AsyncClient,
    error: bgcopy.Reason | bgcopy.ErrorContext | str,
    request_field: str,
    sent: int | str,
) -> None:
    async def describe(_: Any, __: Context) -> pb.GetErrorDescriptionResponse:
        return pb.GetErrorDescriptionResponse(
            description="t", language_code="de", hresult="0x1", hresult_name="N"
        )

    manager.handlers["GetErrorDescription"] = describe
    told = await client.get_error_description(error, language_code="de-AT")
    assert told == bgcopy.ErrorDescription("t", "de", "0x1", "N")
    (call,) = manager.called("GetErrorDescription")
    assert call.request.WhichOneof("error") == request_field
    assert getattr(call.request, request_field) == sent
    assert call.request.language_code == "de-AT"
