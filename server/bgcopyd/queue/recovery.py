"""What a start finds of the life before: its clock, runs that were cut off, unfinished ends."""

from __future__ import annotations

import dataclasses

from bgcopyd.jobs.clocks import touched
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.queue.transitions import move

BATCH = 1000
ALL = 1_000_000


async def recover(store: Store, completion: Completion, clock: Clock) -> int:
    """Brings the queue into motion again; how many jobs were cut off in the middle.

    The state directory's lock has proven that the process before is dead, so every claim is void.
    """
    away = await _resume(store, clock)
    now = clock.moment()
    requeued = 0
    while jobs := await store.transact(lambda tx: _requeue(tx, now, away)):
        requeued += jobs
    # Not before: it tells how long the jobs just requeued were cut off.
    mark = clock.mark()
    await store.transact(lambda tx: tx.set_clock_mark(mark))
    for job in await store.transact(lambda tx: tx.unsettled(ALL)):
        completion.begin(job)
    return requeued


async def _resume(store: Store, clock: Clock) -> float:
    """Goes on with the steady scale where the last mark left it; how many seconds ago."""
    mark = await store.transact(lambda tx: tx.clock_mark(), durable=False)
    if mark is None:
        mark = dataclasses.replace(clock.mark(), steady=0.0)
    clock.go_on(mark)
    return clock.steady() - mark.steady


def _requeue(tx: Tx, now: Moment, away: float) -> int:
    jobs = tx.jobs_in([JobState.CONNECTING, JobState.TRANSFERRING], limit=BATCH)
    for job in jobs:
        # The time in which nothing ran is none of a run's.
        due = None if job.due is None else job.due + away
        free = dataclasses.replace(touched(job, now), claim_id="", due=due)
        move(tx, free, Trigger.PREEMPTED, now)
    return len(jobs)
