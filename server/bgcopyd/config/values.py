"""Spellings that people use for rates, durations and costs."""

from __future__ import annotations

import grp
import math
import os
import re

from bgcopyd.jobs.limits import LARGEST_RATE, LONGEST_DURATION
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import POLICY_FIELDS
from bgcopyd.jobs.principal import rights_of
from bgcopyd.jobs.root_rules import root_rule_of
from bgcopyd.jobs.timetable import rate_of

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_DURATION_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_rate(value: object) -> int:
    """Bytes per second: a number, or a number with K, M, G or T (powers of 1024).

    Raises:
        ValueError: it is no rate.
    """
    problem = f"{value!r} is no rate; write bytes per second as 500000, 512K or 2M, 0 for no limit"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(problem)  # noqa: TRY004 - pydantic's contract
    rate = rate_of(str(value).strip())
    if rate is None:
        raise ValueError(problem)
    if rate > LARGEST_RATE:
        raise ValueError(f"{value!r} is more than any link carries; write 0 for no limit")
    return rate


def parse_size(value: object) -> int:
    """Bytes: a number, or a number with K, M, G or T (powers of 1024).

    Raises:
        ValueError: it is no size.
    """
    plain = isinstance(value, int | str) and not isinstance(value, bool)
    size = rate_of(str(value).strip()) if plain else None
    if size is None or size > LARGEST_RATE:
        raise ValueError(f"{value!r} is no size; write bytes as 500000, 512M or 20G, 0 for none")
    return size


def parse_duration(value: object) -> float:
    """Seconds: a number, or a number with s, m, h or d.

    Raises:
        ValueError: it is no duration.
    """
    problem = f"{value!r} is no duration; write seconds as 30 or a number with a unit: 30s, 5m, 7d"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(problem)  # noqa: TRY004 - pydantic's contract
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError(problem)
        value = float(match[1]) * _DURATION_UNITS[match[2]]
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(problem)
    if seconds > LONGEST_DURATION:
        raise ValueError(f"{value!r} is longer than ten years")
    return seconds


def parse_timetable(value: str) -> str:
    """A time table of limits.

    Raises:
        ValueError: it is none.
    """
    problem = POLICY_FIELDS["rate_timetable"].problem(value)
    if problem:
        raise ValueError(problem)
    return value


def parse_rights(value: str) -> str:
    """Words that say what an owner may.

    Raises:
        ValueError: they do not.
    """
    rights_of(value)
    return value


def parse_root_rule(value: str) -> str:
    """Words that say what a root is for.

    Raises:
        ValueError: they do not, or name a group that the daemon's user is not in.
    """
    group_of(root_rule_of(value).group)
    return value


def group_of(name: str) -> int | None:
    """The number of a group that new files may be given to; None for no name.

    Raises:
        ValueError: there is no such group, or the daemon's user is not in it.
    """
    if not name:
        return None
    try:
        number = int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise ValueError(f"there is no group {name!r} on this machine") from None
    if os.geteuid() and number not in {os.getegid(), *os.getgroups()}:
        raise ValueError(f"the daemon's user is not in the group {name!r}; add him to it")
    return number


def split(value: object) -> object:
    """The parts of a text, or of several, between commas; anything else is pydantic's to judge."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
        return value
    return [part.strip() for one in texts for part in one.split(",") if part.strip()]


def parse_cost(value: str) -> str:
    """What the network costs, in lower case.

    Raises:
        ValueError: it is none of BITS's states.
    """
    known = [state.name.lower() for state in CostState]
    word = value.strip().lower().replace("-", "_")
    if word not in known:
        raise ValueError(f"{value!r} is no cost; write one of {', '.join(known)}")
    return word
