"""A crash at an unlucky moment, and what the next start makes of it."""

from __future__ import annotations

import asyncio

from bgcopy.v1 import job_pb2
from bgcopyd.jobs.job import JobState
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_watch import arrived, watching


async def test_a_job_cut_off_in_the_middle_goes_on(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    one = await home.engine.next()
    home.engine.connect(one, 100)
    home.engine.claim(one, 60, 100)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRING)
    while (await got(home.local, job.job_id)).progress.bytes_transferred < 60:
        pass
    await home.crash()
    again = await home.engine.next()
    assert again.claim_id != one.claim_id
    assert (again.job_id, again.claimed, again.size) == (job.job_id, 60, 100)
    home.engine.finish(again, 100)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)


async def test_a_crash_between_the_intent_and_the_names(home: House) -> None:
    job = await created(home.local, spec("a"), start=True)
    home.engine.finish(await home.engine.next(), 5)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    home.files.gate = asyncio.Event()
    home.files.waiting.clear()
    call = asyncio.ensure_future(verb(home.local, "CompleteJob", job.job_id))
    await home.files.waiting.wait()
    await home.crash()
    await asyncio.gather(call, return_exceptions=True)  # its connection is gone
    done = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ACKNOWLEDGED)
    assert home.files.named == {"a"}
    response = await verb(home.local, "CompleteJob", job.job_id)
    assert list(response.completed_files) == [0]
    assert response.job.state == done.state


async def test_a_crash_before_the_leftovers_are_deleted(home: House) -> None:
    job = await created(home.local, spec("a"))
    home.files.gate = asyncio.Event()
    home.files.waiting.clear()
    call = asyncio.ensure_future(verb(home.local, "CancelJob", job.job_id))
    await home.files.waiting.wait()
    await home.crash()
    await asyncio.gather(call, return_exceptions=True)  # its connection is gone
    while (await home.store.transact(lambda tx: tx.unsettled())) != []:
        await got(home.local, job.job_id)
    assert [partial.path for partial in home.files.discarded] == ["a"]
    await verb(home.local, "DeleteJob", job.job_id)


async def test_a_pause_goes_on_where_it_was(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    home.engine.fail(await home.engine.next(), failure(), retry_after=0.5)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSIENT_ERROR)
    await home.crash()
    assert (await home.engine.next()).job_id == job.job_id


async def test_waiting_jobs_keep_their_place(home: House) -> None:
    slots = home.settings.background_jobs
    jobs = [await created(home.local, spec(), start=True) for _ in range(slots + 2)]
    await home.engine.take(slots)
    await home.crash()
    started = {one.job_id for one in await home.engine.take(slots)}
    # Those that were cut off go behind those that waited.
    assert {job.job_id for job in jobs[slots:]} <= started


async def test_tokens_and_request_ids_survive(home: House) -> None:
    anna = await home.user("anna", tcp=False)
    job = await created(anna)
    async with watching(anna) as reader:
        await reader.snapshot()
        token = reader.token
    later = await created(anna)
    await home.crash()
    again = home.caller(anna.metadata[0][1].removeprefix("Bearer "))
    async with watching(again, resume_token=token) as reader:
        assert await reader.changed() == later
    assert await got(again, job.job_id) == job
    assert not await home.store.transact(lambda tx: tx.jobs_in([JobState.QUEUED]))
