"""Moves jobs through the state machine and keeps their dependent values right."""

from __future__ import annotations

import dataclasses

from bgcopyd.jobs.clocks import clocks_after, touched
from bgcopyd.jobs.job import Job, JobState, TransferError
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.states import VERBS, Trigger, outcome_of
from bgcopyd.queue.outbox import announced
from bgcopyd.queue.secrets import forget
from bgcopyd.queue.storage import Tx

# BITS counts no blocks by policy; what ends for inactivity has not failed.
UNCOUNTED = (Trigger.COST, Trigger.INACTIVE)


def next_etag(etag: str) -> str:
    """The etag after a change of owner, properties or files: `NONCE-COUNTER`, opaque outside."""
    nonce, _, counter = etag.rpartition("-")
    return f"{nonce}-{int(counter) + 1}"


def refuse_verb(job: Job, trigger: Trigger, reason: Reason, why: str = "") -> Refusal:
    """The refusal of a verb that the job's state forbids."""
    return Refusal(
        reason,
        f"cannot {trigger.value} job {job.job_id}: {why or f'it is {job.state.name}'}",
        metadata={"job_id": job.job_id, "state": job.state.name},
    )


def target_state(job: Job, trigger: Trigger) -> JobState | None:
    """Where the trigger leads; None where an event means nothing.

    Raises:
        Refusal: the table forbids the verb, or the job is just being completed.
    """
    outcome = outcome_of(job.state, trigger)
    if isinstance(outcome, Reason):
        raise refuse_verb(job, trigger, outcome)
    if job.completing and trigger in VERBS and trigger is not Trigger.COMPLETE:
        raise refuse_verb(job, trigger, Reason.INVALID_STATE, "it is being completed")
    return outcome


def edited(job: Job, now: Moment) -> Job:
    """The job after a change of owner, properties or files, which the caller has put into it."""
    return touched(
        dataclasses.replace(job, etag=next_etag(job.etag), modification_time=now.time), now
    )


def move(
    tx: Tx,
    job: Job,
    trigger: Trigger,
    now: Moment,
    *,
    error: TransferError | None = None,
    wait: float | None = None,
    keep_place: bool = False,
) -> Job | None:
    """Applies a trigger: the job after it, the same one where nothing changes, None where dropped.

    `job` may carry other new values; they are written with the new state, and only then. A job's
    place in the queue is renewed whenever it comes to it, unless it may keep its old one. `wait` is
    how many seconds a pause lasts, or the memory of a job that has ended.
    """
    state = target_state(job, trigger)
    if state is None or state is job.state:
        return job if state is job.state else None
    counts = error is not None and trigger not in UNCOUNTED
    changed = dataclasses.replace(
        touched(job, now) if trigger in VERBS else job,
        state=state,
        modification_time=now.time,
        error=error,
        error_count=job.error_count + (1 if counts else 0),
        transferred_time=now.time if state is JobState.TRANSFERRED else job.transferred_time,
        **clocks_after(job, state, now, wait),
    )
    if state.final:
        changed = forget(tx, changed)
    requeue = state is JobState.QUEUED and not keep_place
    return announced(tx, tx.update_job(changed, requeue=requeue))
