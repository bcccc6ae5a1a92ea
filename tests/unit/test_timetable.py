"""Time tables: how they are read, and which rate holds when, daylight saving and all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.timetable import Timetable, parse, problem_of
from bgcopyd.queue.pace import Pace, limits_at
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.transfers import Limits
from bgcopyd.store.memory import MemoryStore
from tests.support.clocks import FakeClock
from tests.support.rpc_engine import ScriptedEngine

MONDAY = datetime(2026, 7, 6)  # noqa: DTZ001 - local times are what tables are about
WORK = "Mon-08:00,512K Fri-18:00,off 12:30,1M"


@pytest.mark.parametrize(
    ("day", "clock", "rate"),
    [
        (0, "00:00", 1 << 20),
        (0, "07:59", 1 << 20),
        (0, "08:00", 512 << 10),
        (0, "12:29", 512 << 10),
        (0, "12:30", 1 << 20),
        (4, "17:59", 1 << 20),
        (4, "18:00", 0),
        (5, "12:29", 0),
        (5, "12:30", 1 << 20),
    ],
)
def test_what_holds_when(day: int, clock: str, rate: int) -> None:
    hours, minutes = clock.split(":")
    local = MONDAY + timedelta(days=day, hours=int(hours), minutes=int(minutes))
    assert parse(WORK).rate_at(local) == rate


def test_one_entry_holds_always() -> None:
    table = parse("Thursday-23:59,5")
    assert {table.rate_at(MONDAY + timedelta(minutes=7 * step)) for step in range(1440)} == {5}


def test_no_table() -> None:
    for text in ("", "  ", "off", " OFF "):
        assert parse(text) == Timetable()
        assert parse(text).rate_at(MONDAY) == 0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("8", "'8'"),
        ("08:00", "RATE"),
        ("08:00,", "RATE"),
        ("24:00,1M", "24:00"),
        ("08:60,1M", "08:60"),
        ("Foo-08:00,1M", "Mon to Sun"),
        ("Mo-08:00,1M", "Mon to Sun"),
        ("08:00,10M:1M", "500000"),
        ("08:00,-1", "500000"),
        ("08:00,9999999T", "500000"),
        ("08:00,1M;09:00,2M", "500000"),
        ("08:00,1M 8:00,2M", "two rates"),
        ("Mon-08:00,1M 08:00,2M", "two rates"),
        ("off 08:00,1M", "'off'"),
        ("\u0660\u0668:00,1M", "WEEKDAY"),
        ("\x1b[2J", "\\x1b"),
    ],
)
def test_what_is_no_table(text: str, word: str) -> None:
    problem = problem_of(text)
    assert word in problem
    assert problem.isascii()


@given(st.text(st.sampled_from("MonTueoff-:,0123456789KM \x00é"), max_size=60) | st.text())
def test_any_text_is_a_table_or_has_a_problem(text: str) -> None:
    if not problem_of(text):
        table = parse(text)
        assert list(table.minutes) == sorted(set(table.minutes))
        assert len(table.minutes) == len(table.rates)


def test_of_two_limits_the_stricter_counts() -> None:
    for limit, rate, both in ((0, "500", 500), (100, "500", 100), (900, "off", 900), (0, "off", 0)):
        policy = Policy(max_bytes_per_second=limit, rate_timetable=f"00:00,{rate}")
        assert limits_at(policy, MONDAY) == Limits(machine=both)


@pytest.fixture
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process's own time zone, spelled out: no zone file is needed."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_berlin")
async def test_daylight_saving_begins_and_ends() -> None:
    table = "00:00,100 02:30,200 03:30,300"
    clock, engine = FakeClock(), ScriptedEngine()
    policies = PolicyKeeper(MemoryStore(), Policy(rate_timetable=table))
    pace = Pace(engine, policies, clock)

    def rate_at(utc: str) -> int:
        clock.set_by += datetime.fromisoformat(utc).replace(tzinfo=UTC) - clock.now()
        pace.follow()
        return pace.limits.machine

    # 29 March 2026: 01:59 is followed by 03:00, so that 02:30 has been.
    assert [rate_at(f"2026-03-29 {time}") for time in ("00:59", "01:00", "01:29", "01:30")] == [
        100, 200, 200, 300,
    ]  # fmt: skip
    # 25 October 2026: 02:00 to 02:59 comes twice.
    assert [
        rate_at(f"2026-10-25 {time}") for time in ("00:29", "00:30", "00:59", "01:00", "01:30")
    ] == [100, 200, 200, 100, 200]
    assert rate_at("2026-10-25 02:30") == 300
    assert engine.limits[-1] == Limits(machine=300)


async def test_the_time_of_day_is_followed() -> None:
    clock, engine = FakeClock(), ScriptedEngine()
    policies = PolicyKeeper(MemoryStore(), Policy(rate_timetable="12:00,100 12:01,200"))
    # Half a second before the minute: the one real wait of this test.
    clock.set_by = timedelta(seconds=59.5)
    pace = Pace(engine, policies, clock, UTC)
    assert engine.limits == [Limits(machine=100)]
    told = asyncio.Event()
    take = engine.set_limits

    def set_limits(limits: Limits) -> None:
        take(limits)
        told.set()

    engine.set_limits = set_limits  # type: ignore[method-assign]
    following = asyncio.create_task(pace.run())
    await asyncio.sleep(0)
    clock.true += 1
    await asyncio.wait_for(told.wait(), 20)
    assert engine.limits[1:] == [Limits(machine=200)]
    following.cancel()
