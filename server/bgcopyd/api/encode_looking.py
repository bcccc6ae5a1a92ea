"""Attempts and probes to messages."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.api.encode import transfer_error
from bgcopyd.api.encode_times import timestamp
from bgcopyd.jobs.attempt import Attempt
from bgcopyd.queue.transfers import Probe


def attempt(value: Attempt) -> job_pb2.Attempt:
    """One attempt at a file."""
    seconds = (value.end_time - value.start_time).total_seconds()
    return job_pb2.Attempt(
        attempt_id=value.attempt_id,
        file_index=value.file_index,
        start_time=timestamp(value.start_time),
        end_time=timestamp(value.end_time),
        url=value.url,
        remote_address=value.address,
        protocol=value.protocol,
        http_status=value.http_status,
        bytes_received=value.received,
        bytes_per_second=round(value.received / seconds) if seconds > 0 else 0,
        outcome=int(value.outcome),  # type: ignore[arg-type] # same numbers, tested
        error=transfer_error(value.error),
    )


def probe(value: Probe) -> pb.ProbeUrlResponse:
    """What a server says of a URL."""
    return pb.ProbeUrlResponse(
        http_status=value.http_status,
        bytes_total=value.size,
        accepts_ranges=value.accepts_ranges,
        etag=value.etag,
        last_modified=value.last_modified,
        content_type=value.content_type,
        suggested_name=value.suggested_name,
        redirect_chain=value.redirect_chain,
        protocol=value.protocol,
        remote_address=value.address,
        error=transfer_error(value.error),
    )
