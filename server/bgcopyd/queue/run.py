"""One run of a job: hands its files to the engine and writes down what comes of them."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.clocks import touched
from bgcopyd.jobs.file import File
from bgcopyd.jobs.http_options import Credentials, HttpOptions
from bgcopyd.jobs.job import ErrorContext, Job, JobState, Priority, TransferError
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.held import HeldHosts
from bgcopyd.queue.ledger import (
    attempt_of,
    file_after,
    is_news,
    live_file,
    partial_name,
    progress_of,
    totals_after,
    transfer_options,
    written,
)
from bgcopyd.queue.outcomes import Outcome, Tried, only_a_wish, secret_unreadable
from bgcopyd.queue.patience import transact_patiently
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.secrets import SecretUnreadable, hider
from bgcopyd.queue.space import NO_LIMIT, Space
from bgcopyd.queue.statistics import Statistics
from bgcopyd.queue.storage import FileTotals, Store, Tx
from bgcopyd.queue.transfers import (
    DEFAULT_TRANSFER_OPTIONS,
    Claimed,
    Connected,
    Engine,
    Event,
    Failed,
    Noted,
    Received,
    Transfer,
)
from bgcopyd.queue.transitions import move

logger = logging.getLogger(__name__)

T = TypeVar("T")
# Opens the sealed secrets of a job: its http options with them, and its credentials.
Secrets = Callable[[Job, Mapping[str, bytes]], tuple[HttpOptions, tuple[Credentials, ...]]]

FETCH = 256


def no_secrets(
    job: Job, _sealed: Mapping[str, bytes]
) -> tuple[HttpOptions, tuple[Credentials, ...]]:
    """Opens nothing."""
    return job.options.http, ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: the job after it."""

    job: Job


@dataclass(frozen=True, slots=True)
class RunTools:
    """What every run works with. `chance` draws from 0 to 1."""

    store: Store
    engine: Engine
    board: ProgressBoard
    statistics: Statistics
    clock: Clock
    chance: Callable[[], float]
    files_in_parallel: int
    secrets: Secrets = no_secrets
    space: Space = NO_LIMIT


class JobRun:
    """The run of one claimed job, as one task.

    Args:
        job: as it was claimed.
        on_files: hears of files that are whole or have come to a stop.
    """

    def __init__(
        self, job: Job, tools: RunTools, on_files: Callable[[Job, Sequence[File]], None]
    ) -> None:
        self.job = job
        self._tools = tools
        self._on_files = on_files
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
        self._noted: list[int] = []
        self._connected = False
        self._told_connected = False
        self._fatal: TransferError | None = None
        self._transient: list[Failed] = []
        self._held = HeldHosts()
        self._progressed = False
        self._stopping: Trigger | None = None
        self._keep_place = False
        self._halted = False
        self._refetching = False
        self._options = DEFAULT_TRANSFER_OPTIONS
        self._hide: Callable[[Any], Any] | None = None
        self._started: dict[int, datetime] = {}
        self._unordered: set[int] = set()
        self._attempts: list[Attempt] = []

    def hear(self, event: Event) -> None:
        """Takes an event of this run from the engine."""
        self._inbox.append(event if self._hide is None else self._hide(event))
        self._news.set()

    @property
    def stopping(self) -> bool:
        """Whether it will end as soon as its transfers have stopped."""
        return self._halted

    def stop(self, trigger: Trigger | None, *, keep_place: bool = False) -> None:
        """Ends the run soon: to the queue (PREEMPTED), or as a verb has already decided (None)."""
        if not self._halted or trigger is None:
            self._stopping = trigger
            self._keep_place = keep_place
        self._halt()

    def changed(self, job: Job, *, refetch: bool) -> None:
        """Hears of new values of the job; with `refetch` its transfers begin again with them."""
        if job.claim_id != self.job.claim_id:
            return
        if job.max_bytes_per_second != self.job.max_bytes_per_second:
            self._tools.engine.set_rate(job.job_id, job.max_bytes_per_second)
        self.job = job
        foreground = job.priority is Priority.FOREGROUND
        self._options = dataclasses.replace(self._options, foreground=foreground)
        if refetch and not self._halted:
            self._refetching = True
            self._waiting = []
            self._tools.engine.stop(job.job_id)
            self._news.set()

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
            self._refetching = False
            job, self._totals, sealed = await self._patiently(self._look)
            if job is None:
                self._halted = True
            else:
                self.job = job
                self._open(sealed)
            self._count_heard()
            self._show()
            await self._work_off()
            if not self._refetching or self._halted:
                ended, more = await self._end()
                if not more:
                    return ended
            # What was fetched while a change came in is read again with the change.
            self._cursor, self._exhausted, self._waiting = -1, False, []
            self._transient = []
            self._held.clear()

    def _look(self, tx: Tx) -> tuple[Job | None, FileTotals, dict[str, bytes]]:
        """The job as it is now, None where a verb has ended the run, its sums and its secrets."""
        job = tx.job(self.job.job_id)
        mine = job is not None and job.claim_id == self.job.claim_id and job.state.running
        plain = job is None or job.options is DEFAULT_OPTIONS
        self._tools.space.look(tx, self.job.owner)
        sealed = {} if plain else tx.secrets(self.job.job_id)
        return job if mine else None, tx.totals(self.job.job_id), sealed

    def _open(self, sealed: Mapping[str, bytes]) -> None:
        """Gets ready what all transfers have in common; without its secrets the job stays."""
        try:
            http, credentials = self._tools.secrets(self.job, sealed)
        except SecretUnreadable as problem:
            logger.error("%s", problem, extra={"job_id": self.job.job_id})  # noqa: TRY400 - no defect
            self._fatal = secret_unreadable(problem, self._tools.clock.now())
            self._halt()
            return
        self._options = transfer_options(self.job, http, credentials)
        self._hide = hider(http, credentials)

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
        job, _ = await self._patiently(self._settle(Outcome(Trigger.FATAL, error)), durable=True)
        return None if job is None else Ended(job)

    async def _feed(self) -> None:
        """Starts files while there are any and the job may have more at a time."""
        starting: list[File] = []
        while len(self._active) < self._tools.files_in_parallel and await self._more():
            file = self._waiting.pop(0)
            self._active[file.index] = file
            self._had[file.index] = file.claimed
            self._started[file.index] = self._tools.clock.now()
            starting.append(file)
        if not starting:
            return
        self._tools.engine.start([self._transfer(file) for file in starting])
        if not self._feeding:
            # A stop that came while files were fetched must reach those just started as well.
            self._tools.engine.stop(self.job.job_id)

    async def _more(self) -> bool:
        """Whether a file waits to be started; fetches the next ones when none does."""
        while not self._waiting and not self._exhausted and self._feeding:
            found = await self._patiently(self._next_files(self._cursor))
            self._exhausted = len(found) < FETCH
            if found:
                self._cursor = found[-1].index
            self._waiting = [file for file in found if self._wanted(file)]
        return bool(self._waiting) and self._feeding

    def _next_files(self, after: int) -> Callable[[Tx], list[File]]:
        return lambda tx: tx.next_files(self.job.job_id, after=after, limit=FETCH)

    @property
    def _feeding(self) -> bool:
        return not self._halted and not self._refetching

    def _wanted(self, file: File) -> bool:
        """Whether an unfinished file is to be moved now."""
        if self.job.options.on_demand_mode:
            return bool(file.requested)
        failed = file.error is not None and not file.error.transient
        skipped = failed and self.job.options.continue_on_file_error
        return not skipped and not self._held.hold(file)

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
            options=self._options,
            mirrors=file.spec.mirrors,
            expected_size=file.spec.size,
            ranges=file.spec.ranges,
            filled=file.filled,
            requested=file.requested or None,
            upload=file.upload,
        )

    async def _digest(self) -> bool:
        """Takes in the events that have come and writes them down; False if the run is over."""
        events, self._inbox = self._inbox, []
        for event in events:
            self._take(event)
        self._show()
        if not self._dirty and self._connected == self._told_connected:
            return True
        files, self._dirty = list(self._dirty.values()), {}
        self._told_connected = self._connected
        noted, self._noted = self._noted, []
        mine = await self._patiently(self._record(files), durable=bool(noted))
        for index in noted if mine else ():
            self._tools.engine.proceed(self.job.job_id, index)
        self._on_files(self.job, [file for file in files if is_news(file)])
        return mine

    def _take(self, event: Event) -> None:
        file = self._active.get(event.index)
        if file is None:
            return
        self._tools.statistics.hear(event, file)
        if isinstance(event, Received):
            self._received[event.index] = event.received
            return
        if isinstance(event, Failed):
            event = dataclasses.replace(
                event, error=dataclasses.replace(event.error, file_index=event.index)
            )
        changed = file_after(file, event)
        wish = isinstance(event, Failed) and only_a_wish(self.job, file, event.error)
        if wish:
            self._unordered.add(event.index)
            changed = dataclasses.replace(changed, error=None)
        self._connected = self._connected or isinstance(event, Connected)
        # Beyond what was there before: a server that must always begin anew brings no progress.
        self._progressed = self._progressed or changed.claimed > self._had[event.index]
        self._totals = totals_after(self._totals, file, changed)
        self._active[event.index] = changed
        # What Connected tells is not worth a write of its own: the first claim brings it.
        if not isinstance(event, Connected):
            self._dirty[event.index] = changed
        if isinstance(event, Noted):
            self._noted.append(event.index)
        if not isinstance(event, Claimed | Connected | Noted):
            del self._active[event.index]
            self._received.pop(event.index, None)
            del self._had[event.index]
            began = self._started.pop(event.index)
            self._attempts.append(attempt_of(event, began, self._tools.clock.now()))
        if isinstance(event, Failed) and not wish:
            self._fail(event)

    def _fail(self, event: Failed) -> None:
        if event.error.transient:
            self._transient.append(event)
            self._waiting = self._held.without(event, self._waiting)
            return
        if self._fatal is None:
            self._fatal = event.error
        if not self.job.options.continue_on_file_error:
            self._halt()

    def _halt(self) -> None:
        self._halted = True
        self._waiting = []
        self._tools.engine.stop(self.job.job_id)
        self._news.set()

    def _show(self) -> None:
        active = self._active
        ahead = sum(max(0, count - active[n].present) for n, count in self._received.items())
        self._tools.board.show(self.job.job_id, progress_of(self._totals, ahead), self._live)

    def _live(self, file: File) -> File:
        return live_file(file, self._active.get(file.index), self._received.get(file.index, 0))

    def _record(self, files: Sequence[File]) -> Callable[[Tx], bool]:
        now = self._tools.clock.moment()
        progress = progress_of(self._totals)
        connected = self._connected
        attempts, self._attempts = self._attempts, []

        def record(tx: Tx) -> bool:
            job = tx.job(self.job.job_id)
            if job is None or job.claim_id != self.job.claim_id:
                return False
            tx.update_files(
                job.job_id,
                [written(tx, file, drop=file.index in self._unordered) for file in files],
            )
            tx.insert_attempts(job.job_id, attempts)
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
            self._tools.space.record(tx, job.owner, files)
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
        return Ended(job), False

    def _settle(self, outcome: Outcome) -> Callable[[Tx], tuple[Job | None, bool]]:
        now = self._tools.clock.moment()
        done = outcome.trigger is Trigger.ALL_DONE

        def settle(tx: Tx) -> tuple[Job | None, bool]:
            job = tx.job(self.job.job_id)
            if job is None or job.claim_id != self.job.claim_id:
                return None, False
            trigger, error = outcome.trigger, outcome.error
            rest = self._rest(tx) if done else None
            if rest is not None and self._wanted(rest):
                return job, True
            if rest is not None:
                # Nothing of it is to be moved now: it was not asked for, or has failed for good.
                on_demand = job.options.on_demand_mode
                trigger = Trigger.RANGES_DONE if on_demand else Trigger.FATAL
                error = None if on_demand else rest.error
            free = dataclasses.replace(
                touched(job, now) if self._progressed or done else job,
                claim_id="",
                retries=outcome.retries,
                stalled=outcome.stalled,
            )
            if trigger is None or job.completing:
                return tx.update_job(free), False
            ready = trigger is Trigger.ALL_DONE and job.auto_complete
            moved = move(
                tx,
                dataclasses.replace(free, completing=ready),
                trigger,
                now,
                error=error,
                wait=outcome.pause,
                keep_place=trigger is Trigger.PREEMPTED and self._keep_place,
            )
            return moved or tx.update_job(free), False

        return settle

    def _rest(self, tx: Tx) -> File | None:
        """The first unfinished file that is to be moved, failing that the first unfinished one."""
        first: File | None = None
        after = -1
        while files := tx.next_files(self.job.job_id, after=after, limit=FETCH):
            first = first or files[0]
            wanted = next((file for file in files if self._wanted(file)), None)
            if wanted is not None:
                return wanted
            after = files[-1].index
        return first

    def _outcome(self) -> Outcome:
        tried = Tried(
            job=self.job,
            fatal=self._fatal,
            transient=tuple(self._transient),
            progressed=self._progressed,
            seconds=self._tools.clock.monotonic() - self._began,
        )
        if self._halted and self._fatal is None:
            return tried.stopped(self._stopping)
        return tried.outcome(self._tools.chance())

    async def _patiently(self, fn: Callable[[Tx], T], *, durable: bool = False) -> T:
        return await transact_patiently(self._tools.store, fn, durable=durable)
