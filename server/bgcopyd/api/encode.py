"""Values to messages."""

from __future__ import annotations

from collections.abc import Iterable

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, job_pb2
from bgcopyd.api.encode_options import header, job_options
from bgcopyd.api.encode_times import set_duration, set_moment, timestamp
from bgcopyd.api.tokens import resume_token
from bgcopyd.jobs.blocking import blocked_reason
from bgcopyd.jobs.file import File, FileRange
from bgcopyd.jobs.job import Job, Progress, TransferError
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.jobs.reasons import hresult_of
from bgcopyd.jobs.spans import on_disk
from bgcopyd.queue.watch import (
    FileChanged,
    Heartbeat,
    JobChanged,
    JobRemoved,
    Removal,
    SnapshotComplete,
    WatchEvent,
)

_DEFAULT_OPTIONS = job_options(DEFAULT_OPTIONS).SerializeToString()
_REMOVALS = {
    Removal.DELETED: pb.JOB_REMOVED_REASON_DELETED,
    Removal.NO_MATCH: pb.JOB_REMOVED_REASON_NO_MATCH,
    Removal.OWNER_CHANGED: pb.JOB_REMOVED_REASON_OWNER_CHANGED,
}


def transfer_error(error: TransferError | None) -> error_pb2.TransferError | None:
    """Why a job or a file stands still."""
    if error is None:
        return None
    hresult, name = hresult_of(error.reason, error.http_status)
    return error_pb2.TransferError(
        reason=int(error.reason),  # type: ignore[arg-type] # same numbers, tested
        context=int(error.context),  # type: ignore[arg-type] # same numbers, tested
        hresult=f"0x{hresult:08X}",
        hresult_name=name,
        message=error.message,
        file_index=error.file_index,
        http_status=error.http_status,
        time=timestamp(error.time),
        transient=error.transient,
    )


def _set_progress(message: job_pb2.JobProgress, value: Progress) -> None:
    message.bytes_transferred = value.bytes_transferred
    if value.bytes_total is not None:
        message.bytes_total = value.bytes_total
    message.files_total = value.files_total
    message.files_transferred = value.files_transferred
    message.bytes_per_second = value.bytes_per_second


def job(value: Job) -> job_pb2.Job:
    """A job."""
    message = job_pb2.Job()
    set_job(message, value)
    return message


def set_job(message: job_pb2.Job, value: Job) -> None:
    """Fills an empty message.

    In place, since a message in a constructor's arguments is copied by encoding and decoding it.
    """
    message.job_id = value.job_id
    message.etag = value.etag
    message.revision = value.revision
    message.type = value.type  # type: ignore[assignment] # same numbers, tested
    message.state = value.state  # type: ignore[assignment] # same numbers, tested
    message.display_name = value.display_name
    message.description = value.description
    message.priority = value.priority  # type: ignore[assignment] # same numbers, tested
    message.owner = value.owner
    for key, text in value.labels.items():
        message.labels[key] = text
    _set_progress(message.progress, value.progress)
    error = transfer_error(value.error)
    if error is not None:
        message.error.CopyFrom(error)
    message.error_count = value.error_count
    message.blocked_reason = blocked_reason(value)
    set_duration(message.minimum_retry_delay, value.minimum_retry_delay)
    set_duration(message.no_progress_timeout, value.no_progress_timeout)
    message.max_bytes_per_second = value.max_bytes_per_second
    message.auto_complete = value.auto_complete
    set_moment(message.create_time, value.create_time)
    set_moment(message.modification_time, value.modification_time)
    set_moment(message.transferred_time, value.transferred_time)
    set_moment(message.expire_time, value.expire_time)
    set_moment(message.next_attempt_time, value.next_attempt_time)
    message.partially_completed = value.partially_completed
    set_duration(message.download_time, value.download_time)
    set_moment(message.inactivity_time, value.inactivity_time)
    if value.options is DEFAULT_OPTIONS:
        message.MergeFromString(_DEFAULT_OPTIONS)
    else:
        message.MergeFrom(job_options(value.options))


def file(value: File) -> job_pb2.File:
    """A file of a job."""
    spec = value.spec
    return job_pb2.File(
        index=value.index,
        spec=job_pb2.FileSpec(
            remote_url=spec.url,
            root=spec.root,
            local_path=spec.path,
            digests=[
                job_pb2.Digest(algorithm=int(digest.algorithm), value=digest.value)  # type: ignore[arg-type] # same numbers, tested
                for digest in spec.digests
            ],
            ranges=_ranges(spec.ranges),
            mirrors=spec.mirrors,
        ),
        bytes_transferred=value.present,
        bytes_total=value.size,
        transferred=value.transferred,
        completed=value.completed,
        verification=int(value.verification or 0),  # type: ignore[arg-type] # same numbers, tested
        error=transfer_error(value.error),
        response_headers=[header(one) for one in value.report.response_headers],
        final_url=value.report.final_url,
        sources=[
            job_pb2.SourceBytes(url=source.url, bytes=source.bytes)
            for source in value.report.sources
        ],
        filled_ranges=_ranges(on_disk(value.claimed, value.filled)),
        temporary_name="" if value.completed else value.partial_name,
        validation_state=value.validation_state,
    )


def _ranges(ranges: Iterable[FileRange]) -> list[job_pb2.FileRange]:
    return [job_pb2.FileRange(offset=one.offset, length=one.length) for one in ranges]


def watch_event(event: WatchEvent, store_id: str) -> bytes:
    """An event of a watch on the wire; a job that many watch is encoded once."""
    if isinstance(event, JobChanged):
        if event.encoded is None:
            token = "" if event.position is None else resume_token(store_id, event.position)
            message = pb.WatchJobsResponse(resume_token=token)
            set_job(message.job_changed, event.job)
            event.encoded = message.SerializeToString()
        return event.encoded
    if isinstance(event, FileChanged):
        return _file_event(event)
    return _other_event(event, resume_token(store_id, event.position)).SerializeToString()


def _file_event(event: FileChanged) -> bytes:
    changed = pb.FileChanged(
        job_id=event.job_id, file=None if event.file is None else file(event.file)
    )
    return pb.WatchJobsResponse(file_changed=changed).SerializeToString()


def _other_event(
    event: JobRemoved | SnapshotComplete | Heartbeat, token: str
) -> pb.WatchJobsResponse:
    if isinstance(event, SnapshotComplete):
        return pb.WatchJobsResponse(resume_token=token, snapshot_complete=pb.SnapshotComplete())
    if isinstance(event, Heartbeat):
        return pb.WatchJobsResponse(resume_token=token, heartbeat=pb.Heartbeat())
    removed = pb.JobRemoved(job_id=event.job_id, reason=_REMOVALS[event.why])
    return pb.WatchJobsResponse(resume_token=token, job_removed=removed)
