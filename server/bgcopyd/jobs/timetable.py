"""Limits by the time of the week, written as in rclone: "Mon-08:00,512K Fri-18:00,off"."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from datetime import datetime

from bgcopyd.jobs.limits import LARGEST_RATE

OFF = "off"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 24 * 60
_ENTRY = re.compile(r"(?:([a-z]+)-)?([01]?\d|2[0-3]):([0-5]\d),(\S+)", re.IGNORECASE | re.ASCII)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SHOWN = 64


def rate_of(text: str) -> int | None:
    """Bytes per second: a number, or one with K, M, G or T (powers of 1024); None if it is none."""
    match = _RATE.fullmatch(text)
    return None if match is None else int(float(match[1]) * _UNITS[match[2].upper()])


@dataclass(frozen=True, slots=True)
class Timetable:
    """Rates by the minute of the week at which each begins, in order. A rate of 0 is no limit."""

    minutes: tuple[int, ...] = ()
    rates: tuple[int, ...] = ()

    def rate_at(self, local: datetime) -> int:
        """The rate that holds at a local time; before the week's first, the last of it."""
        if not self.minutes:
            return 0
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        return self.rates[bisect.bisect_right(self.minutes, minute) - 1]


def parse(text: str) -> Timetable:
    """Reads a time table; an empty one, or "off", has no limit at any time.

    Raises:
        ValueError: it is none; the text says what is wrong with it.
    """
    found: dict[int, int] = {}
    for entry in text.split() if text.strip().lower() != OFF else ():
        days, minute, rate = _parts(entry)
        for day in days:
            if day * _DAY + minute in found:
                raise ValueError(f"has two rates for the time of {_shown(entry)}; leave one")
            found[day * _DAY + minute] = rate
    minutes = tuple(sorted(found))
    return Timetable(minutes, tuple(found[minute] for minute in minutes))


def _parts(entry: str) -> tuple[range, int, int]:
    """Days, minute of the day and rate of one entry."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(
            f"has {_shown(entry)}, which is no entry; write WEEKDAY-HH:MM,RATE or HH:MM,RATE, as "
            "Mon-08:00,512K, with spaces between them"
        )
    day, hour, minute, amount = match.groups()
    rate = 0 if amount.lower() == OFF else rate_of(amount)
    if rate is None or rate > LARGEST_RATE:
        raise ValueError(
            f"has {_shown(entry)}, which has no rate; write bytes per second as 500000, 512K or "
            "2M, or off for no limit"
        )
    return _days(day, entry), int(hour) * 60 + int(minute), rate


def _days(name: str | None, entry: str) -> range:
    if name is None:
        return range(7)
    for number, names in enumerate(zip(_DAYS, _NAMES, strict=True)):
        if name.lower() in names:
            return range(number, number + 1)
    raise ValueError(f"has {_shown(entry)}, which has no weekday; write Mon to Sun")


def _shown(entry: str) -> str:
    return ascii(entry if len(entry) <= _SHOWN else f"{entry[:_SHOWN]}...")


def problem_of(text: str) -> str:
    """What is wrong with a time table, or an empty string."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""
