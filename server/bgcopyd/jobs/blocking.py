"""Why a job that could run does not, in plain words (what people miss most in BITS)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bgcopyd.jobs.job import Job, JobState, Priority


def blocked_reason(job: Job) -> str:
    """The reason of a waiting job; empty for one that runs, has ended or was suspended by hand."""
    reason = _REASONS.get(job.state)
    return "" if reason is None or job.completing else reason(job)


def _queued(job: Job) -> str:
    if job.due is not None:
        return f"Held until {_next_attempt(job)}, its not_before."
    if job.priority is Priority.FOREGROUND:
        return "Starts now."
    return "Waits for its turn: background jobs ahead of it are running."


def _transient(job: Job) -> str:
    why = "" if job.error is None else f"{job.error.message} "
    if job.due is None:
        return f"{why}Goes on by itself when the network is another one."
    return f"{why}Tries again at {_next_attempt(job)}."


def _transferred(_job: Job) -> str:
    return "Waits for CompleteJob, which gives the files their names."


def _suspended(job: Job) -> str:
    if job.options.on_demand_mode and job.resumed:
        return "Has the ranges that were requested; waits for RequestFileRanges."
    return ""


def _next_attempt(job: Job) -> str:
    return f"{job.next_attempt_time:%Y-%m-%d %H:%M:%S} UTC" if job.next_attempt_time else "later"


_REASONS: Mapping[JobState, Callable[[Job], str]] = {
    JobState.QUEUED: _queued,
    JobState.TRANSIENT_ERROR: _transient,
    JobState.TRANSFERRED: _transferred,
    JobState.SUSPENDED: _suspended,
}
