"""The end of jobs: final names on Complete, no leftovers on Cancel, both safe against crashes.

The intent is in the store before the first file is touched, and what has been done is known from
the files themselves, so that after a crash the same work is simply done again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bgcopyd.jobs.clocks import touched
from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import ErrorContext, Job, JobState, TransferError
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.options import OverwritePolicy
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.authorizer import authorized_job
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.farewells import expect_farewell, settle_farewell
from bgcopyd.queue.ledger import directory_of, partial_name, partial_of, update_of
from bgcopyd.queue.patience import transact_patiently
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.storage import Directory, Store, Tx
from bgcopyd.queue.sweeper import SWEPT_FOR
from bgcopyd.queue.transfers import Files, Placed, Placement
from bgcopyd.queue.transitions import move, refuse_verb, target_state

logger = logging.getLogger(__name__)

BATCH = 1000
KEEPING = {OverwritePolicy.IF_NEWER, OverwritePolicy.IF_DIFFERENT}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a final name could not be given, for callers and for people."""

    reason: Reason
    text: str


Ending = Coroutine[None, None, Problem | None]


@dataclass(frozen=True, slots=True)
class Completed:
    """What a Complete kept and dropped, by index."""

    job: Job
    completed: tuple[int, ...]
    dropped: tuple[int, ...]


class Completion:
    """Carries Complete and Cancel through, one task per job.

    Args:
        policies: say how long an ended job is remembered.
        on_change: called after a job has ended or come back to the queue.
        on_end: called with each job that has ended, again where a crash came between.
    """

    def __init__(
        self,
        store: Store,
        files: Files,
        runs: Runs,
        clock: Clock,
        *,
        policies: PolicyKeeper,
        on_change: Callable[[], None],
        on_end: Callable[[Job], None],
    ) -> None:
        self._store = store
        self._files = files
        self._runs = runs
        self._clock = clock
        self._policies = policies
        self._on_change = on_change
        self._on_end = on_end
        self._tasks: dict[str, asyncio.Task[Problem | None]] = {}

    async def complete(
        self, principal: Principal, job_id: str, etag: str, *, allow_partial: bool
    ) -> Completed:
        """Gives the job's whole files their names and ends it.

        Raises:
            Refusal: also JOB_NOT_TRANSFERRED, and DESTINATION_UNWRITABLE where a name could not be
                given; then the job can be completed again.
        """
        now = self._clock.moment()

        def intend(tx: Tx) -> Job:
            job = authorized_job(tx, principal, job_id, etag)
            target_state(job, Trigger.COMPLETE)
            if job.state.final or job.completing:
                return job
            if job.uploads and job.state is not JobState.TRANSFERRED:
                raise refuse_verb(
                    job,
                    Trigger.COMPLETE,
                    Reason.JOB_NOT_TRANSFERRED,
                    "its file is not all there",
                )
            if not allow_partial and tx.next_files(job_id, after=-1, limit=1):
                raise refuse_verb(
                    job, Trigger.COMPLETE, Reason.JOB_NOT_TRANSFERRED, "a file is unfinished"
                )
            return tx.update_job(dataclasses.replace(touched(job, now), completing=True))

        job = await self._store.transact(intend)
        if job.completing:
            problem = await self._until(
                job_id, lambda: self._complete(job_id, auto=False), lambda job: job.completing
            )
            if problem:
                raise Refusal(
                    problem.reason,
                    f"job {job_id} is not completed: {problem.text}",
                    metadata={"job_id": job_id},
                )
        return await self._kept(job_id, job)

    async def cancel(self, principal: Principal, job_id: str, etag: str) -> Job:
        """Ends the job; returns when nothing is written any more and its leftovers are deleted."""
        now = self._clock.moment()

        def cancel(tx: Tx) -> Job:
            job = authorized_job(tx, principal, job_id, etag)
            return self._doom(tx, job, Trigger.CANCEL, now)

        job = await self._store.transact(cancel)
        if job.cleanup:
            await self._until(job_id, lambda: self._clean_up(job_id), lambda job: job.cleanup)
            return await self._store.job(job_id) or job
        return job

    def scavenge(self, tx: Tx, job: Job, now: Moment) -> Job:
        """Cancels a job that has been inactive for too long; `begin` deletes its leftovers."""
        error = TransferError(
            Reason.INACTIVE,
            ErrorContext.GENERAL_QUEUE_MANAGER,
            f"Nothing has happened since {job.active_time:%Y-%m-%d %H:%M} UTC: no byte came, and "
            "nobody changed the job.",
            now.time,
            transient=False,
        )
        return self._doom(tx, job, Trigger.INACTIVE, now, error)

    def _doom(
        self, tx: Tx, job: Job, trigger: Trigger, now: Moment, error: TransferError | None = None
    ) -> Job:
        doomed = job if job.state.final else dataclasses.replace(job, cleanup=True)
        if not job.state.final:
            expect_farewell(tx, job, now.steady)
        moved = move(tx, doomed, trigger, now, error=error, wait=self._retention(job))
        if not job.state.final:
            tx.release_destinations(job.job_id)
        return moved or job

    def _retention(self, job: Job) -> float:
        """How many seconds the job is remembered when it has ended."""
        own = job.options.retention
        return self._policies.policy.retention if own is None else own

    def begin(self, job: Job) -> None:
        """Goes on with what the store says was begun: a completion, or a clean-up."""
        if job.completing:
            self._once(job.job_id, self._complete(job.job_id, auto=job.auto_complete))
        elif job.cleanup:
            self._once(job.job_id, self._clean_up(job.job_id))

    async def close(self, grace: float) -> None:
        """Waits for what is under way; what is not done by then is done at the next start."""
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()

    async def _until(
        self,
        job_id: str,
        work: Callable[[], Ending],
        wanted: Callable[[Job], bool],
    ) -> Problem | None:
        """Works, or joins the work under way, until the store says that it is done.

        What was joined may have been at its end already when the new intent was written, or have
        been the other kind of work.
        """
        while True:
            result = await asyncio.shield(self._once(job_id, work()))
            job = await self._store.job(job_id)
            if job is None or not wanted(job):
                return result

    def _once(
        self, job_id: str, work: Coroutine[None, None, Problem | None]
    ) -> asyncio.Task[Problem | None]:
        """The job's task: a second caller joins the first."""
        task = self._tasks.get(job_id)
        if task is not None and not task.done():
            work.close()
            return task
        task = asyncio.create_task(work, name=f"end of job {job_id}")
        self._tasks[job_id] = task
        task.add_done_callback(lambda done: self._done(job_id, done))
        return task

    def _done(self, job_id: str, task: asyncio.Task[Problem | None]) -> None:
        if self._tasks.get(job_id) is task:
            del self._tasks[job_id]
        if not task.cancelled() and task.exception() is not None:
            logger.error("ending job %s broke; the next start tries again", job_id,
                         exc_info=task.exception())  # fmt: skip
        self._on_change()

    async def _complete(self, job_id: str, *, auto: bool) -> Problem | None:
        """Names every whole file; returns the first problem, None where there was none."""
        await self._runs.stop(job_id)
        job = await self._store.job(job_id)
        overwrite = OverwritePolicy.REPLACE if job is None else job.options.overwrite_policy
        problem: Problem | None = None
        async for files in self._pages(job_id):
            whole = [file for file in files if file.transferred and not file.completed]
            problem = problem or await self._place(job_id, whole, overwrite)
        now = self._clock.moment()
        error = _unwritable(problem, now.time) if problem else None

        def finish(tx: Tx) -> None:
            job = tx.job(job_id)
            if job is None or not job.completing:
                return
            free = dataclasses.replace(job, completing=False)
            if error is not None:
                _fail_completion(tx, free, error, auto=auto, now=now)
                return
            tx.release_destinations(job_id)
            move(
                tx,
                dataclasses.replace(free, cleanup=True),
                Trigger.COMPLETE,
                now,
                wait=self._retention(job),
            )

        await transact_patiently(self._store, finish, durable=True)
        if problem is None:
            await self._clean_up(job_id)
        return problem

    async def _place(
        self, job_id: str, files: list[File], overwrite: OverwritePolicy
    ) -> Problem | None:
        if not files:
            return None
        ours = [file for file in files if file.written]
        placed = await self._files.place([_placement(file, overwrite) for file in ours])
        placed += [Placed(file.index) for file in files if not file.written]
        by_index = {file.index: file for file in files}
        done = [result for result in placed if not result.problem]
        named = [
            update_of(dataclasses.replace(by_index[result.index], completed=True))
            for result in done
        ]
        renamed = [(result.index, result.path) for result in done if result.path]

        def note(tx: Tx) -> None:
            tx.update_files(job_id, named)
            for index, path in renamed:
                tx.rename_file(job_id, index, path)

        await transact_patiently(self._store, note)
        return next((_problem(result) for result in placed if result.problem), None)

    async def _clean_up(self, job_id: str) -> None:
        await self._runs.stop(job_id)
        job = await self._store.job(job_id)
        doubtful: set[Directory] = set()
        async for files in self._pages(job_id):
            ours = [file for file in files if file.written]
            left = [file for file in ours if not file.completed or _may_have_kept(job)]
            problems = await self._files.discard([partial_of(file) for file in left])
            for problem in problems:
                logger.warning("job %s left a partial file: %s", job_id, problem)
            # A crash of the machine may bring back what was deleted.
            doubtful |= {directory_of(file) for file in left if file.partial_name or problems}
        until = self._clock.steady() + SWEPT_FOR

        def clean(tx: Tx) -> None:
            tx.note_directories(doubtful, until)
            settle_farewell(tx, job_id)
            job = tx.job(job_id)
            if job is not None and job.cleanup:
                tx.update_job(dataclasses.replace(job, cleanup=False))

        await transact_patiently(self._store, clean)
        if job is not None and job.cleanup:
            self._on_end(job)

    async def _kept(self, job_id: str, job: Job) -> Completed:
        completed: list[int] = []
        dropped: list[int] = []
        async for files in self._pages(job_id):
            for file in files:
                (completed if file.completed else dropped).append(file.index)
        return Completed(await self._store.job(job_id) or job, tuple(completed), tuple(dropped))

    async def _pages(self, job_id: str) -> AsyncIterator[list[File]]:
        after = -1
        while files := await self._store.files(job_id, after=after, limit=BATCH):
            yield files
            after = files[-1].index


def _fail_completion(tx: Tx, job: Job, error: TransferError, *, auto: bool, now: Moment) -> None:
    """Where a name could not be given: back to where the job can be completed again."""
    if job.state is JobState.TRANSFERRED and auto:
        move(tx, job, Trigger.COMPLETE_FAILED, now, error=error)
    elif job.state.running:
        move(tx, job, Trigger.PREEMPTED, now)
    else:
        tx.update_job(job)


def _problem(placed: Placed) -> Problem:
    reason = Reason.DESTINATION_EXISTS if placed.exists else Reason.DESTINATION_UNWRITABLE
    return Problem(reason, placed.problem)


def _may_have_kept(job: Job | None) -> bool:
    """Whether a completed file's partial file may be there yet: what was there was good enough."""
    return job is not None and job.options.overwrite_policy in KEEPING


def _unwritable(problem: Problem, now: datetime) -> TransferError:
    return TransferError(
        problem.reason, ErrorContext.LOCAL_FILE, problem.text, now, transient=False
    )


def _placement(file: File, overwrite: OverwritePolicy) -> Placement:
    return Placement(
        index=file.index,
        root=file.spec.root,
        path=file.written,
        partial_name=partial_name(file),
        device=file.device or 0,
        inode=file.inode or 0,
        modified=_modified(file.validators.last_modified),
        overwrite=overwrite,
    )


def _modified(last_modified: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(last_modified)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
