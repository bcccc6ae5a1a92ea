"""Every verb in every state that a job can be brought to, through the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import Trigger, outcome_of
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived

VERBS = {
    "ResumeJob": Trigger.RESUME,
    "SuspendJob": Trigger.SUSPEND,
    "CancelJob": Trigger.CANCEL,
    "CompleteJob": Trigger.COMPLETE,
    "AddFiles": Trigger.ADD_FILES,
    "DeleteJob": Trigger.DELETE,
}


async def suspended(home: House) -> job_pb2.Job:
    return await created(home.local, spec())


async def queued(home: House) -> job_pb2.Job:
    for _ in range(home.settings.background_jobs):
        await created(home.local, spec(), start=True)
        await home.engine.next()
    return await created(home.local, spec(), start=True)


async def connecting(home: House) -> job_pb2.Job:
    job = await created(home.local, spec(), start=True)
    await home.engine.next()
    return await got(home.local, job.job_id)


async def transferring(home: House) -> job_pb2.Job:
    job = await created(home.local, spec(), start=True)
    home.engine.connect(await home.engine.next(), 10)
    return await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRING)


async def failed(home: House) -> job_pb2.Job:
    job = await created(home.local, spec(), start=True)
    error = failure(Reason.HTTP_STATUS, transient=False)
    home.engine.fail(await home.engine.next(), error)
    return await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ERROR)


async def waiting(home: House) -> job_pb2.Job:
    job = await created(home.local, spec(), start=True)
    home.engine.fail(await home.engine.next(), failure(), retry_after=3600.0)
    return await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSIENT_ERROR)


async def transferred(home: House) -> job_pb2.Job:
    job = await created(home.local, spec(), start=True)
    home.engine.finish(await home.engine.next(), 10)
    return await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)


async def acknowledged(home: House) -> job_pb2.Job:
    job = await transferred(home)
    await verb(home.local, "CompleteJob", job.job_id)
    return await got(home.local, job.job_id)


async def cancelled(home: House) -> job_pb2.Job:
    job = await suspended(home)
    await verb(home.local, "CancelJob", job.job_id)
    return await got(home.local, job.job_id)


STATES: dict[JobState, Callable[[House], Awaitable[job_pb2.Job]]] = {
    JobState.SUSPENDED: suspended,
    JobState.QUEUED: queued,
    JobState.CONNECTING: connecting,
    JobState.TRANSFERRING: transferring,
    JobState.ERROR: failed,
    JobState.TRANSIENT_ERROR: waiting,
    JobState.TRANSFERRED: transferred,
    JobState.ACKNOWLEDGED: acknowledged,
    JobState.CANCELLED: cancelled,
}


def body(rpc: str) -> dict[str, Any]:
    if rpc == "AddFiles":
        return {"files": [spec()]}
    return {"allow_partial": True} if rpc == "CompleteJob" else {}


@pytest.mark.parametrize("rpc", VERBS)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
async def test_verbs_by_state(home: House, state: JobState, rpc: str) -> None:
    job = await STATES[state](home)
    assert job.state == state.value
    outcome = outcome_of(state, VERBS[rpc])
    call = verb(home.local, rpc, job.job_id, **body(rpc))
    if isinstance(outcome, Reason):
        refused = await refusal(call)
        assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
        assert refused.reason == outcome.name
        assert refused.info.metadata["state"] == state.name
        violation = refused.detail(details_pb2.PreconditionFailure).violations[0]
        assert (violation.type, violation.subject) == (outcome.name, job.job_id)
        assert await got(home.local, job.job_id) == job
        return
    response = await call
    if rpc == "DeleteJob":
        gone = await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
        assert gone.reason == "JOB_NOT_FOUND"
        return
    assert outcome is not None
    # A job that was queued may have been claimed meanwhile.
    later = {JobState.QUEUED: {JobState.QUEUED, JobState.CONNECTING}}.get(outcome, {outcome})
    assert response.job.state in later
    if outcome is state and rpc != "AddFiles":
        assert response.job.etag == job.etag
        assert response.job.modification_time == job.modification_time
    if rpc == "AddFiles":
        assert response.job.etag != job.etag
        assert response.job.revision > job.revision
        assert response.job.progress.files_total == 2


@pytest.mark.parametrize("rpc", ["ResumeJob", "SuspendJob", "CancelJob", "CompleteJob"])
async def test_verbs_may_be_repeated(home: House, rpc: str) -> None:
    job = await transferred(home) if rpc == "CompleteJob" else await suspended(home)
    first = await verb(home.local, rpc, job.job_id)
    again = await verb(home.local, rpc, job.job_id)
    if rpc == "ResumeJob":
        assert again.job.state in {job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_CONNECTING}
    else:
        assert again == first


async def test_an_empty_job_cannot_be_resumed(home: House) -> None:
    job = await created(home.local)
    refused = await refusal(verb(home.local, "ResumeJob", job.job_id))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "JOB_EMPTY"
    assert refused.info.metadata["hresult_name"] == "BG_E_EMPTY"
    assert await got(home.local, job.job_id) == job


@pytest.mark.parametrize("state", [suspended, queued, connecting, failed, waiting])
async def test_complete_needs_whole_files(home: House, state: Any) -> None:
    job = await state(home)
    refused = await refusal(verb(home.local, "CompleteJob", job.job_id))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "JOB_NOT_TRANSFERRED"
    assert (await got(home.local, job.job_id)).state == job.state


@pytest.mark.parametrize("rpc", ["SuspendJob", "ResumeJob", "CompleteJob", "CancelJob", "AddFiles"])
async def test_another_etag_is_refused(home: House, rpc: str) -> None:
    job = await suspended(home)
    for etag in ("other", job.etag + "0", job.etag.upper() + "x"):
        refused = await refusal(verb(home.local, rpc, job.job_id, etag=etag, **body(rpc)))
        assert refused.code is grpc.StatusCode.ABORTED
        assert refused.reason == "ETAG_MISMATCH"
        assert job.etag not in str(refused.status)
        assert await got(home.local, job.job_id) == job
    await verb(home.local, rpc, job.job_id, etag=job.etag, **body(rpc))


async def test_delete_with_an_etag(home: House) -> None:
    job = await cancelled(home)
    refused = await refusal(verb(home.local, "DeleteJob", job.job_id, etag="other"))
    assert refused.reason == "ETAG_MISMATCH"
    await verb(home.local, "DeleteJob", job.job_id, etag=job.etag)


async def test_the_etag_changes_with_files_the_revision_with_everything(home: House) -> None:
    job = await created(home.local, spec())
    rpcs = ("ResumeJob", "SuspendJob", "AddFiles", "CancelJob")
    seen = [job, *[(await verb(home.local, rpc, job.job_id, **body(rpc))).job for rpc in rpcs]]
    etags = [one.etag for one in seen]
    assert etags[0] == etags[1] == etags[2] != etags[3] == etags[4]
    revisions = [one.revision for one in seen]
    assert revisions == sorted(set(revisions))


async def test_progress_is_no_revision(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    one = await home.engine.next()
    home.engine.connect(one, 100)
    before = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRING)
    home.engine.claim(one, 50, 100)
    while (now := await got(home.local, job.job_id)).progress.bytes_transferred < 50:
        pass
    assert (now.revision, now.etag) == (before.revision, before.etag)
    assert now.modification_time == before.modification_time


@pytest.mark.parametrize("state", [transferred, failed])
async def test_added_files_wait_for_resume(home: House, state: Any) -> None:
    job = await state(home)
    response = await verb(home.local, "AddFiles", job.job_id, files=[spec()])
    assert response.job.state == job_pb2.JOB_STATE_SUSPENDED
    assert not response.job.HasField("error")
    assert response.first_index == 1
    await verb(home.local, "ResumeJob", job.job_id)
    indexes = {(await home.engine.next()).index}
    if state is failed:
        indexes.add((await home.engine.next()).index)
    assert indexes == ({1} if state is transferred else {0, 1})


async def test_add_files_is_all_or_nothing(home: House) -> None:
    job = await created(home.local, spec("a"))
    bad = [spec("b"), spec("../c"), spec("d", remote_url="x"), spec("a")]
    refused = await refusal(verb(home.local, "AddFiles", job.job_id, files=bad))
    assert refused.fields == ["files[1].local_path", "files[2].remote_url"]
    refused = await refusal(verb(home.local, "AddFiles", job.job_id, files=[spec("b"), spec("a")]))
    assert (refused.reason, refused.fields) == ("DESTINATION_IN_USE", ["files[1].local_path"])
    refused = await refusal(verb(home.local, "AddFiles", job.job_id))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["files"])
    assert await got(home.local, job.job_id) == job
