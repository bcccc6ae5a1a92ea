"""All runs: where the scheduler's decisions, the engine's events and the verbs meet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, Priority
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.run import Ended, JobRun, RunTools
from bgcopyd.queue.transfers import Event
from bgcopyd.queue.turns import Running

logger = logging.getLogger(__name__)


class Runs:
    """The runs of this process, one task each, by job."""

    def __init__(self, tools: RunTools) -> None:
        self._tools = tools
        self._runs: dict[str, JobRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._on_ended: Callable[[str, Ended | None], None] = lambda _job_id, _ended: None
        self._on_begun: Callable[[Job], None] = lambda _job: None
        self._on_files: Callable[[Job, Sequence[File]], None] = lambda _job, _files: None
        tools.engine.on_events(self._hear)

    def on_ended(self, callback: Callable[[str, Ended | None], None]) -> None:
        """Calls back with job id and result after each run."""
        self._on_ended = callback

    def on_begun(self, callback: Callable[[Job], None]) -> None:
        """Calls back with each job that begins to run."""
        self._on_begun = callback

    def on_files(self, callback: Callable[[Job, Sequence[File]], None]) -> None:
        """Calls back with files that are whole or have come to a stop."""
        self._on_files = callback

    def __len__(self) -> int:
        return len(self._runs)

    def active(self, job_id: str) -> bool:
        """Whether a run of the job is going on, perhaps just stopping."""
        return job_id in self._runs

    def busy(self) -> frozenset[str]:
        """The jobs with a run that is going on, perhaps just stopping."""
        return frozenset(self._runs)

    def background(self) -> list[Running]:
        """The running jobs that take background slots."""
        return [
            Running(job_id, run.job.owner, run.job.priority, run.stopping)
            for job_id, run in self._runs.items()
            if run.job.priority is not Priority.FOREGROUND
        ]

    def begin(self, job: Job) -> None:
        """Runs a job that has just been claimed."""
        run = JobRun(job, self._tools, self._on_files)
        self._runs[job.job_id] = run
        self._tasks[job.job_id] = asyncio.create_task(
            self._carry(run), name=f"run of job {job.job_id}"
        )
        self._on_begun(job)

    def grow(self, job_id: str, files: int) -> None:
        """Tells a run how many files its job has now."""
        run = self._runs.get(job_id)
        if run is not None:
            run.grow(files)

    def changed(self, job: Job, *, refetch: bool) -> None:
        """Tells a run of new values of its job; with `refetch` its transfers begin again."""
        run = self._runs.get(job.job_id)
        if run is not None:
            run.changed(job, refetch=refetch)

    def preempt(self, job_id: str, *, keep_place: bool = False) -> None:
        """Sends a running job back to the queue, to its end or to the place that it had."""
        run = self._runs.get(job_id)
        if run is not None:
            run.stop(Trigger.PREEMPTED, keep_place=keep_place)

    def preempt_all(self) -> None:
        """Sends all running jobs back to the queue."""
        for job_id in self._runs:
            self.preempt(job_id)

    def look_again(self, owner: str) -> None:
        """Hears that somebody wants an owner's job to be tried at once."""
        self._tools.engine.look_again(owner)

    async def stop(self, job_id: str) -> None:
        """Ends the job's run, whose state has been decided; returns when nothing is written."""
        run = self._runs.get(job_id)
        if run is not None:
            run.stop(None)
            await asyncio.wait([self._tasks[job_id]])

    def let_go(self, job_id: str) -> None:
        """As stop, without waiting for the end."""
        run = self._runs.get(job_id)
        if run is not None:
            run.stop(None)

    async def close(self, grace: float) -> None:
        """Sends all running jobs back to the queue; after `grace` seconds drops them as they are.

        What is dropped is found again at the next start.
        """
        self.preempt_all()
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d runs did not stop within the grace time", len(late))
            await asyncio.wait(late)

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            run = self._runs.get(event.job_id)
            if run is not None and run.job.claim_id == event.claim_id:
                run.hear(event)

    async def _carry(self, run: JobRun) -> None:
        job_id = run.job.job_id
        ended: Ended | None = None
        try:
            try:
                ended = await run.run()
            except Exception:
                logger.exception("the run of job %s broke", job_id)
                ended = await run.break_off()
        finally:
            del self._runs[job_id]
            del self._tasks[job_id]
            self._tools.board.forget(job_id)
            self._tools.space.forget(job_id)
            self._on_ended(job_id, ended)
