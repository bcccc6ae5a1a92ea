"""Numbers, times and states in words. K, M and G are powers of 1024, as everywhere in bgcopy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from bgcopy import JobInfo, JobState, Progress, Scope

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400


def clean(text: str) -> str:
    """Text of others without characters that move a terminal's cursor or hide what is written."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in {"Cc", "Cf", "Cs"}
        else character
        for character in text
    )


def size(count: float) -> str:
    """A number of bytes, as "1.5 MiB"."""
    value = float(count)
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            break
        value /= _STEP
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def limit(count: int, per: str = "/s") -> str:
    """A limit in bytes per second, as "2097152 (2.0 MiB/s)", or with another `per`."""
    return f"{count} ({size(count)}{per})" if count else "0 (no limit)"


def span(seconds: float) -> str:
    """A time span, as "1 h 05 min"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR:02} h"


def when(stamp: datetime | None) -> str:
    """A time in the user's own time zone; empty for none."""
    return "" if stamp is None else f"{stamp.astimezone():%Y-%m-%d %H:%M:%S}"


def scopes(values: Iterable[Scope]) -> str:
    """What a credential is good for, as "read,write"."""
    return ",".join(scope.name.lower().replace("_", "-") for scope in values)


def state(info: JobInfo) -> str:
    """A job's state, as "transferring"."""
    return info.state.name.lower().replace("_", " ")


def percent(progress: Progress) -> str:
    """As "42 %"; empty while the size is unknown, and 100 only when every file is here."""
    fraction = progress.fraction
    return "" if fraction is None else f"{int(fraction * 100)} %"


def amount(progress: Progress) -> str:
    """As "1.5 MiB of 3.0 MiB", or "1.5 MiB" while the size is unknown."""
    done = size(progress.bytes_transferred)
    return done if progress.bytes_total is None else f"{done} of {size(progress.bytes_total)}"


def speed(progress: Progress) -> str:
    """The present speed; empty while nothing moves."""
    return f"{size(progress.bytes_per_second)}/s" if progress.bytes_per_second > 0 else ""


def remaining(progress: Progress) -> str:
    """How long the rest takes at the present speed; empty where that cannot be said."""
    if progress.bytes_total is None or progress.bytes_per_second <= 0:
        return ""
    rest = progress.bytes_total - progress.bytes_transferred
    return f"{span(rest / progress.bytes_per_second)} left" if rest > 0 else ""


def why(info: JobInfo, now: datetime | None = None) -> str:
    """Why a job does not move and when it will; empty for one that does or has ended."""
    if info.state is JobState.SUSPENDED:
        return "paused; `bgcopy resume` goes on"
    if info.state is JobState.ERROR and info.error is not None:
        return clean(info.error.message)
    if info.state is JobState.TRANSIENT_ERROR and info.error is not None:
        return f"{clean(info.error.message)} {_again(info, now)}".rstrip()
    if info.state is JobState.TRANSFERRED and not info.auto_complete:
        return "`bgcopy complete` gives the files their names"
    return clean(info.blocked_reason)


def _again(info: JobInfo, now: datetime | None) -> str:
    if info.next_attempt_time is None:
        return ""
    seconds = (info.next_attempt_time - (now or datetime.now(UTC))).total_seconds()
    return "Tries again now." if seconds < 1 else f"Tries again in {span(seconds)}."


def summary(info: JobInfo) -> str:
    """A job's progress in one line."""
    progress = info.progress
    parts = [state(info), percent(progress), amount(progress)]
    if progress.files_total > 1:
        parts.append(f"{progress.files_transferred} of {progress.files_total} files")
    if progress.bytes_per_second > 0:
        parts += [speed(progress), remaining(progress)]
    parts.append(why(info))
    return ", ".join(part for part in parts if part)
