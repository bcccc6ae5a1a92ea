"""Refused calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bgcopyd.jobs.reasons import Reason


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field: its path in the request, and the problem with a way out."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Quota:
    """Which limit was hit."""

    name: str
    limit: int
    value: int


class Refusal(Exception):
    """A call that is refused by design.

    Args:
        reason: the stable reason; fixes the status code.
        message: one sentence for the caller, free of secrets and of other people's data.
        violations: the fields at fault.
        quota: the limit that was hit.
        metadata: further facts for programs, as the job's state.
        retry_after: seconds after which a repetition may succeed.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        violations: Iterable[Violation] = (),
        quota: Quota | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.quota = quota
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


def invalid(field: str, problem: str, reason: Reason = Reason.INVALID_REQUEST) -> Refusal:
    """The refusal of one malformed field."""
    return Refusal(reason, f"{field}: {problem}", violations=[Violation(field, problem)])
