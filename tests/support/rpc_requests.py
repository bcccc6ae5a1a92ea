"""Requests as tests need them."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_house import Caller

URL = "http://127.0.0.1:9/file"


def new_id() -> str:
    """A UUID that nobody has used."""
    return str(uuid.uuid4())


def spec(path: str = "", **fields: Any) -> job_pb2.FileSpec:
    """A file to fetch, to a path of its own unless told."""
    return job_pb2.FileSpec(**{"remote_url": URL, "local_path": path or new_id(), **fields})


def create(*files: job_pb2.FileSpec, start: bool = False, **job: Any) -> pb.CreateJobRequest:
    """A job to create; keyword arguments are its properties."""
    wanted = job_pb2.Job(**{"display_name": "a job", **job})
    return pb.CreateJobRequest(job=wanted, files=files, start=start)


async def created(caller: Caller, *files: job_pb2.FileSpec, **options: Any) -> job_pb2.Job:
    """A new job."""
    response = await caller.call("CreateJob", create(*files, **options))
    job: job_pb2.Job = response.job
    return job


async def got(caller: Caller, job_id: str) -> job_pb2.Job:
    """The job as it is now."""
    response = await caller.call("GetJob", pb.GetJobRequest(job_id=job_id))
    job: job_pb2.Job = response.job
    return job


async def updated(caller: Caller, job_id: str, *reset: str, **fields: Any) -> job_pb2.Job:
    """The job after an UpdateJob; the properties named by `reset` get their defaults."""
    request = pb.UpdateJobRequest(
        job_id=job_id,
        job=job_pb2.Job(**fields),
        update_mask=FieldMask(paths=[*fields, *reset]),
    )
    job: job_pb2.Job = (await caller.call("UpdateJob", request)).job
    return job


async def listed(caller: Caller, **filters: Any) -> list[job_pb2.Job]:
    """All pages of a list."""
    jobs: list[job_pb2.Job] = []
    token = ""
    while True:
        request = pb.ListJobsRequest(filter=pb.JobFilter(**filters), page_token=token)
        page = await caller.call("ListJobs", request)
        jobs += page.jobs
        token = page.next_page_token
        if not token:
            return jobs


async def verb(caller: Caller, name: str, job_id: str, **fields: Any) -> Any:
    """SuspendJob, ResumeJob, CompleteJob, CancelJob or DeleteJob."""
    request = getattr(pb, f"{name}Request")(job_id=job_id, **fields)
    return await caller.call(name, request)
