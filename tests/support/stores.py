"""Every store there is, by name. Another database is one more kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from bgcopyd.queue.storage import Store, Tx
from bgcopyd.store.memory import MemoryStore
from bgcopyd.store.sqlite import SQLiteStore

T = TypeVar("T")


async def _memory(_: Path) -> Store:
    return MemoryStore()


async def _sqlite(directory: Path) -> Store:
    return await SQLiteStore.open(directory)


class BriefStore(SQLiteStore):
    """Takes every transaction for a brief one."""

    async def transact(
        self, fn: Callable[[Tx], T], *, durable: bool = True, brief: bool = True
    ) -> T:
        return await super().transact(fn, durable=durable, brief=brief)


async def _brief(directory: Path) -> Store:
    return await BriefStore.open(directory)


KINDS: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "brief": _brief,
}
