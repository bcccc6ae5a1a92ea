"""Jobs that were asked for lately, as the last commit left them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from bgcopyd.jobs.job import Job

# About 1 KiB each: what the pages of so many would take four times.
KEPT = 24 * 1024


class HotJobs:
    """Holds the jobs used last; the writer says which of them have changed.

    Callers ask for the same jobs again and again. Only this process writes jobs (the state
    directory's lock), so none can change unnoticed.

    Args:
        kept: how many.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def get(self, job_id: str) -> Job | None:
        """A job, if it is held."""
        job = self._jobs.get(job_id)
        if job is not None:
            self._jobs.move_to_end(job_id)
        return job

    def keep(self, job: Job) -> None:
        """Holds a job that was just read."""
        self._jobs[job.job_id] = job
        if len(self._jobs) > self._kept:
            self._jobs.popitem(last=False)

    def forget(self, job_ids: Iterable[str]) -> None:
        """Lets jobs go that were written."""
        for job_id in job_ids:
            self._jobs.pop(job_id, None)
