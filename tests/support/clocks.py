"""Clocks that stand until a test lets time pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bgcopyd.queue.clock import SystemClock

START = datetime(2026, 7, 1, 12, tzinfo=UTC)


class FakeClock(SystemClock):
    """The clocks of a machine on which `true` seconds have passed.

    Attributes:
        set_by: how far somebody has set the time of day wrong.
    """

    def __init__(self) -> None:
        super().__init__()
        self.true = 0.0
        self.set_by = timedelta()
        self._boots = 1
        self._booted = -5000.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.true) + self.set_by

    def monotonic(self) -> float:
        return self.true

    def uptime(self) -> float:
        return self.true - self._booted

    def boot_id(self) -> str:
        return f"boot {self._boots}"

    def restart(self, *, reboot: bool) -> None:
        """What a new process finds, perhaps after a start of the machine."""
        self._origin = 0.0
        if reboot:
            self._boots += 1
            self._booted = self.true
