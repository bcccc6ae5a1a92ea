"""Watches that outlive their connections, and what is built on them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

import bgcopy
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, job_pb2
from tests.support.fake_server import Context, Manager, refuse, refusing, start

A, B = str(uuid.uuid4()), str(uuid.uuid4())


def changed(job_id: str, state: Any, token: str = "t", **more: Any) -> pb.WatchJobsResponse:
    job = job_pb2.Job(job_id=job_id, state=state, **more)
    return pb.WatchJobsResponse(resume_token=token, job_changed=job)


def complete(token: str = "t") -> pb.WatchJobsResponse:
    return pb.WatchJobsResponse(resume_token=token, snapshot_complete=pb.SnapshotComplete())


def heartbeat(token: str) -> pb.WatchJobsResponse:
    return pb.WatchJobsResponse(resume_token=token, heartbeat=pb.Heartbeat())


class Script:
    """One list of messages per connection; after the last of them the stream stays silent."""

    def __init__(self, *connections: list[Any]) -> None:
        self.connections = list(connections)
        self.tokens: list[str] = []
        self.ended = asyncio.Event()

    async def __call__(
        self, request: pb.WatchJobsRequest, context: Context
    ) -> AsyncIterator[pb.WatchJobsResponse]:
        self.tokens.append(request.resume_token)
        # Wherever the call ends, also while a message is on its way.
        ended: Any = partial(Script._end, self)
        context.add_done_callback(ended)
        messages = self.connections.pop(0)
        for message in messages:
            if isinstance(message, tuple):
                await refuse(context, *message)
            elif message is None:
                return
            yield message
        await asyncio.Event().wait()

    def _end(self, _: object) -> None:
        self.ended.set()


LOST = (grpc.StatusCode.UNAVAILABLE, "DRAINING")
EXPIRED = (grpc.StatusCode.OUT_OF_RANGE, "RESUME_TOKEN_EXPIRED")


async def test_a_watch_goes_on_where_it_was(manager: Manager, client: bgcopy.AsyncClient) -> None:
    script = Script(
        [changed(A, 1, "t1"), complete("t2"), heartbeat("t3"), LOST],
        [changed(A, 2, "t4"), None],
        [changed(A, 8, "t5")],
    )
    manager.watch = script
    lost: list[bgcopy.CallError] = []
    options = bgcopy.WatchOptions(on_lost=lost.append)
    async with client.job(A).watch(options) as changes:
        states = [info.state.value async for info in changes]
    assert states == [1, 2, 8]
    assert [type(error) for error in lost] == [bgcopy.Draining, bgcopy.Unavailable]
    assert script.tokens == ["", "t3", "t4"]


async def test_a_connection_lost_within_the_snapshot_begins_it_again(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    script = Script([changed(A, 1, "t1"), LOST], [changed(A, 1), changed(B, 1), complete("t2")])
    manager.watch = script
    async with client.watch_jobs() as events:
        async for event in events:
            if isinstance(event, bgcopy.SnapshotComplete):
                break
    assert script.tokens == ["", ""]


async def test_an_expired_token_takes_a_fresh_snapshot_and_tells_what_vanished(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    script = Script(
        [changed(A, 1), changed(B, 1), complete("old"), LOST],
        [EXPIRED],
        [changed(A, 3), complete("new")],
    )
    manager.watch = script
    seen: list[Any] = []
    async with client.watch_jobs() as events:
        async for event in events:
            seen.append(event)
            if seen.count(bgcopy.SnapshotComplete()) == 2:
                break
    assert script.tokens == ["", "old", ""]
    assert seen[3].job.state is bgcopy.JobState.TRANSFERRING
    assert seen[4] == bgcopy.JobRemoved(B, bgcopy.RemovedReason.UNKNOWN)


async def test_a_watch_survives_a_restart_of_the_daemon(short_path: Path) -> None:
    target = f"unix:{short_path / 's'}"
    first = Manager(watch=Script([changed(A, 3, "t1"), complete("t2")]))
    server = await start(first, target)
    async with bgcopy.AsyncClient(target) as client, client.watch_jobs() as events:
        assert isinstance(await anext(events), bgcopy.JobChanged)
        assert await anext(events) == bgcopy.SnapshotComplete()
        waiting = asyncio.ensure_future(anext(events))
        await server.stop(None)
        script = Script([changed(A, 7, "t3")])
        second = await start(Manager(watch=script), target)
        event = await waiting
    await second.stop(None)
    assert isinstance(event, bgcopy.JobChanged)
    assert event.job.state is bgcopy.JobState.TRANSFERRED
    assert script.tokens == ["t2"]


async def test_a_silent_connection_is_replaced(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    script = Script([changed(A, 1), complete("t1")], [changed(A, 8)])
    manager.watch = script
    options = bgcopy.WatchOptions(heartbeat_interval=timedelta(milliseconds=50))
    async with client.job(A).watch(options) as changes:
        states = [info.state.value async for info in changes]
    assert states == [1, 8]
    assert script.tokens == ["", "t1"]


async def test_leaving_the_block_ends_the_watch_on_the_server(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    script = Script([changed(A, 1)])
    manager.watch = script
    async with client.job(A).watch() as changes:
        async for _ in changes:
            break
    await script.ended.wait()


async def test_cancelling_the_watcher_ends_the_watch_on_the_server(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    script = Script([changed(A, 1), complete()])
    manager.watch = script
    arrived = asyncio.Event()

    async def watch() -> None:
        async with client.job(A).watch() as changes:
            async for _ in changes:
                arrived.set()

    task = asyncio.create_task(watch())
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await script.ended.wait()


async def test_a_refused_watch_raises(manager: Manager, client: bgcopy.AsyncClient) -> None:
    manager.watch = Script([(grpc.StatusCode.PERMISSION_DENIED, "ADMIN_REQUIRED")])
    with pytest.raises(bgcopy.AdminRequired):
        async with client.watch_jobs(bgcopy.JobFilter(all_owners=True)) as events:
            await anext(events)


async def test_nobody_there_is_no_endless_watch(short_path: Path) -> None:
    async with bgcopy.AsyncClient(f"unix:{short_path / 'nobody'}") as client:
        with pytest.raises(bgcopy.Unavailable):
            await client.job(A).wait()


async def test_a_daemon_that_stays_away_ends_the_watch(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.watch = Script([complete(), LOST], [LOST])
    options = bgcopy.WatchOptions(reconnect_timeout=timedelta(microseconds=1))
    async with client.watch_jobs(options=options) as events:
        assert await anext(events) == bgcopy.SnapshotComplete()
        with pytest.raises(bgcopy.Draining):
            await anext(events)


async def test_watching_an_unknown_job_says_so(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.watch = Script([complete()])
    manager.handlers["GetJob"] = refusing(grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    with pytest.raises(bgcopy.JobNotFound):
        await client.job(A).wait()


async def test_a_job_deleted_while_it_is_watched(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    removed = pb.JobRemoved(job_id=A, reason=pb.JOB_REMOVED_REASON_DELETED)
    gone = pb.WatchJobsResponse(resume_token="t", job_removed=removed)
    manager.watch = Script([changed(A, 4), complete(), gone])
    manager.handlers["GetJob"] = refusing(grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    with pytest.raises(bgcopy.JobNotFound):
        await client.job(A).wait()


@pytest.mark.parametrize(
    ("auto_complete", "states", "ends"), [(False, [1, 3, 7], 7), (True, [7, 8], 8)]
)
async def test_wait_returns_when_every_byte_is_here(
    manager: Manager,
    client: bgcopy.AsyncClient,
    auto_complete: bool,  # noqa: FBT001 - a parameter of the test
    states: list[int],
    ends: int,
) -> None:
    manager.watch = Script([changed(A, s, auto_complete=auto_complete) for s in states])
    info = await client.job(A).wait(timeout=timedelta(minutes=1))
    assert info.state.value == ends


async def test_wait_raises_the_jobs_error(manager: Manager, client: bgcopy.AsyncClient) -> None:
    error = error_pb2.TransferError(
        reason=error_pb2.REASON_HTTP_STATUS, http_status=404, message="404 Not Found"
    )
    manager.watch = Script([changed(A, 5, error=error)])
    with pytest.raises(bgcopy.TransferFailed, match="404 Not Found") as failure:
        await client.job(A).wait()
    assert failure.value.error is not None
    assert failure.value.error.reason is bgcopy.Reason.HTTP_STATUS
    assert failure.value.error.http_status == 404


async def test_wait_tells_a_cancelled_job(manager: Manager, client: bgcopy.AsyncClient) -> None:
    manager.watch = Script([changed(A, 9)])
    with pytest.raises(bgcopy.JobCancelled):
        await client.job(A).wait()


async def test_wait_has_a_limit(manager: Manager, client: bgcopy.AsyncClient) -> None:
    script = Script([changed(A, 4), complete()])
    manager.watch = script
    with pytest.raises(bgcopy.WaitTimeout, match="SUSPENDED") as failure:
        await client.job(A).wait(timeout=0.3)
    assert failure.value.job is not None
    assert isinstance(failure.value, TimeoutError)
    await script.ended.wait()


async def test_a_foreign_timeout_stays_what_it_is(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.watch = Script([changed(A, 4), complete()])
    with pytest.raises(TimeoutError) as failure:
        async with asyncio.timeout(0.2):
            await client.job(A).wait(timeout=60)
    assert not isinstance(failure.value, bgcopy.BgcopyError)


async def test_closing_the_client_ends_a_watch(
    manager: Manager, client: bgcopy.AsyncClient
) -> None:
    manager.watch = Script([changed(A, 4), complete()])
    async with client.watch_jobs() as events:
        assert isinstance(await anext(events), bgcopy.JobChanged)
        assert await anext(events) == bgcopy.SnapshotComplete()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(bgcopy.ClientClosed):
            await waiting
