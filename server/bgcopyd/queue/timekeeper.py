"""What happens by itself at its moment: retries, holds, time limits, deadlines, oblivion."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
from collections.abc import Callable

from bgcopyd.jobs.job import ErrorContext, Job, JobState, TransferError
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.costs import CostGate
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.storage import Store, StoreUnavailable, Tx
from bgcopyd.queue.transitions import move

logger = logging.getLogger(__name__)

BATCH = 500
# How much of the steady scale a start of the machine under a clock set back can cost.
MARK_INTERVAL = 30.0
STORE_RETRY_DELAY = 1.0

Work = Callable[[Tx], list[Job]]


class Timekeeper:
    """One task that sleeps until the next moment at which a job has something due.

    The moments are in the store, each kind along an index of its own, so that jobs at rest cost
    nothing, and a start finds everything as it was.

    Args:
        on_queued: called when jobs have come to the queue, or out of a run.
    """

    def __init__(
        self,
        *,
        store: Store,
        runs: Runs,
        completion: Completion,
        costs: CostGate,
        policies: PolicyKeeper,
        clock: Clock,
        on_queued: Callable[[], None],
    ) -> None:
        self._store = store
        self._runs = runs
        self._completion = completion
        self._costs = costs
        self._policies = policies
        self._clock = clock
        self._on_queued = on_queued
        self._wake = asyncio.Event()
        self._sleeps_until = math.inf
        self._marked = 0.0
        self._cost: CostState | None = None

    def wake(self) -> None:
        """Something may be due earlier than it seemed: another policy, the end of a job."""
        self._wake.set()

    def expect(self, job: Job) -> None:
        """Hears of a job that has changed."""
        moments = [moment for moment in (job.due, job.deadline_due) if moment is not None]
        if moments and min(moments) < self._sleeps_until:
            self._wake.set()

    async def run(self) -> None:
        """Keeps time until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.round()
                timeout = max(0.0, self._sleeps_until - self._clock.steady())
            except StoreUnavailable:
                logger.warning("the store does not answer; looking at the time again soon")
                timeout = STORE_RETRY_DELAY
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def round(self) -> None:
        """Does everything that is due."""
        # Until it is known, whatever changes wakes it once more.
        self._sleeps_until = math.inf
        now = self._clock.moment()
        await self._follow_cost(now)
        await self._each(lambda tx: self._come(tx, now))
        await self._each(lambda tx: _miss(tx, now))
        await self._each(lambda tx: self._scavenge(tx, now))
        while await self._store.transact(lambda tx: tx.expire(now.steady, BATCH)) == BATCH:
            pass
        if now.steady - self._marked >= MARK_INTERVAL:
            await self.mark()
        timeout = self._policies.policy.inactivity_timeout
        following = await self._store.transact(lambda tx: tx.next_moment(timeout), durable=False)
        mark = self._marked + MARK_INTERVAL
        self._sleeps_until = mark if following is None else min(mark, following)

    async def mark(self) -> None:
        """Notes where the clocks stand, for the next start."""
        mark = self._clock.mark()
        await self._store.transact(lambda tx: tx.set_clock_mark(mark), durable=False)
        self._marked = mark.steady

    async def _each(self, work: Work) -> None:
        """Works until nothing is left, and tells whom it concerns."""
        jobs = await self._store.transact(work)
        while jobs:
            self._tell(jobs)
            jobs = await self._store.transact(work) if len(jobs) == BATCH else []

    def _tell(self, jobs: list[Job]) -> None:
        for job in jobs:
            if not job.state.running:
                self._runs.let_go(job.job_id)
            self._completion.begin(job)
        self._on_queued()

    def _come(self, tx: Tx, now: Moment) -> list[Job]:
        return [_after_wait(tx, job, now) for job in tx.due(now.steady, BATCH)]

    def _scavenge(self, tx: Tx, now: Moment) -> list[Job]:
        before = now.steady - self._policies.policy.inactivity_timeout
        jobs = [self._completion.scavenge(tx, job, now) for job in tx.inactive(before, BATCH)]
        for job in jobs:
            logger.info("job %s of %s was scavenged: inactive for too long", job.job_id, job.owner)
        return jobs

    async def _follow_cost(self, now: Moment) -> None:
        """Stops and starts jobs after the network has become another one."""
        cost = self._costs.cost()
        if cost is self._cost:
            return
        for kind in (_blocked, _running):
            after = 0
            while jobs := await self._store.transact(self._judging(kind, after, now)):
                self._tell(jobs)
                after = jobs[-1].seq
        self._cost = cost

    def _judging(self, kind: Callable[[Tx, int], list[Job]], after: int, now: Moment) -> Work:
        return lambda tx: [self._costs.apply(tx, job, now) for job in kind(tx, after)]


def _blocked(tx: Tx, after: int) -> list[Job]:
    return tx.blocked(after=after, limit=BATCH)


def _running(tx: Tx, after: int) -> list[Job]:
    return tx.jobs_in([JobState.CONNECTING, JobState.TRANSFERRING], after=after, limit=BATCH)


def _miss(tx: Tx, now: Moment) -> list[Job]:
    """Jobs that are past their deadline."""
    return [_missed(tx, job, now) for job in tx.overdue(now.steady, BATCH)]


def _missed(tx: Tx, job: Job, now: Moment) -> Job:
    error = _over(Reason.DEADLINE_EXCEEDED, "The job's deadline has come before its files.", now)
    return move(tx, job, Trigger.DEADLINE, now, error=error) or job


def _after_wait(tx: Tx, job: Job, now: Moment) -> Job:
    """The job after what it waited for in its state has come."""
    if job.state is JobState.TRANSIENT_ERROR:
        return move(tx, job, Trigger.RETRY_DUE, now) or job
    if job.state.running:
        spent = job.options.maximum_download_time
        text = f"The job has run for {spent:.0f} s, its maximum_download_time. Resume begins anew."
        error = _over(Reason.DOWNLOAD_TIME_EXCEEDED, text, now)
        return move(tx, job, Trigger.OVERTIME, now, error=error) or job
    free = dataclasses.replace(job, due=None, next_attempt_time=None)
    return tx.update_job(free, requeue=job.state is JobState.QUEUED)


def _over(reason: Reason, text: str, now: Moment) -> TransferError:
    return TransferError(
        reason, ErrorContext.GENERAL_QUEUE_MANAGER, text, now.time, transient=False
    )
