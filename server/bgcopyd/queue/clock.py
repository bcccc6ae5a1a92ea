"""Time, injected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bgcopyd import platform
from bgcopyd.jobs.moments import Moment

# What a clock that was set wrong while the machine was off can cost at most.
LONGEST_ABSENCE = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class ClockMark:
    """Where the clocks stood together: `uptime` of the machine since the boot of `boot_id`."""

    steady: float
    boot_id: str
    uptime: float
    time: datetime


def steady_after(mark: ClockMark, *, boot_id: str, uptime: float, now: datetime) -> float:
    """Where the steady scale is, some time after a mark.

    Exact while the machine has not been started anew. After that only the wall clock can tell,
    and is believed within bounds: never backwards, never more than LONGEST_ABSENCE.
    """
    if boot_id and boot_id == mark.boot_id and uptime >= mark.uptime:
        return mark.steady + uptime - mark.uptime
    away = (now - mark.time).total_seconds()
    return mark.steady + min(max(0.0, away), LONGEST_ABSENCE)


class Clock(Protocol):
    """Three clocks: one that people read, one of this process, one of the queue."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that no step of the system clock touches; begins anew with each process."""

    def steady(self) -> float:
        """Seconds that go on over restarts of the daemon and the machine; sleep counts."""

    def moment(self) -> Moment:
        """The time of day and the steady scale, now."""

    def mark(self) -> ClockMark:
        """What the next start goes on from."""

    def go_on(self, mark: ClockMark) -> None:
        """Continues the steady scale of an earlier life."""


class SystemClock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        self._origin = 0.0

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on CLOCK_MONOTONIC."""
        return time.monotonic()

    def boot_id(self) -> str:
        """Names the boot of this machine; empty where the system does not tell."""
        return platform.boot_id()

    def uptime(self) -> float:
        """Seconds since that boot."""
        return platform.uptime()

    def steady(self) -> float:
        """Seconds on the queue's own scale."""
        return self._origin + self.uptime()

    def moment(self) -> Moment:
        """The time of day and the steady scale, now."""
        return Moment(self.now(), self.steady())

    def mark(self) -> ClockMark:
        """What the next start goes on from."""
        uptime = self.uptime()
        return ClockMark(self._origin + uptime, self.boot_id(), uptime, self.now())

    def go_on(self, mark: ClockMark) -> None:
        """Continues the steady scale of an earlier life."""
        uptime = self.uptime()
        steady = steady_after(mark, boot_id=self.boot_id(), uptime=uptime, now=self.now())
        self._origin = steady - uptime
