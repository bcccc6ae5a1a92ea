"""Values to messages."""

from __future__ import annotations

from collections.abc import Iterable

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, identity_pb2, job_pb2
from bgcopyd.api.encode_options import header, job_options
from bgcopyd.api.encode_times import duration, set_duration, set_moment, timestamp
from bgcopyd.api.tokens import resume_token
from bgcopyd.jobs.blocking import blocked_reason
from bgcopyd.jobs.file import File, FileRange
from bgcopyd.jobs.job import (
    MINIMUM_RETRY_DELAY,
    NO_PROGRESS_TIMEOUT,
    Job,
    Progress,
    TransferError,
)
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.jobs.principal import Scope
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

_DELAYS = job_pb2.Job(
    minimum_retry_delay=duration(MINIMUM_RETRY_DELAY),
    no_progress_timeout=duration(NO_PROGRESS_TIMEOUT),
    download_time=duration(0),
).SerializeToString()
# Named alike in both; absent means the default.
_SELDOM = (
    "description",
    "error_count",
    "max_bytes_per_second",
    "auto_complete",
    "partially_completed",
)
_MOMENTS = ("transferred_time", "expire_time", "next_attempt_time", "inactivity_time")
_USUAL = _DELAYS + job_options(DEFAULT_OPTIONS).SerializeToString()
_REMOVALS = {
    Removal.DELETED: pb.JOB_REMOVED_REASON_DELETED,
    Removal.NO_MATCH: pb.JOB_REMOVED_REASON_NO_MATCH,
    Removal.OWNER_CHANGED: pb.JOB_REMOVED_REASON_OWNER_CHANGED,
}


def scopes(values: Iterable[Scope]) -> list[identity_pb2.Scope.ValueType]:
    """What a credential is good for, in the order of the numbers."""
    return [identity_pb2.Scope.ValueType(int(scope)) for scope in sorted(values)]


def transfer_error(error: TransferError | None) -> error_pb2.TransferError | None:
    """Why a job or a file stands still."""
    return None if error is None else _error(error)


def _error(error: TransferError) -> error_pb2.TransferError:
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
    if value.bytes_per_second:
        message.bytes_per_second = value.bytes_per_second


def job(value: Job) -> job_pb2.Job:
    """A job."""
    message = job_pb2.Job()
    set_job(message, value)
    return message


def set_job(message: job_pb2.Job, value: Job) -> None:
    """Fills an empty message.

    In place, since a message in a constructor's arguments is copied by encoding and decoding it.
    What most jobs have comes first, in one piece: a field costs a call, also one that is set to
    its default, and a page of a list sets them for a hundred jobs.
    """
    if value.options is DEFAULT_OPTIONS:
        message.MergeFromString(_USUAL)
    else:
        message.MergeFromString(_DELAYS)
        message.MergeFrom(job_options(value.options))
    message.job_id = value.job_id
    message.etag = value.etag
    message.revision = value.revision
    message.type = value.type  # type: ignore[assignment] # same numbers, tested
    message.state = value.state  # type: ignore[assignment] # same numbers, tested
    message.display_name = value.display_name
    message.priority = value.priority  # type: ignore[assignment] # same numbers, tested
    message.owner = value.owner
    _set_progress(message.progress, value.progress)
    set_moment(message.create_time, value.create_time)
    set_moment(message.modification_time, value.modification_time)
    if value.minimum_retry_delay != MINIMUM_RETRY_DELAY:
        set_duration(message.minimum_retry_delay, value.minimum_retry_delay)
    if value.no_progress_timeout != NO_PROGRESS_TIMEOUT:
        set_duration(message.no_progress_timeout, value.no_progress_timeout)
    if value.download_time:
        set_duration(message.download_time, value.download_time)
    _set_rest(message, value)


def _set_rest(message: job_pb2.Job, value: Job) -> None:
    """What many jobs have not."""
    for key, text in value.labels.items():
        message.labels[key] = text
    error = value.error
    if error is not None:
        message.error.CopyFrom(_error(error))
    reason = blocked_reason(value)
    if reason:
        message.blocked_reason = reason
    for name in _SELDOM:
        present = getattr(value, name)
        if present:
            setattr(message, name, present)
    for name in _MOMENTS:
        moment = getattr(value, name)
        if moment is not None:
            set_moment(getattr(message, name), moment)


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
            expected_size=spec.size,
            reply_path="" if value.upload is None else value.upload.reply,
        ),
        reply_size=None if value.upload is None else value.upload.reply_size,
        bytes_transferred=value.present if value.received is None else value.received,
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
        filled_ranges=_ranges(_on_disk(value)),
        temporary_name="" if value.completed else value.partial_name,
        validation_state=value.validation_state,
    )


def _on_disk(value: File) -> list[FileRange]:
    """Parts that are here; what an upload has claimed is at its server."""
    return [] if value.upload is not None else list(on_disk(value.claimed, value.filled))


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
