"""What a job tells to those who ask for its notifications only (BITS: notify flags)."""

from __future__ import annotations

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.options import NotifyFlag

_STATES: dict[JobState, NotifyFlag] = {
    JobState.TRANSFERRED: NotifyFlag.JOB_TRANSFERRED,
    JobState.ACKNOWLEDGED: NotifyFlag.JOB_TRANSFERRED,
    JobState.CANCELLED: NotifyFlag.JOB_TRANSFERRED,
    JobState.ERROR: NotifyFlag.JOB_ERROR,
}


def _asked(job: Job, flag: NotifyFlag | None) -> bool:
    flags = job.options.notifications.flags
    return NotifyFlag.DISABLE not in flags and flag in flags


def tells_modification(job: Job) -> bool:
    """Whether every change is told, byte progress included."""
    return _asked(job, NotifyFlag.JOB_MODIFICATION)


def tells(job: Job) -> bool:
    """Whether the job as it is now is told of."""
    return tells_modification(job) or _asked(job, _STATES.get(job.state))


def silences(job: Job) -> bool:
    """Whether the job wants nobody to be told by a webhook that it is as it is now.

    States that have no flag of their own are for the webhook to choose.
    """
    flags = job.options.notifications.flags
    return NotifyFlag.DISABLE in flags or (job.state in _STATES and not tells(job))


def tells_file(job: Job, file: File) -> bool:
    """Whether a file that has come to a stop is told of."""
    whole = file.transferred
    flag = NotifyFlag.FILE_TRANSFERRED if whole else NotifyFlag.FILE_RANGES_TRANSFERRED
    return _asked(job, flag) and (whole or file.error is None)
