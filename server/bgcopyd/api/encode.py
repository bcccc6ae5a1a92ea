"""Values to messages."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, job_pb2
from bgcopyd.api.tokens import resume_token
from bgcopyd.jobs.blocking import blocked_reason
from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, Progress, TransferError
from bgcopyd.jobs.reasons import hresult_of
from bgcopyd.queue.watch import Heartbeat, JobChanged, JobRemoved, SnapshotComplete, WatchEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(moment: datetime) -> Timestamp:
    """A moment, to the microsecond."""
    message = Timestamp()
    _set_moment(message, moment)
    return message


def _set_moment(message: Timestamp, moment: datetime | None) -> None:
    """Leaves the message absent where there is no moment."""
    if moment is None:
        return
    since = moment - _EPOCH
    message.seconds = since.days * 86_400 + since.seconds
    message.nanos = since.microseconds * 1000


def _set_duration(message: Duration, seconds: float) -> None:
    """A duration, to the microsecond."""
    message.seconds = whole = int(seconds)
    if whole != seconds:
        message.seconds, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
        message.nanos = microseconds * 1000


def transfer_error(error: TransferError) -> error_pb2.TransferError:
    """Why a job or a file stands still."""
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
    if value.error is not None:
        message.error.CopyFrom(transfer_error(value.error))
    message.error_count = value.error_count
    message.blocked_reason = blocked_reason(value)
    _set_duration(message.minimum_retry_delay, value.minimum_retry_delay)
    _set_duration(message.no_progress_timeout, value.no_progress_timeout)
    message.max_bytes_per_second = value.max_bytes_per_second
    message.auto_complete = value.auto_complete
    _set_moment(message.create_time, value.create_time)
    _set_moment(message.modification_time, value.modification_time)
    _set_moment(message.transferred_time, value.transferred_time)
    _set_moment(message.expire_time, value.expire_time)
    _set_moment(message.next_attempt_time, value.next_attempt_time)


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
        ),
        bytes_transferred=value.claimed,
        bytes_total=value.size,
        transferred=value.transferred,
        completed=value.completed,
        verification=int(value.verification or 0),  # type: ignore[arg-type] # same numbers, tested
        error=None if value.error is None else transfer_error(value.error),
    )


def watch_event(event: WatchEvent, store_id: str) -> bytes:
    """An event of a watch on the wire; a job that many watch is encoded once."""
    if isinstance(event, JobChanged):
        if event.encoded is None:
            token = "" if event.position is None else resume_token(store_id, event.position)
            message = pb.WatchJobsResponse(resume_token=token)
            set_job(message.job_changed, event.job)
            event.encoded = message.SerializeToString()
        return event.encoded
    return _other_event(event, resume_token(store_id, event.position)).SerializeToString()


def _other_event(
    event: JobRemoved | SnapshotComplete | Heartbeat, token: str
) -> pb.WatchJobsResponse:
    if isinstance(event, SnapshotComplete):
        return pb.WatchJobsResponse(resume_token=token, snapshot_complete=pb.SnapshotComplete())
    if isinstance(event, Heartbeat):
        return pb.WatchJobsResponse(resume_token=token, heartbeat=pb.Heartbeat())
    reason = pb.JOB_REMOVED_REASON_DELETED if event.deleted else pb.JOB_REMOVED_REASON_NO_MATCH
    return pb.WatchJobsResponse(
        resume_token=token, job_removed=pb.JobRemoved(job_id=event.job_id, reason=reason)
    )
