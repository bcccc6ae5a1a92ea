"""Which stretch of a file the next connection fetches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bgcopyd.transfer.judging.spans import Spans

# A connection this much slower than the others is given up, not shared with.
_LAGGING = 8
# What a connection brings is known after so many seconds, and from so many of the last.
_MEASURED = 1.0


class Pulse:
    """What one connection brings, and when last; a pause of ours is no silence.

    Attributes:
        moved: when it last brought something, or was held back.
        rate: bytes per second, lately; None while it is too young to tell.
    """

    __slots__ = ("_position", "_since", "_start", "moved", "rate")

    def __init__(self, now: float, position: int) -> None:
        self._since = self.moved = now
        self._start = self._position = position
        self.rate: float | None = None

    def feel(self, now: float, position: int, *, paused: bool) -> None:
        """It has come so far."""
        if paused or position != self._position:
            self.moved, self._position = now, position
        if paused:
            self.rate, self._since, self._start = None, now, position
        elif now - self._since >= _MEASURED:
            self.rate = (position - self._start) / (now - self._since)
            self._since, self._start = now, position


@dataclass(frozen=True, slots=True)
class Under:
    """A stretch that is under way: from `start` on, `position` is the next byte to arrive.

    `rate` is in bytes per second, None where that is not known yet; `open` says that its server has
    answered.
    """

    start: int
    position: int
    end: int
    rate: float | None
    open: bool = True

    @property
    def left(self) -> int:
        """How many bytes are still to come."""
        return self.end - self.position

    def lags(self, typical: float, patience: float) -> bool:
        """Whether it is far slower than others, and would not be over soon."""
        slow = self.rate is not None and self.rate * _LAGGING < typical
        return self.left > 0 and slow and self.seconds(typical) > patience

    def seconds(self, typical: float) -> float:
        """How long they take; one of whom nothing is known yet is as quick as others are."""
        return self.left / max(typical if self.rate is None else self.rate, 1.0)


@dataclass(frozen=True, slots=True)
class Work:
    """A stretch to fetch; `victim` is the number of the one that it is taken from.

    With `whole` all that the victim has left is taken: it is given up.
    """

    start: int
    end: int
    victim: int | None = None
    whole: bool = False


def next_work(
    here: Spans, size: int, under: Sequence[Under], *, least: int, typical: float, patience: float
) -> Work | None:
    """What nobody fetches yet, or half of what would take longest.

    Args:
        here: what is on disk.
        size: the file's.
        under: what is being fetched.
        least: a half is at least this long.
        typical: what one connection brings, in bytes per second.
        patience: what ends within so many seconds is left alone.
    """
    gap = Spans.of((*here.parts, *((one.start, one.end) for one in under))).first_gap(0, size)
    if gap is not None and gap[1] is not None:
        return Work(gap[0], gap[1])
    shares = [number for number, one in enumerate(under) if one.open and one.left > 0]
    if not shares:
        return None
    slowest = max(shares, key=lambda number: under[number].seconds(typical))
    one = under[slowest]
    if one.left >= 2 * least:
        return Work(one.end - one.left // 2, one.end, slowest)
    if one.lags(typical, patience):
        return Work(one.position, one.end, slowest, whole=True)
    return None
