"""What planning remembers from one plan to the next: slices, shares, and when jobs may be lifted.

All of it is in memory and counts by the monotonic clock. A restart ends every slice and makes all
owners equal; only the time that jobs have waited survives it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bgcopyd.jobs.job import Priority
from bgcopyd.queue.plan import BACKGROUND, Plan, Planner, Queue, Rules, Situation, Start, Turn
from bgcopyd.queue.shares import Shares

# Lifted jobs rest for so many times the length of a lifted turn.
REST = 3
# Jobs whose begun slices are remembered; a forgotten one gets a whole slice.
BROKEN_OFF = 1024


@dataclass(frozen=True, slots=True)
class Running:
    """A job with a run that takes a background slot; `stopping` where that will end soon."""

    job_id: str
    owner: str
    priority: Priority
    stopping: bool = False


class Turns:
    """The turns of the running background jobs.

    Attributes:
        rules: may be replaced between two plans.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._turns: dict[str, Turn] = {}
        self._charged: dict[str, tuple[float, float]] = {}
        self._broken_off: dict[str, float] = {}
        self._shares = self._equal()
        self._rest_until = 0.0
        self._after = ""
        self._waiting = False

    def _equal(self) -> dict[Priority | None, Shares]:
        return {rank: Shares(self.rules.weights) for rank in (None, *BACKGROUND)}

    def hear(self, running: Sequence[Running], now: float) -> None:
        """Takes in what is running: turns that have ended, runs that have changed their rank."""
        present = {one.job_id: one for one in running}
        for turn in list(self._turns.values()):
            one = present.get(turn.job_id)
            if one is None or (one.priority, one.owner) != (turn.priority, turn.owner):
                self._end(turn, now)
        for one in running:
            turn = self._turns.get(one.job_id) or self._begin(
                Turn(one.job_id, one.owner, one.priority, one.priority, now), now
            )
            over = now - turn.since >= self.rules.time_slice
            self._turns[one.job_id] = dataclasses.replace(turn, over=over, stopping=one.stopping)
            if over:
                self._settle(turn, now)
        if not self._turns and not self._waiting:
            self._shares = self._equal()

    def plan(
        self, queue: Queue, busy: Collection[str], thresholds: Sequence[int], now: float
    ) -> Plan:
        """The plan for what was heard last; changes nothing."""
        situation = Situation(
            turns=tuple(self._turns.values()),
            busy=busy,
            shares=self._shares,
            thresholds=thresholds if now >= self._rest_until else (),
            after=self._after,
        )
        return Planner(queue, situation, self.rules).plan()

    def follow(self, plan: Plan, now: float) -> None:
        """Notes that a plan is carried out, but for its starts."""
        self._waiting = plan.waiting
        self._shares = dict(plan.shares)
        self._after = plan.after
        for job_id in plan.renew:
            turn = self._turns[job_id]
            self._end(turn, now)
            self._begin(Turn(job_id, turn.owner, turn.priority, turn.priority, now), now)
        for turn in plan.preempt:
            self._turns[turn.job_id] = dataclasses.replace(turn, stopping=True)
            if not turn.over:
                self._broken_off[turn.job_id] = now - turn.since
        while len(self._broken_off) > BROKEN_OFF:
            del self._broken_off[next(iter(self._broken_off))]

    def started(self, starts: Iterable[Start], now: float) -> None:
        """Notes which jobs have been started."""
        for start in starts:
            place = start.place
            since = now - self._broken_off.pop(place.job_id, 0.0)
            turn = Turn(place.job_id, place.owner, place.priority, start.rank, since)
            self._begin(dataclasses.replace(turn, lifted=start.lifted), now)

    def until_next(self, now: float) -> float | None:
        """Seconds until a slice or the rest of the lifted ends; None where nobody waits for it."""
        if not self._waiting:
            return None
        times = [
            turn.since + self.rules.time_slice for turn in self._turns.values() if not turn.stopping
        ]
        return min((time - now for time in [*times, self._rest_until] if time > now), default=None)

    def _account(self, turn: Turn) -> Shares:
        return self._shares[None if turn.lifted else turn.rank]

    def _begin(self, turn: Turn, now: float) -> Turn:
        rest = turn.since + self.rules.time_slice - now
        self._turns[turn.job_id] = turn
        self._charged[turn.job_id] = rest, now
        self._account(turn).take(turn.owner, rest)
        return turn

    def _settle(self, turn: Turn, now: float) -> None:
        """Accounts for what the turn has taken so far, in place of what it was charged with."""
        charged, since = self._charged[turn.job_id]
        self._account(turn).settle(turn.owner, charged, now - since)
        self._charged[turn.job_id] = 0.0, now

    def _end(self, turn: Turn, now: float) -> None:
        self._settle(turn, now)
        if turn.lifted:
            self._rest_until = now + REST * (now - turn.since)
        del self._turns[turn.job_id]
        del self._charged[turn.job_id]
