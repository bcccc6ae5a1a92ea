"""One bad file does not stop the others, where the job says so; and what its end leaves."""

from __future__ import annotations

from typing import Any

import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, job_pb2
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Transfer
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, got, spec, updated, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived

ERROR = job_pb2.JOB_STATE_ERROR
TRANSIENT = job_pb2.JOB_STATE_TRANSIENT_ERROR
TRANSFERRED = job_pb2.JOB_STATE_TRANSFERRED
GONE = failure(Reason.HTTP_STATUS, transient=False, message="It is gone.")
SILENT = failure()


async def lenient(home: House, files: int) -> tuple[job_pb2.Job, list[Transfer]]:
    """A running job that goes on after bad files."""
    specs = [spec(str(number)) for number in range(files)]
    job = await created(home.local, *specs, start=True, continue_on_file_error=True)
    return job, await home.engine.take(files)


async def errors(home: House, job_id: str) -> list[int]:
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job_id))
    return [file.error.reason for file in page.files]


async def test_the_others_go_on(home: House) -> None:
    job, (bad, good) = await lenient(home, 2)
    home.engine.fail(bad, GONE)
    home.engine.connect(good, 10)
    running = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRING)
    assert not running.HasField("error")
    assert home.engine.stops == []
    home.engine.finish(good, 10)
    ended = await arrived(home.local, job.job_id, ERROR)
    assert (ended.error.reason, ended.error.file_index) == (error_pb2.REASON_HTTP_STATUS, 0)
    assert ended.error_count == 1
    assert (ended.progress.files_transferred, ended.progress.files_total) == (1, 2)
    assert await errors(home, job.job_id) == [error_pb2.REASON_HTTP_STATUS, 0]


async def test_what_may_pass_is_tried_again_before_what_stays_ends_the_job(home: House) -> None:
    job, (bad, slow, good) = await lenient(home, 3)
    home.engine.fail(slow, SILENT, retry_after=60.0)
    home.engine.fail(bad, GONE)
    home.engine.finish(good, 10)
    waiting = await arrived(home.local, job.job_id, TRANSIENT)
    assert waiting.error.file_index == 1
    assert waiting.HasField("next_attempt_time")
    home.let_pass(61)
    again = await home.engine.next()
    assert again.index == 1
    home.engine.finish(again, 10)
    ended = await arrived(home.local, job.job_id, ERROR)
    assert (ended.error.reason, ended.error.file_index) == (error_pb2.REASON_HTTP_STATUS, 0)
    assert not home.engine.active


@pytest.mark.parametrize("crash", [False, True], ids=["", "crash"])
async def test_resume_tries_the_bad_files_again_and_no_other(home: House, *, crash: bool) -> None:
    job, transfers = await lenient(home, 3)
    for one in transfers[:2]:
        home.engine.fail(one, GONE)
    home.engine.finish(transfers[2], 10)
    await arrived(home.local, job.job_id, ERROR)
    if crash:
        await home.crash()
    await verb(home.local, "ResumeJob", job.job_id)
    assert await errors(home, job.job_id) == [0, 0, 0]
    again = await home.engine.take(2)
    assert [one.index for one in again] == [0, 1]
    for one in again:
        home.engine.finish(one, 10)
    done = await arrived(home.local, job.job_id, TRANSFERRED)
    assert not done.HasField("error")


async def test_a_crash_in_between_forgets_no_bad_file(home: House) -> None:
    job, (bad, _) = await lenient(home, 2)
    home.engine.fail(bad, GONE)
    while not any(await errors(home, job.job_id)):
        pass
    await home.crash()
    again = await home.engine.next()
    assert again.index == 1
    home.engine.finish(again, 10)
    assert (await arrived(home.local, job.job_id, ERROR)).error.file_index == 0
    assert not home.engine.active


async def test_without_patience_each_error_stays_but_stops_nobody(home: House) -> None:
    job, (slow, good) = await lenient(home, 2)
    await updated(home.local, job.job_id, no_progress_timeout={})
    home.engine.fail(slow, SILENT)
    home.engine.finish(good, 10)
    ended = await arrived(home.local, job.job_id, ERROR)
    assert not ended.error.transient
    assert ended.progress.files_transferred == 1


async def test_files_may_be_added_to_a_job_with_bad_ones(home: House) -> None:
    job, (bad,) = await lenient(home, 1)
    home.engine.fail(bad, GONE)
    await arrived(home.local, job.job_id, ERROR)
    added = await home.local.call("AddFiles", pb.AddFilesRequest(job_id=job.job_id, files=[spec()]))
    assert added.job.state == job_pb2.JOB_STATE_SUSPENDED
    await verb(home.local, "ResumeJob", job.job_id)
    assert [one.index for one in await home.engine.take(2)] == [0, 1]


async def test_a_partial_complete_keeps_what_is_whole(home: House) -> None:
    job, (bad, good) = await lenient(home, 2)
    home.engine.fail(bad, GONE)
    home.engine.finish(good, 10)
    await arrived(home.local, job.job_id, ERROR)
    refused = await refusal(verb(home.local, "CompleteJob", job.job_id))
    assert refused.reason == "JOB_NOT_TRANSFERRED"
    response = await verb(home.local, "CompleteJob", job.job_id, allow_partial=True)
    assert response.job.partially_completed
    assert home.files.named == {"1"}
    assert [partial.path for partial in home.files.discarded] == ["0"]


async def test_cancel_deletes_what_is_whole_and_has_no_name_yet(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    for one in await home.engine.take(2):
        home.engine.finish(one, 10)
    await arrived(home.local, job.job_id, TRANSFERRED)
    await verb(home.local, "CancelJob", job.job_id)
    assert {partial.path for partial in home.files.discarded} == {"a", "b"}


async def test_a_name_that_is_taken_can_be_given_under_another_policy(home: House) -> None:
    home.files.taken.add("a")
    policy = job_pb2.OVERWRITE_POLICY_FAIL
    job = await created(home.local, spec("a"), spec("b"), start=True, overwrite_policy=policy)
    for one in await home.engine.take(2):
        home.engine.finish(one, 10)
    await arrived(home.local, job.job_id, TRANSFERRED)
    for _ in range(2):
        refused = await refusal(verb(home.local, "CompleteJob", job.job_id))
        assert refused.reason == "DESTINATION_EXISTS"
        assert (await got(home.local, job.job_id)).state == TRANSFERRED
    assert home.files.named == {"b"}
    await updated(home.local, job.job_id, overwrite_policy=job_pb2.OVERWRITE_POLICY_REPLACE)
    response = await verb(home.local, "CompleteJob", job.job_id)
    assert list(response.completed_files) == [0, 1]
    assert home.files.named == {"a", "b"}


async def test_where_something_may_be_left_is_noted(home: House) -> None:
    def noted() -> Any:
        return home.store.transact(lambda tx: tx.directories())

    job = await created(home.local, spec("x/a"), spec("y/b"), spec("c"))
    await verb(home.local, "CancelJob", job.job_id)
    assert await noted() == []
    job = await created(home.local, spec("x/a"), spec("y/b"), spec("c"), start=True)
    first, _, third = await home.engine.take(3)
    home.engine.claim(first, 5, 10)
    home.engine.claim(third, 5, 10)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_CONNECTING)
    await home.local.call("RemoveFiles", pb.RemoveFilesRequest(job_id=job.job_id, file_indexes=[0]))
    assert await noted() == [("default", "x")]
    await home.engine.take(2)
    await verb(home.local, "CancelJob", job.job_id)
    assert await noted() == [("default", ""), ("default", "x"), ("default", "y")]
