"""The port to the audit log."""

from __future__ import annotations

from typing import Protocol

from bgcopyd.jobs.audit import DAEMON, JOB_ENDED, OK
from bgcopyd.jobs.job import Job

Fact = str | int | bool | list[str] | None


class Audit(Protocol):
    """Takes entries down in order. Costs the loop no input or output."""

    def record(self, event: str, principal: str, peer: str, outcome: str, **facts: Fact) -> None:
        """One entry: what happened, who asked, from where, and "ok" or the reason why not."""

    def close(self) -> None:
        """Returns when everything is written."""


class NoAudit:
    """Where no audit log is wanted."""

    def record(self, event: str, principal: str, peer: str, outcome: str, **facts: Fact) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def job_ended(audit: Audit, job: Job) -> None:
    """Writes down that a job is over, whoever ended it."""
    audit.record(
        JOB_ENDED.event,
        DAEMON,
        "",
        OK,
        job_id=job.job_id,
        owner=job.owner,
        state=job.state.name,
        error=None if job.error is None else job.error.reason.name,
    )
