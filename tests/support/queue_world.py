"""A queue that is planned for, with time that a test lets pass: no store, no engine, no waiting."""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from bgcopyd.jobs.job import Priority
from bgcopyd.queue.ageing import QueueAge
from bgcopyd.queue.plan import Plan, Rules
from bgcopyd.queue.storage import AgeMark, Place, Tx
from bgcopyd.queue.turns import Running, Turns

FOREVER = float("inf")
# How long a run takes to stop.
STOPPING = 0.5


class Lanes:
    """What a plan reads, kept in order by place."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.number = 0
        self._lanes: dict[tuple[Priority, str], list[Place]] = {}

    def put(self, job_id: str, owner: str, priority: Priority) -> None:
        self.number += 1
        self.insert(Place(job_id, owner, priority, self.number))

    def insert(self, place: Place) -> None:
        self.take(place.job_id)
        self.places[place.job_id] = place
        lane = self._lanes.setdefault((place.priority, place.owner), [])
        bisect.insort(lane, place, key=lambda one: one.queue_seq)

    def take(self, job_id: str) -> Place | None:
        place = self.places.pop(job_id, None)
        if place is not None:
            self._lanes[place.priority, place.owner].remove(place)
        return place

    def queued(self, priority: Priority, limit: int) -> list[Place]:
        assert limit == 1
        heads = self.lanes(priority, limit=1000)
        return [min(heads, key=lambda place: place.queue_seq)] if heads else []

    def lanes(self, priority: Priority, *, after: str = "", limit: int) -> list[Place]:
        heads = [lane[0] for (rank, _), lane in self._lanes.items() if rank is priority and lane]
        heads.sort(key=lambda place: place.owner)
        return [place for place in heads if place.owner > after][:limit]

    def lane(self, priority: Priority, owner: str, *, after: int = 0, limit: int) -> list[Place]:
        lane = self._lanes.get((priority, owner), [])
        start = bisect.bisect_right(lane, after, key=lambda place: place.queue_seq)
        return lane[start : start + limit]

    def mark_age(self, age: float, *, forget: float) -> AgeMark:
        assert forget <= age
        return AgeMark(age, self.number)


@dataclass
class Work:
    """A job: how long it still has to run, since when it waits, what it has had."""

    job_id: str
    owner: str
    priority: Priority
    left: float
    waits_since: float | None
    ran: float = 0.0
    starts: int = 0


class World:
    """Jobs that run for the time they need. `turn` plans until nothing changes."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.now = 1000.0
        self.queue = Lanes()
        self.turns = Turns(rules)
        self.age = QueueAge(rules.ageing, [], self.now)
        self.jobs: dict[str, Work] = {}
        self.running: dict[str, Running] = {}
        self.stops: dict[str, tuple[float, Place | None]] = {}
        self.served: defaultdict[str, float] = defaultdict(float)
        self.starts = 0
        self.places_before: dict[str, Place] = {}
        self.longest_wait: defaultdict[str, float] = defaultdict(float)
        self.check: Callable[[World, Plan], None] = lambda _world, _plan: None
        self._names = (f"j{number}" for number in itertools.count())

    # What people do.

    def add(self, owner: str, priority: Priority, seconds: float = FOREVER) -> str:
        job_id = next(self._names)
        self.jobs[job_id] = Work(job_id, owner, priority, seconds, self.now)
        self.queue.put(job_id, owner, priority)
        return job_id

    def suspend(self, job_id: str) -> None:
        self._waited(self.jobs[job_id])
        self.queue.take(job_id)
        if job_id in self.running:
            self._stop(job_id, None)

    def resume(self, job_id: str) -> None:
        """Queues a job anew, also one whose run is still stopping."""
        work = self.jobs[job_id]
        moving = job_id in self.running and not self.running[job_id].stopping
        if not moving and job_id not in self.queue.places and work.left > 0:
            work.waits_since = self.now
            self.queue.put(job_id, work.owner, work.priority)
            if job_id in self.stops:
                self.stops[job_id] = (self.stops[job_id][0], None)

    def rank(self, job_id: str, priority: Priority) -> None:
        """UpdateJob: the place in the queue stays."""
        work = self.jobs[job_id]
        work.priority = priority
        if job_id in self.queue.places:
            self.queue.insert(replace(self.queue.places[job_id], priority=priority))
        if job_id in self.running:
            self.running[job_id] = replace(self.running[job_id], priority=priority)

    def restart(self) -> None:
        """The daemon dies: what ran goes to the end of the queue, of the age the marks are left."""
        for job_id in list(self.running):
            if not self.running[job_id].stopping or self.stops.get(job_id, (0, None))[1]:
                self.queue.put(job_id, self.jobs[job_id].owner, self.jobs[job_id].priority)
        self.running.clear()
        self.stops.clear()
        self.turns = Turns(self.rules)
        self.age = QueueAge(self.rules.ageing, self.age._marks, self.now)

    # What the scheduler does.

    def turn(self) -> None:
        for _ in range(100):
            self.turns.hear(list(self.running.values()), self.now)
            plan = self.turns.plan(
                self.queue, set(self.running), self.age.thresholds(self.now), self.now
            )
            self.turns.follow(plan, self.now)
            for turn in plan.preempt:
                place = self.places_before[turn.job_id]
                self._stop(turn.job_id, None if turn.over else place, requeue=True)
            for start in plan.start:
                self._start(start.place)
            self.turns.started(plan.start, self.now)
            if plan.waiting and self.age.until_mark(self.now) == 0:
                self.age.note(self.age.mark(cast("Tx", self.queue), self.now))
            self.waiting = plan.waiting
            self.check(self, plan)
            if not plan.start and not plan.preempt:
                return
        raise AssertionError("planning does not come to rest")

    def _start(self, place: Place) -> None:
        work = self.jobs[place.job_id]
        assert place.job_id not in self.running
        self.places_before[place.job_id] = place
        self.queue.take(place.job_id)
        self._waited(work)
        work.starts += 1
        self.starts += 1
        self.running[place.job_id] = Running(place.job_id, work.owner, work.priority)

    def _waited(self, work: Work) -> None:
        if work.waits_since is not None:
            waited = self.now - work.waits_since
            self.longest_wait[work.job_id] = max(self.longest_wait[work.job_id], waited)
            work.waits_since = None

    def _stop(self, job_id: str, place: Place | None, *, requeue: bool = False) -> None:
        if self.running[job_id].stopping:
            if not requeue:
                self.stops[job_id] = (self.stops[job_id][0], None)
            return
        self.running[job_id] = replace(self.running[job_id], stopping=True)
        work = self.jobs[job_id]
        if requeue and place is None:
            place = Place(job_id, work.owner, work.priority, 0)
        self.stops[job_id] = (self.now + STOPPING, place if requeue else None)

    # What time does.

    def run(self, seconds: float) -> None:
        """Lets time pass, planning whenever the scheduler would."""
        end = self.now + seconds
        self.turn()
        while self.now < end:
            times = [self.now + self.jobs[job_id].left for job_id in self._moving()]
            times += [when for when, _ in self.stops.values()]
            waits = [self.turns.until_next(self.now), self.age.until_mark(self.now)]
            times += [self.now + wait for wait in waits if wait is not None and self.waiting]
            self._pass(max(1e-3, min([*times, end]) - self.now))
            self.turn()

    def _moving(self) -> list[str]:
        return [job_id for job_id, one in self.running.items() if not one.stopping]

    def _pass(self, seconds: float) -> None:
        for job_id in self.running:
            self.served[self.jobs[job_id].owner] += seconds
            self.jobs[job_id].ran += seconds
        for job_id in self._moving():
            self.jobs[job_id].left -= seconds
        self.now += seconds
        for job_id in self._moving():
            if self.jobs[job_id].left <= 1e-6:
                del self.running[job_id]
        for job_id, (when, place) in list(self.stops.items()):
            if when <= self.now + 1e-9:
                del self.stops[job_id], self.running[job_id]
                if place is not None:
                    self._back(self.jobs[job_id], place)

    def _back(self, work: Work, place: Place) -> None:
        work.waits_since = self.now
        if place.queue_seq:
            self.queue.insert(replace(place, priority=work.priority))
        else:
            self.queue.put(work.job_id, work.owner, work.priority)

    def ranks(self) -> dict[str, Priority]:
        """The rank that each moving job holds."""
        turns = self.turns._turns
        return {
            job_id: turns[job_id].rank if job_id in turns else self.jobs[job_id].priority
            for job_id in self._moving()
        }

    def load(self, owner: str) -> int:
        return sum(one.owner == owner for one in self.running.values())


def no_limit_exceeded(world: World, _plan: Plan | None = None) -> None:
    rules = world.rules
    assert len(world.running) <= rules.background_jobs
    if rules.jobs_per_owner:
        for owner in {one.owner for one in world.running.values()}:
            assert world.load(owner) <= rules.jobs_per_owner


def could_start(world: World) -> list[Place]:
    """Waiting jobs whose owners may have one more running."""
    bound = world.rules.jobs_per_owner or len(world.jobs) + 1
    return [
        place
        for place in world.queue.places.values()
        if place.job_id not in world.running and world.load(place.owner) < bound
    ]


def no_slot_idle(world: World) -> None:
    if len(world.running) < world.rules.background_jobs:
        assert not could_start(world), "a slot is idle although a job could run"


def no_inversion(world: World) -> None:
    """Nobody runs below one who waits and could have that slot."""
    ranks = world.ranks()
    bound = world.rules.jobs_per_owner or len(world.jobs) + 1
    for place in world.queue.places.values():
        if place.job_id in world.running:
            continue
        held = world.load(place.owner) >= bound
        for job_id, rank in ranks.items():
            if held and world.jobs[job_id].owner != place.owner:
                continue
            assert rank <= place.priority, f"{job_id} runs before {place.job_id}"
