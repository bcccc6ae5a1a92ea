"""A scripted server with a few jobs in memory: enough of a queue for the command line."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.fake_server import Context, Handler, Manager, refuse
from tests.support.fake_server_admin import Office

FINAL = {job_pb2.JOB_STATE_ACKNOWLEDGED, job_pb2.JOB_STATE_CANCELLED}


@dataclass
class Queue(Manager):
    """Jobs in memory; a test moves them with `change`."""

    jobs: dict[str, job_pb2.Job] = field(default_factory=dict)
    files: dict[str, list[job_pb2.File]] = field(default_factory=dict)
    created: asyncio.Event = field(default_factory=asyncio.Event)
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    watchers: list[asyncio.Queue[pb.WatchJobsResponse]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = self.follow
        self.admin = Office()
        move = {
            "SuspendJob": (job_pb2.JOB_STATE_SUSPENDED, pb.SuspendJobResponse),
            "ResumeJob": (job_pb2.JOB_STATE_QUEUED, pb.ResumeJobResponse),
            "CompleteJob": (job_pb2.JOB_STATE_ACKNOWLEDGED, pb.CompleteJobResponse),
            "CancelJob": (job_pb2.JOB_STATE_CANCELLED, pb.CancelJobResponse),
        }
        defaults: dict[str, Handler] = {
            "CreateJob": self.create,
            "GetJob": self.get,
            "ListJobs": self.list,
            "ListFiles": self.list_files,
            "DeleteJob": self.delete,
            "GetServerInfo": self.info,
            **{rpc: self.mover(state, reply) for rpc, (state, reply) in move.items()},
        }
        self.handlers = {**defaults, **self.handlers}

    def add(self, state: Any, **properties: Any) -> job_pb2.Job:
        """Put a job there as if it had been created before."""
        job = job_pb2.Job(job_id=str(uuid.uuid4()), state=state, **properties)
        self.jobs[job.job_id] = job
        return job

    def change(self, job_id: str, **properties: Any) -> None:
        """Move a job and tell the watchers."""
        job = self.jobs[job_id]
        job.MergeFrom(job_pb2.Job(**properties))
        job.revision += 1
        for watcher in self.watchers:
            watcher.put_nowait(pb.WatchJobsResponse(resume_token="t", job_changed=job))

    async def create(self, request: pb.CreateJobRequest, _: Context) -> pb.CreateJobResponse:
        job = job_pb2.Job()
        job.CopyFrom(request.job)
        job.job_id = str(uuid.uuid4())
        job.state = job_pb2.JOB_STATE_QUEUED if request.start else job_pb2.JOB_STATE_SUSPENDED
        job.progress.files_total = len(request.files)
        self.jobs[job.job_id] = job
        self.files[job.job_id] = [
            job_pb2.File(index=index, spec=spec) for index, spec in enumerate(request.files)
        ]
        self.created.set()
        return pb.CreateJobResponse(job=job)

    async def find(self, request: Any, context: Context) -> job_pb2.Job:
        job = self.jobs.get(request.job_id)
        if job is None:
            await refuse(
                context,
                grpc.StatusCode.NOT_FOUND,
                "JOB_NOT_FOUND",
                "there is no such job",
                hresult="0x80D02003",
            )
        return job

    async def get(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        return pb.GetJobResponse(job=await self.find(request, context))

    async def list(self, request: pb.ListJobsRequest, _: Context) -> pb.ListJobsResponse:
        jobs = [job for job in self.jobs.values() if matches(job, request.filter)]
        return pb.ListJobsResponse(jobs=jobs[: request.page_size or 100])

    async def list_files(self, request: pb.ListFilesRequest, _: Context) -> pb.ListFilesResponse:
        return pb.ListFilesResponse(files=self.files.get(request.job_id, []))

    async def delete(self, request: pb.DeleteJobRequest, context: Context) -> pb.DeleteJobResponse:
        del self.jobs[(await self.find(request, context)).job_id]
        return pb.DeleteJobResponse()

    async def info(self, _: Any, __: Context) -> pb.GetServerInfoResponse:
        return pb.GetServerInfoResponse(
            version="9.8.7",
            roots=["default", "fs"],
            caller=pb.Caller(principal="local:1000", admin=True),
        )

    def mover(self, state: Any, reply: Any) -> Handler:
        async def move(request: Any, context: Context) -> Any:
            job = await self.find(request, context)
            self.change(job.job_id, state=state)
            return reply(job=job)

        return move

    async def follow(
        self, request: pb.WatchJobsRequest, _: Context
    ) -> AsyncIterator[pb.WatchJobsResponse]:
        mine: asyncio.Queue[pb.WatchJobsResponse] = asyncio.Queue()
        self.watchers.append(mine)
        try:
            for job in list(self.jobs.values()):
                if matches(job, request.filter):
                    yield pb.WatchJobsResponse(resume_token="t", job_changed=job)
            yield pb.WatchJobsResponse(resume_token="t", snapshot_complete=pb.SnapshotComplete())
            self.watched.set()
            while True:
                yield await mine.get()
        finally:
            self.watchers.remove(mine)


def matches(job: job_pb2.Job, wanted: pb.JobFilter) -> bool:
    """What the API says of JobFilter, as far as these tests need it."""
    if wanted.job_ids:
        return job.job_id in wanted.job_ids
    states = set(wanted.states)
    return (
        job.job_id.startswith(wanted.job_id_prefix)
        and (not wanted.display_name or job.display_name == wanted.display_name)
        and (job.state in states if states else job.state not in FINAL)
    )
