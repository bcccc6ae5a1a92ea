"""The contract with nothing scripted: a daemon process, its engine, a web server, real files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.daemon import DaemonProcess
from tests.support.rpc_house import Caller
from tests.support.rpc_requests import created, got, new_id, spec, verb
from tests.support.rpc_status import decode, refusal
from tests.support.rpc_watch import Reader, arrived, watching
from tests.support.site import Site, content


@pytest.fixture
async def local(daemon: DaemonProcess) -> AsyncIterator[Caller]:
    caller = Caller(daemon.target)
    yield caller
    await caller.close()


async def moved(reader: Reader, least: int) -> job_pb2.Job:
    """The first job of a watch with so many bytes."""
    while True:
        job = (await reader.event()).job_changed
        if job.progress.bytes_transferred >= least:
            return job


async def test_cancel_deletes_partials(daemon: DaemonProcess, local: Caller) -> None:
    async with Site() as site:
        url = site.url("slow", size=50_000_000, rate=1_000_000)
        job = await created(local, spec("deep/a", remote_url=url), start=True)
        async with watching(local, job_ids=[job.job_id], progress=0.1) as reader:
            moving = await moved(reader, 1)
        assert moving.progress.bytes_total == 50_000_000
        assert [path for path in daemon.root_dir.rglob("*") if path.is_file()]
        await verb(local, "CancelJob", job.job_id)
        assert not [path for path in daemon.root_dir.rglob("*") if path.is_file()]
    gone = await got(local, job.job_id)
    assert gone.state == job_pb2.JOB_STATE_CANCELLED


async def test_a_name_that_cannot_be_given_and_then_can(
    daemon: DaemonProcess, local: Caller
) -> None:
    async with Site() as site:
        files = [spec(name, remote_url=site.url(name, size=1000)) for name in ("a", "b")]
        job = await created(local, *files, start=True)
        await arrived(local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    obstacle = daemon.root_dir / "b"
    obstacle.mkdir()
    (obstacle / "keep").touch()
    refused = await refusal(verb(local, "CompleteJob", job.job_id))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "DESTINATION_UNWRITABLE"
    assert (await got(local, job.job_id)).state == job_pb2.JOB_STATE_TRANSFERRED
    assert (daemon.root_dir / "a").read_bytes() == content("a", 1000)
    (obstacle / "keep").unlink()
    obstacle.rmdir()
    response = await verb(local, "CompleteJob", job.job_id)
    assert list(response.completed_files) == [0, 1]
    assert (daemon.root_dir / "b").read_bytes() == content("b", 1000)


async def test_cancel_keeps_named_files(daemon: DaemonProcess, local: Caller) -> None:
    async with Site() as site:
        files = [spec(name, remote_url=site.url(name, size=1000)) for name in ("a", "b")]
        job = await created(local, *files, start=True)
        await arrived(local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    (daemon.root_dir / "b").mkdir()
    await refusal(verb(local, "CompleteJob", job.job_id))
    await verb(local, "CancelJob", job.job_id)
    assert [path.name for path in daemon.root_dir.rglob("*") if path.is_file()] == ["a"]


async def test_a_partial_complete_drops_what_is_unfinished(
    daemon: DaemonProcess, local: Caller
) -> None:
    async with Site() as site:
        whole = spec("whole", remote_url=site.url("whole", size=1000))
        broken = spec("broken", remote_url=site.url("broken", size=9, fault="status:404"))
        job = await created(local, whole, broken, start=True)
        stuck = await arrived(local, job.job_id, job_pb2.JOB_STATE_ERROR)
    assert stuck.error.http_status == 404
    assert stuck.error.hresult_name == "BG_E_HTTP_ERROR_404"
    assert stuck.error.file_index == 1
    page = await local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    finished = [file.index for file in page.files if file.transferred]
    response = await verb(local, "CompleteJob", job.job_id, allow_partial=True)
    assert list(response.completed_files) == finished
    assert response.hresult_name == "BG_S_PARTIAL_COMPLETE"
    files = {path.name for path in daemon.root_dir.rglob("*") if path.is_file()}
    assert files == ({"whole"} if finished else set())


async def test_a_wrong_digest_makes_no_file(daemon: DaemonProcess, local: Caller) -> None:
    digest = job_pb2.Digest(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"x" * 32)
    async with Site() as site:
        one = spec("a", remote_url=site.url("a", size=1000), digests=[digest])
        job = await created(local, one, start=True, auto_complete=True)
        stuck = await arrived(local, job.job_id, job_pb2.JOB_STATE_ERROR)
    assert stuck.error.hresult_name == "BG_E_VALIDATION_FAILED"
    assert not (daemon.root_dir / "a").exists()


async def test_identities(daemon: DaemonProcess, local: Caller) -> None:
    job = await created(local)
    token = await daemon.token("anna")
    callers = [
        Caller(daemon.tcp_target),
        Caller(daemon.tcp_target, token),
        Caller(daemon.target, "x"),
    ]
    request = pb.GetJobRequest(job_id=job.job_id)
    reasons = [(await refusal(caller.call("GetJob", request))).reason for caller in callers]
    assert reasons == ["CREDENTIAL_MISSING", "NOT_JOB_OWNER", "CREDENTIAL_INVALID"]
    own = await created(callers[1])
    assert own.owner == "user:anna"
    for caller in callers:
        await caller.close()
    assert token not in daemon.log


async def test_the_drain_tells_watches_and_loses_nothing(
    daemon: DaemonProcess, local: Caller
) -> None:
    job = await created(local, spec(remote_url="http://127.0.0.1:9/x?token=hunter2"), start=True)
    async with watching(local) as reader:
        await reader.snapshot()
        end = asyncio.ensure_future(daemon.terminate())
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await moved(reader, 1)  # which never come
        assert decode(raised.value).reason == "DRAINING"
        assert await end == 0
    await daemon.start()
    again = Caller(daemon.target)
    kept = await got(again, job.job_id)
    assert kept.etag == job.etag
    async with watching(again, resume_token=reader.token) as reader:
        fresh = await created(again)
        while (await reader.event()).job_changed != fresh:
            pass
    missing = await refusal(again.call("GetJob", pb.GetJobRequest(job_id=new_id())))
    assert missing.reason == "JOB_NOT_FOUND"
    await again.close()
    assert "hunter2" not in daemon.log
