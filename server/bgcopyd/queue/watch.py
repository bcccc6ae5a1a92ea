"""Watches: what one reader of the change feed is told."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, Progress
from bgcopyd.jobs.notifying import tells, tells_file, tells_modification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.commands import WatchJobs
from bgcopyd.queue.matching import in_scope, matches
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.storage import Changes, JobQuery, Position, Store, Tombstone

PENDING = 256
SNAPSHOT_PAGE = 200


@dataclass(slots=True, eq=False)
class JobChanged:
    """A job as it is now. `encoded` is kept here by whoever encodes it, once for all watches."""

    job: Job
    position: int | None
    encoded: bytes | None = None


class Removal(enum.Enum):
    """Why a watch forgets a job."""

    DELETED = "it was deleted or has expired"
    NO_MATCH = "the filter does not match it any more"
    OWNER_CHANGED = "it belongs to somebody else"


@dataclass(frozen=True, slots=True)
class JobRemoved:
    """A job that a watch has reason to forget."""

    job_id: str
    position: int
    why: Removal


@dataclass(frozen=True, slots=True)
class SnapshotComplete:
    """Every match has been sent."""

    position: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing has happened."""

    position: int


@dataclass(frozen=True, slots=True)
class FileChanged:
    """A file as it is now; None stands for so many that they are better listed."""

    job_id: str
    file: File | None


WatchEvent = JobChanged | JobRemoved | SnapshotComplete | Heartbeat | FileChanged


class Feed(Protocol):
    """What a watch needs of the change feed; `cursor` is how far the watches have been told."""

    store: Store
    clock: Clock
    board: ProgressBoard
    cursor: int
    closed: bool

    def live(self, job: Job, progress: Progress) -> JobChanged:
        """The job with its live progress, shared between watches."""


class Watch:
    """One watch: what is kept for a reader between two of its reads.

    A watch that does not keep up loses what was kept for it and reads the store again from its own
    position, so that it costs bounded memory and still sees the newest state of every job.
    """

    def __init__(self, feed: Feed, query: JobQuery, command: WatchJobs) -> None:
        self._feed = feed
        self._snapshot_query = query
        # A watch follows jobs into their final states, which the snapshot leaves out.
        self._query = dataclasses.replace(query, states=command.filter.states)
        self._command = command
        self._pending: dict[str, JobChanged | JobRemoved] = {}
        self._pending_position = 0
        self._behind = True
        self._position = 0
        self._running: dict[str, Job] = {}
        self._shown: dict[str, Progress] = {}
        self._shown_at: dict[str, float] = {}
        self._files: dict[tuple[str, int], FileChanged] = {}
        self._progress_due = 0.0
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Makes the watch look around."""
        self._news.set()

    def offer(
        self,
        events: Sequence[JobChanged],
        gone: Sequence[tuple[Tombstone, JobRemoved]],
        position: int,
    ) -> None:
        """Takes what the feed has read; never waits."""
        if self._behind:
            return
        for event in events:
            seen = self._seen(event) if self._is_news(event) else None
            if seen is not None:
                self._pending[event.job.job_id] = seen
        for stone, removed in gone:
            if self._is_news(removed) and self._hears_of(stone):
                self._pending[removed.job_id] = removed
        self._pending_position = position
        if len(self._pending) > PENDING:
            self._behind = True
            self._pending.clear()
        if self._pending or self._behind:
            self._news.set()

    def offer_files(self, job: Job, files: Sequence[File]) -> None:
        """Takes files of a job that have just changed; never waits."""
        if not self._command.file_events or not self._is_told(job):
            return
        for file in files:
            if self._command.notified_only and not tells_file(job, file):
                continue
            self._files[job.job_id, file.index] = FileChanged(job.job_id, file)
        if len(self._files) > PENDING:
            jobs = {job_id for job_id, _ in self._files}
            self._files = {(job_id, 0): FileChanged(job_id, None) for job_id in jobs}
        if self._files:
            self._news.set()

    def _is_told(self, job: Job) -> bool:
        return in_scope(job.owner, job.job_id, self._query) and matches(job, self._query)

    async def events(self) -> AsyncGenerator[WatchEvent, None]:
        """Snapshot or continuation, then changes, progress and heartbeats."""
        position = await self._feed.store.position()
        if self._command.resume is None:
            self._position = position.newest
            async for event in self._snapshot():
                yield event
            yield SnapshotComplete(self._position)
        else:
            self._position = self._resumed(position, *self._command.resume)
        spoke = self._feed.clock.monotonic()
        while True:
            if self._feed.closed:
                raise Refusal(Reason.DRAINING, "the server is shutting down", retry_after=1.0)
            silent = True
            async for event in self._next():
                silent = False
                yield event
            now = self._feed.clock.monotonic()
            if not silent:
                spoke = now
            elif now - spoke >= self._command.heartbeat_interval:
                spoke = now
                yield Heartbeat(self._position)
            await self._rest(spoke)

    async def _rest(self, spoke: float) -> None:
        timeout = spoke + self._command.heartbeat_interval - self._feed.clock.monotonic()
        if self._running:
            timeout = min(timeout, self._progress_due - self._feed.clock.monotonic())
        try:
            async with asyncio.timeout(max(0.0, timeout)):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    async def _snapshot(self) -> AsyncGenerator[WatchEvent, None]:
        before: int | None = None
        while True:
            page = await self._feed.store.jobs(
                self._snapshot_query, before=before, limit=SNAPSHOT_PAGE
            )
            for job in page.jobs:
                self._follow(job)
                yield JobChanged(self._feed.board.overlay(job), None)
            if page.next_before is None:
                return
            before = page.next_before

    async def _next(self) -> AsyncGenerator[WatchEvent, None]:
        """Everything that is to be said now."""
        if self._behind:
            async for event in self._catch_up():
                yield event
        pending, self._pending = self._pending, {}
        self._position = max(self._position, self._pending_position)
        for event in sorted(pending.values(), key=_order):
            yield self._told(event)
        files, self._files = self._files, {}
        for changed in files.values():
            yield changed
        for live in self._progress():
            yield live

    async def _catch_up(self) -> AsyncGenerator[WatchEvent, None]:
        """Reads the store from this watch's own position until it is where the feed is."""
        while self._behind:
            if self._position < (await self._feed.store.position()).oldest:
                raise _expired()
            changes = await self._feed.store.changes(self._position, limit=PENDING)
            self._position = max(self._position, changes.position)
            for event in self._selected(changes):
                yield self._told(event)
            if self._position >= self._feed.cursor:
                # No await between this look and the next offer: nothing can fall between.
                self._behind = False
                self._pending_position = self._position

    def _selected(self, changes: Changes) -> list[JobChanged | JobRemoved]:
        events: list[JobChanged | JobRemoved] = []
        for job in changes.jobs:
            seen = self._seen(JobChanged(self._feed.board.overlay(job), job.change_seq))
            if seen is not None:
                events.append(seen)
        events += [removal_of(stone) for stone in changes.tombstones if self._hears_of(stone)]
        return sorted(events, key=_order)

    def _told(self, event: JobChanged | JobRemoved) -> JobChanged | JobRemoved:
        if isinstance(event, JobRemoved):
            self._forget(event.job_id)
            return event
        self._follow(event.job)
        return event

    def _follow(self, job: Job) -> None:
        if job.state.running and (not self._command.notified_only or tells_modification(job)):
            self._running[job.job_id] = job
        else:
            self._forget(job.job_id)

    def _forget(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._shown.pop(job_id, None)
        self._shown_at.pop(job_id, None)

    def _progress(self) -> list[JobChanged]:
        """Running jobs whose progress has changed since it was last sent, once per interval."""
        now = self._feed.clock.monotonic()
        if now < self._progress_due:
            return []
        self._progress_due = now + self._command.progress_interval
        events = []
        live = self._feed.board.running()
        for job_id, job in self._running.items():
            progress = live.get(job_id)
            if progress is None or progress is self._shown.get(job_id):
                continue
            if now >= self._shown_at.get(job_id, now) + self._pause(job_id, job):
                self._shown[job_id] = progress
                self._shown_at[job_id] = now
                events.append(self._feed.live(job, progress))
        return events

    def _pause(self, job_id: str, job: Job) -> float:
        """The least time between two events of the job's progress, beyond the watch's own."""
        least = job.options.notifications.minimum_interval
        beyond = least > self._command.progress_interval and job_id in self._shown_at
        return least if beyond else 0.0

    def _is_news(self, event: JobChanged | JobRemoved) -> bool:
        """Whether this watch, which may have read the store later than the feed, lacks it."""
        return _order(event) > self._position

    def _seen(self, event: JobChanged) -> JobChanged | JobRemoved | None:
        job = event.job
        if not in_scope(job.owner, job.job_id, self._query):
            return None
        if matches(job, self._query):
            return event if not self._command.notified_only or tells(job) else None
        return JobRemoved(job.job_id, job.change_seq, Removal.NO_MATCH)

    def _hears_of(self, stone: Tombstone) -> bool:
        """Whether the watch must forget the job; one of all owners sees it with the new one."""
        if stone.owner_changed and self._query.owner is None:
            return False
        return in_scope(stone.owner, stone.job_id, self._query)

    @staticmethod
    def _resumed(now: Position, store_id: str, position: int) -> int:
        if store_id != now.store_id or not now.oldest <= position <= now.newest:
            raise _expired()
        return position


def removal_of(stone: Tombstone) -> JobRemoved:
    """What a watch is told of a tombstone."""
    why = Removal.OWNER_CHANGED if stone.owner_changed else Removal.DELETED
    return JobRemoved(stone.job_id, stone.change_seq, why)


def _order(event: JobChanged | JobRemoved) -> int:
    return event.position or 0


def _expired() -> Refusal:
    return Refusal(
        Reason.RESUME_TOKEN_EXPIRED,
        "resume_token: is older than the history or from another store; watch again without one",
    )
