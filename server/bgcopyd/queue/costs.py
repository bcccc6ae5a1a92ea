"""Jobs that may not run at every cost of the network."""

from __future__ import annotations

from collections.abc import Callable

from bgcopyd.jobs.job import ErrorContext, Job, JobState, TransferError
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.storage import Tx
from bgcopyd.queue.transitions import move


class CostGate:
    """Stops jobs that the network is too dear for, foreground jobs too, and lets them go on.

    Args:
        cost: what the network costs now.
    """

    def __init__(self, cost: Callable[[], CostState]) -> None:
        self.cost = cost

    def apply(self, tx: Tx, job: Job, now: Moment) -> Job:
        """The job as its cost policy lets it be; a queued one is looked at when its turn comes."""
        if job.completing:
            return job
        if job.state.running and self.blocks(job):
            return self.block(tx, job, now)
        if job.state is JobState.TRANSIENT_ERROR and job.due is None and not self.blocks(job):
            return move(tx, job, Trigger.RETRY_DUE, now) or job
        return job

    def blocks(self, job: Job) -> bool:
        """Whether the job may not run now; an empty policy allows every cost."""
        allowed = job.options.cost_policy
        return bool(allowed) and self.cost() not in allowed

    def block(self, tx: Tx, job: Job, now: Moment) -> Job:
        """Lets a job wait for another network. No pause ends that, and no retry is counted."""
        allowed = ", ".join(one.name for one in job.options.cost_policy)
        error = TransferError(
            Reason.BLOCKED_BY_COST_POLICY,
            ErrorContext.GENERAL_QUEUE_MANAGER,
            f"The network costs {self.cost().name} now; the job's cost_policy allows {allowed}.",
            now.time,
            transient=True,
        )
        return move(tx, job, Trigger.COST, now, error=error) or job
