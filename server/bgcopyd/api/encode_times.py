"""Moments and durations to messages."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment, to the microsecond; built by hand because it is on the path of every answer."""
    if moment is None:
        return None
    seconds, microseconds = divmod((moment - _EPOCH) // _MICROSECOND, 1_000_000)
    return Timestamp(seconds=seconds, nanos=microseconds * 1000)


@functools.lru_cache(maxsize=256)
def duration(seconds: float) -> Duration:
    """A duration, to the microsecond. Copied by whoever puts it into a message, so it is shared."""
    whole, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
    return Duration(seconds=whole, nanos=microseconds * 1000)
