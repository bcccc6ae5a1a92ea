"""What jobs do when they run, seen through the API; the engine does as the test says."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, job_pb2
from bgcopyd.jobs.file import Digest, DigestAlgorithm
from bgcopyd.jobs.reasons import Reason
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import URL, created, got, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived, watching

ERROR = job_pb2.JOB_STATE_ERROR
TRANSIENT = job_pb2.JOB_STATE_TRANSIENT_ERROR
TRANSFERRED = job_pb2.JOB_STATE_TRANSFERRED
ACKNOWLEDGED = job_pb2.JOB_STATE_ACKNOWLEDGED


async def test_what_the_engine_is_asked(home: House) -> None:
    digest = job_pb2.Digest(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"d" * 32)
    one = spec("a/./b", root="default", digests=[digest])
    job = await created(home.local, one, start=True, max_bytes_per_second=1000)
    transfer = await home.engine.next()
    assert transfer.job_id == job.job_id
    assert (transfer.index, transfer.url) == (0, URL)
    assert (transfer.root, transfer.path) == ("default", "a/b")
    assert transfer.digests == (Digest(DigestAlgorithm.SHA256, b"d" * 32),)
    assert transfer.rate == 1000
    assert (transfer.claimed, transfer.size) == (0, None)
    assert transfer.partial_name.startswith(".bgcopy-")


async def test_files_that_move_show_all_that_is_here(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    one, _ = await home.engine.take(2)
    home.engine.connect(one, 100)
    home.engine.receive(one, 40)
    async with watching(home.local, job_ids=[job.job_id], progress=0.1) as reader:
        while (await reader.changed()).progress.bytes_transferred < 40:
            pass
    files = pb.ListFilesRequest(job_id=job.job_id)
    first, second = (await home.local.call("ListFiles", files)).files
    assert (first.bytes_transferred, first.bytes_total) == (40, 100)
    assert not first.filled_ranges  # none of it is safe yet
    assert (second.bytes_transferred, second.HasField("bytes_total")) == (0, False)
    home.engine.claim(one, 30, 100)
    await verb(home.local, "SuspendJob", job.job_id)
    first, second = (await home.local.call("ListFiles", files)).files
    assert (first.bytes_transferred, second.bytes_transferred) == (30, 0)


async def test_from_queued_to_acknowledged(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    async with watching(home.local, job_ids=[job.job_id]) as reader:
        first, second = await home.engine.take(2)
        home.engine.connect(first, 10)
        moving = await reader.until(job_pb2.JOB_STATE_TRANSFERRING)
        assert not moving.blocked_reason
        home.engine.finish(first, 10)
        home.engine.finish(second, 20)
        done = await reader.until(TRANSFERRED)
    assert done.progress == job_pb2.JobProgress(
        bytes_transferred=30, bytes_total=30, files_total=2, files_transferred=2
    )
    assert done.HasField("transferred_time")
    assert done.blocked_reason
    response = await verb(home.local, "CompleteJob", job.job_id)
    assert response.hresult_name == "S_OK"
    assert (list(response.completed_files), list(response.dropped_files)) == ([0, 1], [])
    assert response.job.state == ACKNOWLEDGED
    assert response.job == await got(home.local, job.job_id)
    assert home.files.named == {"a", "b"}
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    assert all(file.completed and file.transferred for file in page.files)
    assert [file.bytes_total for file in page.files] == [10, 20]


async def test_a_partial_complete(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), spec("c"), start=True)
    first, _, third = await home.engine.take(3)
    home.engine.finish(first, 10)
    home.engine.fail(third, failure(Reason.HTTP_STATUS, transient=False))
    await arrived(home.local, job.job_id, ERROR)
    response = await verb(home.local, "CompleteJob", job.job_id, allow_partial=True)
    assert response.hresult_name == "BG_S_PARTIAL_COMPLETE"
    assert (list(response.completed_files), list(response.dropped_files)) == ([0], [1, 2])
    assert home.files.named == {"a"}
    assert {partial.path for partial in home.files.discarded} == {"b", "c"}
    again = await verb(home.local, "CompleteJob", job.job_id, allow_partial=True)
    assert again == response


async def test_a_running_job_completes_partially_after_its_writers_have_stopped() -> None:
    async with house() as home:
        home.engine.obedient = False
        job = await created(home.local, spec("a"), spec("b"), start=True)
        first, _second = await home.engine.take(2)
        home.engine.finish(first, 10)
        while (await got(home.local, job.job_id)).progress.files_transferred < 1:
            pass
        call = asyncio.ensure_future(
            verb(home.local, "CompleteJob", job.job_id, allow_partial=True)
        )
        while not home.engine.stops:
            await got(home.local, job.job_id)
        refused = await refusal(verb(home.local, "CancelJob", job.job_id))
        assert refused.reason == "INVALID_STATE"
        assert not home.files.named
        home.engine.let_stop(job.job_id)
        assert list((await call).completed_files) == [0]
        assert home.files.named == {"a"}


async def test_a_name_that_cannot_be_given(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    for number, one in enumerate(await home.engine.take(2)):
        home.engine.finish(one, number + 1)
    before = await arrived(home.local, job.job_id, TRANSFERRED)
    home.files.problems[1] = "b: is a directory"
    refused = await refusal(verb(home.local, "CompleteJob", job.job_id))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "DESTINATION_UNWRITABLE"
    assert "b: is a directory" in refused.message
    after = await got(home.local, job.job_id)
    assert (after.state, after.etag) == (TRANSFERRED, before.etag)
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    assert [file.completed for file in page.files] == [True, False]
    home.files.problems.clear()
    response = await verb(home.local, "CompleteJob", job.job_id)
    assert list(response.completed_files) == [0, 1]
    assert response.job.state == ACKNOWLEDGED


async def test_auto_complete(home: House) -> None:
    job = await created(home.local, spec("a"), start=True, auto_complete=True)
    home.engine.finish(await home.engine.next(), 10)
    await arrived(home.local, job.job_id, ACKNOWLEDGED)
    assert home.files.named == {"a"}


async def test_auto_complete_that_fails_shows_why(home: House) -> None:
    home.files.problems[0] = "a: permission denied"
    job = await created(home.local, spec("a"), start=True, auto_complete=True)
    home.engine.finish(await home.engine.next(), 10)
    stuck = await arrived(home.local, job.job_id, ERROR)
    assert stuck.error.reason == error_pb2.REASON_DESTINATION_UNWRITABLE
    assert stuck.error.context == error_pb2.ERROR_CONTEXT_LOCAL_FILE
    assert stuck.error.message == "a: permission denied"
    home.files.problems.clear()
    await verb(home.local, "ResumeJob", job.job_id)
    await arrived(home.local, job.job_id, ACKNOWLEDGED)


async def test_cancel_deletes_partials_and_keeps_named_files(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    for one in await home.engine.take(2):
        home.engine.finish(one, 10)
    await arrived(home.local, job.job_id, TRANSFERRED)
    home.files.problems[1] = "no"
    await refusal(verb(home.local, "CompleteJob", job.job_id))
    response = await verb(home.local, "CancelJob", job.job_id)
    assert response.job.state == job_pb2.JOB_STATE_CANCELLED
    assert [partial.path for partial in home.files.discarded] == ["b"]


async def test_what_a_better_file_kept_out_is_deleted(home: House) -> None:
    job = await created(
        home.local,
        spec("a"),
        start=True,
        auto_complete=True,
        overwrite_policy=job_pb2.OVERWRITE_POLICY_IF_NEWER,
    )
    home.engine.finish(await home.engine.next(), 10)
    await arrived(home.local, job.job_id, ACKNOWLEDGED)
    await verb(home.local, "CompleteJob", job.job_id)
    assert [partial.path for partial in home.files.discarded] == ["a"]


async def test_cancel_waits_for_the_writers(home: House) -> None:
    home.engine.obedient = False
    job = await created(home.local, spec("a"), start=True)
    await home.engine.next()
    call = asyncio.ensure_future(verb(home.local, "CancelJob", job.job_id))
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_CANCELLED)
    refused = await refusal(verb(home.local, "DeleteJob", job.job_id))
    assert refused.reason == "INVALID_STATE"
    assert not call.done()
    assert not home.files.discarded
    home.engine.let_stop(job.job_id)
    await call
    assert [partial.path for partial in home.files.discarded] == ["a"]
    await verb(home.local, "DeleteJob", job.job_id)


async def test_the_pause_is_at_most_minimum_retry_delay(home: House) -> None:
    job = await created(home.local, spec(), start=True, minimum_retry_delay=Duration(seconds=5))
    for attempt in itertools.count(1):
        one = await home.engine.next()
        home.engine.fail(one, failure(message="The host is silent."))
        waiting = await arrived(home.local, job.job_id, TRANSIENT)
        assert waiting.error_count == attempt
        pause = waiting.next_attempt_time.ToDatetime(UTC) - waiting.modification_time.ToDatetime(
            UTC
        )
        assert timedelta() <= pause <= timedelta(seconds=min(5, 2**attempt))
        assert waiting.error.transient
        assert waiting.error.message == "The host is silent."
        assert waiting.error.file_index == 0
        assert waiting.error.HasField("file_index")
        assert "The host is silent." in waiting.blocked_reason
        if attempt == 6:
            break
        await verb(home.local, "ResumeJob", job.job_id)


async def test_a_paused_job_tries_again_by_itself(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    home.engine.fail(await home.engine.next(), failure(), retry_after=0.01)
    again = await home.engine.next()
    assert again.job_id == job.job_id
    home.engine.finish(again, 1)
    done = await arrived(home.local, job.job_id, TRANSFERRED)
    assert done.error_count == 1
    assert not done.HasField("error")


async def test_no_patience_makes_every_error_final(home: House) -> None:
    job = await created(home.local, spec(), start=True, no_progress_timeout=Duration())
    home.engine.fail(await home.engine.next(), failure())
    stuck = await arrived(home.local, job.job_id, ERROR)
    assert stuck.error.reason == error_pb2.REASON_TIMEOUT
    assert not stuck.error.transient


async def test_another_method_than_get_is_not_repeated_unasked(home: House) -> None:
    job = await created(home.local, spec(), start=True, http_method="POST")
    # A host that is left alone has been sent nothing.
    home.engine.fail(await home.engine.next(), failure(), retry_after=0.01, held="host")
    home.engine.fail(await home.engine.next(), failure())
    stopped = await arrived(home.local, job.job_id, ERROR)
    assert (stopped.error.reason, stopped.error.transient) == (error_pb2.REASON_TIMEOUT, False)
    assert not stopped.HasField("next_attempt_time")
    await verb(home.local, "ResumeJob", job.job_id)
    home.engine.finish(await home.engine.next(), 1)
    await arrived(home.local, job.job_id, TRANSFERRED)


async def test_patience_ends_with_no_progress(home: House) -> None:
    patience = Duration(seconds=100)
    job = await created(home.local, spec(), start=True, no_progress_timeout=patience)
    home.engine.fail(await home.engine.next(), failure(), retry_after=60.0)
    await arrived(home.local, job.job_id, TRANSIENT)
    # Resume starts the patience anew.
    await verb(home.local, "ResumeJob", job.job_id)
    home.engine.fail(await home.engine.next(), failure(message="Silence."), retry_after=120.0)
    stuck = await arrived(home.local, job.job_id, ERROR)
    assert stuck.error.reason == error_pb2.REASON_NO_PROGRESS
    assert stuck.error.hresult_name == "BG_E_NO_PROGRESS"
    assert "Silence." in stuck.error.message


async def test_a_server_that_must_always_begin_anew_brings_no_progress(home: House) -> None:
    patience = Duration(seconds=3)
    job = await created(home.local, spec(), start=True, no_progress_timeout=patience)
    one = await home.engine.next()
    home.engine.claim(one, 60, 100)
    # The pause is 0.5 to 2 s; with the second one it is more than the patience.
    home.engine.fail(one, failure(), retry_after=0.5)
    again = await home.engine.next()
    home.engine.claim(again, 0, 100)
    home.engine.claim(again, 50, 100)
    home.engine.fail(again, failure(), retry_after=2.6)
    stuck = await arrived(home.local, job.job_id, ERROR)
    assert stuck.error.reason == error_pb2.REASON_NO_PROGRESS


async def test_a_fatal_error_stops_the_other_files(home: House) -> None:
    job = await created(home.local, spec(), spec(), start=True)
    first, _ = await home.engine.take(2)
    error = failure(Reason.DIGEST_MISMATCH, transient=False, message="Not these bytes.")
    home.engine.fail(first, error)
    stuck = await arrived(home.local, job.job_id, ERROR)
    assert not home.engine.active
    assert stuck.error.reason == error_pb2.REASON_DIGEST_MISMATCH
    assert stuck.error_count == 1
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    assert [file.HasField("error") for file in page.files] == [True, False]


async def test_foreground_needs_no_slot() -> None:
    async with house(background_jobs=1) as home:
        low = await created(home.local, spec(), start=True, priority=job_pb2.JOB_PRIORITY_LOW)
        assert (await home.engine.next()).job_id == low.job_id
        fronts = [
            await created(home.local, spec(), start=True, priority=job_pb2.JOB_PRIORITY_FOREGROUND)
            for _ in range(3)
        ]
        assert {one.job_id for one in await home.engine.take(3)} == {job.job_id for job in fronts}
        high = await created(home.local, spec(), start=True, priority=job_pb2.JOB_PRIORITY_HIGH)
        assert (await home.engine.next()).job_id == high.job_id
        preempted = await got(home.local, low.job_id)
        assert preempted.state == job_pb2.JOB_STATE_QUEUED
        assert preempted.blocked_reason
        home.engine.finish(home.engine.active[high.job_id, 0], 1)
        assert (await home.engine.next()).job_id == low.job_id


async def test_suspend_keeps_what_is_claimed(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    one = await home.engine.next()
    home.engine.connect(one, 100)
    home.engine.claim(one, 40, 100)
    await verb(home.local, "SuspendJob", job.job_id)
    while home.daemon.runs.active(job.job_id):
        await got(home.local, job.job_id)
    stopped = await got(home.local, job.job_id)
    assert stopped.state == job_pb2.JOB_STATE_SUSPENDED
    assert stopped.progress == job_pb2.JobProgress(
        bytes_transferred=40, bytes_total=100, files_total=1
    )
    await verb(home.local, "ResumeJob", job.job_id)
    again = await home.engine.next()
    assert (again.claimed, again.size) == (40, 100)


async def test_suspend_and_resume_at_once(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    home.engine.obedient = False
    await home.engine.next()
    suspending = asyncio.create_task(verb(home.local, "SuspendJob", job.job_id))
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_SUSPENDED)
    await verb(home.local, "ResumeJob", job.job_id)
    home.engine.let_stop(job.job_id)
    await suspending
    again = await home.engine.next()
    home.engine.finish(again, 1)
    await arrived(home.local, job.job_id, TRANSFERRED)


async def test_suspend_answers_when_nothing_is_written_any_more(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    home.engine.obedient = False
    one = await home.engine.next()
    home.engine.claim(one, 5, 9)
    suspending = asyncio.create_task(verb(home.local, "SuspendJob", job.job_id))
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_SUSPENDED)
    again = asyncio.create_task(verb(home.local, "SuspendJob", job.job_id))
    # A call that came later has been answered, and those two have not.
    await got(home.local, job.job_id)
    assert not suspending.done()
    home.engine.let_stop(job.job_id)
    for answer in (await suspending, await again):
        assert answer.job.progress.bytes_transferred == 5
        assert answer.job == await got(home.local, job.job_id)


@pytest.mark.parametrize("late", [False, True])
async def test_files_added_while_running_are_fetched(home: House, *, late: bool) -> None:
    job = await created(home.local, spec(), start=True)
    first = await home.engine.next()
    await verb(home.local, "AddFiles", job.job_id, files=[spec(), spec()])
    added = await home.engine.take(2)
    for one in [*added, first] if late else [first, *added]:
        home.engine.finish(one, 7)
    done = await arrived(home.local, job.job_id, TRANSFERRED)
    assert done.progress == job_pb2.JobProgress(
        bytes_transferred=21, bytes_total=21, files_total=3, files_transferred=3
    )
