from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bgcopyd.queue.clock import SystemClock
from bgcopyd.queue.housekeeping import Housekeeping
from bgcopyd.queue.sweeper import Sweeper
from bgcopyd.queue.tokens import TokenUses
from bgcopyd.store.memory import MemoryStore
from tests.support.clocks import FakeClock
from tests.support.rpc_engine import ScriptedFiles

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class FixedClock(SystemClock):
    def now(self) -> datetime:
        return NOW


@pytest.mark.parametrize(
    ("age", "made"),
    [
        (None, 1),
        (timedelta(hours=23), 0),
        (timedelta(days=1), 1),
        (timedelta(days=400), 1),
        (timedelta(days=-1), 1),
    ],
)
async def test_a_backup_is_due_by_the_age_of_the_last_one(age: timedelta | None, made: int) -> None:
    calls = 0

    async def backup() -> None:
        nonlocal calls
        calls += 1

    async def last_backup() -> datetime | None:
        return None if age is None else NOW - age

    store, clock = MemoryStore(), FixedClock()
    house = Housekeeping(
        store,
        clock,
        Sweeper(store, ScriptedFiles(), clock),
        TokenUses(store, clock),
        history=10,
        backup=backup,
        last_backup=last_backup,
    )
    await house.round()
    assert calls == made


async def test_it_sweeps_at_the_start_and_then_once_a_day() -> None:
    store, clock, files = MemoryStore(), FakeClock(), ScriptedFiles()
    await store.transact(lambda tx: tx.note_directories([("default", "a")], 1e9))

    async def none() -> None:
        return None

    house = Housekeeping(
        store,
        clock,
        Sweeper(store, files, clock),
        TokenUses(store, clock),
        history=10,
        backup=None,
        last_backup=none,
    )
    for passed, sweeps in ((0.0, 1), (86_399.0, 1), (2.0, 2), (1.0, 2)):
        clock.true += passed
        clock.set_by += timedelta(days=400)
        await house.round()
        assert len(files.swept) == sweeps
