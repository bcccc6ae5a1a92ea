"""A run whose job changes at an inconvenient moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from bgcopyd.jobs.job import JobState
from bgcopyd.queue import run as run_module
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.run import RunTools
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.statistics import Statistics
from bgcopyd.queue.storage import Tx
from bgcopyd.store.memory import MemoryStore
from tests.support.clocks import FakeClock
from tests.support.rpc_engine import ScriptedEngine
from tests.support.store_values import add, new_file, new_job

ELSEWHERE = "http://127.0.0.1:9/elsewhere"


class Interrupted(MemoryStore):
    """A store in which something happens while a certain transaction is under way."""

    def __init__(self, number: int, what: Callable[[], None]) -> None:
        super().__init__()
        self._number = number
        self._what = what

    async def transact(self, fn: Callable[[Tx], Any], **options: bool) -> Any:
        found = await super().transact(fn, **options)
        self._number -= 1
        if self._number == 0:
            self._what()
        return found


@pytest.mark.parametrize("moment", [1, 2, 3], ids=["the job", "a file", "the next file"])
async def test_another_url_reaches_files_that_are_just_being_read(
    monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    monkeypatch.setattr(run_module, "FETCH", 1)
    job = new_job(state=JobState.CONNECTING, claim_id="c1")
    files = [new_file(job, index) for index in range(2)]

    def change() -> None:
        for file in files:
            spec = dataclasses.replace(file.spec, url=ELSEWHERE)
            store._state.files[job.job_id, file.index] = dataclasses.replace(file, spec=spec)
        runs.changed(job, refetch=True)

    # The first one adds the job.
    store = Interrupted(1 + moment, change)
    engine, clock = ScriptedEngine(), FakeClock()
    runs = Runs(RunTools(store, engine, ProgressBoard(clock), Statistics(), clock, lambda: 0.0, 2))
    job = await add(store, job, *files)
    runs.begin(job)
    moved: set[int] = set()
    while len(moved) < len(files):
        transfer = await engine.next()
        if transfer.url == ELSEWHERE:
            moved.add(transfer.index)
    assert {one.url for one in engine.active.values()} == {ELSEWHERE}
    await runs.stop(job.job_id)
