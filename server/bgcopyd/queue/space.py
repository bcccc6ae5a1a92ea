"""How many bytes owners keep, counted while they are written: what is stored, and what is ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bgcopyd.jobs.file import File
from bgcopyd.queue.storage import Tx

Key = tuple[str, int]


@dataclass(slots=True)
class _Moving:
    """A file that moves: what it has on disk, and how much of that the store has heard of."""

    owner: str
    present: int
    recorded: int
    ended: bool = False


class Space:
    """The one thing that queue and engine share: the engine asks before it writes.

    Args:
        limit: bytes that an owner may keep, at this moment; 0 for no limit.
    """

    def __init__(self, limit: Callable[[], int] = lambda: 0) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._stored: dict[str, int] = {}
        self._ahead: dict[str, int] = {}
        self._moving: dict[Key, _Moving] = {}

    # The engine's, on its threads.

    def begin(self, owner: str, key: Key, present: int) -> None:
        """A file begins to move, which has so many bytes already."""
        with self._lock:
            self._moving[key] = _Moving(owner, present, present)

    def left(self, key: Key, present: int) -> int | None:
        """How many bytes its owner has left if a file has so many; None where there is no limit."""
        limit = self._limit()
        with self._lock:
            moving = self._moving.get(key)
            if not limit or moving is None:
                return None
            owner = moving.owner
            ahead = self._ahead.get(owner, 0) + present - moving.present
            return limit - self._stored.get(owner, 0) - ahead

    def has(self, key: Key, present: int) -> None:
        """A file has so many bytes now."""
        with self._lock:
            moving = self._moving.get(key)
            if moving is not None:
                self._count(moving.owner, present - moving.present)
                moving.present = present

    def end(self, key: Key, present: int) -> None:
        """A file moves no more; this is what is left of it."""
        self.has(key, present)
        with self._lock:
            moving = self._moving.get(key)
            if moving is not None:
                moving.ended = True

    # The queue's, in its transactions.

    def look(self, tx: Tx, owner: str) -> None:
        """Asks the store what an owner has."""
        if self._limit():
            self._stored[owner] = tx.kept(owner).bytes

    def record(self, tx: Tx, owner: str, files: Sequence[File]) -> None:
        """Files of an owner have been written down as they are."""
        self.look(tx, owner)
        with self._lock:
            for file in files:
                moving = self._moving.get((file.job_id, file.index))
                if moving is not None:
                    self._count(moving.owner, moving.recorded - file.present)
                    moving.recorded = file.present
                    if moving.ended:
                        self._drop((file.job_id, file.index))

    def forget(self, job_id: str) -> None:
        """A job's run is over."""
        with self._lock:
            for key in [key for key in self._moving if key[0] == job_id]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        moving = self._moving.pop(key)
        self._count(moving.owner, moving.recorded - moving.present)

    def _count(self, owner: str, step: int) -> None:
        ahead = self._ahead.get(owner, 0) + step
        if ahead:
            self._ahead[owner] = ahead
        else:
            self._ahead.pop(owner, None)


NO_LIMIT = Space()
