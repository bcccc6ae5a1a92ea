"""Every job that waits says why, and when it goes on where that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bgcopyd.jobs.blocking import Standing, blocked_reason, turn_reason
from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.jobs.options import JobOptions
from tests.support.rpc_engine import failure
from tests.support.store_values import new_job

WHEN = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
TIME = "2026-07-01 12:30:00 UTC"
ON_DEMAND = JobOptions(on_demand_mode=True)


def job(state: JobState, **fields: Any) -> Job:
    return new_job(state=state, **fields)


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (job(JobState.QUEUED), ["turn"]),
        (job(JobState.QUEUED, turn_reason="Waits for Godot."), ["Godot"]),
        (job(JobState.QUEUED, priority=Priority.FOREGROUND), ["Starts now"]),
        (job(JobState.QUEUED, due=1.0, next_attempt_time=WHEN), [TIME, "not_before"]),
        (
            job(JobState.TRANSIENT_ERROR, due=1.0, next_attempt_time=WHEN, error=failure()),
            ["It is silent.", TIME],
        ),
        (job(JobState.TRANSIENT_ERROR, error=failure()), ["It is silent.", "network"]),
        (job(JobState.TRANSFERRED), ["CompleteJob"]),
        (job(JobState.SUSPENDED, options=ON_DEMAND, queue_seq=7), ["RequestFileRanges"]),
    ],
)
def test_who_waits_says_why(waiting: Job, words: list[str]) -> None:
    reason = blocked_reason(waiting)
    assert all(word in reason for word in words), reason


@pytest.mark.parametrize(
    "silent",
    [
        job(JobState.SUSPENDED),
        job(JobState.SUSPENDED, options=ON_DEMAND),
        job(JobState.CONNECTING),
        job(JobState.TRANSFERRING),
        job(JobState.ERROR, error=failure(transient=False)),
        job(JobState.ACKNOWLEDGED),
        job(JobState.CANCELLED),
        job(JobState.TRANSFERRED, completing=True),
    ],
)
def test_who_does_not_wait_is_silent(silent: Job) -> None:
    assert blocked_reason(silent) == ""


def test_a_server_that_drains_says_so() -> None:
    standing = Standing(slots=4, priorities=(), owners={}, draining=True)
    for priority in Priority:
        assert "draining" in turn_reason(job(JobState.QUEUED, priority=priority), standing)
