"""What hosts have shown of how many connections they bear, for a while."""

from __future__ import annotations

from bgcopyd.transfer.redirects import Origin


class HostLimits:
    """Bounds of hosts; each is forgotten after `memory` seconds."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._limits: dict[Origin, tuple[int, float]] = {}

    def learn(self, origin: Origin, count: int, now: float, pause: float | None = None) -> None:
        """A host bears so many connections; it may have asked for a longer pause."""
        self._limits = {one: kept for one, kept in self._limits.items() if kept[1] > now}
        self._limits[origin] = (max(count, 1), now + max(self._memory, pause or 0.0))

    def of(self, origin: Origin, now: float) -> int | None:
        """How many connections a host bears; None where it has not refused one."""
        count, until = self._limits.get(origin, (0, 0.0))
        return count if until > now else None
