"""Why a job that could run does not, in plain words (what people miss most in BITS)."""

from __future__ import annotations

from bgcopyd.jobs.job import Job, JobState, Priority


def blocked_reason(job: Job) -> str:
    """The reason of a waiting job; empty for one that runs, has ended or was suspended."""
    if job.completing:
        return ""
    if job.state is JobState.QUEUED:
        if job.priority is Priority.FOREGROUND:
            return "Starts now."
        return "Waits for its turn: background jobs ahead of it are running."
    if job.state is JobState.TRANSIENT_ERROR and job.error is not None:
        when = job.next_attempt_time
        again = f" Tries again at {when:%Y-%m-%d %H:%M:%S} UTC." if when else ""
        return f"{job.error.message}{again}"
    if job.state is JobState.TRANSFERRED:
        return "Waits for CompleteJob, which gives the files their names."
    return ""
