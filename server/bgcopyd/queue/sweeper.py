"""Partial files that no job wants any more.

A crash of the machine may bring back what was deleted, and a volume may have been away when a job
ended. Only what is known to have been this queue's is touched: others use the directories too.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Directory, Leftover, Store
from bgcopyd.queue.transfers import Files

logger = logging.getLogger(__name__)

# How long a directory is looked at, in seconds: a volume may be away for a while.
SWEPT_FOR = 30 * 86_400.0
BATCH = 64


class Sweeper:
    """Sweeps the directories in which jobs have left something behind."""

    def __init__(self, store: Store, files: Files, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._clock = clock

    async def sweep(self) -> int:
        """Deletes leftovers in a few directories at a time; returns how many.

        Nothing else on the volumes waits for longer than one of these steps.
        """
        deleted = 0
        after: Directory | None = None
        while directories := await self._next(after):
            deleted += await self._files.sweep(directories, self._unwanted)
            after = directories[-1]
        now = self._clock.steady()
        await self._store.transact(lambda tx: tx.forget_directories(now), durable=False)
        if deleted:
            logger.info("deleted %d partial files that no job wants any more", deleted)
        return deleted

    async def _next(self, after: Directory | None) -> list[Directory]:
        return await self._store.transact(
            lambda tx: tx.directories(after=after, limit=BATCH), durable=False
        )

    async def _unwanted(self, leftovers: frozenset[Leftover]) -> Collection[Leftover]:
        return await self._store.transact(lambda tx: tx.unwanted(leftovers), durable=False)
