"""Jobs as rows of SQLite, and back."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import timedelta

from bgcopyd.jobs.job import NO_LABELS, Job, JobState, JobType, Priority, Progress
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.store.options_codec import encode_options, options_of
from bgcopyd.store.rows import (
    EPOCH,
    Row,
    encode_error,
    error_of,
    id_text,
    insert_statement,
    micros,
    micros_or_none,
    time_or_none,
)

_STATES = {int(state): state for state in JobState}
_TYPES = {int(kind): kind for kind in JobType}
_PRIORITIES = {int(priority): priority for priority in Priority}
_MUTABLE_JOB_COLUMNS = (
    "display_name", "description", "labels", "type", "state", "priority", "etag", "revision",
    "change_seq", "queue_seq", "claim_id", "minimum_retry_delay", "no_progress_timeout",
    "max_bytes_per_second", "auto_complete", "completing", "cleanup", "error",
    "error_count", "retries", "stalled", "create_time", "modification_time", "transferred_time",
    "expire_time", "next_attempt_time", "options", "due", "not_before_due", "deadline_due",
    "active", "active_time", "download_time",
)  # fmt: skip
_JOB_COLUMNS = ("seq", "id", "owner", "creator", "files", *_MUTABLE_JOB_COLUMNS)
SELECT_JOB = (
    f"SELECT {', '.join('job.' + column for column in _JOB_COLUMNS)}, progress.bytes_transferred, "
    "progress.bytes_total, progress.files_total, progress.files_transferred "
    "FROM job LEFT JOIN progress ON progress.job = job.seq"
)
SELECT_JOB_BY_ID = f"{SELECT_JOB} WHERE job.id = ?"
INSERT_JOB = insert_statement("job", _JOB_COLUMNS)
UPDATE_JOB = (
    f"UPDATE job SET {', '.join(column + ' = ?' for column in _MUTABLE_JOB_COLUMNS)} WHERE seq = ?"
)


def mutable_values(job: Job) -> Row:
    """The values of UPDATE_JOB, without the seq at its end."""
    return (
        job.display_name,
        job.description,
        json.dumps(dict(job.labels)) if job.labels else None,
        job.type,
        job.state,
        job.priority,
        job.etag,
        job.revision,
        job.change_seq,
        job.queue_seq,
        job.claim_id,
        job.minimum_retry_delay,
        job.no_progress_timeout,
        job.max_bytes_per_second,
        job.auto_complete,
        job.completing,
        job.cleanup,
        encode_error(job.error),
        job.error_count,
        job.retries,
        job.stalled,
        micros(job.create_time),
        micros(job.modification_time),
        micros_or_none(job.transferred_time),
        micros_or_none(job.expire_time),
        micros_or_none(job.next_attempt_time),
        None if job.options is DEFAULT_OPTIONS else encode_options(job.options),
        job.due,
        job.not_before_due,
        job.deadline_due,
        job.active,
        micros(job.active_time),
        job.download_time,
    )


def job_values(job: Job, key: bytes) -> Row:
    """The values of INSERT_JOB."""
    return (job.seq, key, job.owner, job.creator, job.progress.files_total, *mutable_values(job))


def job_of(row: Row) -> Job:
    """The job of a row of SELECT_JOB. Written out, since every GetJob runs through it."""
    (
        seq, key, owner, creator, files, display_name, description, labels, kind, state, priority,
        etag, revision, change_seq, queue_seq, claim_id, minimum_retry_delay, no_progress_timeout,
        max_bytes_per_second, auto_complete, completing, cleanup, error,
        error_count, retries, stalled, create_time, modification_time, transferred_time,
        expire_time, next_attempt_time, options, due, not_before_due, deadline_due, active,
        active_time, download_time, transferred, total, files_total, files_transferred,
    ) = row  # fmt: skip
    # Each step of a job's life sets several of its times to the same moment.
    modified = EPOCH + timedelta(0, 0, modification_time)
    return Job(
        id_text(key),
        owner,
        creator,
        display_name,
        modified if create_time == modification_time else EPOCH + timedelta(0, 0, create_time),
        modified,
        etag,
        _STATES[state],
        _TYPES[kind],
        _PRIORITIES[priority],
        description,
        NO_LABELS if labels is None else _labels(labels),
        minimum_retry_delay,
        no_progress_timeout,
        max_bytes_per_second,
        auto_complete != 0,
        None if error is None else error_of(error),
        error_count,
        modified if transferred_time == modification_time else time_or_none(transferred_time),
        None if expire_time is None else time_or_none(expire_time),
        None if next_attempt_time is None else time_or_none(next_attempt_time),
        untouched(files)
        if files_total is None
        else Progress(transferred, total, files_total, files_transferred),
        revision,
        seq,
        change_seq,
        queue_seq,
        claim_id,
        completing != 0,
        cleanup != 0,
        retries,
        stalled,
        DEFAULT_OPTIONS if options is None else options_of(options),
        due,
        not_before_due,
        deadline_due,
        active,
        modified if active_time == modification_time else EPOCH + timedelta(0, 0, active_time),
        download_time,
    )


@functools.lru_cache(maxsize=1024)
def untouched(files: int) -> Progress:
    """The progress of a job of which no byte has moved."""
    return Progress(bytes_total=None if files else 0, files_total=files)


@functools.lru_cache(maxsize=1024)
def _labels(text: str) -> Mapping[str, str]:
    """Many jobs have the same labels; nobody changes a job's."""
    labels = json.loads(text)
    if not isinstance(labels, dict):
        raise TypeError("labels are no object")
    return labels


def progress_values(seq: int, progress: Progress) -> Row:
    """The values of a row of `progress`."""
    return (
        seq,
        progress.bytes_transferred,
        progress.bytes_total,
        progress.files_total,
        progress.files_transferred,
    )
