"""What the queue does by the hour: forgets old history, backs itself up, sweeps, and the like."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Store, StoreUnavailable
from bgcopyd.queue.sweeper import Sweeper
from bgcopyd.queue.tokens import TokenUses

logger = logging.getLogger(__name__)

INTERVAL = 60.0
BACKUP_INTERVAL = timedelta(days=1)
SWEEP_INTERVAL = 86_400.0


class Housekeeping:
    """One task; each round is short, so that it disturbs nobody.

    Args:
        backup: makes a backup, None for none.
        last_backup: when the newest backup was made; a daemon may never be up for a whole day.
        history: how many removed jobs the change feed remembers.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sweeper: Sweeper,
        uses: TokenUses,
        *,
        history: int,
        backup: Callable[[], Awaitable[object]] | None,
        last_backup: Callable[[], Awaitable[datetime | None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._sweeper = sweeper
        self._uses = uses
        self._swept: float | None = None
        self._history = history
        self._backup = backup
        self._last_backup = last_backup

    async def run(self) -> None:
        """Keeps house until cancelled."""
        while True:
            try:
                await self.round()
            except StoreUnavailable as problem:
                logger.warning("housekeeping waits for the store: %s", problem)
            except OSError as problem:
                logger.error("the queue was not backed up: %s", problem)  # noqa: TRY400 - no defect
            await asyncio.sleep(INTERVAL)

    async def round(self) -> None:
        """Forgets what nobody will ask for; sweeps at the start, and like backups once a day."""
        await self._uses.write()
        await self._store.transact(lambda tx: tx.trim_history(self._history))
        now = self._clock.steady()
        if self._swept is None or now - self._swept >= SWEEP_INTERVAL:
            await self._sweeper.sweep()
            self._swept = now
        if self._backup is not None and await self._is_due(self._clock.now()):
            await self._backup()

    async def _is_due(self, now: datetime) -> bool:
        last = await self._last_backup()
        # A backup out of the future was made before the clock was set back.
        return last is None or not timedelta() <= now - last < BACKUP_INTERVAL
