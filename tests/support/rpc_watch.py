"""A reader of one watch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.duration_pb2 import Duration

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_house import Caller

PATIENCE = 15.0


class Reader:
    """Reads a watch, message by message. `token` is the last one that moved the position."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.token = ""

    async def next(self) -> pb.WatchJobsResponse:
        """The next message."""
        async with asyncio.timeout(PATIENCE):
            message: pb.WatchJobsResponse = await self.call.read()
        self.token = message.resume_token or self.token
        return message

    async def event(self) -> pb.WatchJobsResponse:
        """The next message that is no heartbeat."""
        while True:
            message = await self.next()
            if message.WhichOneof("event") != "heartbeat":
                return message

    async def changed(self) -> job_pb2.Job:
        """The next job; nothing else may come."""
        message = await self.event()
        assert message.WhichOneof("event") == "job_changed", message
        return message.job_changed

    async def removed(self) -> tuple[str, int]:
        """The next removal: whose, and why; nothing else may come."""
        message = await self.event()
        assert message.WhichOneof("event") == "job_removed", message
        return message.job_removed.job_id, message.job_removed.reason

    async def snapshot(self) -> list[job_pb2.Job]:
        """The jobs up to snapshot_complete."""
        jobs: list[job_pb2.Job] = []
        while True:
            message = await self.event()
            if message.WhichOneof("event") == "snapshot_complete":
                return jobs
            assert message.WhichOneof("event") == "job_changed", message
            assert not message.resume_token
            jobs.append(message.job_changed)

    async def until(self, state: int) -> job_pb2.Job:
        """The first job in a state."""
        while True:
            message = await self.event()
            if message.job_changed.state == state:
                return message.job_changed

    async def file(self) -> job_pb2.File:
        """The next file that is told of."""
        while True:
            message = await self.event()
            if message.WhichOneof("event") == "file_changed":
                return message.file_changed.file


@contextlib.asynccontextmanager
async def watching(
    caller: Caller,
    *,
    resume_token: str = "",
    progress: float | None = None,
    heartbeat: float | None = None,
    file_events: bool = False,
    notified_only: bool = False,
    **filters: Any,
) -> AsyncIterator[Reader]:
    """A watch for the length of a block."""
    request = pb.WatchJobsRequest(
        filter=pb.JobFilter(**filters),
        resume_token=resume_token,
        file_events=file_events,
        notified_only=notified_only,
    )
    for field, seconds in (("progress_interval", progress), ("heartbeat_interval", heartbeat)):
        if seconds is not None:
            nanos = round(seconds * 1e9)
            duration = Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
            getattr(request, field).CopyFrom(duration)
    call = caller.call("WatchJobs", request, timeout=None)
    try:
        yield Reader(call)
    finally:
        call.cancel()


async def arrived(caller: Caller, job_id: str, state: int) -> job_pb2.Job:
    """The job once it is in a state."""
    async with watching(caller, job_ids=[job_id]) as reader:
        return await reader.until(state)
