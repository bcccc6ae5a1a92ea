"""Deadlines, defects, an unavailable store, crashes: what a caller is told, and what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from unittest import mock

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.queue import patience
from bgcopyd.queue.storage import StoreUnavailable
from tests.support.rpc_house import House
from tests.support.rpc_requests import create, created, got, listed, new_id, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived, watching

SECRET = "password=hunter2"


# Where the transactions of calls are; the scheduler and the timekeeper have theirs meanwhile.
CALLED = ("bgcopyd.queue.manager", "bgcopyd.queue.completion")


class Gate:
    """Holds every transaction of a store back, after it was made, until it is opened."""

    def __init__(self, transact: Callable[..., Any]) -> None:
        self._transact = transact
        self.open = asyncio.Event()
        self.reached = asyncio.Event()

    async def transact(self, fn: Any, **options: bool) -> Any:
        result = await self._transact(fn, **options)
        if fn.__module__ not in CALLED:
            return result
        self.reached.set()
        await self.open.wait()
        return result


@pytest.mark.parametrize(
    ("rpc", "state"),
    [
        ("SuspendJob", job_pb2.JOB_STATE_SUSPENDED),
        ("CancelJob", job_pb2.JOB_STATE_CANCELLED),
        ("CompleteJob", job_pb2.JOB_STATE_ACKNOWLEDGED),
    ],
)
async def test_a_verb_whose_caller_gave_up_is_carried_through(
    home: House, rpc: str, state: int
) -> None:
    job = await created(home.local, spec("a"), start=True)
    await home.engine.next()
    gate = Gate(home.store.transact)
    fields = {"allow_partial": True} if rpc == "CompleteJob" else {}
    request = getattr(pb, f"{rpc}Request")(job_id=job.job_id, **fields)
    with mock.patch.object(home.store, "transact", gate.transact):
        call = home.local.call(rpc, request)
        await gate.reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    gate.open.set()
    await arrived(home.local, job.job_id, state)
    while home.daemon.runs.active(job.job_id):
        await got(home.local, job.job_id)
    assert not home.engine.active  # the run has heard of it, too


async def test_a_job_whose_creator_gave_up_is_whole_and_runs(home: House) -> None:
    gate = Gate(home.store.transact)
    with mock.patch.object(home.store, "transact", gate.transact):
        call = home.local.call("CreateJob", create(spec(), start=True), timeout=0.5)
        refused = await refusal(call)
        assert refused.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert refused.status is None
    gate.open.set()
    [job] = await listed(home.local)
    assert job.progress.files_total == 1
    assert (await home.engine.next()).job_id == job.job_id


@pytest.mark.parametrize("rpc", ["GetJob", "SuspendJob", "ListJobs", "CreateJob", "WatchJobs"])
async def test_a_defect_is_told_by_its_incident_only(
    home: House, rpc: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = mock.AsyncMock(side_effect=KeyError(SECRET))
    request: Any = create() if rpc == "CreateJob" else getattr(pb, f"{rpc}Request")()
    if rpc in {"GetJob", "SuspendJob"}:
        request.job_id = new_id()
    names = ("job", "jobs", "transact", "position")
    with mock.patch.multiple(home.store, **dict.fromkeys(names, broken)):
        call = home.local.call(rpc, request)
        refused = await refusal(call.read() if rpc == "WatchJobs" else call)
    assert refused.code is grpc.StatusCode.INTERNAL
    assert refused.reason == "INTERNAL"
    incident = refused.info.metadata["incident"]
    assert incident in refused.message
    assert SECRET not in str(refused)
    assert "KeyError" not in str(refused)
    [record] = [one for one in caplog.records if one.name == "bgcopyd.rpc.calls"]
    assert incident in record.getMessage()
    assert record.exc_info is not None
    caplog.clear()


async def test_an_unavailable_store_is_told_and_changes_nothing(home: House) -> None:
    job = await created(home.local, spec())
    broken = mock.AsyncMock(side_effect=StoreUnavailable("disk full"))
    with mock.patch.object(home.store, "transact", broken):
        refused = await refusal(verb(home.local, "ResumeJob", job.job_id))
        assert (await got(home.local, job.job_id)) == job
    assert refused.code is grpc.StatusCode.UNAVAILABLE
    assert refused.reason == "STORE_UNAVAILABLE"
    assert refused.detail(details_pb2.RetryInfo).retry_delay.seconds == 1
    assert "disk full" not in str(refused)


async def test_a_run_outlasts_an_unavailable_store(
    home: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(patience, "RETRY_DELAY", 0.01)
    job = await created(home.local, spec(), start=True)
    one = await home.engine.next()
    real = home.store.transact
    failed = asyncio.Event()
    left = 3

    async def flaky(fn: Any, **options: bool) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise StoreUnavailable("disk full")
        failed.set()
        return await real(fn, **options)

    with mock.patch.object(home.store, "transact", flaky):
        home.engine.finish(one, 9)
        await failed.wait()
    done = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
    assert done.progress.bytes_transferred == 9
    # One of them may have met the keeper of the time, which tells it in its own words.
    told = [record.getMessage() for record in caplog.records]
    assert sum("the store" in message for message in told) == 3
    assert any("unavailable" in message for message in told)


async def test_a_run_that_a_defect_breaks_shows_it(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    job = await created(home.local, spec(), start=True)
    one = await home.engine.next()
    real = home.store.transact
    broken = True

    async def once(fn: Any, **options: bool) -> Any:
        nonlocal broken
        if broken:
            broken = False
            raise KeyError(SECRET)
        return await real(fn, **options)

    with mock.patch.object(home.store, "transact", once):
        home.engine.finish(one, 9)
        stuck = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ERROR)
    assert stuck.error.hresult
    assert SECRET not in stuck.error.message
    assert any("broke" in record.getMessage() for record in caplog.records)
    await verb(home.local, "ResumeJob", job.job_id)
    home.engine.finish(await home.engine.next(), 9)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)


async def test_a_watch_whose_reader_left_is_forgotten(home: House) -> None:
    async with watching(home.local) as reader:
        await reader.snapshot()
        assert home.daemon.feed.watching == 1
    while home.daemon.feed.watching:
        await got(home.local, (await created(home.local)).job_id)
    assert home.daemon.activity.open <= 1
