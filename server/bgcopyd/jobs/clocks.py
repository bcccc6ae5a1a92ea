"""The clocks of a job: what it waits for in each state, how long it has run, when it was active.

`due` is one column for what a state waits for: the end of the time limit in CONNECTING and
TRANSFERRING, not_before in QUEUED, the next attempt in TRANSIENT_ERROR, oblivion in a final state.
"""

from __future__ import annotations

from typing import Any

from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.jobs.values import changed


def clocks_after(job: Job, state: JobState, now: Moment, wait: float | None) -> dict[str, Any]:
    """The fields of a job that comes into another state.

    Args:
        job: as it was before.
        state: where it goes.
        now: the moment.
        wait: seconds of a pause in TRANSIENT_ERROR, or of the memory of a final state.
    """
    if job.state.running and state.running:
        return {}
    used = download_time(job, now.steady)
    if state.running:
        wait = max(0.0, job.options.maximum_download_time - used)
    elif state is JobState.QUEUED:
        wait = held_for(job, now)
    fields: dict[str, Any] = {"download_time": used, **_waiting(state, now, wait)}
    if state is JobState.QUEUED and wait is not None:
        fields |= _active(now.after(wait))
    return fields


def _waiting(state: JobState, now: Moment, wait: float | None) -> dict[str, Any]:
    due = None if wait is None else now.after(wait)
    attempt = due is not None and state in {JobState.QUEUED, JobState.TRANSIENT_ERROR}
    return {
        "due": None if due is None else due.steady,
        "next_attempt_time": due.time if due is not None and attempt else None,
        "expire_time": due.time if due is not None and state.final else None,
    }


def download_time(job: Job, now: float) -> float:
    """Seconds in which the job was CONNECTING or TRANSFERRING since it was resumed."""
    if not job.state.running or job.due is None:
        return job.download_time
    limit = job.options.maximum_download_time
    return max(job.download_time, limit - (job.due - now))


def held_for(job: Job, now: Moment) -> float | None:
    """Seconds until the job may start, None where it may now."""
    if job.not_before_due is None or job.not_before_due <= now.steady:
        return None
    return job.not_before_due - now.steady


def touched(job: Job, now: Moment) -> Job:
    """The job after something by which it counts as active; one that is held is so until then."""
    held = held_for(job, now) if job.state is JobState.QUEUED else None
    return changed(job, **_active(now.after(held or 0.0)))


def _active(moment: Moment) -> dict[str, Any]:
    return {"active": moment.steady, "active_time": moment.time}


def planned(job: Job, now: Moment, before: JobOptions = DEFAULT_OPTIONS) -> Job:
    """The job with the moments that its options ask for, where they differ from those `before`.

    What a caller gives as time of day is turned into a moment here, once and for all.
    """
    options = job.options
    fields: dict[str, Any] = {}
    if options.not_before != before.not_before:
        fields["not_before_due"] = _steady(options.not_before, now)
    if options.deadline != before.deadline:
        fields["deadline_due"] = _steady(options.deadline, now)
    longer = options.maximum_download_time - before.maximum_download_time
    if job.state.running and job.due is not None and longer:
        fields["due"] = job.due + longer
    if not fields:
        return job
    fresh = changed(job, **fields)
    if fresh.state is not JobState.QUEUED:
        return fresh
    held = held_for(fresh, now)
    return touched(changed(fresh, **_waiting(fresh.state, now, held)), now)


def _steady(time: Any, now: Moment) -> float | None:
    return None if time is None else now.steady + (time - now.time).total_seconds()
