"""Between proto messages and models, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from bgcopy import _enums as enums
from bgcopy import _models as models
from bgcopy._convert_options import header, known, option_values, span, to_datetime
from bgcopy._digests import Digest, DigestAlgorithm
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1 import job_pb2
from bgcopy.v1.error_pb2 import TransferError


def file_spec_to_proto(spec: models.FileSpec) -> job_pb2.FileSpec:
    """What to fetch, for a request."""
    message = job_pb2.FileSpec(remote_url=spec.url, root=spec.root, local_path=spec.path)
    for digest in spec.digests:
        algorithm = job_pb2.DigestAlgorithm.ValueType(digest.algorithm.value)
        message.digests.add(algorithm=algorithm, value=bytes.fromhex(digest.value))
    message.ranges.extend(range_to_proto(one) for one in spec.ranges)
    message.mirrors.extend(spec.mirrors)
    if spec.size is not None:
        message.expected_size = spec.size
    message.reply_path = spec.reply_path
    return message


def range_to_proto(part: models.FileRange) -> job_pb2.FileRange:
    """A part of a file, for a request."""
    return job_pb2.FileRange(offset=part.offset, length=part.length)


def _ranges(messages: Iterable[job_pb2.FileRange]) -> tuple[models.FileRange, ...]:
    return tuple(
        models.FileRange(one.offset, one.length if one.HasField("length") else None)
        for one in messages
    )


def file_spec(message: job_pb2.FileSpec) -> models.FileSpec:
    """What was asked for; digests of algorithms that are not known here are left out."""
    algorithms = [known(DigestAlgorithm, one.algorithm) for one in message.digests]
    return models.FileSpec(
        message.remote_url,
        message.local_path,
        None,
        message.root,
        ranges=_ranges(message.ranges),
        mirrors=tuple(message.mirrors),
        size=message.expected_size if message.HasField("expected_size") else None,
        digests=[
            Digest(algorithm, one.value)
            for algorithm, one in zip(algorithms, message.digests, strict=True)
            if one.value and len(one.value) == algorithm.size
        ],
        reply_path=message.reply_path,
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
        response_headers=tuple(header(one) for one in message.response_headers),
        final_url=message.final_url,
        sources=tuple(models.SourceBytes(one.url, one.bytes) for one in message.sources),
        filled_ranges=_ranges(message.filled_ranges),
        temporary_name=message.temporary_name,
        validation_state=(
            message.validation_state if message.HasField("validation_state") else None
        ),
        reply_size=message.reply_size if message.HasField("reply_size") else None,
    )


def attempt(message: job_pb2.Attempt) -> models.Attempt:
    """One attempt at a file."""
    return models.Attempt(
        attempt_id=message.attempt_id,
        file_index=message.file_index,
        start_time=to_datetime(message.start_time),
        end_time=to_datetime(message.end_time),
        url=message.url,
        remote_address=message.remote_address,
        protocol=message.protocol,
        http_status=message.http_status if message.HasField("http_status") else None,
        bytes_received=message.bytes_received,
        bytes_per_second=message.bytes_per_second,
        outcome=known(enums.AttemptOutcome, message.outcome),
        error=transfer_error(message.error) if message.HasField("error") else None,
    )


def probe(message: manager_pb2.ProbeUrlResponse) -> models.Probe:
    """What a server says of a URL."""
    return models.Probe(
        http_status=message.http_status if message.HasField("http_status") else None,
        bytes_total=message.bytes_total if message.HasField("bytes_total") else None,
        accepts_ranges=message.accepts_ranges,
        etag=message.etag,
        last_modified=message.last_modified,
        content_type=message.content_type,
        suggested_name=message.suggested_name,
        redirect_chain=tuple(message.redirect_chain),
        protocol=message.protocol,
        remote_address=message.remote_address,
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
        minimum_retry_delay=span(message, "minimum_retry_delay"),
        no_progress_timeout=span(message, "no_progress_timeout"),
        max_bytes_per_second=message.max_bytes_per_second,
        auto_complete=message.auto_complete,
        create_time=to_datetime(message.create_time),
        modification_time=to_datetime(message.modification_time),
        transferred_time=to_datetime(message.transferred_time),
        expire_time=to_datetime(message.expire_time),
        next_attempt_time=to_datetime(message.next_attempt_time),
        **option_values(message),
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
        caller=models.Caller(
            message.caller.principal,
            message.caller.admin,
            tuple(known(enums.Scope, scope) for scope in message.caller.scopes),
        ),
        features=tuple(message.features),
        limits=models.Limits(
            jobs_per_owner=limits.jobs_per_owner,
            files_per_job=limits.files_per_job,
            watches_per_owner=limits.watches_per_owner,
            request_bytes=limits.request_bytes,
            jobs_per_machine=limits.jobs_per_machine,
            ranges_per_file=limits.ranges_per_file,
        ),
        roots=tuple(message.roots),
        start_time=to_datetime(message.start_time),
        client_certificates=tuple(message.client_certificates),
        ca_bundles=tuple(message.ca_bundles),
    )
