"""Moments and durations to messages."""

from __future__ import annotations

import functools
from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopyd.jobs.job import EPOCH


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment, to the microsecond."""
    if moment is None:
        return None
    message = Timestamp()
    set_moment(message, moment)
    return message


def set_moment(message: Timestamp, moment: datetime | None) -> None:
    """Fills an empty message, which stays absent where there is no moment."""
    if moment is None:
        return
    since = moment - EPOCH
    message.seconds = since.days * 86_400 + since.seconds
    message.nanos = since.microseconds * 1000


def set_duration(message: Duration, seconds: float) -> None:
    """Fills an empty message with a duration, to the microsecond."""
    message.seconds = whole = int(seconds)
    if whole != seconds:
        message.seconds, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
        message.nanos = microseconds * 1000


@functools.lru_cache(maxsize=256)
def duration(seconds: float) -> Duration:
    """A duration, to the microsecond. Copied by whoever puts it into a message, so it is shared."""
    message = Duration()
    set_duration(message, seconds)
    return message
