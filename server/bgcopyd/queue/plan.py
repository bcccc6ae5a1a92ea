"""Who runs: a pure function of the queue, of what is running, and of the rules.

1. Ranks are strict: a job of a higher rank gets its slot before any of a lower one, also before
   one that is running.
2. Within a rank whoever has begun a slice keeps its slot until the slice is over. Then, and for
   slots that are free, the owner with the lowest share is next, and his jobs take turns.
3. A job that has waited for a whole period is lifted by a rank, by two after two, but only where
   its own rank gets nothing. It keeps the lifted rank for one slice, in which nothing below that
   rank takes its slot away. One job is lifted at a time, and three times as long as it has run
   none is: a queue that has grown old takes a quarter of one slot from what is urgent, no more.
4. An owner's bound counts his background jobs of all ranks; the higher rank goes first there too.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bgcopyd.jobs.job import Priority
from bgcopyd.queue.shares import Shares
from bgcopyd.queue.storage import Place

_Claim = tuple[tuple[float, bool], bool, float, str]

BACKGROUND = (Priority.HIGH, Priority.NORMAL, Priority.LOW)
# More owners than this take turns in being looked at.
LANES = 256


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator sets.

    Attributes:
        background_jobs: how many run at a time.
        time_slice: seconds of a turn among equals.
        jobs_per_owner: how many of them may be of one owner; 0 for no bound.
        ageing: seconds of waiting that lift a job by one rank; 0 for never.
        weights: an owner's share in relation to others; 1 where none is given.
    """

    background_jobs: int = 4
    time_slice: float = 300.0
    jobs_per_owner: int = 0
    ageing: float = 3600.0
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """A running background job; `over` says that its slice is."""

    job_id: str
    owner: str
    priority: Priority
    rank: Priority
    since: float
    over: bool = False
    stopping: bool = False
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """A job to start, and the rank that it holds for its slice."""

    place: Place
    rank: Priority
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now.

    Attributes:
        start: jobs to start, each of which finds a slot free.
        preempt: running jobs to send back to the queue; those within their slices keep their place.
        renew: running jobs whose next slice begins.
        waiting: whether jobs are left that had no slot.
        shares: the shares from now on, before the starts and the renewals.
        after: where to go on with looking at lanes, if there were too many.
    """

    start: tuple[Start, ...] = ()
    preempt: tuple[Turn, ...] = ()
    renew: tuple[str, ...] = ()
    waiting: bool = False
    shares: Mapping[Priority | None, Shares] = field(default_factory=dict)
    after: str = ""


class Queue(Protocol):
    """What a plan reads of the queue; `Tx` has it."""

    def queued(self, priority: Priority, limit: int) -> list[Place]:
        """As Tx.queued."""

    def lanes(self, priority: Priority, *, after: str = "", limit: int) -> list[Place]:
        """As Tx.lanes."""

    def lane(self, priority: Priority, owner: str, *, after: int = 0, limit: int) -> list[Place]:
        """As Tx.lane."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan starts from.

    Attributes:
        turns: the running background jobs, also those that are stopping.
        busy: jobs that cannot start since a run of theirs is still going on.
        shares: what owners have had of each rank; under None, of lifted turns.
        thresholds: the places in the queue up to which jobs are lifted by one rank, by two; empty
            where none may be lifted now.
        after: the owner behind whom lanes are looked at, where there are very many.
    """

    turns: Sequence[Turn]
    busy: Collection[str]
    shares: Mapping[Priority | None, Shares]
    thresholds: Sequence[int] = ()
    after: str = ""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """One who gets a slot; `kept` where nothing but a higher rank can take it."""

    owner: str
    priority: Priority
    rank: Priority
    turn: Turn | None = None
    place: Place | None = None
    kept: bool = False
    lifted: bool = False


class Planner:
    """Makes one plan."""

    def __init__(self, queue: Queue, situation: Situation, rules: Rules) -> None:
        self._queue = queue
        self._situation = situation
        self._rules = rules
        self._moving = [turn for turn in situation.turns if not turn.stopping]
        self._chosen: list[_Chosen] = []
        self._load: Counter[str] = Counter()
        self._waiting = False
        self._shares = dict(situation.shares)
        self._after = situation.after

    def plan(self) -> Plan:
        """The plan."""
        for rank in BACKGROUND:
            self._keep(rank)
            if self._full:
                self._waiting = self._waiting or bool(self._queue.queued(rank, 1))
            else:
                self._fill(rank)
        if self._waiting and self._may_lift():
            self._lift()
        stay = {one.turn.job_id for one in self._chosen if one.turn is not None}
        return Plan(
            start=tuple(self._startable()),
            preempt=tuple(turn for turn in self._moving if turn.job_id not in stay),
            renew=tuple(turn.job_id for turn in self._moving if turn.over and turn.job_id in stay),
            waiting=self._waiting,
            shares=self._shares,
            after=self._after,
        )

    @property
    def _full(self) -> bool:
        return len(self._chosen) >= self._rules.background_jobs

    def _bound(self, owner: str) -> bool:
        """Whether the owner has all the slots that he may have."""
        return 0 < self._rules.jobs_per_owner <= self._load[owner]

    def _choose(self, one: _Chosen) -> None:
        self._chosen.append(one)
        self._load[one.owner] += 1

    def _keep(self, rank: Priority) -> None:
        """Leaves slots to those within their slices; the longest running is the first to go."""
        within = [turn for turn in self._moving if turn.rank is rank and not turn.over]
        for turn in sorted(within, key=lambda turn: -turn.since):
            if not self._full and not self._bound(turn.owner):
                one = _Chosen(turn.owner, turn.priority, rank, turn, kept=True, lifted=turn.lifted)
                self._choose(one)

    def _fill(self, rank: Priority) -> None:
        """Gives free slots to owners by their shares, and to an owner's jobs in turn."""
        lanes = self._lanes(rank)
        able = {owner for owner in lanes if not self._bound(owner)}
        entered = self._shares[rank] = self._shares[rank].copy()
        entered.enter(able)
        shares = entered.copy()
        order = [self._claim(owner, lanes[owner], shares) for owner in able]
        heapq.heapify(order)
        while order and not self._full:
            owner = heapq.heappop(order)[-1]
            first = lanes[owner].pop()
            place, turn = (first, None) if isinstance(first, Place) else (None, first)
            self._choose(_Chosen(owner, rank, rank, turn, place))
            shares.take(owner, self._rules.time_slice)
            if lanes[owner].first is not None and not self._bound(owner):
                heapq.heappush(order, self._claim(owner, lanes[owner], shares))
        entered.leave([owner for _, over, _, owner in order if not over])
        self._waiting = self._waiting or any(lane.waiting for lane in lanes.values())

    def _claim(self, owner: str, lane: _Lane, shares: Shares) -> _Claim:
        """What orders owners: their shares; among equals who is waiting, and the longest."""
        first = lane.first
        if isinstance(first, Place):
            return shares.claim(owner), False, first.queue_seq, owner
        return shares.claim(owner), True, first.since if first else 0.0, owner

    def _lanes(self, rank: Priority) -> dict[str, _Lane]:
        """Each owner's waiting jobs, and behind them his running ones whose slices are over."""
        over = [turn for turn in self._moving if turn.over and turn.priority is rank]
        lanes = {turn.owner: _Lane(iter(()), []) for turn in over}
        for head in self._heads(rank):
            lanes[head.owner] = _Lane(self._behind(head), [])
        for turn in sorted(over, key=lambda turn: turn.since):
            lanes[turn.owner].over.append(turn)
        return {owner: lane for owner, lane in lanes.items() if lane.first is not None}

    def _heads(self, rank: Priority) -> list[Place]:
        heads = self._queue.lanes(rank, after=self._situation.after, limit=LANES)
        if self._situation.after and len(heads) < LANES:
            around = self._queue.lanes(rank, limit=LANES - len(heads))
            heads += [head for head in around if head.owner <= self._situation.after]
        if len(heads) == LANES:
            self._after = heads[-1].owner
        return heads

    def _behind(self, head: Place) -> Iterator[Place]:
        """The lane from its head on, read as far as it is needed."""
        limit = self._rules.background_jobs
        places = [head]
        while places:
            for place in places:
                if place.job_id not in self._situation.busy:
                    yield place
            places = self._queue.lane(
                head.priority, head.owner, after=places[-1].queue_seq, limit=limit
            )

    def _may_lift(self) -> bool:
        """Whether nobody is lifted now, and anybody's slot could go to one who is."""
        loose = any(one.rank > Priority.HIGH or not one.kept for one in self._chosen)
        return loose and not any(turn.lifted for turn in self._moving)

    def _lift(self) -> None:
        """Gives one job that its own rank would never let run the place of a lower or an equal."""
        aged = [start for start in self._aged() if self._starved(start.place)]
        shares = self._shares[None] = self._shares[None].copy()
        owners = {start.place.owner for start in aged}
        shares.enter(owners)
        shares.leave(owners)
        for start in sorted(
            aged, key=lambda one: (one.rank, shares.claim(one.place.owner), one.place.queue_seq)
        ):
            place = start.place
            mine = [
                (position, one)
                for position, one in enumerate(self._chosen)
                if one.rank >= start.rank
                and (one.owner == place.owner or not self._bound(place.owner))
            ]
            loose = [position for position, one in mine if one.rank > start.rank or not one.kept]
            if loose:
                self._chosen[loose[-1]] = _Chosen(
                    place.owner, place.priority, start.rank, place=place, lifted=True
                )
            if mine:
                # The first waits for a slice of its owner's to end. Another in its stead would have
                # all lifted turns, where its own owner's slices always end first.
                return

    def _aged(self) -> Iterator[Start]:
        """The first job of each lane that has waited long enough to be lifted."""
        if not any(self._situation.thresholds):
            return
        for priority in BACKGROUND[1:]:
            oldest = self._queue.queued(priority, 1)
            if not oldest or self._rank(oldest[0]) is priority:
                continue
            for head in self._heads(priority):
                place = next(self._behind(head), head)
                if self._rank(place) < priority and place.job_id not in self._situation.busy:
                    yield Start(place, self._rank(place), lifted=True)

    def _rank(self, place: Place) -> Priority:
        steps = sum(place.queue_seq <= number for number in self._situation.thresholds)
        return Priority(max(Priority.HIGH, place.priority - steps))

    def _starved(self, place: Place) -> bool:
        """Whether no slot goes to the job's own rank or a lower one, as far as its owner may."""
        mine = self._bound(place.owner)
        return all(
            one.priority < place.priority
            for one in self._chosen
            if one.owner == place.owner or not mine
        )

    def _startable(self) -> Iterator[Start]:
        """Those of the chosen that find a slot free already."""
        free = self._rules.background_jobs - len(self._situation.turns)
        load = Counter(turn.owner for turn in self._situation.turns)
        for one in self._chosen:
            bound = 0 < self._rules.jobs_per_owner <= load[one.owner]
            if one.place is None or bound:
                continue
            if free <= 0:
                return
            free -= 1
            load[one.owner] += 1
            yield Start(one.place, one.rank, one.lifted)


class _Lane:
    """One owner's jobs of a rank in the order of their turns."""

    def __init__(self, places: Iterator[Place], over: list[Turn]) -> None:
        self._places = places
        self._next = next(places, None)
        self.over = over

    @property
    def waiting(self) -> bool:
        """Whether jobs are left that do not run."""
        return self._next is not None

    @property
    def first(self) -> Place | Turn | None:
        """Whose turn it is."""
        return self._next or (self.over[0] if self.over else None)

    def pop(self) -> Place | Turn:
        """Takes whose turn it is."""
        if self._next is not None:
            taken, self._next = self._next, next(self._places, None)
            return taken
        return self.over.pop(0)
