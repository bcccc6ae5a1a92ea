"""Why a job that could run does not, in plain words (what people miss most in BITS)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bgcopyd.jobs.job import Job, JobState, Priority

# How many jobs ahead are counted.
AHEAD = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """Who holds the background slots: priorities, jobs by owner. `jobs_per_owner` 0 is no bound.

    While the server is `draining`, no job starts.
    """

    slots: int
    priorities: tuple[Priority, ...]
    owners: Mapping[str, int]
    jobs_per_owner: int = 0
    draining: bool = False


def waits_to_start(job: Job) -> bool:
    """Whether the job could run at once."""
    return job.state is JobState.QUEUED and job.due is None and not job.completing


def waits_for_turn(job: Job) -> bool:
    """Whether the job waits for a background slot."""
    return waits_to_start(job) and job.priority is not Priority.FOREGROUND


def turn_reason(job: Job, standing: Standing, ahead: int = 0) -> str:
    """What a job waits for that could run at once: a background slot, most often.

    Args:
        job: the job.
        standing: who holds the slots.
        ahead: how many jobs of its owner and priority come first, as far as they were counted.
    """
    if standing.draining:
        return "Waits for the server, which is draining and starts no job."
    bound, taken = standing.jobs_per_owner, len(standing.priorities)
    if 0 < bound <= standing.owners.get(job.owner, 0):
        reason = f"Waits for another job of its owner: {bound} may run in the background at a time."
    elif taken >= standing.slots:
        higher = sum(priority < job.priority for priority in standing.priorities)
        whom = f", {higher} of them by jobs of higher priority" if higher else ""
        reason = f"Waits for its turn: all {standing.slots} background slots are taken{whom}."
    else:
        reason = "Starts with the next free slot."
    if ahead:
        many = f"{AHEAD} or more" if ahead >= AHEAD else str(ahead)
        reason += f" Of its owner's jobs of this priority {many} come first."
    return reason


def blocked_reason(job: Job) -> str:
    """The reason of a waiting job; empty for one that runs, has ended or was suspended by hand."""
    reason = _REASONS.get(job.state)
    return "" if reason is None or job.completing else reason(job)


def _queued(job: Job) -> str:
    if job.due is not None:
        return f"Held until {_next_attempt(job)}, its not_before."
    if job.turn_reason:
        return job.turn_reason
    foreground = job.priority is Priority.FOREGROUND
    return "Starts now." if foreground else "Waits for its turn."


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
