"""What hosts have shown that they cannot do: one table with one rule of expiry.

A fact only ever saves a request. Each answer is judged as if nothing were known, so that a fact
that is wrong by now costs a request at most.
"""

from __future__ import annotations

import enum
import threading

from bgcopyd.transfer.judging.redirects import Origin

_KEPT = 4096


class Fact(enum.Enum):
    """What may be known of a host, each with a number.

    STREAM_ERRORS: how many HTTP/2 streams broke; from two on it is asked by HTTP/1.1.
    CONNECTIONS: how many at once it bears, where it has refused one more.
    IF_RANGE_IGNORED: 1 where it sent all of a file that had not changed; a plain Range comes first.
    HTTP3_OFFERED: 1 where it said so.
    HTTP3_BROKEN: 1 where a request broke that was allowed to use it; HTTP/2 comes first.
    """

    STREAM_ERRORS = enum.auto()
    CONNECTIONS = enum.auto()
    IF_RANGE_IGNORED = enum.auto()
    HTTP3_OFFERED = enum.auto()
    HTTP3_BROKEN = enum.auto()


class Facts:
    """Facts by host, forgotten `memory` seconds after they were learnt last.

    Where there are too many the oldest go first. Used from all engine threads.
    """

    def __init__(self, memory: float, kept: int = _KEPT) -> None:
        self._memory = memory
        self._kept = kept
        self._lock = threading.Lock()
        # In the order in which they were learnt, which is that in which they expire.
        self._known: dict[tuple[Origin, Fact], tuple[int, float]] = {}

    def learn(self, origin: Origin, fact: Fact, number: int, now: float) -> None:
        """Takes down a fact; 0 is what is not known."""
        with self._lock:
            self._known.pop((origin, fact), None)
            if number:
                self._known[origin, fact] = number, now + self._memory
            while len(self._known) > self._kept or self._oldest_ends(now):
                del self._known[next(iter(self._known))]

    def add(self, origin: Origin, fact: Fact, now: float) -> None:
        """Counts one more."""
        self.learn(origin, fact, self.number(origin, fact, now) + 1, now)

    def _oldest_ends(self, now: float) -> bool:
        oldest = next(iter(self._known.values()), None)
        return oldest is not None and oldest[1] <= now

    def number(self, origin: Origin, fact: Fact, now: float) -> int:
        """What is known; 0 for nothing."""
        number, until = self._known.get((origin, fact), (0, 0.0))
        return number if until > now else 0
