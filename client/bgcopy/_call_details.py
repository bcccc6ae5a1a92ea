"""What the status of a refused call holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import grpc

from bgcopy._enums import Reason


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request: its path, and the problem with a way out."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """A limit that was hit: whose or which, and how."""

    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class CallDetails:
    """What a refused call's status holds, decoded (google.rpc error details)."""

    code: grpc.StatusCode
    message: str = ""
    reason: Reason = Reason.UNKNOWN
    reason_name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[FieldViolation, ...] = ()
    quotas: tuple[QuotaViolation, ...] = ()
    retry_after: timedelta | None = None
