"""The change feed: one reader of the store, many watches, none of which can slow another."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Sequence

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, Progress
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.commands import WatchJobs
from bgcopyd.queue.manager import query_of
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.quotas import Quotas
from bgcopyd.queue.storage import Store, StoreUnavailable
from bgcopyd.queue.watch import JobChanged, Watch, WatchEvent, removal_of

logger = logging.getLogger(__name__)

STORE_RETRY_DELAY = 1.0
LIVE_EVENTS = 1024


class ChangeFeed:
    """Reads each change once and hands it to the watches."""

    def __init__(self, store: Store, board: ProgressBoard, clock: Clock, quotas: Quotas) -> None:
        self.store = store
        self.clock = clock
        self.board = board
        self.cursor = 0
        self.closed = False
        self._quotas = quotas
        self._watches: set[Watch] = set()
        self._held: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._newest = 0
        self._live: dict[str, JobChanged] = {}

    @property
    def watching(self) -> int:
        """How many watches are open."""
        return len(self._watches)

    async def start(self) -> None:
        """Finds the position to feed from; before the first watch."""
        self.store.on_commit(self._committed)
        self.cursor = (await self.store.position()).newest

    def _committed(self, newest: int) -> None:
        self._newest = newest
        self._news.set()

    async def run(self) -> None:
        """Feeds until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not self._watches:
                # Nobody to tell; a watch that comes reads the store up to here by itself.
                self.cursor = max(self.cursor, self._newest)
                continue
            try:
                await self._read()
            except StoreUnavailable:
                logger.warning("the change feed cannot read the store; trying again")
                await asyncio.sleep(STORE_RETRY_DELAY)
                self._news.set()

    async def _read(self) -> None:
        while True:
            changes = await self.store.changes(self.cursor)
            if changes.position <= self.cursor:
                return
            events = [JobChanged(self.board.overlay(job), job.change_seq) for job in changes.jobs]
            gone = [(stone, removal_of(stone)) for stone in changes.tombstones]
            self.cursor = changes.position
            for watch in self._watches:
                watch.offer(events, gone, changes.position)

    def tell_files(self, job: Job, files: Sequence[File]) -> None:
        """Hands changed files to the watches that want them."""
        for watch in self._watches:
            watch.offer_files(job, files)

    def close(self) -> None:
        """Ends all watches; they tell their callers that the server is shutting down."""
        self.closed = True
        for watch in self._watches:
            watch.wake()

    def live(self, job: Job, progress: Progress) -> JobChanged:
        """The job with its live progress; watches that show the same share the event."""
        event = self._live.get(job.job_id)
        if (
            event is None
            or event.job.revision != job.revision
            or event.job.progress is not progress
        ):
            event = JobChanged(dataclasses.replace(job, progress=progress), None)
            if len(self._live) > LIVE_EVENTS:
                self._live.clear()
            self._live[job.job_id] = event
        return event

    async def watch(
        self, principal: Principal, command: WatchJobs
    ) -> AsyncGenerator[WatchEvent, None]:
        """The events of one watch, until the caller stops reading.

        Raises:
            Refusal: ADMIN_REQUIRED, WATCH_QUOTA_EXCEEDED, RESUME_TOKEN_EXPIRED, DRAINING, or what
                is wrong with the request.
        """
        query = query_of(principal, command.filter)
        if command.refusal is not None:
            raise command.refusal
        self._quotas.judge_watch_count(self._held[principal.id])
        watch = Watch(self, query, command)
        self._held[principal.id] += 1
        self._watches.add(watch)
        try:
            async with contextlib.aclosing(watch.events()) as events:
                async for event in events:
                    yield event
        finally:
            self._watches.discard(watch)
            self._held[principal.id] -= 1
            if not self._held[principal.id]:
                del self._held[principal.id]
