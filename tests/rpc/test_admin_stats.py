"""GetStats."""

from __future__ import annotations

from datetime import UTC, datetime

from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.reasons import Reason
from tests.support.rpc_admin import stats
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, spec, verb
from tests.support.rpc_watch import arrived, watching

STATES = [number for number in job_pb2.JobState.values() if number]


async def test_an_idle_daemon(home: House) -> None:
    told = await stats(home.local)
    assert {count.state: count.count for count in told.jobs} == dict.fromkeys(STATES, 0)
    assert (told.running_jobs, told.bytes_per_second, told.bytes_received) == (0, 0, 0)
    assert (told.attempts_finished, told.attempts_failed, told.watches) == (0, 0, 0)
    assert not told.draining
    assert 10 << 20 < told.memory_bytes < 1 << 30
    database = home.settings.state_dir / "queue.db"
    assert database.stat().st_size <= told.store_bytes < 64 << 20
    info = await home.local.call("GetServerInfo", manager_pb2.GetServerInfoRequest())
    assert told.start_time == info.start_time
    assert told.start_time.ToDatetime(UTC) <= datetime.now(UTC)


async def test_jobs_of_every_owner_by_state(home: House) -> None:
    anna = await home.user("anna")
    for _ in range(2):
        await created(anna, spec())
    job = await created(home.local, spec())
    await verb(home.local, "CancelJob", job.job_id)
    await created(home.local, spec(), start=True)
    await home.engine.next()
    told = await stats(home.local)
    assert {count.state: count.count for count in told.jobs if count.count} == {
        job_pb2.JOB_STATE_SUSPENDED: 2,
        job_pb2.JOB_STATE_CANCELLED: 1,
        job_pb2.JOB_STATE_CONNECTING: 1,
    }
    assert told.running_jobs == 1


async def test_bytes_and_attempts(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), spec("c"), start=True)
    first, second, third = await home.engine.take(3)
    home.engine.connect(first, 100)
    home.engine.claim(first, 40, 100)
    home.engine.finish(first, 100)
    home.engine.claim(second, 30, 60)
    home.engine.fail(second, failure())
    home.engine.fail(third, failure(Reason.HTTP_STATUS, transient=False))
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ERROR)
    told = await stats(home.local)
    assert told.bytes_received == 130
    assert (told.attempts_finished, told.attempts_failed) == (1, 2)
    await verb(home.local, "ResumeJob", job.job_id)
    again = {one.index: one for one in await home.engine.take(2)}
    # It goes on from the 30 bytes that were claimed.
    home.engine.finish(again[1], 60)
    home.engine.finish(again[2], 5)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    told = await stats(home.local)
    assert told.bytes_received == 165
    assert (told.attempts_finished, told.attempts_failed) == (3, 2)


async def test_watches(home: House) -> None:
    anna = await home.user("anna")
    async with watching(home.local) as mine, watching(anna) as hers:
        await mine.snapshot()
        await hers.snapshot()
        assert (await stats(home.local)).watches == 2
