"""A change feed that a test turns by hand, and watches of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from bgcopyd.jobs.job import Job, Progress
from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.queue.clock import Clock, SystemClock
from bgcopyd.queue.commands import Filter, WatchJobs
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.storage import Changes, JobPage, JobQuery, Position, Tombstone
from bgcopyd.queue.watch import (
    JobChanged,
    JobRemoved,
    SnapshotComplete,
    Watch,
    WatchEvent,
    removal_of,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STORE = "store"


class FakeFeed:
    """Jobs by id in a change sequence; `hand` gives a watch what the feed would have read."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.stones: list[Tombstone] = []
        self.newest = 0
        self.oldest = 0
        self.cursor = 0
        self.closed = False
        self.clock: Clock = SystemClock()
        self.board = ProgressBoard(self.clock)
        self.store: Any = SimpleNamespace(
            position=self._position, jobs=self._page, changes=self._changes
        )
        self.on_read: Any = lambda: None

    def change(self, job_id: str, **values: Any) -> Job:
        """A change of a job, in the store only."""
        self.newest += 1
        job = self.jobs.get(job_id) or Job(job_id, "anna", "anna", job_id, EPOCH, EPOCH, "e-1")
        changed = dataclasses.replace(
            job, revision=job.revision + 1, change_seq=self.newest, **values
        )
        self.jobs[job_id] = changed
        return changed

    def remove(self, job_id: str) -> Tombstone:
        self.newest += 1
        owner = self.jobs.pop(job_id).owner
        self.stones.append(Tombstone(job_id, owner, self.newest))
        return self.stones[-1]

    def hand(self, watch: Watch, *jobs: Job, gone: tuple[Tombstone, ...] = ()) -> None:
        """What the feed has read reaches a watch."""
        self.cursor = max([job.change_seq for job in jobs] + [one.change_seq for one in gone])
        removed = [(one, removal_of(one)) for one in gone]
        watch.offer([JobChanged(job, job.change_seq) for job in jobs], removed, self.cursor)

    def live(self, job: Job, progress: Progress) -> JobChanged:
        return JobChanged(dataclasses.replace(job, progress=progress), None)

    async def _position(self) -> Position:
        found = Position(STORE, self.newest, self.oldest)
        self.on_read()
        return found

    async def _page(self, query: JobQuery, *, before: int | None, limit: int) -> JobPage:
        return JobPage(tuple(self.jobs.values()), None, Position(STORE, self.newest, self.oldest))

    async def _changes(self, after: int, *, limit: int = 1000) -> Changes:
        jobs = sorted(
            (job for job in self.jobs.values() if job.change_seq > after),
            key=lambda job: job.change_seq,
        )
        stones = tuple(one for one in self.stones if one.change_seq > after)
        return Changes(tuple(jobs), stones, self.newest)


def watch_of(
    feed: FakeFeed,
    resume: tuple[str, int] | None = None,
    options: dict[str, Any] | None = None,
    **query: Any,
) -> Watch:
    """A watch of Anna's jobs unless told; `options` are further fields of its command."""
    command = WatchJobs(Filter(), resume, 1.0, 30.0)
    command = dataclasses.replace(command, **(options or {}))
    return Watch(feed, JobQuery(**{"owner": "anna", **query}), command)


async def read(events: AsyncIterator[WatchEvent], count: int) -> list[WatchEvent]:
    async with asyncio.timeout(10):
        return [await anext(events) for _ in range(count)]


def told(events: list[WatchEvent]) -> list[tuple[str, int]]:
    """Job ids and revisions; removals as revision -1."""
    found = []
    for event in events:
        if isinstance(event, JobChanged):
            found.append((event.job.job_id, event.job.revision))
        elif isinstance(event, JobRemoved):
            found.append((event.job_id, -1))
    return found


async def caught_up(
    feed: FakeFeed, options_of_marker: JobOptions = DEFAULT_OPTIONS, **options: Any
) -> tuple[Watch, AsyncIterator[WatchEvent]]:
    """A watch that has sent its snapshot and waits for changes."""
    feed.cursor = feed.newest
    watch = watch_of(feed, **options)
    events = watch.events()
    snapshot = await read(events, len(feed.jobs) + 1)
    assert isinstance(snapshot[-1], SnapshotComplete)
    marker = asyncio.ensure_future(anext(events))
    await asyncio.wait([marker], timeout=0.01)
    first = feed.change("marker", options=options_of_marker)
    feed.hand(watch, first)
    assert told([await marker]) == [("marker", first.revision)]
    return watch, events
