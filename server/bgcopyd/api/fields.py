"""Single fields of requests: enums, intervals, ids, pages. What is wrong is taken down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet

from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits, rules
from bgcopyd.jobs.job import EPOCH
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import invalid

T = TypeVar("T")

# 0001-01-01 to 9999-12-31, as timestamp.proto says.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799


def job_id(text: str) -> str:
    """A job id in canonical form.

    Raises:
        Refusal: INVALID_REQUEST.
    """
    if not text:
        raise invalid("job_id", "is missing; send the UUID that CreateJob answered")
    canonical = rules.job_id_of(text)
    if canonical is None:
        raise invalid("job_id", "is not a UUID of 36 characters, as CreateJob answers")
    return canonical


def request_id(found: Violations, text: str) -> str:
    """A request id in canonical form; empty where there is none."""
    if not text:
        return ""
    canonical = rules.job_id_of(text)
    if canonical is None:
        found.add("request_id", "is not a UUID; draw a random one for each new request")
    return canonical or ""


def unknown(request: Message) -> Violations:
    """What is wrong with a request before its fields are looked at."""
    found = Violations()
    refuse_unknown(found, request, "request")
    return found


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


def at_most(
    found: Violations, field: str, entries: Sequence[T], limit: int, what: str
) -> Sequence[T]:
    """The entries of a list; none where there are too many, so that they cost nothing to refuse."""
    if len(entries) <= limit:
        return entries
    found.add(field, f"has {len(entries)} {what}; at most {limit} are allowed")
    return ()


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


def flags(
    found: Violations, field: str, numbers: Sequence[int], kind: Callable[[int], T]
) -> tuple[T, ...]:
    """Enum values of a list, each once, in order of their numbers."""
    numbers = at_most(found, field, numbers, limits.FLAGS, "values")
    return tuple(
        enum_value(found, f"{field}[{place}]", number, kind, None)
        for place, number in enumerate(sorted(set(numbers)))
    )


def interval(
    found: Violations, field: str, message: Duration, bounds: tuple[float, float, float]
) -> float:
    """A duration in seconds, between the first and the last of shortest, default, longest."""
    shortest, default, longest = bounds
    if abs(message.nanos) >= 10**9 or message.seconds * message.nanos < 0:
        found.add(field, "is no duration; its nanos are less than a second, and of the same sign")
        return default
    seconds = message.seconds + message.nanos / 1e9
    if not shortest <= seconds <= longest:
        found.add(field, f"is {seconds:g} s; {shortest:g} s to {longest:g} s are allowed")
        return default
    return seconds


def moment(found: Violations, field: str, message: Timestamp) -> datetime | None:
    """A moment, to the microsecond."""
    if not (_FIRST_SECOND <= message.seconds <= _LAST_SECOND and 0 <= message.nanos < 10**9):
        found.add(field, "is no moment of the years 1 to 9999")
        return None
    return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def page_size(found: Violations, size: int) -> int:
    """How many entries of a list are wanted."""
    if size < 0:
        found.add("page_size", "is negative; 0 asks for the default")
    return min(size, limits.MAXIMUM_PAGE_SIZE) or limits.DEFAULT_PAGE_SIZE


def file_index(found: Violations, field: str, index: int) -> int:
    """A file's index."""
    if not 0 <= index < limits.FILE_INDEXES:
        found.add(field, "is no index of a file; ListFiles tells those that are")
    return index
