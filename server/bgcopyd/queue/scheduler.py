"""Decides which jobs run (BITS: "Scheduling"; ours: several background jobs, fair to owners)."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.runs import Running, Runs
from bgcopyd.queue.storage import Store, StoreUnavailable, Tx
from bgcopyd.queue.transitions import move

logger = logging.getLogger(__name__)

BACKGROUND = (Priority.HIGH, Priority.NORMAL, Priority.LOW)
FOREGROUND_BATCH = 256
STORE_RETRY_DELAY = 1.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator sets: background jobs at a time, and seconds of a turn among equals."""

    background_jobs: int = 4
    time_slice: float = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Jobs to start now, and running ones to send back to the queue."""

    start: tuple[Job, ...]
    preempt: tuple[str, ...]


def plan_background(
    running: Sequence[Running], queued: Sequence[Job], rules: Rules, now: float
) -> Plan:
    """Fills the background slots.

    A higher priority goes first, then the owner with the fewest running jobs, then the place in
    the queue. With no slot free, a job of lower priority makes room at once, one of the same
    priority when its slice is over.
    """
    waiting = sorted(queued, key=lambda job: job.priority)
    load = Counter(job.owner for job in running)
    start: list[Job] = []
    while waiting and len(running) + len(start) < rules.background_jobs:
        chosen = _fairest(waiting, load)
        waiting.remove(chosen)
        load[chosen.owner] += 1
        start.append(chosen)
    return Plan(tuple(start), tuple(_victims(running, waiting, rules, now)))


def _fairest(waiting: Sequence[Job], load: Mapping[str, int]) -> Job:
    highest = waiting[0].priority
    equals = [job for job in waiting if job.priority is highest]
    return min(equals, key=lambda job: load.get(job.owner, 0))


def _victims(
    running: Sequence[Running], waiting: Sequence[Job], rules: Rules, now: float
) -> Iterable[str]:
    # The lowest and longest running first: those beyond the slots, then each for one waiting job.
    victims = sorted(running, key=lambda job: (-job.priority, job.since))
    beyond = max(0, len(running) - rules.background_jobs)
    yield from (victim.job_id for victim in victims[:beyond])
    for victim, job in zip(victims[beyond:], waiting, strict=False):
        slice_over = now - victim.since >= rules.time_slice
        if job.priority < victim.priority or (job.priority == victim.priority and slice_over):
            yield victim.job_id


class Scheduler:
    """One task that fills the slots whenever something has changed.

    Args:
        new_id: draws the id of a claim.
    """

    def __init__(
        self, store: Store, runs: Runs, clock: Clock, rules: Rules, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._runs = runs
        self._clock = clock
        self._rules = rules
        self._new_id = new_id
        self._wake = asyncio.Event()
        self._due: dict[str, float] = {}
        self._contended = False
        self.draining = False

    def allow(self, background_jobs: int) -> None:
        """Changes how many background jobs run at once; what runs beyond goes back."""
        self._rules = dataclasses.replace(self._rules, background_jobs=background_jobs)
        self.wake()

    def drain(self, *, undo: bool) -> None:
        """Starts nothing more and sends back what runs, until that is undone."""
        self.draining = not undo
        self.wake()

    def wake(self) -> None:
        """Something that may start or end a run has happened."""
        self._wake.set()

    def retry_at(self, job_id: str, pause: float) -> None:
        """Queues the job again after a pause in seconds."""
        self._due[job_id] = self._clock.monotonic() + pause
        self.wake()

    async def run(self) -> None:
        """Schedules until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.turn()
                timeout = self._until_next()
            except StoreUnavailable:
                logger.warning("the store does not answer; scheduling again soon")
                timeout = STORE_RETRY_DELAY
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def turn(self) -> None:
        """One round: due retries, foreground, background."""
        if self.draining:
            self._runs.preempt_all()
        await self._queue_due()
        if self.draining:
            return
        started = await self._start_foreground()
        plan = await self._plan()
        self._runs.preempt(plan.preempt)
        if await self._claim(plan.start) or started:
            self.wake()

    def _until_next(self) -> float | None:
        now = self._clock.monotonic()
        times = [when - now for when in self._due.values()]
        background = self._runs.background()
        if background and self._contended:
            oldest = min(job.since for job in background)
            times.append(max(1.0, oldest + self._rules.time_slice - now))
        return max(0.0, min(times)) if times else None

    async def _queue_due(self) -> None:
        now = self._clock.monotonic()
        due = [job_id for job_id, when in self._due.items() if when <= now]
        if not due:
            return
        time = self._clock.now()

        def requeue(tx: Tx) -> None:
            for job_id in due:
                job = tx.job(job_id)
                if job is not None:
                    move(tx, job, Trigger.RETRY_DUE, time)

        # Taken out first: a job that fails again meanwhile puts in its new time.
        taken = {job_id: self._due.pop(job_id) for job_id in due}
        try:
            await self._store.transact(requeue)
        except StoreUnavailable:
            self._due = taken | self._due
            raise

    async def _start_foreground(self) -> bool:
        jobs = await self._store.transact(
            lambda tx: tx.queued(Priority.FOREGROUND, FOREGROUND_BATCH), durable=False
        )
        return await self._claim([job for job in jobs if not self._runs.active(job.job_id)])

    async def _plan(self) -> Plan:
        limit = max(64, 4 * self._rules.background_jobs)

        def candidates(tx: Tx) -> list[Job]:
            return [job for priority in BACKGROUND for job in tx.queued(priority, limit)]

        queued = await self._store.transact(candidates, durable=False)
        free = [job for job in queued if not self._runs.active(job.job_id)]
        running = self._runs.background()
        plan = plan_background(running, free, self._rules, self._clock.monotonic())
        self._contended = len(free) > len(plan.start)
        return plan

    async def _claim(self, jobs: Sequence[Job]) -> bool:
        """Marks the jobs as running, where they are still queued, and runs them."""
        if not jobs:
            return False
        claims = [(job.job_id, self._new_id()) for job in jobs]
        now = self._clock.now()

        def claim(tx: Tx) -> list[Job]:
            claimed = []
            for job_id, claim_id in claims:
                job = tx.job(job_id)
                if job is not None and job.state is JobState.QUEUED and not job.completing:
                    fresh = dataclasses.replace(job, claim_id=claim_id)
                    claimed.append(move(tx, fresh, Trigger.CLAIMED, now) or fresh)
            return claimed

        claimed = await self._store.transact(claim)
        for job in claimed:
            self._runs.begin(job)
        return bool(claimed)
