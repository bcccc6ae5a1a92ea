"""The answer that HTTP would give of a file of which no more is known than its size and time. Pure.

Both make an ETag. It is strong once the file has rested for a day: these times are told to the
second only, and old FTP servers tell their local time for UTC, so that what looks younger may still
change within its second. Bytes that are joined under a weak one are compared with the disk, as
everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from bgcopyd.transfer.judging.headers import Answer

RESTED = 86_400.0
_RANGE = re.compile(rb"Range: bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server tells of a file; None where it does not."""

    size: int | None
    modified: datetime | None


def asked_range(fields: Iterable[bytes]) -> tuple[int, int | None] | None:
    """First and last byte that a request's fields ask for; None for the whole file."""
    matches = (_RANGE.fullmatch(field) for field in fields)
    found = next((match for match in matches if match is not None), None)
    return None if found is None else (int(found[1]), int(found[2]) if found[2] else None)


def answer_of(
    protocol: str, asked: tuple[int, int | None] | None, facts: Facts, now: datetime
) -> Answer:
    """The answer of a server that keeps to what it is asked for."""
    fields = _validators(facts, now)
    size = facts.size
    if asked is None:
        if size is not None:
            fields["content-length"] = (str(size),)
        return Answer(200, "", fields, protocol)
    first, last = asked
    if size is None:
        # Nothing says where the range ends; the verdict refuses it.
        return Answer(206, "", fields, protocol)
    if first >= size:
        fields["content-range"] = (f"bytes */{size}",)
        return Answer(416, "", fields, protocol)
    end = size - 1 if last is None else min(last, size - 1)
    fields["content-range"] = (f"bytes {first}-{end}/{size}",)
    return Answer(206, "", fields, protocol)


def _validators(facts: Facts, now: datetime) -> dict[str, tuple[str, ...]]:
    modified = facts.modified
    if modified is None:
        return {}
    fields: dict[str, tuple[str, ...]] = {
        "last-modified": (format_datetime(modified, usegmt=True),)
    }
    if facts.size is not None:
        weak = "" if (now - modified).total_seconds() >= RESTED else "W/"
        fields["etag"] = (f'{weak}"{int(modified.timestamp()):x}-{facts.size:x}"',)
    return fields
