"""Between proto messages and models, and nothing else."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopy import _enums as enums
from bgcopy import _models as models
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1 import job_pb2
from bgcopy.v1.error_pb2 import TransferError

EnumT = TypeVar("EnumT", bound=enum.Enum)


def known(kind: type[EnumT], number: int) -> EnumT:
    """The member of that number; UNKNOWN for one that this version does not know."""
    try:
        return kind(number)
    except ValueError:
        return kind["UNKNOWN"]


def to_datetime(stamp: Timestamp) -> datetime | None:
    """None for an unset stamp (a set one is never the epoch here)."""
    if not stamp.seconds and not stamp.nanos:
        return None
    return stamp.ToDatetime(tzinfo=UTC)


def to_duration(value: timedelta) -> Duration:
    """The message of a time span."""
    duration = Duration()
    duration.FromTimedelta(value)
    return duration


def file_spec_to_proto(spec: models.FileSpec) -> job_pb2.FileSpec:
    """What to fetch, for a request."""
    message = job_pb2.FileSpec(remote_url=spec.url, root=spec.root, local_path=spec.path)
    if spec.sha256 is not None:
        message.digests.add(
            algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=bytes.fromhex(spec.sha256)
        )
    return message


def file_spec(message: job_pb2.FileSpec) -> models.FileSpec:
    """What was asked for; digests of other algorithms are left out."""
    values = [
        digest.value
        for digest in message.digests
        if digest.algorithm == job_pb2.DIGEST_ALGORITHM_SHA256
        and len(digest.value) == models.SHA256_BYTES
    ]
    return models.FileSpec(
        message.remote_url, message.local_path, values[0] if values else None, message.root
    )


def transfer_error(message: TransferError) -> models.TransferErrorInfo:
    """Why a job or a file stands still."""
    return models.TransferErrorInfo(
        reason=known(enums.Reason, message.reason),
        context=known(enums.ErrorContext, message.context),
        message=message.message,
        hresult=message.hresult,
        hresult_name=message.hresult_name,
        file_index=message.file_index if message.HasField("file_index") else None,
        http_status=message.http_status if message.HasField("http_status") else None,
        time=to_datetime(message.time),
        transient=message.transient,
    )


def file_info(message: job_pb2.File) -> models.FileInfo:
    """One file of a job."""
    return models.FileInfo(
        index=message.index,
        spec=file_spec(message.spec),
        bytes_transferred=message.bytes_transferred,
        bytes_total=message.bytes_total if message.HasField("bytes_total") else None,
        transferred=message.transferred,
        completed=message.completed,
        verification=known(enums.Verification, message.verification),
        error=transfer_error(message.error) if message.HasField("error") else None,
    )


def progress(message: job_pb2.JobProgress) -> models.Progress:
    """How far a job has come."""
    return models.Progress(
        bytes_transferred=message.bytes_transferred,
        bytes_total=message.bytes_total if message.HasField("bytes_total") else None,
        files_total=message.files_total,
        files_transferred=message.files_transferred,
        bytes_per_second=message.bytes_per_second,
    )


def job_info(message: job_pb2.Job) -> models.JobInfo:
    """A job as the server sent it."""
    return models.JobInfo(
        job_id=message.job_id,
        state=known(enums.JobState, message.state),
        display_name=message.display_name,
        description=message.description,
        type=known(enums.JobType, message.type),
        priority=known(enums.Priority, message.priority),
        owner=message.owner,
        etag=message.etag,
        revision=message.revision,
        labels=dict(message.labels),
        progress=progress(message.progress),
        error=transfer_error(message.error) if message.HasField("error") else None,
        error_count=message.error_count,
        blocked_reason=message.blocked_reason,
        # Absent and zero differ: zero makes every error final.
        minimum_retry_delay=(
            message.minimum_retry_delay.ToTimedelta()
            if message.HasField("minimum_retry_delay")
            else None
        ),
        no_progress_timeout=(
            message.no_progress_timeout.ToTimedelta()
            if message.HasField("no_progress_timeout")
            else None
        ),
        max_bytes_per_second=message.max_bytes_per_second,
        auto_complete=message.auto_complete,
        create_time=to_datetime(message.create_time),
        modification_time=to_datetime(message.modification_time),
        transferred_time=to_datetime(message.transferred_time),
        expire_time=to_datetime(message.expire_time),
        next_attempt_time=to_datetime(message.next_attempt_time),
    )


def filter_to_proto(wanted: models.JobFilter) -> manager_pb2.JobFilter:
    """Which jobs, for a request.

    Raises:
        ValueError: a state is UNKNOWN, which no job can be asked for.
    """
    return manager_pb2.JobFilter(
        job_ids=list(wanted.job_ids),
        job_id_prefix=wanted.job_id_prefix,
        display_name=wanted.display_name,
        text=wanted.text,
        states=_states(wanted.states),
        labels=dict(wanted.labels),
        all_owners=wanted.all_owners,
    )


def _states(states: Iterable[enums.JobState]) -> list[job_pb2.JobState.ValueType]:
    wanted = sorted({state.value for state in states})
    if enums.JobState.UNKNOWN.value in wanted:
        raise ValueError("states: UNKNOWN is no state that a job can be asked for")
    return [job_pb2.JobState.ValueType(number) for number in wanted]


def server_info(message: manager_pb2.GetServerInfoResponse) -> models.ServerInfo:
    """What a server is and can."""
    limits = message.limits
    return models.ServerInfo(
        version=message.version,
        caller=models.Caller(message.caller.principal, message.caller.admin),
        features=tuple(message.features),
        limits=models.Limits(
            jobs_per_owner=limits.jobs_per_owner,
            files_per_job=limits.files_per_job,
            watches_per_owner=limits.watches_per_owner,
            request_bytes=limits.request_bytes,
        ),
        roots=tuple(message.roots),
        start_time=to_datetime(message.start_time),
    )
