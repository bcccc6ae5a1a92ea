"""How long jobs have waited, by a clock of the queue's own.

The queue's age is the time in which it was served, over all lives of the daemon; it goes on by the
monotonic clock, so that no step of the system clock makes a job older or younger. Places in the
queue are numbers of the change sequence: a mark of where that stood at some age says of every job
with a lower place that it has waited since then. Hence no job carries a time of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from bgcopyd.queue.storage import AgeMark, Tx

# A job may count as up to a twelfth of a period younger than it is, and a crash takes as much.
_MARKS_PER_PERIOD = 12
# From LOW to HIGH.
STEPS = 2


class QueueAge:
    """The age of the queue, with marks for the last two periods.

    Args:
        period: seconds of waiting that lift a job by one rank; 0 for never.
        marks: what the store has kept, by age.
        now: monotonic seconds.
    """

    def __init__(self, period: float, marks: Sequence[AgeMark], now: float) -> None:
        self._period = period
        self._marks = list(marks)
        self._born = now - (marks[-1].age if marks else 0.0)

    def thresholds(self, now: float) -> tuple[int, ...]:
        """The places up to which jobs are lifted by one rank, by two."""
        age = now - self._born
        return tuple(self._number_at(age - step * self._period) for step in range(1, STEPS + 1))

    def _number_at(self, age: float) -> int:
        if not self._period:
            return 0
        return max((mark.number for mark in self._marks if mark.age <= age), default=0)

    def until_mark(self, now: float) -> float | None:
        """Seconds until a mark is due; None where jobs do not age."""
        if not self._period:
            return None
        if not self._marks:
            return 0.0
        due = self._born + self._marks[-1].age + self._period / _MARKS_PER_PERIOD
        return max(0.0, due - now)

    def mark(self, tx: Tx, now: float) -> AgeMark:
        """Makes a mark in the store."""
        age = now - self._born
        old = [mark.age for mark in self._marks if mark.age <= age - STEPS * self._period]
        return tx.mark_age(age, forget=max(old, default=0.0))

    def note(self, mark: AgeMark) -> None:
        """Takes the mark that the store has made."""
        oldest = mark.age - STEPS * self._period
        old = max((one.age for one in self._marks if one.age <= oldest), default=0.0)
        self._marks = [one for one in self._marks if one.age >= old] + [mark]
