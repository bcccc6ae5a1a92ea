"""The steady scale goes on over restarts, follows no step of the wall clock, and never back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd import platform
from bgcopyd.jobs.moments import LAST, Moment, later
from bgcopyd.queue.clock import LONGEST_ABSENCE, ClockMark, SystemClock, steady_after
from tests.support.clocks import FakeClock

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MARK = ClockMark(1000.0, "a", 50.0, NOW)
STEPS = st.sampled_from((1.0, 3600.0, 3650 * 86_400.0)) | st.floats(0, 1e9)
SIGNS = st.sampled_from((1, -1))


@given(st.floats(0, 1e8), STEPS, SIGNS)
def test_the_same_boot_is_exact_whatever_the_wall_clock_shows(
    passed: float, step: float, sign: int
) -> None:
    now = NOW + timedelta(seconds=passed + sign * step)
    assert steady_after(MARK, boot_id="a", uptime=50.0 + passed, now=now) == pytest.approx(
        1000.0 + passed
    )


@given(STEPS, SIGNS, st.sampled_from(("b", "")))
def test_another_boot_believes_the_wall_clock_within_bounds(
    step: float, sign: int, boot: str
) -> None:
    now = NOW + timedelta(seconds=sign * step)
    steady = steady_after(MARK, boot_id=boot, uptime=60.0, now=now)
    assert steady == pytest.approx(1000.0 + min(max(0.0, sign * step), LONGEST_ABSENCE))


def test_a_system_that_does_not_name_its_boots_is_never_taken_for_the_same() -> None:
    mark = dataclasses.replace(MARK, boot_id="")
    assert steady_after(mark, boot_id="", uptime=1e9, now=NOW) == 1000.0


def test_an_uptime_that_fell_is_another_boot() -> None:
    assert steady_after(MARK, boot_id="a", uptime=10.0, now=NOW + timedelta(seconds=7)) == 1007.0


def test_a_clock_goes_on_from_its_mark() -> None:
    clock = FakeClock()
    clock.true = 100.0
    clock.go_on(ClockMark(7.0, clock.boot_id(), clock.uptime() - 3, clock.now()))
    assert clock.steady() == pytest.approx(10.0)
    clock.true += 5
    mark = clock.mark()
    assert (mark.steady, clock.moment()) == (clock.steady(), Moment(clock.now(), clock.steady()))
    clock.true += 5
    clock.restart(reboot=False)
    clock.go_on(mark)
    assert clock.steady() == pytest.approx(20.0)


def test_this_machine() -> None:
    clock = SystemClock()
    before, after = clock.steady(), clock.steady()
    assert 0 < before <= after
    assert clock.boot_id() == platform.boot_id() != ""
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("seconds", [1e12, float(86_400 * 365 * 9000)])
def test_no_moment_is_beyond_the_calendar(seconds: float) -> None:
    assert later(NOW, seconds) == LAST
    assert Moment(NOW, 5.0).after(seconds) == Moment(LAST, 5.0 + seconds)
    assert later(LAST + timedelta(days=30), 0.0) == LAST
