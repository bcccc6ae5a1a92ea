"""A watch that outlives its connections."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

import grpc

from bgcopy import _convert as convert
from bgcopy._call_details import CallDetails
from bgcopy._calls import Calls
from bgcopy._convert_options import known, to_duration
from bgcopy._enums import RemovedReason
from bgcopy._models import FileChanged, JobChanged, JobRemoved, SnapshotComplete, WatchEvent
from bgcopy._status import to_call_error
from bgcopy.errors import (
    CallError,
    InternalError,
    ResumeTokenExpired,
    Unavailable,
    WatchQuotaExceeded,
)
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2

# Attempts before anything was received: as many as a unary call gets from the service config.
_FIRST_ATTEMPTS = 4
_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# Heartbeats that may be missed before the connection counts as dead.
_MISSED_HEARTBEATS = 3


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a watch is kept alive.

    Args:
        heartbeat_interval: how often a silent server sends a heartbeat; after three missed ones
            the watch connects anew.
        progress_interval: how often the progress of a running job is sent; None is the server's.
        reconnect_timeout: how long to try to connect anew before the error is raised; None is
            for ever.
        file_events: also tell of files that become transferred or fail (`FileChanged`).
        notified_only: tell of a job only where its notification settings ask for it.
        on_lost: called with the error whenever a connection that worked is lost, before the watch
            connects anew.
    """

    heartbeat_interval: timedelta = timedelta(seconds=15)
    progress_interval: timedelta | None = None
    reconnect_timeout: timedelta | None = timedelta(minutes=5)
    file_events: bool = False
    notified_only: bool = False
    on_lost: Callable[[CallError], None] | None = None


class Watch:
    """One watch: its place in the history and the connection that feeds it."""

    def __init__(self, calls: Calls, wanted: manager_pb2.JobFilter, options: WatchOptions) -> None:
        self._calls = calls
        self._wanted = wanted
        self._options = options
        self._token = ""
        self._in_snapshot = True
        self._known: set[str] = set()
        self._fresh: set[str] = set()
        self._received = False
        self._failures = 0
        self._failing_since: float | None = None

    async def events(self) -> AsyncGenerator[WatchEvent, None]:
        """Events without end; connects anew through restarts of the daemon.

        Raises:
            BgcopyError: the server refuses the watch, or cannot be reached for too long.
        """
        while True:
            try:
                async with aclosing(self._messages()) as messages:
                    async for message in messages:
                        for event in self._take(message):
                            yield event
            except ResumeTokenExpired:
                if not self._token:
                    raise
                self._token = ""
                continue
            except CallError as error:
                await self._pause_after(error)
            else:
                await self._pause_after(_ended())

    async def _messages(self) -> AsyncGenerator[manager_pb2.WatchJobsResponse, None]:
        """Messages of one connection; however this ends, the call is cancelled.

        An abandoned call would keep its handler on the server until the channel closes.
        """
        if not self._token:
            self._in_snapshot, self._fresh = True, set()
        call = await self._calls.watch(self._request())
        try:
            while True:
                message = await self._read(call)
                if message is None:
                    return
                yield message
        finally:
            call.cancel()

    async def _read(
        self,
        call: grpc.aio.UnaryStreamCall[manager_pb2.WatchJobsRequest, manager_pb2.WatchJobsResponse],
    ) -> manager_pb2.WatchJobsResponse | None:
        """The next message; None at the end of the stream."""
        patience = self._options.heartbeat_interval.total_seconds() * _MISSED_HEARTBEATS
        try:
            async with asyncio.timeout(patience):
                message = await call.read()
        except TimeoutError:
            raise _silent(patience) from None
        except grpc.aio.AioRpcError as error:
            raise to_call_error(error) from error
        except asyncio.CancelledError:
            self._calls.raise_if_closed()
            raise
        return message if isinstance(message, manager_pb2.WatchJobsResponse) else None

    def _request(self) -> manager_pb2.WatchJobsRequest:
        request = manager_pb2.WatchJobsRequest(
            filter=self._wanted,
            resume_token=self._token,
            heartbeat_interval=to_duration(self._options.heartbeat_interval),
            file_events=self._options.file_events,
            notified_only=self._options.notified_only,
        )
        if self._options.progress_interval is not None:
            request.progress_interval.FromTimedelta(self._options.progress_interval)
        return request

    def _take(self, message: manager_pb2.WatchJobsResponse) -> Iterator[WatchEvent]:
        """Events of a message, and the new place in the history."""
        self._received, self._failures, self._failing_since = True, 0, None
        kind = message.WhichOneof("event")
        if kind == "job_changed":
            self._known.add(message.job_changed.job_id)
            self._fresh.add(message.job_changed.job_id)
            yield JobChanged(convert.job_info(message.job_changed))
        elif kind == "job_removed":
            self._known.discard(message.job_removed.job_id)
            self._fresh.discard(message.job_removed.job_id)
            reason = known(RemovedReason, message.job_removed.reason)
            yield JobRemoved(message.job_removed.job_id, reason)
        elif kind == "file_changed":
            changed = message.file_changed
            file = convert.file_info(changed.file) if changed.HasField("file") else None
            yield FileChanged(changed.job_id, file)
        elif kind == "snapshot_complete" and self._in_snapshot:
            yield from self._end_snapshot()
        # A place inside a snapshot is none to go on from: the rest of it would be missing.
        # Byte progress moves no position and carries none.
        if not self._in_snapshot and message.resume_token:
            self._token = message.resume_token

    def _end_snapshot(self) -> Iterator[WatchEvent]:
        """Jobs that vanished while the history was lost are told as removed."""
        for job_id in sorted(self._known - self._fresh):
            yield JobRemoved(job_id, RemovedReason.UNKNOWN)
        self._known, self._fresh, self._in_snapshot = self._fresh, set(), False
        yield SnapshotComplete()

    async def _pause_after(self, error: CallError) -> None:
        """Wait before the next attempt, or raise the error where another makes no sense."""
        now = asyncio.get_running_loop().time()
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = now
        limit = self._options.reconnect_timeout
        patient = limit is None or now - self._failing_since < limit.total_seconds()
        if not self._received:
            patient = patient and self._failures < _FIRST_ATTEMPTS
        passes = _passes(error, resumed=self._received) or self._calls.renews(error)
        if not (patient and passes):
            raise error
        if self._received and self._failures == 1 and self._options.on_lost is not None:
            self._options.on_lost(error)
        pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2.0 ** min(self._failures - 1, 16))
        # Half of it by chance, so that a restarted daemon does not meet all its watchers at once.
        pause *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
        if error.retry_after is not None:
            pause = max(pause, error.retry_after.total_seconds())
        await asyncio.sleep(pause)


def _passes(error: CallError, *, resumed: bool) -> bool:
    """Whether the error is one of connections, which end, and not of the request, which stays."""
    if isinstance(error, Unavailable) or error.code is grpc.StatusCode.CANCELLED:
        return True
    if isinstance(error, WatchQuotaExceeded):
        # The server may still count the connection that was lost.
        return resumed
    # Without a reason it comes from the transport (a reset stream), not from the server's code.
    return isinstance(error, InternalError) and not error.reason_name


def _ended() -> CallError:
    return Unavailable(CallDetails(grpc.StatusCode.UNAVAILABLE, "the server ended the watch"))


def _silent(seconds: float) -> CallError:
    message = f"the server was silent for {seconds:g} s"
    return Unavailable(CallDetails(grpc.StatusCode.UNAVAILABLE, message))
