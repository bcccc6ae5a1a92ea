"""A timekeeper with a real store, on clocks that a test moves; there are no runs and no files."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

from bgcopyd.jobs.clocks import planned
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.options import JobOptions
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.costs import CostGate
from bgcopyd.queue.recovery import recover
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.queue.timekeeper import Timekeeper
from bgcopyd.queue.transitions import move
from tests.support.clocks import FakeClock
from tests.support.rpc_engine import ScriptedFiles
from tests.support.store_values import new_id


class NoRuns:
    """Runs of nothing; remembers whom it was told to let go."""

    def __init__(self) -> None:
        self.let_gone: list[str] = []

    async def stop(self, job_id: str) -> None:
        self.let_go(job_id)

    def let_go(self, job_id: str) -> None:
        self.let_gone.append(job_id)


class World:
    """One queue over many lives of its daemon."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.policies: Any = SimpleNamespace(policy=Policy())
        self.runs: Any = NoRuns()
        self.queued = 0

    async def open(self) -> None:
        """A life begins."""
        self.completion = Completion(
            self.store,
            ScriptedFiles(),
            self.runs,
            self.clock,
            policies=self.policies,
            on_change=lambda: None,
            on_end=lambda _job: None,
        )
        self.timekeeper = Timekeeper(
            store=self.store,
            runs=self.runs,
            completion=self.completion,
            costs=CostGate(lambda: self.policies.policy.network_cost),
            policies=self.policies,
            clock=self.clock,
            on_queued=self._hear,
        )
        await recover(self.store, self.completion, self.clock)
        await self.timekeeper.round()

    def _hear(self) -> None:
        self.queued += 1

    async def restart(self, away: float, *, reboot: bool, crash: bool = False) -> None:
        """A life ends, and some time later another one begins."""
        await self.completion.close(10)
        if not crash:
            await self.timekeeper.mark()
        self.clock.true += away
        self.clock.restart(reboot=reboot)
        await self.open()

    async def pass_time(self, seconds: float) -> None:
        """Time goes by, and what is due is done."""
        self.clock.true += seconds
        await self.timekeeper.round()

    def set_policy(self, **values: Any) -> None:
        self.policies.policy = dataclasses.replace(self.policies.policy, **values)

    async def add(self, state: JobState = JobState.SUSPENDED, **options: Any) -> Job:
        """A new job, as CreateJob makes it."""
        now = self.clock.moment()
        job = Job(
            job_id=new_id(),
            owner="user:anna",
            creator="user:anna",
            display_name="a job",
            create_time=now.time,
            modification_time=now.time,
            etag="e-1",
            state=state,
            options=JobOptions(**options),
            active=now.steady,
            active_time=now.time,
        )
        return await self.store.transact(lambda tx: tx.insert_job(planned(job, now)))

    async def move(self, job_id: str, *triggers: Trigger, **values: Any) -> Job:
        """The job after triggers; the values go with the last one."""
        now = self.clock.moment()

        def work(tx: Tx) -> Job:
            job = tx.job(job_id)
            for trigger in triggers:
                assert job is not None
                job = move(tx, job, trigger, now, **(values if trigger is triggers[-1] else {}))
            assert job is not None
            return job

        return await self.store.transact(work)

    async def job(self, job_id: str) -> Job | None:
        return await self.store.job(job_id)

    async def state(self, job_id: str) -> JobState | None:
        job = await self.store.job(job_id)
        return None if job is None else job.state
