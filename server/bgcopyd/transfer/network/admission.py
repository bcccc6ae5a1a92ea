"""Who may hold a connection: bounds per host, per owner and in all, owners and hosts in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bgcopyd.transfer.judging.redirects import Origin

Grant = Callable[[], bool]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose connection it is and where it goes."""

    origin: Origin
    owner: str
    foreground: bool


class Admission:
    """Slots of one volume. A used slot is released with the lane it was granted for.

    Foreground and background have budgets of their own, so that no long background transfer keeps
    a foreground one waiting: each its `per_host`, and an eighth of `total` is for foreground alone.

    Args:
        per_host: how many of each kind may go to one host.
        per_owner: how many of each kind an owner may have; 0 for no bound.
        total: how many there may be of both kinds.
    """

    def __init__(self, *, per_host: int, per_owner: int, total: int) -> None:
        self._per_host = per_host
        self._per_owner = per_owner
        self._total = total
        self._background = max(1, total - total // 8)
        self._held = {True: 0, False: 0}
        self._hosts: dict[tuple[Origin, bool], int] = {}
        self._owners: dict[tuple[str, bool], int] = {}
        self._waiting: dict[Lane, deque[Grant]] = {}

    def request(self, lane: Lane, grant: Grant) -> None:
        """Queues a wish; `admit` calls `grant`, which says whether the slot is still wanted."""
        self._waiting.setdefault(lane, deque()).append(grant)

    def take(self, lane: Lane) -> bool:
        """Takes a slot at once; False where none is to spare."""
        if self.wanted(lane) or not self._free(lane):
            return False
        self._count(lane, 1)
        return True

    def release(self, lane: Lane) -> None:
        """Frees a slot."""
        self._count(lane, -1)

    def wanted(self, lane: Lane) -> bool:
        """Whether somebody waits whom a slot of this lane may serve."""
        full = self._held[True] + self._held[False] >= self._background
        return any(
            full or other.origin == lane.origin or (self._per_owner and other.owner == lane.owner)
            for other in self._waiting
        )

    def held(self, origin: Origin) -> int:
        """How many slots go to a host, of both kinds."""
        return sum(self._hosts.get((origin, kind), 0) for kind in (True, False))

    def admit(self) -> None:
        """Grants free slots, foreground first, then one of each lane after the other."""
        for foreground in (True, False):
            lanes = deque(lane for lane in self._waiting if lane.foreground is foreground)
            while lanes:
                lane = lanes.popleft()
                if self._grant(lane):
                    lanes.append(lane)

    def _grant(self, lane: Lane) -> bool:
        """Grants the lane one slot; False where it has none left to want or to get."""
        waiting = self._waiting[lane]
        while waiting and self._free(lane):
            self._count(lane, 1)
            if waiting.popleft()():
                # To the end, so that the next free slot is another lane's.
                self._waiting[lane] = self._waiting.pop(lane)
                return True
            self._count(lane, -1)
        if not waiting:
            del self._waiting[lane]
        return False

    def _count(self, lane: Lane, step: int) -> None:
        self._held[lane.foreground] += step
        _add(self._hosts, (lane.origin, lane.foreground), step)
        _add(self._owners, (lane.owner, lane.foreground), step)

    def _free(self, lane: Lane) -> bool:
        if self._hosts.get((lane.origin, lane.foreground), 0) >= self._per_host:
            return False
        if self._held[True] + self._held[False] >= self._total:
            return False
        if 0 < self._per_owner <= self._owners.get((lane.owner, lane.foreground), 0):
            return False
        return lane.foreground or self._held[False] < self._background


def _add(counts: dict[K, int], key: K, step: int) -> None:
    left = counts.get(key, 0) + step
    if left:
        counts[key] = left
    else:
        del counts[key]
