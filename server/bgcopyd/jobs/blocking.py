"""Why a job that could run does not, in plain words (what people miss most in BITS)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bgcopyd.jobs.job import Job, JobState, Priority

# How many jobs ahead are counted.
AHEAD = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """Who holds the background slots: priorities, jobs by owner. `jobs_per_owner` 0 is no bound."""

    slots: int
    priorities: tuple[Priority, ...]
    owners: Mapping[str, int]
    jobs_per_owner: int = 0


def waits_for_turn(job: Job) -> bool:
    """Whether the job waits for a background slot."""
    queued = job.state is JobState.QUEUED and not job.completing
    return queued and job.priority is not Priority.FOREGROUND


def turn_reason(job: Job, standing: Standing, ahead: int = 0) -> str:
    """Which bound a job waits for that waits for a background slot.

    Args:
        job: the job.
        standing: who holds the slots.
        ahead: how many jobs of its owner and priority come first, as far as they were counted.
    """
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
    """The reason of a waiting job; empty for one that runs, has ended or was suspended."""
    if job.completing:
        return ""
    if job.state is JobState.QUEUED:
        if job.priority is Priority.FOREGROUND:
            return "Starts now."
        return job.turn_reason or "Waits for its turn."
    if job.state is JobState.TRANSIENT_ERROR and job.error is not None:
        when = job.next_attempt_time
        again = f" Tries again at {when:%Y-%m-%d %H:%M:%S} UTC." if when else ""
        return f"{job.error.message}{again}"
    if job.state is JobState.TRANSFERRED:
        return "Waits for CompleteJob, which gives the files their names."
    return ""
