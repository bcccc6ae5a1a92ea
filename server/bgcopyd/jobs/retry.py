"""When a failed job tries again: exponential back-off with full jitter below a ceiling."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_EXPONENT = 30


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds until the next attempt, or the end of patience."""

    seconds: float
    exhausted: bool


def pause_after(
    *,
    retries: int,
    stalled: float,
    minimum_retry_delay: float,
    no_progress_timeout: float,
    retry_after: float | None,
    chance: float,
) -> Pause:
    """The pause before attempt `retries` + 1.

    Args:
        retries: failed attempts since the last new byte, this one included, from 1.
        stalled: seconds waited since the last new byte.
        minimum_retry_delay: the ceiling that patience grows to.
        no_progress_timeout: how long in all may pass without a byte; 0 makes every error final.
        retry_after: the least pause that the server asks for.
        chance: random, 0 to 1.
    """
    ceiling = min(minimum_retry_delay, 2.0 ** min(retries, LARGEST_EXPONENT))
    seconds = max(chance * ceiling, retry_after or 0.0)
    exhausted = no_progress_timeout == 0 or stalled + seconds > no_progress_timeout
    return Pause(seconds, exhausted=exhausted)
