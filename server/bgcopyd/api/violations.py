"""Collects what is wrong with a request, so that a caller hears of everything at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, Violation

T = TypeVar("T")

# More are not read by anybody, and a request of 100,000 bad files must stay cheap to refuse.
KEPT = 32


class Violations:
    """Fields at fault, with the reason of the first: it fixes the status code."""

    def __init__(self) -> None:
        self._kept: list[Violation] = []
        self._reason = Reason.INVALID_REQUEST
        self._count = 0

    def add(self, field: str, problem: str, reason: Reason = Reason.INVALID_REQUEST) -> None:
        """Takes one down."""
        if self._count == 0:
            self._reason = reason
        self._count += 1
        if len(self._kept) < KEPT:
            self._kept.append(Violation(field, problem))

    def judge(self, field: str, problem: str, reason: Reason = Reason.INVALID_REQUEST) -> None:
        """Takes one down if there is a problem."""
        if problem:
            self.add(field, problem, reason)

    def attempt(self, decode: Callable[[], T]) -> T | None:
        """The decoded value, or None after taking down why there is none."""
        try:
            return decode()
        except Refusal as refusal:
            field, _, problem = refusal.message.partition(": ")
            self.add(field, problem, refusal.reason)
            return None

    def refusal(self) -> Refusal | None:
        """All of it as one refusal."""
        if not self._count:
            return None
        first = self._kept[0]
        more = f" (and {self._count - 1} more)" if self._count > 1 else ""
        return Refusal(
            self._reason,
            f"{first.field}: {first.description}{more}",
            violations=self._kept,
            metadata={"omitted": str(self._count - KEPT)} if self._count > KEPT else None,
        )

    def raise_any(self) -> None:
        """Raises the refusal, if there is one."""
        refusal = self.refusal()
        if refusal is not None:
            raise refusal
