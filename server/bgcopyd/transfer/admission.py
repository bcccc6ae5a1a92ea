"""Who may hold a connection: at most so many transfers per host and in all, first come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from bgcopyd.transfer.redirects import Origin

Grant = Callable[[], bool]


class Admission:
    """Slots of one volume. A used slot is released with the origin it was granted for."""

    def __init__(self, *, per_host: int, total: int) -> None:
        self._per_host = per_host
        self._total = total
        self._running: dict[Origin, int] = {}
        self._count = 0
        self._waiting: dict[Origin, deque[Grant]] = {}

    def request(self, origin: Origin, grant: Grant) -> None:
        """Queues a wish; `admit` calls `grant`, which says whether the slot is still wanted."""
        self._waiting.setdefault(origin, deque()).append(grant)

    def release(self, origin: Origin) -> None:
        """Frees a slot."""
        self._count -= 1
        left = self._running[origin] - 1
        if left:
            self._running[origin] = left
        else:
            del self._running[origin]

    def admit(self) -> None:
        """Grants free slots, one host after the other."""
        for origin in list(self._waiting):
            waiting = self._waiting[origin]
            while waiting and self._free(origin):
                self._running[origin] = self._running.get(origin, 0) + 1
                self._count += 1
                if not waiting.popleft()():
                    self.release(origin)
            if not waiting:
                del self._waiting[origin]

    def _free(self, origin: Origin) -> bool:
        return self._count < self._total and self._running.get(origin, 0) < self._per_host
