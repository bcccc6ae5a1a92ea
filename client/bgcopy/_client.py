"""The asynchronous client."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Self, Unpack

import grpc

from bgcopy import _convert as convert
from bgcopy import _models as models
from bgcopy._admin import AdminClient
from bgcopy._calls import Calls, Timeout
from bgcopy._channel import Target, parse_target
from bgcopy._convert_options import job_of
from bgcopy._editing import EditingCalls
from bgcopy._enums import ErrorContext, JobState, JobType, Reason
from bgcopy._job import Job
from bgcopy._looking import LookingCalls
from bgcopy._options import JobProperties
from bgcopy._pages import each
from bgcopy._watch import Watch, WatchOptions
from bgcopy._webhooks import WebhookCalls
from bgcopy.auth import BearerToken
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2

_DEFAULT_TIMEOUT = timedelta(seconds=30)


class AsyncClient(EditingCalls, LookingCalls, WebhookCalls):
    """A client of one daemon, for one event loop; one method per RPC, and handles of jobs.

    Use it as `async with AsyncClient() as client`, or call `close()`. Nothing is connected before
    the first call. Every method but the watches has a deadline, `timeout`, and raises a
    `BgcopyError`; UNAVAILABLE is retried a few times where that is safe.

    Args:
        target: `unix:PATH`, `dns:///host:port` or `host:port`; None is the socket of the user's
            own daemon.
        token: a bearer token, for listeners that want one (see `read_token_file`).
        tls: whether to use TLS; None means yes, except on a Unix socket and on loopback.
        root_certificates: PEM certificates that vouch for the server; None means those of gRPC.
        certificate_chain: the client's own certificate (PEM), for listeners that want one.
        private_key: its key (PEM).
        timeout: the deadline of calls that are given none.

    Raises:
        ValueError: an option is malformed, or the token would travel in clear over a network.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | None = None,
        *,
        token: str | BearerToken | None = None,
        tls: bool | None = None,
        root_certificates: bytes | None = None,
        certificate_chain: bytes | None = None,
        private_key: bytes | None = None,
        timeout: Timeout = _DEFAULT_TIMEOUT,
    ) -> None:
        where = parse_target(target)
        bearer = BearerToken(token) if isinstance(token, str) else token
        self._calls = Calls(
            where,
            credentials=_credentials(
                where,
                bearer,
                tls=tls,
                roots=root_certificates,
                own=_own_certificate(certificate_chain, private_key),
            ),
            token=bearer,
            timeout=timeout,
        )

    def __repr__(self) -> str:
        return f"AsyncClient({self.target!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def admin(self) -> AdminClient:
        """What operators do: limits, statistics, tokens, draining."""
        return AdminClient(self._calls)

    @property
    def target(self) -> str:
        """The daemon's address, as gRPC writes it."""
        return self._calls.target.name

    async def close(self) -> None:
        """Close the connections; calls under way end with `ClientClosed`."""
        await self._calls.close()

    def job(self, job_id: str) -> Job:
        """The handle of a job; calls nobody."""
        return Job(self, job_id)

    async def create_job(
        self,
        display_name: str,
        files: Sequence[models.FileSpec] = (),
        *,
        job_type: JobType = JobType.DOWNLOAD,
        start: bool = False,
        request_id: str | None = None,
        timeout: Timeout | None = None,
        **properties: Unpack[JobProperties],
    ) -> Job:
        """Create a job, with its files and started where that is asked for, in one step.

        Args:
            display_name: a name for people, 1 to 256 characters, not unique.
            files: what to fetch and where to put it; of an upload, the one file to send and where
                to.
            job_type: which way the bytes go; fixed from here on.
            start: queue it at once; otherwise it is born SUSPENDED.
            request_id: a UUID that makes the call repeatable; drawn where None.
            timeout: the deadline of the call.
            properties: the job's other properties, as `auto_complete=True`; see `JobProperties`.

        Raises:
            ValueError: a moment has no time zone.
        """
        values = {"type": job_type, "display_name": display_name, **properties}
        request = pb.CreateJobRequest(
            job=job_of(values),
            files=[convert.file_spec_to_proto(spec) for spec in files],
            start=start,
            request_id=request_id or str(uuid.uuid4()),
        )
        response = await self._calls.unary(lambda stub: stub.CreateJob, request, timeout)
        return Job(self, response.job.job_id)

    async def get_job(self, job_id: str, *, timeout: Timeout | None = None) -> models.JobInfo:
        """A job in whatever state, also a finished one until it expires."""
        request = pb.GetJobRequest(job_id=job_id)
        response = await self._calls.unary(lambda stub: stub.GetJob, request, timeout)
        return convert.job_info(response.job)

    async def list_jobs(
        self,
        wanted: models.JobFilter | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: Timeout | None = None,
    ) -> models.JobPage:
        """One page of jobs, newest first; `jobs` goes through all of them."""
        request = pb.ListJobsRequest(
            filter=convert.filter_to_proto(wanted or models.JobFilter()),
            page_size=page_size,
            page_token=page_token,
        )
        response = await self._calls.unary(lambda stub: stub.ListJobs, request, timeout)
        return models.JobPage(
            tuple(convert.job_info(job) for job in response.jobs), response.next_page_token
        )

    def jobs(
        self,
        *,
        job_ids: Iterable[str] = (),
        job_id_prefix: str = "",
        display_name: str = "",
        text: str = "",
        states: Iterable[JobState] = (),
        labels: Mapping[str, str] | None = None,
        all_owners: bool = False,
        page_size: int = 0,
        timeout: Timeout | None = None,
    ) -> AsyncIterator[models.JobInfo]:
        """Every job that matches all of what is given, newest first, fetched page by page.

        Without states or ids finished jobs are left out. `timeout` is each page's.
        """
        wanted = models.JobFilter(
            job_ids=tuple(job_ids),
            job_id_prefix=job_id_prefix,
            display_name=display_name,
            text=text,
            states=tuple(states),
            labels=dict(labels or {}),
            all_owners=all_owners,
        )
        return each(
            lambda token: self.list_jobs(
                wanted, page_size=page_size, page_token=token, timeout=timeout
            ),
            lambda page: page.jobs,
        )

    async def add_files(
        self,
        job_id: str,
        files: Sequence[models.FileSpec],
        *,
        etag: str = "",
        request_id: str | None = None,
        timeout: Timeout | None = None,
    ) -> models.AddFilesResult:
        """Add files to a job, all or none. A job in TRANSFERRED or ERROR becomes SUSPENDED."""
        request = pb.AddFilesRequest(
            job_id=job_id,
            files=[convert.file_spec_to_proto(spec) for spec in files],
            etag=etag,
            request_id=request_id or str(uuid.uuid4()),
        )
        response = await self._calls.unary(lambda stub: stub.AddFiles, request, timeout)
        return models.AddFilesResult(convert.job_info(response.job), response.first_index)

    async def list_files(
        self,
        job_id: str,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: Timeout | None = None,
    ) -> models.FilePage:
        """One page of a job's files, by index; `files` goes through all of them."""
        request = pb.ListFilesRequest(job_id=job_id, page_size=page_size, page_token=page_token)
        response = await self._calls.unary(lambda stub: stub.ListFiles, request, timeout)
        return models.FilePage(
            tuple(convert.file_info(file) for file in response.files), response.next_page_token
        )

    def files(
        self, job_id: str, *, page_size: int = 0, timeout: Timeout | None = None
    ) -> AsyncIterator[models.FileInfo]:
        """A job's files, by index, fetched page by page; `timeout` is each page's."""
        return each(
            lambda token: self.list_files(
                job_id, page_size=page_size, page_token=token, timeout=timeout
            ),
            lambda page: page.files,
        )

    async def suspend_job(
        self, job_id: str, *, etag: str = "", timeout: Timeout | None = None
    ) -> models.JobInfo:
        """Stop a job; what it has is kept. TRANSFERRED stays TRANSFERRED."""
        request = pb.SuspendJobRequest(job_id=job_id, etag=etag)
        response = await self._calls.unary(lambda stub: stub.SuspendJob, request, timeout)
        return convert.job_info(response.job)

    async def resume_job(
        self, job_id: str, *, etag: str = "", timeout: Timeout | None = None
    ) -> models.JobInfo:
        """Queue a suspended, failed or waiting job."""
        request = pb.ResumeJobRequest(job_id=job_id, etag=etag)
        response = await self._calls.unary(lambda stub: stub.ResumeJob, request, timeout)
        return convert.job_info(response.job)

    async def complete_job(
        self,
        job_id: str,
        *,
        allow_partial: bool = False,
        etag: str = "",
        timeout: Timeout | None = None,
    ) -> models.CompleteResult:
        """Give a job's files their final names and end it as ACKNOWLEDGED.

        Args:
            job_id: the job.
            allow_partial: keep the whole files and drop the others instead of an error.
            etag: the etag that the job must have; empty means any.
            timeout: the deadline of the call.
        """
        request = pb.CompleteJobRequest(job_id=job_id, etag=etag, allow_partial=allow_partial)
        response = await self._calls.unary(lambda stub: stub.CompleteJob, request, timeout)
        return models.CompleteResult(
            job=convert.job_info(response.job),
            hresult_name=response.hresult_name,
            completed_files=tuple(response.completed_files),
            dropped_files=tuple(response.dropped_files),
        )

    async def cancel_job(
        self, job_id: str, *, etag: str = "", timeout: Timeout | None = None
    ) -> models.JobInfo:
        """End a job as CANCELLED and delete what it has, but files that have their name."""
        request = pb.CancelJobRequest(job_id=job_id, etag=etag)
        response = await self._calls.unary(lambda stub: stub.CancelJob, request, timeout)
        return convert.job_info(response.job)

    async def delete_job(
        self, job_id: str, *, etag: str = "", timeout: Timeout | None = None
    ) -> None:
        """Forget a job in a final state before it expires."""
        request = pb.DeleteJobRequest(job_id=job_id, etag=etag)
        await self._calls.unary(lambda stub: stub.DeleteJob, request, timeout)

    def watch_jobs(
        self, wanted: models.JobFilter | None = None, *, options: WatchOptions | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[models.WatchEvent]]:
        """The present state of every match, `SnapshotComplete`, then each change, without end.

        ::

            async with client.watch_jobs() as events:
                async for event in events: ...

        Connections are mended meanwhile. Leaving the block ends the watch on the server too.
        """
        message = convert.filter_to_proto(wanted or models.JobFilter())
        watch = Watch(self._calls, message, options or WatchOptions())
        return _closing(watch.events())

    async def get_error_description(
        self,
        error: Reason | ErrorContext | str,
        *,
        language_code: str = "",
        timeout: Timeout | None = None,
    ) -> models.ErrorDescription:
        """What an error means and what to do.

        Args:
            error: a reason, the context of a transfer's error, or an HRESULT: as "0x80D02003", as
                the signed number that Windows prints, or by its name.
            language_code: a BCP 47 tag as "de-AT"; English where there is no such language.
            timeout: the call's deadline.

        Raises:
            DescriptionNotFound: nothing describes it.
        """
        request = pb.GetErrorDescriptionRequest(language_code=language_code)
        if isinstance(error, Reason):
            request.reason = error_pb2.Reason.ValueType(error.value)
        elif isinstance(error, ErrorContext):
            request.context = error_pb2.ErrorContext.ValueType(error.value)
        else:
            request.hresult = error
        response = await self._calls.unary(lambda stub: stub.GetErrorDescription, request, timeout)
        return models.ErrorDescription(
            response.description,
            response.language_code,
            response.hresult,
            response.hresult_name,
        )

    async def get_server_info(self, *, timeout: Timeout | None = None) -> models.ServerInfo:
        """What the server is and can, and who the caller is to it."""
        request = pb.GetServerInfoRequest()
        response = await self._calls.unary(lambda stub: stub.GetServerInfo, request, timeout)
        return convert.server_info(response)


def _own_certificate(chain: bytes | None, key: bytes | None) -> tuple[bytes, bytes] | None:
    if chain is None or key is None:
        if chain is not key:
            raise ValueError("certificate_chain and private_key go together")
        return None
    return chain, key


def _credentials(
    target: Target,
    token: BearerToken | None,
    *,
    tls: bool | None,
    roots: bytes | None,
    own: tuple[bytes, bytes] | None,
) -> grpc.ChannelCredentials | None:
    """TLS by default wherever others could listen."""
    wanted = roots is not None or own is not None
    encrypted = (wanted or not target.local) if tls is None else tls
    if wanted and not encrypted:
        raise ValueError("certificates are of no use without TLS")
    if encrypted:
        chain, key = own or (None, None)
        return grpc.ssl_channel_credentials(roots, key, chain)
    if token is not None and not target.local:
        raise ValueError(f"a token is not sent in clear to {target.name}; use TLS")
    return None


@asynccontextmanager
async def _closing(
    events: AsyncGenerator[models.WatchEvent, None],
) -> AsyncIterator[AsyncIterator[models.WatchEvent]]:
    """A generator that is closed, and with it its call, however its loop is left."""
    async with aclosing(events):
        yield events
