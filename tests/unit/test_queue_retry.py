"""The pause before the next attempt: random between 0 and min(minimum_retry_delay, 2^n) seconds,
not below Retry-After; no_progress_timeout ends the patience."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.retry import Pause, pause_after


def pause(**values: Any) -> Pause:
    defaults = {
        "retries": 1,
        "stalled": 0.0,
        "minimum_retry_delay": 600.0,
        "no_progress_timeout": 1_209_600.0,
        "retry_after": None,
        "chance": 1.0,
    }
    return pause_after(**{**defaults, **values})


@pytest.mark.parametrize(
    ("retries", "longest"), [(1, 2), (2, 4), (5, 32), (9, 512), (10, 600), (10_000, 600)]
)
def test_the_ceiling_doubles_up_to_minimum_retry_delay(retries: int, longest: float) -> None:
    assert pause(retries=retries).seconds == longest
    assert pause(retries=retries, chance=0.5).seconds == longest / 2
    assert pause(retries=retries, chance=0.0).seconds == 0


def test_the_server_may_ask_for_more() -> None:
    assert pause(retry_after=1000.0).seconds == 1000
    assert pause(retry_after=1.0).seconds == 2


@pytest.mark.parametrize(
    ("stalled", "timeout", "exhausted"),
    [(0.0, 0.0, True), (97.9, 100.0, False), (98.0, 100.0, False), (98.1, 100.0, True)],
)
def test_patience_ends(stalled: float, timeout: float, *, exhausted: bool) -> None:
    assert pause(stalled=stalled, no_progress_timeout=timeout).exhausted is exhausted


@given(
    st.integers(1, 10**6),
    st.floats(5, 1e8),
    st.floats(0, 1),
    st.none() | st.floats(0, 1e6),
)
def test_bounds(retries: int, delay: float, chance: float, asked: float | None) -> None:
    made = pause(
        retries=retries, minimum_retry_delay=delay, chance=chance, retry_after=asked
    ).seconds
    assert (asked or 0) <= made <= max(asked or 0, min(delay, 2.0**30))


def test_zero_patience_is_exhausted_even_without_a_pause() -> None:
    assert pause(no_progress_timeout=0.0, chance=0.0).exhausted
