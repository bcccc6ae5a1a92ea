"""Decides which jobs run (BITS: "Scheduling"; ours: several background jobs, fair to owners)."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from bgcopyd.jobs.blocking import Standing
from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.ageing import QueueAge
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.costs import CostGate
from bgcopyd.queue.plan import Plan, Rules
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.storage import Place, Store, StoreUnavailable, Tx
from bgcopyd.queue.transitions import move
from bgcopyd.queue.turns import Turns

logger = logging.getLogger(__name__)

FOREGROUND_BATCH = 256
STORE_RETRY_DELAY = 1.0


class Scheduler:
    """One task that fills the slots whenever something has changed.

    Args:
        board: where waiting jobs learn what they wait for.
        new_id: draws the id of a claim.
    """

    def __init__(
        self,
        store: Store,
        runs: Runs,
        board: ProgressBoard,
        costs: CostGate,
        clock: Clock,
        *,
        rules: Rules,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._runs = runs
        self._board = board
        self._costs = costs
        self._clock = clock
        self._rules = rules
        self._new_id = new_id
        self._wake = asyncio.Event()
        self._turns = Turns(rules)
        self._age: QueueAge | None = None
        self._waiting = False
        self._refused: set[str] = set()
        self.draining = False

    def allow(self, background_jobs: int) -> None:
        """Changes how many background jobs run at once; what runs beyond goes back."""
        self._rules = dataclasses.replace(self._rules, background_jobs=background_jobs)
        self._turns.rules = self._rules
        self.wake()

    def drain(self, *, undo: bool) -> None:
        """Starts nothing more and sends back what runs, until that is undone."""
        self.draining = not undo
        self._tell()
        self.wake()

    def wake(self) -> None:
        """Something that may start or end a run has happened."""
        self._wake.set()

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
        """One round: foreground, background."""
        if self.draining:
            self._runs.preempt_all()
            self._turns.hear(self._runs.background(), self._clock.monotonic())
            return
        if await self._start_foreground():
            self.wake()
        await self._serve_background()

    def _until_next(self) -> float | None:
        if not self._waiting or self._age is None:
            return None
        now = self._clock.monotonic()
        waits = (self._turns.until_next(now), self._age.until_mark(now))
        times = [wait for wait in waits if wait is not None]
        return max(0.0, min(times)) if times else None

    async def _start_foreground(self) -> bool:
        places = await self._store.transact(
            lambda tx: tx.queued(Priority.FOREGROUND, FOREGROUND_BATCH), durable=False
        )
        claimed = await self._claim(
            [place for place in places if not self._runs.active(place.job_id)]
        )
        return bool(claimed)

    async def _serve_background(self) -> None:
        age = self._age = self._age or await self._load_age()
        now = self._clock.monotonic()
        self._turns.hear(self._runs.background(), now)
        plan = await self._plan(age.thresholds(now), now)
        self._turns.follow(plan, now)
        self._waiting = plan.waiting
        for turn in plan.preempt:
            self._runs.preempt(turn.job_id, keep_place=not turn.over)
        claimed = await self._claim([start.place for start in plan.start])
        self._turns.started([start for start in plan.start if start.place.job_id in claimed], now)
        self._tell()
        # Passed over next time, so that one that is being completed keeps no slot idle.
        self._refused = {start.place.job_id for start in plan.start} - claimed
        if self._refused:
            self.wake()
        if plan.waiting and age.until_mark(now) == 0:
            age.note(await self._store.transact(lambda tx: age.mark(tx, now), durable=False))

    async def _load_age(self) -> QueueAge:
        marks = await self._store.transact(lambda tx: tx.ages(), durable=False)
        return QueueAge(self._rules.ageing, marks, self._clock.monotonic())

    async def _plan(self, thresholds: Sequence[int], now: float) -> Plan:
        """Plans on the store's thread, within one reading of the queue."""
        busy = self._runs.busy() | self._refused
        return await self._store.transact(
            lambda tx: self._turns.plan(tx, busy, thresholds, now), durable=False
        )

    def _tell(self) -> None:
        running = self._runs.background()
        self._board.standing = Standing(
            slots=self._rules.background_jobs,
            priorities=tuple(one.priority for one in running),
            owners=Counter(one.owner for one in running),
            jobs_per_owner=self._rules.jobs_per_owner,
            draining=self.draining,
        )

    async def _claim(self, places: Sequence[Place]) -> set[str]:
        """Marks the jobs as running, where they are still queued, and runs them."""
        if not places:
            return set()
        claims = [(place.job_id, self._new_id()) for place in places]
        now = self._clock.moment()

        claimed = await self._store.transact(
            lambda tx: [job for claim in claims if (job := self._claimed(tx, *claim, now))]
        )
        for job in claimed:
            self._runs.begin(job)
        return {job.job_id for job in claimed}

    def _claimed(self, tx: Tx, job_id: str, claim_id: str, now: Moment) -> Job | None:
        job = tx.job(job_id)
        if job is None or job.state is not JobState.QUEUED or job.completing:
            return None
        if self._costs.blocks(job):
            self._costs.block(tx, job, now)
            return None
        fresh = dataclasses.replace(job, claim_id=claim_id)
        return move(tx, fresh, Trigger.CLAIMED, now) or fresh
