"""Single fields of requests: enums, intervals, pages. What is wrong is taken down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits
from bgcopyd.jobs.reasons import Reason

T = TypeVar("T")


def refuse_unknown(found: Violations, message: Message, field: str) -> None:
    """A field that a newer client knows and this server does not must not be ignored."""
    fields = UnknownFieldSet(message)
    for position in range(len(fields)):
        unknown = fields[position]
        found.add(
            f"{field}[{unknown.field_number}]",
            "is a field that this server does not know; it is older than the client",
            Reason.NOT_SUPPORTED,
        )


def enum_value(
    found: Violations, field: str, number: int, kind: Callable[[int], T], default: T | None
) -> T:
    """An enum's value; 0 means the default, where there is one."""
    if number == 0 and default is not None:
        return default
    try:
        return kind(number)
    except ValueError:
        found.add(field, "is missing" if number == 0 else f"has the unknown value {number}")
        return default  # type: ignore[return-value] # the violation stops the request


def interval(
    found: Violations, field: str, message: Duration, bounds: tuple[float, float, float]
) -> float:
    """A duration in seconds, between the first and the last of shortest, default, longest."""
    shortest, default, longest = bounds
    seconds = message.seconds + message.nanos / 1e9
    if not shortest <= seconds <= longest:
        found.add(field, f"is {seconds:g} s; {shortest:g} s to {longest:g} s are allowed")
        return default
    return seconds


def page_size(found: Violations, size: int) -> int:
    """How many entries of a list are wanted."""
    if size < 0:
        found.add("page_size", "is negative; 0 asks for the default")
    return min(size, limits.MAXIMUM_PAGE_SIZE) or limits.DEFAULT_PAGE_SIZE
