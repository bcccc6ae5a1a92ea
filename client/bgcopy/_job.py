"""The handle of one job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Unpack

from bgcopy._calls import Timeout, to_seconds
from bgcopy._enums import JobState
from bgcopy._models import (
    Attempt,
    FileInfo,
    FileSpec,
    JobChanged,
    JobFilter,
    JobInfo,
    SnapshotComplete,
)
from bgcopy._options import JobProperties
from bgcopy._watch import WatchOptions
from bgcopy.errors import JobCancelled, TransferFailed, WaitTimeout

if TYPE_CHECKING:
    from bgcopy._client import AsyncClient


class Job:
    """A handle: a job's id and the client to ask about it. Making one calls nobody.

    Every verb returns the job as it is afterwards, may be repeated, takes the `etag` that the job
    must have ("" for any), and raises a `BgcopyError` when the server refuses.
    """

    __slots__ = ("_client", "_job_id")

    def __init__(self, client: AsyncClient, job_id: str) -> None:
        self._client = client
        self._job_id = job_id

    def __repr__(self) -> str:
        return f"Job({self._job_id!r})"

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._job_id

    async def info(self, *, timeout: Timeout | None = None) -> JobInfo:
        """The job as it is now."""
        return await self._client.get_job(self._job_id, timeout=timeout)

    def files(
        self, *, page_size: int = 0, timeout: Timeout | None = None
    ) -> AsyncIterator[FileInfo]:
        """The job's files, by index, fetched page by page; `timeout` is each page's."""
        return self._client.files(self._job_id, page_size=page_size, timeout=timeout)

    async def add_files(
        self, files: Sequence[FileSpec], *, etag: str = "", timeout: Timeout | None = None
    ) -> JobInfo:
        """Add files, all or none. A job in TRANSFERRED or ERROR becomes SUSPENDED."""
        result = await self._client.add_files(self._job_id, files, etag=etag, timeout=timeout)
        return result.job

    async def update(
        self,
        *,
        display_name: str | None = None,
        etag: str = "",
        timeout: Timeout | None = None,
        **changes: Unpack[JobProperties],
    ) -> JobInfo:
        """Change the properties that are given, all or none; None gives one its default again."""
        return await self._client.update_job(
            self._job_id, display_name=display_name, etag=etag, timeout=timeout, **changes
        )

    async def take_ownership(self, *, etag: str = "", timeout: Timeout | None = None) -> JobInfo:
        """Make the caller, an administrator, its owner; the job's secrets are dropped."""
        return await self._client.take_ownership(self._job_id, etag=etag, timeout=timeout)

    async def remove_files(
        self, file_indexes: Iterable[int], *, etag: str = "", timeout: Timeout | None = None
    ) -> JobInfo:
        """Take files out and delete what there is of them."""
        result = await self._client.remove_files(
            self._job_id, file_indexes, etag=etag, timeout=timeout
        )
        return result.job

    def read(
        self, file_index: int = 0, *, offset: int = 0, length: int = 0
    ) -> AsyncIterator[bytes]:
        """The bytes of a file that are safely on the daemon's disk, in pieces."""
        return self._client.read_file(self._job_id, file_index, offset=offset, length=length)

    def attempts(
        self,
        *,
        file_index: int | None = None,
        page_size: int = 0,
        timeout: Timeout | None = None,
    ) -> AsyncIterator[Attempt]:
        """The attempts at its files, newest first."""
        return self._client.attempts(
            self._job_id, file_index=file_index, page_size=page_size, timeout=timeout
        )

    async def suspend(self, *, etag: str = "", timeout: Timeout | None = None) -> JobInfo:
        """Stop the job; what it has is kept."""
        return await self._client.suspend_job(self._job_id, etag=etag, timeout=timeout)

    async def resume(self, *, etag: str = "", timeout: Timeout | None = None) -> JobInfo:
        """Queue a suspended, failed or waiting job."""
        return await self._client.resume_job(self._job_id, etag=etag, timeout=timeout)

    async def complete(
        self, *, allow_partial: bool = False, etag: str = "", timeout: Timeout | None = None
    ) -> JobInfo:
        """Give the files their names and end the job.

        With `allow_partial` unfinished files are dropped; `AsyncClient.complete_job` tells which.
        """
        result = await self._client.complete_job(
            self._job_id, allow_partial=allow_partial, etag=etag, timeout=timeout
        )
        return result.job

    async def cancel(self, *, etag: str = "", timeout: Timeout | None = None) -> JobInfo:
        """End the job and delete what it has, but files that have their name."""
        return await self._client.cancel_job(self._job_id, etag=etag, timeout=timeout)

    async def delete(self, *, etag: str = "", timeout: Timeout | None = None) -> None:
        """Forget a finished job before it expires."""
        await self._client.delete_job(self._job_id, etag=etag, timeout=timeout)

    def watch(
        self, options: WatchOptions | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[JobInfo]]:
        """The job as it is now and with every change, until it is in a final state.

        ::

            async with job.watch() as changes:
                async for info in changes: ...

        Connections are mended meanwhile. States in between may be merged; the newest arrives.

        Raises:
            BgcopyError: the job is unknown or not the caller's, or the daemon stays away.
        """
        return _closing(self._changes(options))

    async def wait(
        self, timeout: Timeout | None = None, *, options: WatchOptions | None = None
    ) -> JobInfo:
        """Wait until every byte is here.

        Returns at TRANSFERRED or ACKNOWLEDGED; where the job completes by itself
        (`auto_complete`) not before ACKNOWLEDGED, when the files have their names. A suspended
        job is waited for, since somebody may resume it.

        Args:
            timeout: how long to wait; None is without limit.
            options: how the watch behind it is kept alive.

        Raises:
            TransferFailed: the job is in ERROR.
            JobCancelled: the job was cancelled.
            WaitTimeout: the time is up; the job goes on.
            BgcopyError: the job is unknown or not the caller's, or the daemon stays away.
        """
        last: JobInfo | None = None
        try:
            async with (
                asyncio.timeout(None if timeout is None else to_seconds(timeout)) as limit,
                self.watch(options) as changes,
            ):
                async for last in changes:
                    if is_done(last):
                        return last
        except TimeoutError:
            if not limit.expired():
                raise
            state = "" if last is None else f"; it is {last.state.name}"
            raise WaitTimeout(f"the job was not done in time{state}", last) from None
        raise AssertionError("a watch ends with a final state")

    async def _changes(self, options: WatchOptions | None) -> AsyncGenerator[JobInfo, None]:
        seen = False
        wanted = JobFilter(job_ids=[self._job_id])
        async with self._client.watch_jobs(wanted, options=options) as events:
            async for event in events:
                if isinstance(event, JobChanged):
                    info = event.job
                elif isinstance(event, SnapshotComplete) and seen:
                    continue
                else:
                    # Not in sight (any more): the server says better why.
                    info = await self.info()
                seen = True
                yield info
                if info.state.final:
                    return


def is_done(info: JobInfo) -> bool:
    """Whether a job's bytes are all here.

    Raises:
        JobFailed: they will not come by themselves.
    """
    if info.state is JobState.ERROR:
        raise TransferFailed(info)
    if info.state is JobState.CANCELLED:
        raise JobCancelled("the job was cancelled", info)
    if info.state is JobState.TRANSFERRED:
        return not info.auto_complete
    return info.state is JobState.ACKNOWLEDGED


@asynccontextmanager
async def _closing(changes: AsyncGenerator[JobInfo, None]) -> AsyncIterator[AsyncIterator[JobInfo]]:
    """A generator that is closed, and with it its call, however its loop is left."""
    async with aclosing(changes):
        yield changes
