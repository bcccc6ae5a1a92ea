"""BackgroundCopyManager over gRPC. Each method: decode, call, encode."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, MutableSequence, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.api import decode, encode
from bgcopyd.api.descriptions import describe
from bgcopyd.api.encode_times import timestamp
from bgcopyd.api.fields import job_id
from bgcopyd.api.tokens import page_token, resume_token
from bgcopyd.jobs import limits
from bgcopyd.jobs.features import FEATURES
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.roots import Roots
from bgcopyd.queue.changes import ChangeFeed
from bgcopyd.queue.judging import Configured
from bgcopyd.queue.manager import BackgroundCopyManager

M = TypeVar("M", bound=Message)
T = TypeVar("T")
J = TypeVar("J", bound="_WithJob")

Verb = (
    pb.SuspendJobRequest
    | pb.ResumeJobRequest
    | pb.CompleteJobRequest
    | pb.CancelJobRequest
    | pb.DeleteJobRequest
)

# What a page holds beside its rows: two tokens, each far shorter than this half.
TOKEN_BYTES = 512
# To judge so many takes a few milliseconds.
FEW_FILES = 256


class _WithJob(Protocol):
    """A response that holds a job."""

    @property
    def job(self) -> job_pb2.Job: ...


@dataclass(frozen=True, slots=True)
class About:
    """What GetServerInfo tells of the server; the policy as it is at the call."""

    version: str
    start_time: datetime
    policy: Callable[[], Policy]
    configured: Configured


class BackgroundCopyServicer:
    """One method per RPC, each with its caller."""

    def __init__(
        self, manager: BackgroundCopyManager, feed: ChangeFeed, roots: Roots, about: About
    ) -> None:
        self._manager = manager
        self._feed = feed
        self._roots = roots
        self._about = about

    async def create_job(
        self, caller: Principal, request: pb.CreateJobRequest
    ) -> pb.CreateJobResponse:
        """CreateJob."""
        self._manager.judge_file_count(0, len(request.files))
        roots = self._roots.open_to(caller)
        command = await _aside(request.files, lambda: decode.create_job(request, roots))
        return _holding(pb.CreateJobResponse(), await self._manager.create_job(caller, command))

    async def get_job(self, caller: Principal, request: pb.GetJobRequest) -> pb.GetJobResponse:
        """GetJob."""
        job = await self._manager.get_job(caller, job_id(request.job_id))
        decode.whole(request)
        return _holding(pb.GetJobResponse(), job)

    async def list_jobs(
        self, caller: Principal, request: pb.ListJobsRequest
    ) -> pb.ListJobsResponse:
        """ListJobs."""
        page = await self._manager.list_jobs(caller, decode.list_jobs(request))
        position = page.position
        response = pb.ListJobsResponse(
            resume_token=resume_token(position.store_id, position.newest)
        )
        for job in page.jobs:
            encode.set_job(response.jobs.add(), job)
        fitting = _fit(response, response.jobs)
        following = page.next_before if fitting == len(page.jobs) else page.jobs[fitting - 1].seq
        if following is not None:
            response.next_page_token = page_token(decode.filter_scope(request.filter), following)
        return response

    async def add_files(
        self, caller: Principal, request: pb.AddFilesRequest
    ) -> pb.AddFilesResponse:
        """AddFiles."""
        target = job_id(request.job_id)
        try:
            self._manager.judge_file_count(0, len(request.files))
        except Refusal:
            await self._manager.get_job(caller, target)
            raise
        roots = self._roots.open_to(caller)
        command = await _aside(request.files, lambda: decode.add_files(request, roots))
        job, first = await self._manager.add_files(caller, command)
        return _holding(pb.AddFilesResponse(first_index=first), job)

    async def list_files(
        self, caller: Principal, request: pb.ListFilesRequest
    ) -> pb.ListFilesResponse:
        """ListFiles."""
        command = decode.list_files(request)
        page, following = await self._manager.list_files(caller, command)
        response = pb.ListFilesResponse(files=[encode.file(file) for file in page])
        fitting = _fit(response, response.files)
        if fitting < len(page):
            following = page[fitting - 1].index
        response.next_page_token = page_token(decode.files_scope(command.job_id), following)
        return response

    async def suspend_job(
        self, caller: Principal, request: pb.SuspendJobRequest
    ) -> pb.SuspendJobResponse:
        """SuspendJob."""
        target = await self._target(caller, request)
        job = await self._manager.suspend_job(caller, target, request.etag)
        return _holding(pb.SuspendJobResponse(), job)

    async def resume_job(
        self, caller: Principal, request: pb.ResumeJobRequest
    ) -> pb.ResumeJobResponse:
        """ResumeJob."""
        target = await self._target(caller, request)
        job = await self._manager.resume_job(caller, target, request.etag)
        return _holding(pb.ResumeJobResponse(), job)

    async def complete_job(
        self, caller: Principal, request: pb.CompleteJobRequest
    ) -> pb.CompleteJobResponse:
        """CompleteJob."""
        target = await self._target(caller, request)
        done = await self._manager.complete_job(
            caller, target, request.etag, allow_partial=request.allow_partial
        )
        response = pb.CompleteJobResponse(
            hresult_name="BG_S_PARTIAL_COMPLETE" if done.dropped else "S_OK",
            completed_files=done.completed,
            dropped_files=done.dropped,
        )
        return _holding(response, done.job)

    async def cancel_job(
        self, caller: Principal, request: pb.CancelJobRequest
    ) -> pb.CancelJobResponse:
        """CancelJob."""
        target = await self._target(caller, request)
        job = await self._manager.cancel_job(caller, target, request.etag)
        return _holding(pb.CancelJobResponse(), job)

    async def delete_job(
        self, caller: Principal, request: pb.DeleteJobRequest
    ) -> pb.DeleteJobResponse:
        """DeleteJob."""
        target = await self._target(caller, request)
        await self._manager.delete_job(caller, target, request.etag)
        return pb.DeleteJobResponse()

    async def watch_jobs(
        self, caller: Principal, request: pb.WatchJobsRequest
    ) -> AsyncIterator[bytes]:
        """WatchJobs; the responses are encoded, once for all watches."""
        command = decode.watch_jobs(request)
        store_id = (await self._feed.store.position()).store_id
        async with contextlib.aclosing(self._feed.watch(caller, command)) as events:
            async for event in events:
                yield encode.watch_event(event, store_id)

    async def get_error_description(
        self, _caller: Principal, request: pb.GetErrorDescriptionRequest
    ) -> pb.GetErrorDescriptionResponse:
        """GetErrorDescription."""
        decode.whole(request)
        return describe(request)

    async def get_server_info(
        self, caller: Principal, request: pb.GetServerInfoRequest
    ) -> pb.GetServerInfoResponse:
        """GetServerInfo."""
        decode.whole(request)
        bounds = self._about.policy()
        return pb.GetServerInfoResponse(
            version=self._about.version,
            features=(*FEATURES, *self._about.configured.schemes_beyond_the_web),
            limits=pb.Limits(
                jobs_per_owner=bounds.jobs_per_owner,
                files_per_job=bounds.files_per_job,
                watches_per_owner=bounds.watches_per_owner,
                request_bytes=limits.REQUEST_BYTES,
                jobs_per_machine=bounds.jobs_per_machine,
                ranges_per_file=bounds.ranges_per_file,
            ),
            caller=pb.Caller(
                principal=caller.id, admin=caller.admin, scopes=encode.scopes(caller.scopes)
            ),
            roots=self._roots.open_to(caller).names,
            start_time=timestamp(self._about.start_time),
            client_certificates=(
                sorted(self._about.configured.client_certificates) if caller.admin else ()
            ),
            ca_bundles=sorted(self._about.configured.ca_bundles),
        )

    async def _target(self, caller: Principal, request: Verb) -> str:
        """The job that a verb names; its permission is judged before the rest of the request."""
        target = job_id(request.job_id)
        try:
            decode.whole(request)
        except Refusal:
            await self._manager.get_job(caller, target)
            raise
        return target


async def _aside(files: Sequence[object], work: Callable[[], T]) -> T:
    """Runs the work on a thread where it would keep other callers waiting for long."""
    return await asyncio.to_thread(work) if len(files) > FEW_FILES else work()


def _holding(response: J, job: Job) -> J:
    """The response with its job."""
    encode.set_job(response.job, job)
    return response


def _fit(response: Message, messages: MutableSequence[M]) -> int:
    """Cuts a response's messages to as many as fit a page, at least one; returns how many."""
    if response.ByteSize() + TOKEN_BYTES <= limits.PAGE_BYTES:
        return len(messages)
    size = TOKEN_BYTES
    for place, message in enumerate(messages):
        size += message.ByteSize() + 4
        if place and size > limits.PAGE_BYTES:
            del messages[place:]
            break
    return len(messages)
