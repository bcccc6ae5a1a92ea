"""One run of a job: hands its files to the engine and writes down what comes of them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import ErrorContext, Job, JobState, Priority, TransferError
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.retry import pause_after
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.ledger import file_after, partial_name, progress_of, totals_after, update_of
from bgcopyd.queue.patience import transact_patiently
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.storage import FileTotals, Store, Tx
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Engine,
    Event,
    Failed,
    Received,
    Transfer,
    TransferOptions,
)
from bgcopyd.queue.transitions import move

T = TypeVar("T")

FETCH = 256


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: the job after it, and seconds until it tries again, if it does."""

    job: Job
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class RunTools:
    """What every run works with. `chance` draws from 0 to 1."""

    store: Store
    engine: Engine
    board: ProgressBoard
    clock: Clock
    chance: Callable[[], float]
    files_in_parallel: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a run that is over means for its job."""

    trigger: Trigger | None
    error: TransferError | None = None
    pause: float | None = None
    stalled: float = 0.0
    retries: int = 0
    keep_place: bool = False


class JobRun:
    """The run of one claimed job, as one task. `job` is the job as it was claimed."""

    def __init__(self, job: Job, tools: RunTools) -> None:
        self.job = job
        self._tools = tools
        self._began = tools.clock.monotonic()
        self._cursor = -1
        self._exhausted = False
        self._waiting: list[File] = []
        self._active: dict[int, File] = {}
        self._received: dict[int, int] = {}
        self._had: dict[int, int] = {}
        self._totals = FileTotals(0, 0, 0, 0, 0)
        self._heard = 0
        self._inbox: list[Event] = []
        self._news = asyncio.Event()
        self._dirty: dict[int, File] = {}
        self._connected = False
        self._told_connected = False
        self._fatal: TransferError | None = None
        self._transient: list[Failed] = []
        self._progressed = False
        self._stopping: Trigger | None = None
        self._keep_place = False
        self._halted = False

    def hear(self, event: Event) -> None:
        """Takes an event of this run from the engine."""
        self._inbox.append(event)
        self._news.set()

    @property
    def stopping(self) -> bool:
        """Whether it has been told to end, or an error has told it."""
        return self._halted

    def stop(self, trigger: Trigger | None, *, keep_place: bool = False) -> None:
        """Ends the run soon: to the queue (PREEMPTED), or as a verb has already decided (None)."""
        if not self._halted or trigger is None:
            self._stopping = trigger
            self._keep_place = keep_place
        self._halt()

    def change(self, job: Job) -> None:
        """Goes on with the job's new priority and rate."""
        if job.max_bytes_per_second != self.job.max_bytes_per_second:
            self._tools.engine.set_rate(job.job_id, job.max_bytes_per_second)
        self.job = dataclasses.replace(
            self.job, priority=job.priority, max_bytes_per_second=job.max_bytes_per_second
        )

    def grow(self, files: int) -> None:
        """Hears how many files the job has now, and looks for new ones.

        The number and not the difference: this run may have counted the new ones already.
        """
        self._heard = max(self._heard, files)
        if self._totals.files:
            self._count_heard()
            self._show()
        self._exhausted = False
        self._news.set()

    def _count_heard(self) -> None:
        added = max(0, self._heard - self._totals.files)
        self._totals = dataclasses.replace(
            self._totals,
            files=self._totals.files + added,
            unknown_sizes=self._totals.unknown_sizes + added,
        )

    async def run(self) -> Ended | None:
        """Runs to the end; None where the job is not this run's any more."""
        while True:
            self._totals, mine = await self._patiently(self._look)
            self._halted = self._halted or not mine
            self._count_heard()
            self._show()
            await self._work_off()
            ended, more = await self._end()
            if not more:
                return ended
            self._cursor, self._exhausted = -1, False

    def _look(self, tx: Tx) -> tuple[FileTotals, bool]:
        """Where the job stands, and whether no verb has ended the run before it began."""
        job = tx.job(self.job.job_id)
        mine = job is not None and job.claim_id == self.job.claim_id and job.state.running
        return tx.totals(self.job.job_id), mine

    async def _work_off(self) -> None:
        """Keeps files moving until none is left to move."""
        await self._feed()
        while self._active:
            await self._news.wait()
            self._news.clear()
            if not await self._digest():
                self._halt()
            await self._feed()

    async def break_off(self) -> Ended | None:
        """Ends a run that a defect has broken: the job shows it and waits for a person."""
        self._tools.engine.stop(self.job.job_id)
        error = TransferError(
            Reason.INTERNAL,
            ErrorContext.GENERAL_QUEUE_MANAGER,
            "A defect of the daemon ended the job's run; its log says more. Resume tries again.",
            self._tools.clock.now(),
            transient=False,
        )
        job, _ = await self._patiently(self._settle(_Outcome(Trigger.FATAL, error)), durable=True)
        return None if job is None else Ended(job)

    async def _feed(self) -> None:
        """Starts files while there are any and the job may have more at a time."""
        starting: list[File] = []
        while len(self._active) < self._tools.files_in_parallel and await self._more():
            file = self._waiting.pop(0)
            self._active[file.index] = file
            self._had[file.index] = file.claimed
            starting.append(file)
        if starting:
            self._tools.engine.start([self._transfer(file) for file in starting])
        if self._halted:
            # A stop that came while files were fetched must reach those just started as well.
            self._tools.engine.stop(self.job.job_id)

    async def _more(self) -> bool:
        """Whether a file waits to be started; fetches the next ones when none does."""
        if not self._waiting and not self._exhausted and not self._halted:
            after = self._cursor
            self._waiting = await self._patiently(
                lambda tx: tx.next_files(self.job.job_id, after=after, limit=FETCH)
            )
            self._exhausted = len(self._waiting) < FETCH
            if self._waiting:
                self._cursor = self._waiting[-1].index
        return bool(self._waiting) and not self._halted

    def _transfer(self, file: File) -> Transfer:
        return Transfer(
            job_id=self.job.job_id,
            claim_id=self.job.claim_id,
            index=file.index,
            url=file.spec.url,
            root=file.spec.root,
            path=file.spec.path,
            partial_name=partial_name(file),
            claimed=file.claimed,
            size=file.size,
            validators=file.validators,
            digests=file.spec.digests,
            rate=self.job.max_bytes_per_second,
            options=TransferOptions(
                owner=self.job.owner, foreground=self.job.priority is Priority.FOREGROUND
            ),
        )

    async def _digest(self) -> bool:
        """Takes in the events that have come and writes them down; False if the run is over."""
        events, self._inbox = self._inbox, []
        for event in events:
            self._take(event)
        self._show()
        if not self._dirty and self._connected == self._told_connected:
            return True
        files, self._dirty = self._dirty, {}
        self._told_connected = self._connected
        return await self._patiently(self._record(list(files.values())))

    def _take(self, event: Event) -> None:
        file = self._active.get(event.index)
        if file is None:
            return
        if isinstance(event, Received):
            self._received[event.index] = event.received
            return
        if isinstance(event, Failed):
            event = dataclasses.replace(
                event, error=dataclasses.replace(event.error, file_index=event.index)
            )
        changed = file_after(file, event)
        self._connected = self._connected or isinstance(event, Connected)
        # Beyond what was there before: a server that must always begin anew brings no progress.
        self._progressed = self._progressed or changed.claimed > self._had[event.index]
        self._totals = totals_after(self._totals, file, changed)
        self._active[event.index] = changed
        # What Connected tells is not worth a write of its own: the first claim brings it.
        if not isinstance(event, Connected):
            self._dirty[event.index] = changed
        if not isinstance(event, Claimed | Connected):
            del self._active[event.index]
            self._received.pop(event.index, None)
            del self._had[event.index]
        if isinstance(event, Failed):
            self._fail(event)

    def _fail(self, event: Failed) -> None:
        if event.error.transient:
            self._transient.append(event)
        elif self._fatal is None:
            self._fatal = event.error
            self._halt()

    def _halt(self) -> None:
        self._halted = True
        self._waiting = []
        self._tools.engine.stop(self.job.job_id)
        self._news.set()

    def _show(self) -> None:
        ahead = sum(
            max(0, received - self._active[index].claimed)
            for index, received in self._received.items()
        )
        self._tools.board.show(self.job.job_id, progress_of(self._totals, ahead))

    def _record(self, files: Sequence[File]) -> Callable[[Tx], bool]:
        now = self._tools.clock.now()
        progress = progress_of(self._totals)
        connected = self._connected

        def record(tx: Tx) -> bool:
            job = tx.job(self.job.job_id)
            if job is None or job.claim_id != self.job.claim_id:
                return False
            tx.update_files(job.job_id, [update_of(file) for file in files])
            # Files may have been added that this run has not heard of yet.
            known = max(progress.files_total, job.progress.files_total)
            unheard = known > progress.files_total
            tx.set_progress(
                job.job_id,
                dataclasses.replace(
                    progress,
                    files_total=known,
                    bytes_total=None if unheard else progress.bytes_total,
                ),
            )
            if connected and job.state is JobState.CONNECTING:
                move(tx, job, Trigger.CONNECTED, now)
            return job.state.running

        return record

    async def _end(self) -> tuple[Ended | None, bool]:
        """Moves the job on. The second value says that there are files to go on with."""
        outcome = self._outcome()
        # Durable: what is lost here would be found again by nobody before the next start.
        job, more = await self._patiently(self._settle(outcome), durable=True)
        if job is None or more:
            return None, more
        waits = outcome.pause if job.state is JobState.TRANSIENT_ERROR else None
        return Ended(job, waits), False

    def _settle(self, outcome: _Outcome) -> Callable[[Tx], tuple[Job | None, bool]]:
        now = self._tools.clock.now()
        pause = outcome.pause
        due = None if pause is None else now + timedelta(seconds=pause)
        done = outcome.trigger is Trigger.ALL_DONE

        def settle(tx: Tx) -> tuple[Job | None, bool]:
            job = tx.job(self.job.job_id)
            if job is None or job.claim_id != self.job.claim_id:
                return None, False
            if done and tx.next_files(job.job_id, after=-1, limit=1):
                return job, True
            free = dataclasses.replace(
                job, claim_id="", retries=outcome.retries, stalled=outcome.stalled
            )
            if outcome.trigger is None or job.completing:
                return tx.update_job(free), False
            moved = move(
                tx,
                dataclasses.replace(free, completing=done and job.auto_complete),
                outcome.trigger,
                now,
                error=outcome.error,
                next_attempt_time=due,
                keep_place=outcome.keep_place,
            )
            return moved or tx.update_job(free), False

        return settle

    def _outcome(self) -> _Outcome:
        retries = 0 if self._progressed else self.job.retries
        stalled = 0.0 if self._progressed else self.job.stalled
        if self._fatal is not None:
            return _Outcome(Trigger.FATAL, self._fatal, None, stalled, retries + 1)
        if self._halted:
            return _Outcome(self._stopping, None, None, stalled, retries, self._keep_place)
        if not self._transient:
            return _Outcome(Trigger.ALL_DONE)
        if not self._progressed:
            stalled += self._tools.clock.monotonic() - self._began
        return self._transient_outcome(retries + 1, stalled)

    def _transient_outcome(self, retries: int, stalled: float) -> _Outcome:
        error = self._transient[0].error
        asked = [failed.retry_after for failed in self._transient if failed.retry_after is not None]
        pause = pause_after(
            retries=retries,
            stalled=stalled,
            minimum_retry_delay=self.job.minimum_retry_delay,
            no_progress_timeout=self.job.no_progress_timeout,
            retry_after=max(asked, default=None),
            chance=self._tools.chance(),
        )
        if pause.exhausted:
            error = _out_of_patience(error, self.job.no_progress_timeout)
            return _Outcome(Trigger.FATAL, error, None, stalled, retries)
        stalled += pause.seconds
        return _Outcome(Trigger.TRANSIENT, error, pause.seconds, stalled, retries)

    async def _patiently(self, fn: Callable[[Tx], T], *, durable: bool = False) -> T:
        return await transact_patiently(self._tools.store, fn, durable=durable)


def _out_of_patience(error: TransferError, no_progress_timeout: float) -> TransferError:
    if no_progress_timeout == 0:
        return dataclasses.replace(error, transient=False)
    return dataclasses.replace(
        error,
        reason=Reason.NO_PROGRESS,
        context=ErrorContext.GENERAL_TRANSPORT,
        message=f"Nothing arrived for {no_progress_timeout:.0f} s. The last error: {error.message}",
        transient=False,
        http_status=None,
    )
