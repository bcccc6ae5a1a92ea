"""Whether a job is what a watch asks for. The store answers lists by the same rules."""

from __future__ import annotations

from bgcopyd.jobs.job import Job
from bgcopyd.queue.storage import JobQuery


def in_scope(owner: str, job_id: str, query: JobQuery) -> bool:
    """Whether a job's owner and id, all that is left of a removed one, are the query's."""
    return (
        query.owner in {None, owner}
        and (not query.job_ids or job_id in query.job_ids)
        and job_id.startswith(query.job_id_prefix)
    )


def matches(job: Job, query: JobQuery) -> bool:
    """Whether a job in scope has the state, names and labels that the query wants."""
    if query.states and job.state not in query.states:
        return False
    if query.display_name and job.display_name != query.display_name:
        return False
    if query.text and not _contains(job, query.text):
        return False
    return all(job.labels.get(key) == value for key, value in (query.labels or {}).items())


def _contains(job: Job, text: str) -> bool:
    wanted = _ascii_lower(text)
    return wanted in _ascii_lower(job.display_name) or wanted in _ascii_lower(job.description)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _ascii_lower(text: str) -> str:
    return text.translate(_LOWER)
