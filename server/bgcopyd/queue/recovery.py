"""What a start finds of the life before: runs that were cut off, ends that were not finished."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.scheduler import Scheduler
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.queue.transitions import move

BATCH = 1000
ALL = 1_000_000


async def recover(store: Store, scheduler: Scheduler, completion: Completion, clock: Clock) -> int:
    """Brings the queue into motion again; how many jobs were cut off in the middle.

    The state directory's lock has proven that the process before is dead, so every claim is void.
    """
    now = clock.now()
    requeued = 0
    while jobs := await store.transact(lambda tx: _requeue(tx, now)):
        requeued += jobs
    after = 0
    while waiting := await store.transact(
        lambda tx, after=after: tx.jobs_in([JobState.TRANSIENT_ERROR], after=after, limit=BATCH)  # type: ignore[misc] # a default pins the value
    ):
        for job in waiting:
            scheduler.retry_at(job.job_id, _rest_of_pause(job, now))
        after = waiting[-1].seq
    for job in await store.transact(lambda tx: tx.unsettled(ALL)):
        completion.begin(job)
    return requeued


def _requeue(tx: Tx, now: datetime) -> int:
    jobs = tx.jobs_in([JobState.CONNECTING, JobState.TRANSFERRING], limit=BATCH)
    for job in jobs:
        move(tx, dataclasses.replace(job, claim_id=""), Trigger.PREEMPTED, now)
    return len(jobs)


def _rest_of_pause(job: Job, now: datetime) -> float:
    """Never longer than the longest pause of the job, whatever the clock has done meanwhile."""
    if job.next_attempt_time is None:
        return 0.0
    rest = (job.next_attempt_time - now).total_seconds()
    return min(max(0.0, rest), job.minimum_retry_delay)
