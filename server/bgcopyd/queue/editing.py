"""Changes of a job and of its files while it lives, each with its caller."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime

from bgcopyd.jobs import rules
from bgcopyd.jobs.clocks import planned
from bgcopyd.jobs.file import File, FileRange, Validators
from bgcopyd.jobs.job import ErrorContext, Job, JobState, TransferError
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.properties import fields_of
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, invalid
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.authorizer import authorized_job, trusted
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.commands import (
    RemoveFiles,
    ReplaceRemotePrefix,
    RequestFileRanges,
    UpdateFile,
    UpdateJob,
)
from bgcopyd.queue.completion import Completion
from bgcopyd.queue.costs import CostGate
from bgcopyd.queue.judging import (
    Configured,
    judge_locks,
    judge_options,
    judge_owner,
    judge_urls,
    judge_values,
    wants_whole_files,
)
from bgcopyd.queue.ledger import directory_of, partial_of, progress_of, requested_after, update_of
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.secrets import JobSecrets, replace_headers
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.queue.sweeper import SWEPT_FOR
from bgcopyd.queue.transfers import Files
from bgcopyd.queue.transitions import edited, move, target_state
from bgcopyd.queue.uploading import judge_rpc, judge_upload, upload_values

BATCH = 1000


class JobEditor:
    """Changes jobs. A run that is under way goes on with the new values.

    Args:
        on_change: called with a job that may run, or wait for a moment, now.
    """

    def __init__(
        self,
        *,
        store: Store,
        runs: Runs,
        completion: Completion,
        files: Files,
        board: ProgressBoard,
        clock: Clock,
        configured: Configured,
        costs: CostGate,
        secrets: JobSecrets,
        on_change: Callable[[Job], None],
    ) -> None:
        self._store = store
        self._runs = runs
        self._completion = completion
        self._files = files
        self._board = board
        self._clock = clock
        self._configured = configured
        self._costs = costs
        self._secrets = secrets
        self._on_change = on_change

    async def update_job(self, principal: Principal, command: UpdateJob) -> Job:
        """Changes properties, all or none."""
        now = self._clock.moment()
        values, sealed = self._secrets.seal_headers(command.properties)

        def update(tx: Tx) -> tuple[Job, Job]:
            job = _opened(tx, principal, command, Trigger.UPDATE)
            judge_owner(principal, job, values)
            judge_values(principal, values, self._configured, now.time)
            judge_locks(job, values)
            new = upload_values(values, job.type) if "http_method" in values else values
            changed = dataclasses.replace(job, **fields_of(new, job.options))
            judge_upload(changed)
            judge_options(changed.options)
            if changed == job and not sealed:
                return job, job
            if changed.options != job.options:
                _judge_ranges(tx, changed)
            if "custom_headers" in values:
                replace_headers(tx, job, sealed)
            if job.state is JobState.TRANSFERRED and changed.auto_complete:
                changed = dataclasses.replace(changed, completing=True)
            changed = tx.update_job(planned(edited(changed, now), now, before=job.options))
            return job, self._costs.apply(tx, changed, now)

        before, job = await self._store.transact(update)
        if job is not before:
            self._runs.changed(job, refetch=bool(sealed) or before.options != job.options)
            self._go_on(job)
        return self._board.overlay(job)

    def _go_on(self, job: Job) -> None:
        """Begins what a change has made due."""
        if job.completing:
            self._completion.begin(job)
        self._on_change(job)

    async def update_file(self, principal: Principal, command: UpdateFile) -> tuple[File, Job]:
        """Gives a file another URL, or takes down its owner's judgement of it."""
        now = self._clock.moment()
        wrong = command.validation_state is False
        trigger = Trigger.INVALIDATE if wrong else Trigger.UPDATE

        def update(tx: Tx) -> tuple[File, Job, bool]:
            job = _opened(tx, principal, command, trigger)
            if command.url is not None:
                trusted(principal, job)
                judge_urls([("remote_url", command.url)], self._configured)
            before = _file(tx, job.job_id, command.index)
            moved_file = _moved(tx, before, command.url)
            file = _judged(tx, moved_file, valid=command.validation_state)
            if not wrong:
                known = file == before
                return file, job if known else tx.update_job(edited(job, now)), moved_file != before
            tx.set_progress(job.job_id, progress_of(tx.totals(job.job_id)))
            free = dataclasses.replace(edited(job, now), claim_id="")
            error = _invalid_file(file, now.time)
            moved = move(tx, free, trigger, now, error=error)
            if moved is None or moved is free:
                # ERROR stays ERROR, with the new error.
                moved = tx.update_job(dataclasses.replace(free, error=error))
            return file, moved, False

        file, job, refetch = await self._store.transact(update)
        if wrong:
            await self._runs.stop(job.job_id)
        else:
            self._runs.changed(job, refetch=refetch)
        self._on_change(job)
        return file, self._board.overlay(job)

    async def replace_remote_prefix(
        self, principal: Principal, command: ReplaceRemotePrefix
    ) -> tuple[Job, int]:
        """Gives another beginning to the URLs of unfinished files; the job, and how many."""
        now = self._clock.moment()

        def replace(tx: Tx) -> tuple[Job, int]:
            job = trusted(principal, _opened(tx, principal, command, Trigger.UPDATE))
            count = _replace_prefix(tx, job.job_id, command.old, command.new, self._configured)
            return (tx.update_job(edited(job, now)) if count else job), count

        job, count = await self._store.transact(replace)
        if count:
            self._runs.changed(job, refetch=True)
        return self._board.overlay(job), count

    async def remove_files(self, principal: Principal, command: RemoveFiles) -> tuple[Job, int]:
        """Takes files out of a job and deletes what there is of them; the job, and how many."""
        now = self._clock.moment()

        def remove(tx: Tx) -> tuple[Job, list[File]]:
            job = _opened(tx, principal, command, Trigger.REMOVE_FILES)
            gone = [file for index in command.indexes if (file := _found(tx, job.job_id, index))]
            if not gone:
                return job, []
            tx.remove_files(job.job_id, [file.index for file in gone])
            tx.note_directories(map(directory_of, gone), now.steady + SWEPT_FOR)
            tx.set_progress(job.job_id, progress_of(tx.totals(job.job_id)))
            free = dataclasses.replace(edited(job, now), claim_id="")
            moved = move(tx, free, Trigger.REMOVE_FILES, now)
            rest = tx.update_job(free) if moved is free or moved is None else moved
            return _settled(tx, rest, now), gone

        job, gone = await self._store.transact(remove)
        if gone:
            await self._runs.stop(job.job_id)
            await self._files.discard([partial_of(file) for file in gone if not file.completed])
            self._go_on(job)
        return self._board.overlay(job), len(gone)

    async def request_file_ranges(self, principal: Principal, command: RequestFileRanges) -> Job:
        """Asks for parts of a file: an on-demand job fetches these alone, any other these first."""
        now = self._clock.moment()

        def request(tx: Tx) -> tuple[Job, bool]:
            job = _opened(tx, principal, command, Trigger.REQUEST_RANGES)
            file = _file(tx, job.job_id, command.index)
            _judge_random_access(job, file, command.ranges)
            wanted = requested_after(file, [*file.requested, *command.ranges])
            if file.transferred or wanted == file.requested:
                return job, False
            tx.update_files(job.job_id, [dataclasses.replace(update_of(file), requested=wanted)])
            on_demand = job.options.on_demand_mode
            trigger = Trigger.REQUEST_RANGES if on_demand else Trigger.UPDATE
            grown = edited(job, now)
            moved = move(tx, grown, trigger, now)
            return (tx.update_job(grown) if moved is grown or moved is None else moved), True

        job, more = await self._store.transact(request)
        if more:
            self._runs.changed(job, refetch=True)
            self._on_change(job)
        return self._board.overlay(job)


Command = UpdateJob | UpdateFile | RemoveFiles | ReplaceRemotePrefix | RequestFileRanges


def _opened(tx: Tx, principal: Principal, command: Command, trigger: Trigger) -> Job:
    """The job that a command is for: permission first, then shape, etag and state."""
    authorized_job(tx, principal, command.job_id)
    if command.refusal is not None:
        raise command.refusal
    job = authorized_job(tx, principal, command.job_id, command.etag)
    judge_rpc(job, type(command).__name__)
    target_state(job, trigger)
    return job


def _found(tx: Tx, job_id: str, index: int) -> File | None:
    files = tx.files(job_id, after=index - 1, limit=1)
    return files[0] if files and files[0].index == index else None


def _file(tx: Tx, job_id: str, index: int) -> File:
    file = _found(tx, job_id, index)
    if file is None:
        raise file_not_found(job_id, index)
    return file


def file_not_found(job_id: str, index: int) -> Refusal:
    """The refusal of an index that the job does not have."""
    return Refusal(
        Reason.FILE_NOT_FOUND,
        f"job {job_id} has no file {index}",
        metadata={"job_id": job_id, "file_index": str(index)},
    )


def _not_now(file: File, what: str) -> Refusal:
    metadata: Mapping[str, str] = {"job_id": file.job_id, "file_index": str(file.index)}
    return Refusal(Reason.INVALID_STATE, f"file {file.index} {what}", metadata=metadata)


def _moved(tx: Tx, file: File, url: str | None) -> File:
    if url is None or url == file.spec.url:
        return file
    if file.transferred:
        raise _not_now(file, "is transferred already; its URL does not change any more")
    moved = dataclasses.replace(file, spec=dataclasses.replace(file.spec, url=url))
    tx.set_spec(file.job_id, file.index, moved.spec)
    return moved


def _judged(tx: Tx, file: File, *, valid: bool | None) -> File:
    if valid is None:
        return file
    if not file.transferred:
        raise Refusal(
            Reason.FILE_NOT_READY,
            f"file {file.index} is not transferred yet; only then can it be judged",
            metadata={"job_id": file.job_id, "file_index": str(file.index)},
        )
    judged = dataclasses.replace(file, validation_state=valid)
    if not valid:
        judged = dataclasses.replace(
            judged,
            claimed=0,
            filled=(),
            size=None,
            validators=Validators(),
            transferred=False,
            completed=False,
            verification=None,
            device=None,
            inode=None,
        )
    tx.update_files(file.job_id, [update_of(judged)])
    return judged


def _judge_ranges(tx: Tx, job: Job) -> None:
    """Judges whether the job's options go with the ranges of the files that it has."""
    name = wants_whole_files(job.options)
    after = -1
    while name and (files := tx.files(job.job_id, after=after, limit=BATCH)):
        for file in files:
            if file.spec.ranges:
                raise invalid(f"job.{name}", f"does not go with file {file.index}, added by ranges")
        after = files[-1].index


def _invalid_file(file: File, now: datetime) -> TransferError:
    return TransferError(
        Reason.VALIDATION_FAILED,
        ErrorContext.REMOTE_FILE,
        f"File {file.index} was judged invalid. Resume fetches it anew.",
        now,
        transient=False,
        file_index=file.index,
    )


def _replace_prefix(tx: Tx, job_id: str, old: str, new: str, configured: Configured) -> int:
    count, after = 0, -1
    while files := tx.next_files(job_id, after=after, limit=BATCH):
        for file in files:
            if old == new or not file.spec.url.startswith(old):
                continue
            url = new + file.spec.url[len(old) :]
            problem = rules.url_problem(url)
            if problem:
                raise invalid(
                    "new_prefix", f"makes a URL of file {file.index} that {problem}",
                    Reason.URL_INVALID,
                )  # fmt: skip
            judge_urls([("new_prefix", url)], configured)
            tx.set_spec(job_id, file.index, dataclasses.replace(file.spec, url=url))
            count += 1
        after = files[-1].index
    return count


def _settled(tx: Tx, job: Job, now: Moment) -> Job:
    """The job after files were removed: without unfinished ones, or without any, it goes on."""
    totals = tx.totals(job.job_id)
    if not totals.files:
        return move(tx, job, Trigger.EMPTIED, now) or job
    if totals.transferred < totals.files:
        return job
    done = dataclasses.replace(job, completing=job.auto_complete)
    return move(tx, done, Trigger.REST_DONE, now) or job


def _judge_random_access(job: Job, file: File, ranges: tuple[FileRange, ...]) -> None:
    problem = ""
    if job.options.dynamic_content:
        problem = "its job has dynamic content, which is fetched whole"
    elif file.spec.ranges:
        problem = "it was added with ranges of its own"
    if problem:
        raise Refusal(
            Reason.RANDOM_ACCESS_NOT_SUPPORTED,
            f"parts of file {file.index} cannot be asked for: {problem}",
            metadata={"job_id": job.job_id, "file_index": str(file.index)},
        )
    outside = file.size is not None and any(one.offset >= file.size for one in ranges)
    if outside:
        raise invalid(
            "ranges", f"lie outside the file, which has {file.size} bytes", Reason.RANGE_INVALID
        )
