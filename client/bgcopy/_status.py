"""From gRPC's errors to ours: the rich status that travels in the trailers (google.rpc.Status)."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

import google.rpc.error_details_pb2 as details_pb2
import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status

from bgcopy._call_details import CallDetails, FieldViolation, QuotaViolation
from bgcopy._enums import Reason
from bgcopy._error_classes import error_class
from bgcopy.errors import CallError

DOMAIN = "bgcopy.v1"
TRAILER = "grpc-status-details-bin"

MessageT = TypeVar("MessageT", bound=Message)


def to_call_error(error: grpc.aio.AioRpcError) -> CallError:
    """Our error of a failed call; whatever the trailers hold, this does not fail."""
    details = decode(error)
    return error_class(details.reason, details.code)(details, error)


def decode(error: grpc.aio.AioRpcError) -> CallDetails:
    """What the status says; details that are missing or damaged are left out."""
    packed = _packed_details(error)
    info = _find(packed, details_pb2.ErrorInfo())
    if info is None or info.domain != DOMAIN:
        info = details_pb2.ErrorInfo()
    request = _find(packed, details_pb2.BadRequest()) or details_pb2.BadRequest()
    quota = _find(packed, details_pb2.QuotaFailure()) or details_pb2.QuotaFailure()
    return CallDetails(
        code=error.code(),
        message=error.details() or "",
        reason=_reason(info.reason),
        reason_name=info.reason,
        metadata=dict(info.metadata),
        violations=tuple(FieldViolation(v.field, v.description) for v in request.field_violations),
        quotas=tuple(QuotaViolation(v.subject, v.description) for v in quota.violations),
        retry_after=_retry_after(packed),
    )


def _packed_details(error: grpc.aio.AioRpcError) -> list[Any]:
    for key, value in error.trailing_metadata() or ():
        if key == TRAILER and isinstance(value, bytes):
            try:
                return list(Status.FromString(value).details)
            except DecodeError:
                return []
    return []


def _find(packed: list[Any], empty: MessageT) -> MessageT | None:
    """The first detail of the type of `empty`."""
    for item in packed:
        try:
            if item.Unpack(empty):
                return empty
        except DecodeError:
            continue
    return None


def _reason(name: str) -> Reason:
    return Reason.__members__.get(name, Reason.UNKNOWN)


def _retry_after(packed: list[Any]) -> timedelta | None:
    info = _find(packed, details_pb2.RetryInfo())
    return None if info is None else info.retry_delay.ToTimedelta()
