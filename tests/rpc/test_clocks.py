"""Clocks of jobs, seen through the API: what waits says until when, and no step of the wall clock
starves it or hurries it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopy.v1 import error_pb2, job_pb2
from tests.support.rpc_admin import changed
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, got, spec, updated, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived, watching

ERROR = job_pb2.JOB_STATE_ERROR
QUEUED = job_pb2.JOB_STATE_QUEUED
TRANSIENT = job_pb2.JOB_STATE_TRANSIENT_ERROR
CANCELLED = job_pb2.JOB_STATE_CANCELLED
HOUR = 3600.0
STEPS = [
    sign * size
    for size in (timedelta(seconds=1), timedelta(hours=1), timedelta(days=3650))
    for sign in (1, -1)
]


def moment(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


def ahead(home: House, seconds: float) -> Timestamp:
    return moment(home.clock.now() + timedelta(seconds=seconds))


def close(stamp: Timestamp, expected: Timestamp) -> bool:
    return abs(stamp.ToMicroseconds() - expected.ToMicroseconds()) < 2_000_000


async def step(home: House, by: timedelta, *, crash: bool) -> None:
    """Sets the time of day; a crash makes the daemon find it so."""
    home.clock.ahead += by
    if crash:
        await home.crash()
    home.look()
    await home.daemon.timekeeper.round()


@pytest.mark.parametrize("crash", [False, True], ids=["", "crash"])
@pytest.mark.parametrize("by", STEPS, ids=str)
async def test_steps_of_the_clock_change_nothing(
    home: House, by: timedelta, *, crash: bool
) -> None:
    held = await created(home.local, spec(), start=True, not_before=ahead(home, HOUR))
    late = await created(home.local, spec(), deadline=ahead(home, HOUR))
    failed = await created(
        home.local, spec(), start=True, minimum_retry_delay=Duration(seconds=7200)
    )
    home.engine.fail(await home.engine.next(), failure(), retry_after=HOUR)
    await arrived(home.local, failed.job_id, TRANSIENT)
    gone = await created(home.local, spec(), retention=Duration(seconds=3600))
    await verb(home.local, "CancelJob", gone.job_id)
    await step(home, by, crash=crash)
    home.let_pass(HOUR - 30)
    await home.daemon.timekeeper.round()
    states = {job.job_id: (await got(home.local, job.job_id)).state for job in (held, late, failed)}
    assert states == {
        held.job_id: QUEUED,
        late.job_id: job_pb2.JOB_STATE_SUSPENDED,
        failed.job_id: TRANSIENT,
    }
    assert not home.engine.active
    assert (await got(home.local, gone.job_id)).state == CANCELLED
    home.let_pass(60)
    started = {one.job_id for one in await home.engine.take(2)}
    assert started == {held.job_id, failed.job_id}
    assert (await arrived(home.local, late.job_id, ERROR)).error.reason == (
        error_pb2.REASON_DEADLINE_EXCEEDED
    )
    await home.daemon.timekeeper.round()
    assert (await refusal(verb(home.local, "CancelJob", gone.job_id))).reason == "JOB_NOT_FOUND"


@pytest.mark.parametrize("by", STEPS, ids=str)
async def test_patience_is_not_hurried(by: timedelta) -> None:
    """`no_progress_timeout` counts the waiting itself."""
    async with house() as home:
        job = await created(
            home.local,
            spec(),
            start=True,
            minimum_retry_delay=Duration(seconds=7200),
            no_progress_timeout=Duration(seconds=2 * 3600 + 60),
        )
        for _ in range(2):
            home.engine.fail(await home.engine.next(), failure(), retry_after=HOUR)
            await arrived(home.local, job.job_id, TRANSIENT)
            home.clock.ahead += by
            home.let_pass(HOUR + 1)
        home.engine.fail(await home.engine.next(), failure(), retry_after=HOUR)
        done = await arrived(home.local, job.job_id, ERROR)
        assert done.error.reason == error_pb2.REASON_NO_PROGRESS


async def test_a_held_job_says_until_when(home: House) -> None:
    start = ahead(home, HOUR)
    job = await created(home.local, spec(), start=True, not_before=start)
    assert job.state == QUEUED
    assert close(job.next_attempt_time, start)
    assert "not_before" in job.blocked_reason
    assert f"{start.ToDatetime(UTC):%Y-%m-%d %H}" in job.blocked_reason
    free = await created(home.local, spec(), start=True)
    assert (await home.engine.next()).job_id == free.job_id
    async with watching(home.local, job_ids=[job.job_id]) as reader:
        assert await reader.snapshot() == [job]
        home.let_pass(HOUR + 1)
        released = await reader.changed()
        assert not released.HasField("next_attempt_time")
        assert (await home.engine.next()).job_id == job.job_id


async def test_not_before_may_change(home: House) -> None:
    job = await created(home.local, spec(), start=True, not_before=ahead(home, HOUR))
    later = await updated(home.local, job.job_id, not_before=ahead(home, 2 * HOUR))
    assert close(later.next_attempt_time, ahead(home, 2 * HOUR))
    home.let_pass(HOUR + 1)
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).next_attempt_time == later.next_attempt_time
    freed = await updated(home.local, job.job_id, "not_before")
    assert not freed.HasField("next_attempt_time")
    assert (await home.engine.next()).job_id == job.job_id


async def test_resume_does_not_lift_the_hold(home: House) -> None:
    job = await created(home.local, spec(), not_before=ahead(home, HOUR))
    assert not job.HasField("next_attempt_time")
    resumed = (await verb(home.local, "ResumeJob", job.job_id)).job
    assert (resumed.state, resumed.HasField("next_attempt_time")) == (QUEUED, True)
    suspended = (await verb(home.local, "SuspendJob", job.job_id)).job
    assert not suspended.HasField("next_attempt_time")
    home.let_pass(HOUR + 1)
    await verb(home.local, "ResumeJob", job.job_id)
    assert (await home.engine.next()).job_id == job.job_id


async def test_a_deadline_ends_a_run(home: House) -> None:
    job = await created(home.local, spec(), start=True, deadline=ahead(home, HOUR))
    one = await home.engine.next()
    home.engine.connect(one, 100)
    home.engine.claim(one, 60, 100)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRING)
    home.let_pass(HOUR + 1)
    ended = await arrived(home.local, job.job_id, ERROR)
    assert ended.error.reason == error_pb2.REASON_DEADLINE_EXCEEDED
    assert ended.error_count == 1
    while home.daemon.runs.active(job.job_id):
        await got(home.local, job.job_id)
    assert not home.engine.active
    again = (await verb(home.local, "ResumeJob", job.job_id)).job
    assert again.state == QUEUED
    assert (await arrived(home.local, job.job_id, ERROR)).error_count == 2
    await updated(home.local, job.job_id, "deadline")
    await verb(home.local, "ResumeJob", job.job_id)
    assert (await home.engine.next()).claimed == 60


async def test_a_job_that_made_it_has_no_deadline(home: House) -> None:
    job = await created(home.local, spec(), start=True, deadline=ahead(home, HOUR))
    home.engine.finish(await home.engine.next(), 5)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    home.let_pass(2 * HOUR)
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).state == job_pb2.JOB_STATE_TRANSFERRED


async def test_a_time_limit_ends_a_run_and_resume_begins_it_anew(home: House) -> None:
    limit = Duration(seconds=600)
    job = await created(home.local, spec(), start=True, maximum_download_time=limit)
    one = await home.engine.next()
    home.let_pass(500)
    home.engine.receive(one, 5)
    async with watching(home.local, job_ids=[job.job_id], progress=0.1) as reader:
        while (await reader.changed()).progress.bytes_transferred < 5:
            pass
    running = await got(home.local, job.job_id)
    assert 500 <= running.download_time.ToSeconds() < 520
    home.let_pass(200)
    ended = await arrived(home.local, job.job_id, ERROR)
    assert ended.error.reason == error_pb2.REASON_DOWNLOAD_TIME_EXCEEDED
    assert 700 <= ended.download_time.ToSeconds() < 720
    resumed = (await verb(home.local, "ResumeJob", job.job_id)).job
    assert resumed.download_time.ToSeconds() < 10
    await home.engine.next()
    home.let_pass(500)
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).state == job_pb2.JOB_STATE_CONNECTING


async def test_a_time_limit_may_change_during_a_run(home: House) -> None:
    job = await created(home.local, spec(), start=True, maximum_download_time=Duration(seconds=600))
    await home.engine.next()
    home.let_pass(500)
    await updated(home.local, job.job_id, maximum_download_time=Duration(seconds=1200))
    home.let_pass(500)
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).state == job_pb2.JOB_STATE_CONNECTING
    await updated(home.local, job.job_id, maximum_download_time=Duration(seconds=900))
    ended = await arrived(home.local, job.job_id, ERROR)
    assert ended.error.reason == error_pb2.REASON_DOWNLOAD_TIME_EXCEEDED


async def test_waiting_costs_nothing_of_the_time_limit(home: House) -> None:
    job = await created(home.local, spec(), start=True, maximum_download_time=Duration(seconds=600))
    for _ in range(3):
        one = await home.engine.next()
        home.let_pass(100)
        home.engine.fail(one, failure(), retry_after=1000.0)
        waiting = await arrived(home.local, job.job_id, TRANSIENT)
        home.let_pass(1100)
    assert 300 <= waiting.download_time.ToSeconds() < 330


async def test_whoever_touches_a_job_keeps_it(home: House) -> None:
    job = await created(home.local, spec("a"))
    rest = home.settings.inactivity_timeout
    home.let_pass(rest / 2)
    touched = await updated(home.local, job.job_id, display_name="another")
    assert close(touched.inactivity_time, ahead(home, rest))
    home.let_pass(rest / 2 + 60)
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).state == job_pb2.JOB_STATE_SUSPENDED
    home.let_pass(rest / 2)
    gone = await arrived(home.local, job.job_id, CANCELLED)
    assert gone.error.reason == error_pb2.REASON_INACTIVE
    assert not gone.HasField("inactivity_time")
    while (await home.store.transact(lambda tx: tx.unsettled())) != []:
        await got(home.local, job.job_id)
    assert [partial.path for partial in home.files.discarded] == ["a"]
    await created(home.local, spec("a"))


async def test_a_new_byte_is_activity_and_a_vain_try_is_none(home: House) -> None:
    jobs = {}
    for name in ("moving", "stuck"):
        job = await created(home.local, spec(), start=True)
        jobs[name] = await home.engine.next()
    home.let_pass(HOUR)
    home.engine.claim(jobs["moving"], 10, 100)
    for one in jobs.values():
        home.engine.fail(one, failure(), retry_after=HOUR)
        job = await arrived(home.local, one.job_id, TRANSIENT)
    now = ahead(home, home.settings.inactivity_timeout)
    then = ahead(home, home.settings.inactivity_timeout - HOUR)
    assert close((await got(home.local, jobs["moving"].job_id)).inactivity_time, now)
    assert close((await got(home.local, jobs["stuck"].job_id)).inactivity_time, then)
    assert job.HasField("next_attempt_time")


async def test_the_policy_says_how_long(home: House) -> None:
    job = await created(home.local, spec())
    await changed(home.local, inactivity_timeout=Duration(seconds=7200))
    assert close((await got(home.local, job.job_id)).inactivity_time, ahead(home, 2 * HOUR))
    home.let_pass(2 * HOUR + 1)
    await arrived(home.local, job.job_id, CANCELLED)


@pytest.mark.parametrize(("own", "kept"), [(None, 30 * 24 * HOUR), (0, 0), (60, 60)])
async def test_retention_by_job(home: House, own: int | None, kept: float) -> None:
    fields = {} if own is None else {"retention": Duration(seconds=own)}
    job = await created(home.local, spec(), **fields)
    async with watching(home.local, job_ids=[job.job_id]) as reader:
        await reader.snapshot()
        await verb(home.local, "CancelJob", job.job_id)
        ended = await reader.until(CANCELLED)
        assert close(ended.expire_time, ahead(home, kept))
        home.let_pass(kept + 1)
        while (message := await reader.event()).WhichOneof("event") == "job_changed":
            pass
    assert message.job_removed.job_id == job.job_id


async def test_a_start_of_the_machine(home: House) -> None:
    job = await created(home.local, spec(), start=True, not_before=ahead(home, HOUR))
    home.clock.passed += 1800
    home.clock.boot = "second"
    await home.crash()
    await home.daemon.timekeeper.round()
    assert (await got(home.local, job.job_id)).HasField("next_attempt_time")
    home.let_pass(1801)
    assert (await home.engine.next()).job_id == job.job_id
