"""One moment on two clocks: what the wall clock shows, and seconds on the steady scale.

What waits or expires is kept as a moment of the steady scale, which no step of the system clock
touches; the wall clock's time beside it is for people.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# Far enough below the last datetime that a few days more are still one.
LAST = datetime(9999, 12, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """A moment: `time` aware, UTC; `steady` seconds."""

    time: datetime
    steady: float

    def after(self, seconds: float) -> Moment:
        """The moment so much later."""
        return Moment(later(self.time, seconds), self.steady + seconds)


def later(time: datetime, seconds: float) -> datetime:
    """So much later, at the latest LAST."""
    try:
        return min(LAST, time + timedelta(seconds=seconds))
    except OverflowError:
        return LAST
