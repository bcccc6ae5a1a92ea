"""Refusals as google.rpc.Status. It travels in trailers, so it stays below 4 KiB."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from bgcopyd.api.encode_times import duration
from bgcopyd.jobs.reasons import REASONS, Code, Reason, hresult_of
from bgcopyd.jobs.refusal import Refusal

DOMAIN = "bgcopy.v1"
STATUS_BYTES = 4096
# The message stands in the Status, in a PreconditionFailure and, percent-encoded, in grpc-message.
MESSAGE_BYTES = 500
FIELD_BYTES = 2200
TEXT_BYTES = 256

_NUMBERS = {
    Code.INVALID_ARGUMENT: 3,
    Code.NOT_FOUND: 5,
    Code.ALREADY_EXISTS: 6,
    Code.PERMISSION_DENIED: 7,
    Code.RESOURCE_EXHAUSTED: 8,
    Code.FAILED_PRECONDITION: 9,
    Code.ABORTED: 10,
    Code.OUT_OF_RANGE: 11,
    Code.UNIMPLEMENTED: 12,
    Code.INTERNAL: 13,
    Code.UNAVAILABLE: 14,
    Code.UNAUTHENTICATED: 16,
}


def code_of(reason: Reason) -> int:
    """The number of the gRPC status code of a refusal."""
    code = REASONS[reason].code
    return _NUMBERS[code or Code.INTERNAL]


def status_of(refusal: Refusal) -> status_pb2.Status:
    """The whole status, with its details."""
    status = status_pb2.Status(
        code=code_of(refusal.reason), message=_cut(refusal.message, MESSAGE_BYTES)
    )
    fields, omitted = _bad_request(refusal)
    for detail in (_error_info(refusal, omitted), fields, *_others(refusal)):
        if detail is not None:
            packed = Any()
            packed.Pack(detail)
            status.details.append(packed)
    return status


def _cut(text: str, size: int) -> str:
    """The beginning of a text, at most `size` bytes of whole characters."""
    return text.encode()[:size].decode(errors="ignore")


def _error_info(refusal: Refusal, omitted: int) -> details.ErrorInfo:
    spec = REASONS[refusal.reason]
    hresult, name = hresult_of(refusal.reason)
    metadata = {"hresult": f"0x{hresult:08X}", "hresult_name": name, **refusal.metadata}
    if spec.header_name:
        metadata["hresult_header_name"] = spec.header_name
    if omitted:
        metadata["omitted"] = str(omitted + int(refusal.metadata.get("omitted", "0")))
    return details.ErrorInfo(reason=refusal.reason.name, domain=DOMAIN, metadata=metadata)


def _bad_request(refusal: Refusal) -> tuple[details.BadRequest | None, int]:
    """The fields at fault, as many as fit, and how many do not."""
    if not refusal.violations:
        return None, 0
    message = details.BadRequest()
    for violation in refusal.violations:
        message.field_violations.add(
            field=_cut(violation.field, TEXT_BYTES),
            description=_cut(violation.description, TEXT_BYTES),
        )
        if message.ByteSize() > FIELD_BYTES:
            del message.field_violations[-1]
            break
    return message, len(refusal.violations) - len(message.field_violations)


def _others(refusal: Refusal) -> list[Message]:
    found: list[Message] = []
    code = REASONS[refusal.reason].code
    if code is Code.FAILED_PRECONDITION:
        found.append(
            details.PreconditionFailure(
                violations=[
                    details.PreconditionFailure.Violation(
                        type=refusal.reason.name,
                        subject=refusal.metadata.get("job_id", ""),
                        description=_cut(refusal.message, MESSAGE_BYTES),
                    )
                ]
            )
        )
    if refusal.quota is not None:
        quota = refusal.quota
        found.append(
            details.QuotaFailure(
                violations=[
                    details.QuotaFailure.Violation(
                        subject=quota.name,
                        description=f"limit {quota.limit}, value {quota.value}",
                    )
                ]
            )
        )
    if code is Code.NOT_FOUND and "job_id" in refusal.metadata:
        found.append(
            details.ResourceInfo(
                resource_type="bgcopy.v1.Job", resource_name=refusal.metadata["job_id"]
            )
        )
    if refusal.retry_after is not None:
        found.append(details.RetryInfo(retry_delay=duration(refusal.retry_after)))
    return found
