"""The use cases of the queue, each with its caller. What api.md promises is kept here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from bgcopyd.jobs.blocking import AHEAD, waits_for_turn
from bgcopyd.jobs.clocks import planned
from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.jobs.job import Job, JobState, JobType, Progress
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.properties import Values, fields_of
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal, Violation
from bgcopyd.jobs.root_rules import judge_roots
from bgcopyd.jobs.states import Trigger
from bgcopyd.jobs.values import changed
from bgcopyd.queue.authorizer import authorized, authorized_job, owner_scope, trusted
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.commands import AddFiles, CreateJob, Filter, ListFiles, ListJobs
from bgcopyd.queue.completion import Completed, Completion
from bgcopyd.queue.judging import (
    Configured,
    judge_files,
    judge_options,
    judge_urls,
    judge_values,
    urls_of,
)
from bgcopyd.queue.ledger import progress_of, update_of
from bgcopyd.queue.outbox import announced
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.quotas import Quotas
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.secrets import JobSecrets
from bgcopyd.queue.storage import (
    DestinationTaken,
    JobPage,
    JobQuery,
    Request,
    Store,
    Tx,
)
from bgcopyd.queue.transitions import edited, move, refuse_verb, target_state
from bgcopyd.queue.uploading import judge_upload, judge_upload_files, new_file, upload_values

BATCH = 1000
# A transaction with so many is still brief.
FEW_FILES = 8
LIVE_STATES = frozenset(state for state in JobState if not state.final)


@dataclass(frozen=True, slots=True)
class Ids:
    """Where random values come from: job ids (UUIDs) and the nonces of etags."""

    job_id: Callable[[], str]
    nonce: Callable[[], str]


class BackgroundCopyManager:
    """What a caller can do with jobs. Every answer and every change is authorized in here.

    Args:
        on_change: called with a job that may run, or wait for a moment, now.
    """

    def __init__(
        self,
        *,
        store: Store,
        runs: Runs,
        completion: Completion,
        board: ProgressBoard,
        clock: Clock,
        ids: Ids,
        quotas: Quotas,
        configured: Configured,
        secrets: JobSecrets,
        on_change: Callable[[Job], None],
    ) -> None:
        self._store = store
        self._runs = runs
        self._completion = completion
        self._board = board
        self._clock = clock
        self._ids = ids
        self._quotas = quotas
        self._configured = configured
        self._secrets = secrets
        self._on_change = on_change

    async def create_job(self, principal: Principal, command: CreateJob) -> Job:
        """Creates a job, or answers a repetition with the job as it is now."""
        if command.start and not command.files:
            raise Refusal(Reason.JOB_EMPTY, "start needs files: the job would have none")
        values, sealed = self._secrets.seal_headers(command.properties)
        draft = self._draft(principal, command, values)
        refused = _refusal_of(lambda: self._judge_new(principal, command, draft))
        if refused is not None and not command.request_id:
            raise refused

        def judge(tx: Tx) -> None:
            self._quotas.judge_new_job(tx, principal, len(command.files))

        def create(tx: Tx) -> Job:
            # A repetition is answered also where limits and clocks have moved on since.
            refusal = refused or _refusal_of(lambda: judge(tx))
            if command.request_id:
                use = Request(principal.id, command.request_id, command.content, draft.job_id, 0)
                # Only before its first write a refusal leaves the others of its group alone.
                earlier = (
                    tx.request(use.creator, use.request_id) if refusal else tx.insert_request(use)
                )
                if earlier is not None:
                    return self._repeated(tx, principal, earlier, command.content)
            if refusal is not None:
                raise refusal
            job = announced(tx, tx.insert_job(draft))
            _insert_files(tx, job, 0, command.files)
            tx.put_secrets(job.job_id, sealed)
            return job

        job = await self._store.transact(create, brief=len(command.files) <= FEW_FILES)
        if command.start or job.deadline_due is not None:
            self._on_change(job)
        return self._board.overlay(job)

    async def get_job(self, principal: Principal, job_id: str) -> Job:
        """The job as it is now."""
        job = authorized(principal, await self._store.job(job_id), job_id)
        ahead = await self._store.ahead(job, AHEAD) if waits_for_turn(job) else 0
        return self._board.overlay(job, ahead)

    async def list_jobs(self, principal: Principal, command: ListJobs) -> JobPage:
        """A page of jobs."""
        query = query_of(principal, command.filter)
        if command.refusal is not None:
            raise command.refusal
        page = await self._store.jobs(query, before=command.before, limit=command.page_size)
        jobs = tuple(self._board.overlay(job) for job in page.jobs)
        return changed(page, jobs=jobs)

    async def add_files(self, principal: Principal, command: AddFiles) -> tuple[Job, int]:
        """Adds files, all or none; the job and the first new index."""
        now = self._clock.moment()

        def add(tx: Tx) -> tuple[Job, int]:
            job = authorized_job(tx, principal, command.job_id)
            if command.refusal is not None:
                raise command.refusal
            earlier = tx.request(principal.id, command.request_id) if command.request_id else None
            if earlier is not None:
                return self._repeated(tx, principal, earlier, command.content), earlier.first_index
            job = authorized_job(tx, principal, command.job_id, command.etag)
            trusted(principal, job)
            target_state(job, Trigger.ADD_FILES)
            first = tx.next_index(job.job_id)
            self.judge_file_count(job.progress.files_total, len(command.files))
            self._quotas.judge_owner_files(tx, job.owner, len(command.files))
            judge_upload_files(job, job.progress.files_total, command.files)
            judge_roots(job.type, command.files, self._configured.root_rules)
            judge_urls(urls_of(command.files), self._configured, uploads=job.uploads)
            judge_files(job.options, command.files, self._quotas.ranges_per_file)
            _insert_files(tx, job, first, command.files)
            grown = edited(job, now)
            if move(tx, grown, Trigger.ADD_FILES, now) is grown:
                tx.update_job(grown)
            tx.set_progress(job.job_id, progress_of(tx.totals(job.job_id)))
            if command.request_id:
                tx.insert_request(
                    Request(principal.id, command.request_id, command.content, job.job_id, first)
                )
            return authorized_job(tx, principal, job.job_id), first

        job, first = await self._store.transact(add)
        self._runs.grow(command.job_id, job.progress.files_total)
        self._on_change(job)
        return self._board.overlay(job), first

    async def list_files(
        self, principal: Principal, command: ListFiles
    ) -> tuple[list[File], int | None]:
        """A page of files, and where the next one begins, if there is one."""
        authorized(principal, await self._store.job(command.job_id), command.job_id)
        if command.refusal is not None:
            raise command.refusal
        files = await self._store.files(
            command.job_id, after=command.after, limit=command.page_size + 1
        )
        page = [self._board.overlay_file(file) for file in files[: command.page_size]]
        return page, page[-1].index if len(files) > len(page) else None

    async def suspend_job(self, principal: Principal, job_id: str, etag: str) -> Job:
        """Stops the job; what it has is kept. Returns when nothing of it is written any more."""
        job = await self._verb(principal, job_id, etag, Trigger.SUSPEND)
        if not self._runs.active(job_id):
            return job
        await self._runs.stop(job_id)
        # The end of the run has written down what it has, for who owns the job by now.
        fresh = await self._store.job(job_id)
        if fresh is None or fresh.owner != job.owner:
            return job
        return self._board.overlay(fresh)

    async def resume_job(self, principal: Principal, job_id: str, etag: str) -> Job:
        """Queues the job; one that waits after an error tries again at once."""
        job = await self._verb(principal, job_id, etag, Trigger.RESUME)
        self._runs.look_again(job.owner)
        self._on_change(job)
        return job

    async def complete_job(
        self, principal: Principal, job_id: str, etag: str, *, allow_partial: bool
    ) -> Completed:
        """Gives the whole files their names and ends the job."""
        return await self._completion.complete(principal, job_id, etag, allow_partial=allow_partial)

    async def cancel_job(self, principal: Principal, job_id: str, etag: str) -> Job:
        """Ends the job and deletes what it has, but files that have their name."""
        return await self._completion.cancel(principal, job_id, etag)

    async def delete_job(self, principal: Principal, job_id: str, etag: str) -> None:
        """Forgets a job in a final state."""

        def delete(tx: Tx) -> None:
            job = authorized_job(tx, principal, job_id, etag)
            target_state(job, Trigger.DELETE)
            if job.cleanup:
                raise refuse_verb(
                    job, Trigger.DELETE, Reason.INVALID_STATE, "its partial files are being deleted"
                )
            tx.delete_job(job_id)

        await self._store.transact(delete)

    async def _verb(self, principal: Principal, job_id: str, etag: str, trigger: Trigger) -> Job:
        now = self._clock.moment()

        def apply(tx: Tx) -> Job:
            job = authorized_job(tx, principal, job_id, etag)
            target_state(job, trigger)
            if trigger is Trigger.RESUME and job.progress.files_total == 0:
                raise refuse_verb(job, trigger, Reason.JOB_EMPTY, "it has no files")
            fresh = dataclasses.replace(job, retries=0, stalled=0.0)
            if trigger is Trigger.RESUME:
                fresh = dataclasses.replace(fresh, download_time=0.0)
            if trigger is Trigger.RESUME and job.options.continue_on_file_error:
                _forgive(tx, job_id)
            moved = move(tx, fresh, trigger, now)
            return job if moved is None or moved is fresh else moved

        return self._board.overlay(
            await self._store.transact(apply, brief=trigger is Trigger.SUSPEND)
        )

    def _draft(self, principal: Principal, command: CreateJob, values: Values) -> Job:
        now = self._clock.moment()
        draft = Job(
            job_id=self._ids.job_id(),
            owner=principal.id,
            creator=principal.id,
            create_time=now.time,
            modification_time=now.time,
            active=now.steady,
            active_time=now.time,
            etag=f"{self._ids.nonce()}-1",
            state=JobState.QUEUED if command.start else JobState.SUSPENDED,
            progress=_empty_progress(len(command.files)),
            **fields_of(upload_values(values, values.get("type", JobType.DOWNLOAD))),
        )
        return draft if draft.options is DEFAULT_OPTIONS else planned(draft, now)

    def _repeated(self, tx: Tx, principal: Principal, earlier: Request, content: bytes) -> Job:
        if earlier.content != content:
            raise Refusal(
                Reason.REQUEST_ID_REUSED,
                "request_id: was used before for a request with other content; draw a new UUID",
                violations=[Violation("request_id", "was used before with other content")],
            )
        return authorized(principal, tx.job(earlier.job_id), earlier.job_id)

    def _judge_new(self, principal: Principal, command: CreateJob, draft: Job) -> None:
        self.judge_file_count(0, len(command.files))
        if draft.options is not DEFAULT_OPTIONS:
            judge_values(principal, command.properties, self._configured, draft.create_time)
            judge_upload(draft)
            judge_options(draft.options)
        judge_upload_files(draft, 0, command.files)
        judge_roots(draft.type, command.files, self._configured.root_rules)
        judge_urls(urls_of(command.files), self._configured, uploads=draft.uploads)
        judge_files(draft.options, command.files, self._quotas.ranges_per_file)

    def judge_file_count(self, present: int, added: int) -> None:
        """As Quotas: for those who decode, before each file is looked at."""
        self._quotas.judge_file_count(present, added)


def _refusal_of(judge: Callable[[], None]) -> Refusal | None:
    try:
        judge()
    except Refusal as refusal:
        return refusal
    return None


def query_of(principal: Principal, wanted: Filter) -> JobQuery:
    """What the store is asked for; finished jobs only where they are named.

    Raises:
        Refusal: ADMIN_REQUIRED.
    """
    owner = owner_scope(principal, all_owners=wanted.all_owners)
    states = wanted.states
    if not states and not wanted.job_ids:
        states = LIVE_STATES
    return JobQuery(
        owner=owner,
        job_ids=wanted.job_ids,
        job_id_prefix=wanted.job_id_prefix,
        display_name=wanted.display_name,
        text=wanted.text,
        states=states,
        labels=wanted.labels,
    )


def _empty_progress(files: int) -> Progress:
    return Progress(files_total=files, bytes_total=0 if files == 0 else None)


def _insert_files(tx: Tx, job: Job, first: int, specs: tuple[FileSpec, ...]) -> None:
    files = [new_file(job, first + position, spec) for position, spec in enumerate(specs)]
    try:
        tx.insert_files(job.job_id, files)
    except DestinationTaken as taken:
        name = "reply_path" if job.uploads else "local_path"
        field = f"files[{taken.position}].{name}"
        raise Refusal(
            Reason.DESTINATION_IN_USE,
            f"{field}: a live job already writes to this destination",
            violations=[Violation(field, "is the destination of another live job")],
        ) from None


def _forgive(tx: Tx, job_id: str) -> None:
    """Forgets the errors of a job's files, so that all of them are tried again."""
    after = -1
    while files := tx.next_files(job_id, after=after, limit=BATCH):
        failed = [file for file in files if file.error is not None]
        tx.update_files(
            job_id, [update_of(dataclasses.replace(file, error=None)) for file in failed]
        )
        after = files[-1].index
