"""Work that must be written down in the end, however long the store takes to come back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from bgcopyd.queue.storage import Store, StoreUnavailable, Tx

T = TypeVar("T")

RETRY_DELAY = 1.0

logger = logging.getLogger(__name__)


async def transact_patiently(store: Store, fn: Callable[[Tx], T], *, durable: bool = False) -> T:
    """Runs a transaction, again and again while the store is unavailable (as on a full disk)."""
    while True:
        try:
            return await store.transact(fn, durable=durable)
        except StoreUnavailable as problem:
            logger.warning("the store is unavailable, trying again: %s", problem)
            await asyncio.sleep(RETRY_DELAY)
