"""Every verb in every state that a job can be brought to, through the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import VERBS, Trigger, outcome_of
from bgcopyd.queue.transfers import Transfer
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import URL, created, got, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived, watching

ON_DEMAND = "RequestFileRanges of an on-demand job"
ON_DEMAND_MASK = FieldMask(paths=["on_demand_mode"])
PARTS = {"file_index": 1, "ranges": [job_pb2.FileRange(offset=7, length=1)]}
# What is called with what, beside the job's id, on a job whose first file is whole and whose second
# is not; and the triggers that take the job through the table.
CALLS: dict[str, tuple[str, dict[str, Any], tuple[Trigger, ...]]] = {
    "ResumeJob": ("ResumeJob", {}, (Trigger.RESUME,)),
    "SuspendJob": ("SuspendJob", {}, (Trigger.SUSPEND,)),
    "CancelJob": ("CancelJob", {}, (Trigger.CANCEL,)),
    "CompleteJob": ("CompleteJob", {"allow_partial": True}, (Trigger.COMPLETE,)),
    "DeleteJob": ("DeleteJob", {}, (Trigger.DELETE,)),
    "TakeOwnership": ("TakeOwnership", {}, (Trigger.TAKE_OWNERSHIP,)),
    "AddFiles": ("AddFiles", {"files": [spec()]}, (Trigger.ADD_FILES,)),
    "UpdateJob": (
        "UpdateJob",
        {"job": job_pb2.Job(description="x"), "update_mask": FieldMask(paths=["description"])},
        (Trigger.UPDATE,),
    ),
    "another URL": ("UpdateFile", {"file_index": 1, "remote_url": f"{URL}/2"}, (Trigger.UPDATE,)),
    "a valid file": ("UpdateFile", {"validation_state": True}, (Trigger.UPDATE,)),
    "an invalid file": ("UpdateFile", {"validation_state": False}, (Trigger.INVALIDATE,)),
    "ReplaceRemotePrefix": (
        "ReplaceRemotePrefix",
        {"old_prefix": URL, "new_prefix": f"{URL}/2"},
        (Trigger.UPDATE,),
    ),
    "without the whole file": ("RemoveFiles", {"file_indexes": [0]}, (Trigger.REMOVE_FILES,)),
    "without the rest": (
        "RemoveFiles",
        {"file_indexes": [1]},
        (Trigger.REMOVE_FILES, Trigger.REST_DONE),
    ),
    "without files": (
        "RemoveFiles",
        {"file_indexes": [0, 1]},
        (Trigger.REMOVE_FILES, Trigger.EMPTIED),
    ),
    "RequestFileRanges": ("RequestFileRanges", PARTS, (Trigger.UPDATE,)),
    ON_DEMAND: ("RequestFileRanges", PARTS, (Trigger.REQUEST_RANGES,)),
}
# What changes neither properties nor files, and what finds none of them to change.
PLAIN_VERBS = ("ResumeJob", "SuspendJob", "CancelJob", "CompleteJob")
UNTOUCHED = {JobState.TRANSFERRED: ("ReplaceRemotePrefix", "RequestFileRanges", ON_DEMAND)}


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


async def cancelled(home: House) -> job_pb2.Job:
    job = await suspended(home)
    await verb(home.local, "CancelJob", job.job_id)
    return await got(home.local, job.job_id)


async def half_done(home: House, state: JobState, *, on_demand: bool = False) -> job_pb2.Job:
    """A job in a state whose first file is whole; in TRANSFERRED the second one is as well."""
    job = await created(home.local, spec(), spec())
    for index in range(2 * on_demand):
        parts = [job_pb2.FileRange(length=5)]
        await verb(home.local, "RequestFileRanges", job.job_id, file_index=index, ranges=parts)
    if on_demand:
        changes = {"job": job_pb2.Job(on_demand_mode=True), "update_mask": ON_DEMAND_MASK}
        await verb(home.local, "UpdateJob", job.job_id, **changes)
    await verb(home.local, "ResumeJob", job.job_id)
    first, second = await home.engine.take(2)
    home.engine.connect(first, 10)
    home.engine.finish(first, 10)
    async with watching(home.local, job_ids=[job.job_id], progress=0.1) as reader:
        while (await reader.event()).job_changed.progress.files_transferred < 1:
            pass
    await BRINGING[state](home, job.job_id, second)
    return await arrived(home.local, job.job_id, state.value)


async def _nothing(home: House, job_id: str, second: Transfer) -> None:
    """It is there."""


async def _suspend(home: House, job_id: str, second: Transfer) -> None:
    await verb(home.local, "SuspendJob", job_id)
    await home.daemon.runs.stop(job_id)


async def _resume(home: House, job_id: str, second: Transfer) -> None:
    await _suspend(home, job_id, second)
    await verb(home.local, "ResumeJob", job_id)
    await home.engine.next()


async def _queue(home: House, job_id: str, second: Transfer) -> None:
    await _suspend(home, job_id, second)
    for _ in range(home.settings.background_jobs):
        await created(home.local, spec(), start=True, priority=job_pb2.JOB_PRIORITY_HIGH)
        await home.engine.next()
    await verb(home.local, "ResumeJob", job_id)


async def _fail(home: House, job_id: str, second: Transfer) -> None:
    home.engine.fail(second, failure(Reason.HTTP_STATUS, transient=False))


async def _wait(home: House, job_id: str, second: Transfer) -> None:
    home.engine.fail(second, failure(), retry_after=3600.0)


async def _finish(home: House, job_id: str, second: Transfer) -> None:
    home.engine.finish(second, 10)


async def _complete(home: House, job_id: str, second: Transfer) -> None:
    await verb(home.local, "CompleteJob", job_id, allow_partial=True)


async def _cancel(home: House, job_id: str, second: Transfer) -> None:
    await verb(home.local, "CancelJob", job_id)


BRINGING: dict[JobState, Callable[[House, str, Transfer], Awaitable[None]]] = {
    JobState.SUSPENDED: _suspend,
    JobState.QUEUED: _queue,
    JobState.CONNECTING: _resume,
    JobState.TRANSFERRING: _nothing,
    JobState.ERROR: _fail,
    JobState.TRANSIENT_ERROR: _wait,
    JobState.TRANSFERRED: _finish,
    JobState.ACKNOWLEDGED: _complete,
    JobState.CANCELLED: _cancel,
}


def body(rpc: str) -> dict[str, Any]:
    return CALLS[rpc][1]


def led_to(state: JobState, name: str) -> JobState | Reason:
    """Where a call takes a job, by the table; a whole file stays where it was fetched from."""
    if (name, state) == ("another URL", JobState.TRANSFERRED):
        return Reason.INVALID_STATE
    for trigger in CALLS[name][2]:
        outcome = outcome_of(state, trigger)
        assert outcome is not None
        if isinstance(outcome, Reason):
            return outcome
        state = outcome
    return state


def test_every_verb_of_the_table_is_called() -> None:
    called = {trigger for _, _, triggers in CALLS.values() for trigger in triggers[:1]}
    assert called == set(VERBS)
    assert set(BRINGING) == set(JobState)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("state", BRINGING, ids=lambda state: state.name)
async def test_verbs_by_state(home: House, state: JobState, name: str) -> None:
    job = await half_done(home, state, on_demand=name == ON_DEMAND)
    rpc, fields, _ = CALLS[name]
    outcome = led_to(state, name)
    caller = await home.user("root", admin=True) if rpc == "TakeOwnership" else home.local
    call = verb(caller, rpc, job.job_id, **fields)
    if isinstance(outcome, Reason):
        refused = await refusal(call)
        assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
        assert refused.reason == outcome.name
        violation = refused.detail(details_pb2.PreconditionFailure).violations[0]
        assert (violation.type, violation.subject) == (outcome.name, job.job_id)
        assert await got(home.local, job.job_id) == job
        return
    response = await call
    if rpc == "DeleteJob":
        gone = await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
        assert gone.reason == "JOB_NOT_FOUND"
        return
    # A job that was queued may have been claimed meanwhile.
    later = {JobState.QUEUED: {JobState.QUEUED, JobState.CONNECTING}}.get(outcome, {outcome})
    assert response.job.state in later
    plain = rpc in PLAIN_VERBS
    touched = not plain and name not in UNTOUCHED.get(state, ())
    assert (response.job.etag != job.etag) == touched
    if touched or outcome is not state:
        assert response.job.revision > job.revision
    else:
        assert response.job == job


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
