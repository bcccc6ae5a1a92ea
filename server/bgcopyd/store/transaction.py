"""One transaction on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.jobs.job import Job, JobState, Priority, Progress
from bgcopyd.jobs.limits import ATTEMPTS_PER_JOB, REQUEST_ID_RETENTION
from bgcopyd.jobs.values import changed
from bgcopyd.queue.clock import ClockMark
from bgcopyd.queue.storage import (
    AgeMark,
    DestinationTaken,
    Directory,
    FileTotals,
    FileUpdate,
    Kept,
    Leftover,
    Place,
    Request,
    Token,
)
from bgcopyd.store import attempt_rows, clock_rows, file_rows, job_rows, lanes, queries, rows
from bgcopyd.store.counters import Counters
from bgcopyd.store.farewell_rows import FarewellTx
from bgcopyd.store.webhook_transaction import WebhookTx

_GONE = -1
_SELECT_REQUEST = (
    "SELECT creator, request_id, content, job, first_index, expires FROM request "
    "WHERE creator = ? AND request_id = ?"
)
_INSERT_PROGRESS = "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?)"
_INSERT_TOMBSTONE = (
    "INSERT INTO tombstone (change_seq, job, owner, owner_changed) VALUES (?, ?, ?, ?)"
)


class SQLiteTx(WebhookTx, FarewellTx):
    """Tx on the writer's connection; one for all groups, `begin` parts the requests.

    Attributes:
        written: the jobs whose rows, or whose progress, were written since somebody emptied it.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self.counters = Counters(db)
        self.written: set[str] = set()
        self._jobs: dict[str, Job] = {}

    def begin(self) -> None:
        """Forgets what the request before has read."""
        self._jobs.clear()

    def job(self, job_id: str) -> Job | None:
        """The job with its progress, or None."""
        known = self._jobs.get(job_id)
        if known is None:
            known = queries.job(self._db, job_id)
            if known is not None:
                self._jobs[job_id] = known
        return known

    def _known(self, job_id: str) -> Job:
        job = self.job(job_id)
        if job is None:
            raise LookupError(f"no job {job_id}")
        return job

    def _wrote(self, job_id: str, job: Job | None) -> None:
        self.written.add(job_id)
        if job is None:
            self._jobs.pop(job_id, None)
        else:
            self._jobs[job_id] = job

    def insert_job(self, job: Job) -> Job:
        """Adds a job."""
        key = rows.id_bytes(job.job_id)
        if key is None:
            raise ValueError("a job's id is a UUID in lower case")
        number = self.counters.next()
        queue_seq = number if job.state is JobState.QUEUED else job.queue_seq
        job = changed(
            job, seq=number, change_seq=number, revision=job.revision + 1, queue_seq=queue_seq
        )
        self._run(job_rows.INSERT_JOB, job_rows.job_values(job, key))
        if job.progress != job_rows.untouched(job.progress.files_total):
            self._run(_INSERT_PROGRESS, job_rows.progress_values(number, job.progress))
        self.counters.count(job, 1)
        self._wrote(job.job_id, job)
        return job

    def update_job(self, job: Job, *, requeue: bool = False) -> Job:
        """Replaces all but id, creator, seq and progress."""
        old = self._known(job.job_id)
        number = self.counters.next()
        waits = job.state is JobState.QUEUED and not job.queue_seq
        job = changed(
            job,
            creator=old.creator,
            seq=old.seq,
            progress=old.progress,
            change_seq=number,
            revision=old.revision + 1,
            queue_seq=number if requeue or waits else job.queue_seq,
        )
        self._run(job_rows.UPDATE_JOB, (*job_rows.mutable_values(job), job.seq))
        if job.owner != old.owner:
            self._run("UPDATE job SET owner = ? WHERE seq = ?", (job.owner, job.seq))
            gone = (number, rows.id_bytes(job.job_id), old.owner, True)
            self._run(_INSERT_TOMBSTONE, gone)
        self.counters.count(old, -1)
        self.counters.count(job, 1)
        self._wrote(job.job_id, job)
        return job

    def delete_job(self, job_id: str) -> None:
        """Removes a job with its files and leaves a tombstone."""
        job = self._known(job_id)
        self._remove(job.seq, job_id, job.owner, _GONE)
        self.counters.count(job, -1)

    def _remove(self, seq: int, job_id: str, owner: str, request_expires: float) -> None:
        key = rows.id_bytes(job_id)
        first, last = file_rows.file_key(seq, 0), file_rows.file_key(seq + 1, -1)
        self._run("DELETE FROM file WHERE key BETWEEN ? AND ?", (first, last))
        self._run("UPDATE request SET expires = ? WHERE job = ?", (request_expires, key))
        self._run("DELETE FROM job WHERE seq = ?", (seq,))
        self._run(_INSERT_TOMBSTONE, (self.counters.next(), key, owner, False))
        self._wrote(job_id, None)

    def insert_files(self, job_id: str, files: Sequence[File]) -> None:
        """Adds files and claims their destinations."""
        seq = self._known(job_id).seq
        taken = 0
        try:
            for file in files:
                taken += 1
                self._run(file_rows.INSERT_FILE, file_rows.file_values(seq, file))
        except sqlite3.IntegrityError as problem:
            # Alone, so that whoever handles the refusal finds what was there before.
            keys = [(file_rows.file_key(seq, file.index),) for file in files[: taken - 1]]
            self._run_many("DELETE FROM file WHERE key = ?", keys)
            if "file.destination" in str(problem):
                raise DestinationTaken(taken - 1) from None
            raise

    def files(self, job_id: str, *, after: int = -1, limit: int = 1000) -> list[File]:
        """Files by index."""
        return queries.files(self._db, job_id, after=after, limit=limit)

    def next_files(self, job_id: str, *, after: int, limit: int) -> list[File]:
        """Files not transferred, by index."""
        return queries.files(self._db, job_id, after=after, limit=limit, unfinished=True)

    def totals(self, job_id: str) -> FileTotals:
        """Sums over the job's files."""
        return queries.totals(self._db, self._known(job_id).seq)

    def update_files(self, job_id: str, updates: Iterable[FileUpdate]) -> None:
        """Writes what transfers have learnt and done."""
        seq = self._known(job_id).seq
        self._run_many(
            file_rows.UPDATE_FILE, [file_rows.file_update_values(seq, update) for update in updates]
        )

    def set_spec(self, job_id: str, index: int, spec: FileSpec) -> None:
        """Replaces what a file is fetched from."""
        seq = self._known(job_id).seq
        self._run(file_rows.UPDATE_SPEC, file_rows.spec_values(seq, index, spec))

    def rename_file(self, job_id: str, index: int, path: str) -> None:
        """Notes the name that a file got."""
        key = file_rows.file_key(self._known(job_id).seq, index)
        self._run("UPDATE file SET path = ? WHERE key = ?", (path, key))

    def remove_files(self, job_id: str, indexes: Sequence[int]) -> None:
        """Takes files out of the job and frees their destinations."""
        seq = self._known(job_id).seq
        keys = [(file_rows.file_key(seq, index),) for index in indexes]
        following = queries.next_index(self._db, seq)
        self._run_many("DELETE FROM file WHERE key = ?", keys)
        self._run("UPDATE job SET removed_to = ? WHERE seq = ?", (following, seq))

    def next_index(self, job_id: str) -> int:
        """The index of the next file that is added."""
        return queries.next_index(self._db, self._known(job_id).seq)

    def insert_attempts(self, job_id: str, attempts: Sequence[Attempt]) -> None:
        """Adds attempts and forgets the oldest."""
        if not attempts:
            return
        seq = self._known(job_id).seq
        newest = self._run(attempt_rows.SELECT_NEWEST, (seq,)).fetchone()[0]
        values = [
            attempt_rows.attempt_values(seq, number, attempt)
            for number, attempt in enumerate(attempts, newest + 1)
        ]
        self._run_many(attempt_rows.INSERT_ATTEMPT, values)
        old = newest + len(attempts) - ATTEMPTS_PER_JOB
        if old > 0:
            self._run(attempt_rows.PRUNE_ATTEMPTS, (seq, old))

    def secrets(self, job_id: str) -> dict[str, bytes]:
        """The job's sealed secrets by name."""
        seq = self._known(job_id).seq
        found = self._run("SELECT name, sealed FROM secret WHERE job = ?", (seq,)).fetchall()
        return dict(rows.decoded(rows.secret_of, row) for row in found)

    def put_secrets(self, job_id: str, sealed: Mapping[str, bytes]) -> None:
        """Adds or replaces secrets."""
        if not sealed:
            return
        seq = self._known(job_id).seq
        values = [(seq, name, value) for name, value in sealed.items()]
        self._run_many("INSERT OR REPLACE INTO secret VALUES (?, ?, ?)", values)

    def drop_secrets(self, job_id: str, names: Iterable[str]) -> None:
        """Forgets secrets."""
        seq = self._known(job_id).seq
        self._run_many(
            "DELETE FROM secret WHERE job = ? AND name = ?", [(seq, name) for name in names]
        )

    def policy(self) -> Mapping[str, object]:
        """What an operator has changed of the policy."""
        row = self._run(rows.SELECT_POLICY).fetchone()
        return {} if row is None else rows.decoded(rows.policy_of, row)

    def set_policy(self, values: Mapping[str, object]) -> None:
        """Replaces what is changed of the policy."""
        self._run(rows.REPLACE_POLICY, rows.policy_values(values))

    def release_destinations(self, job_id: str) -> None:
        """Frees the destinations of a job that has ended."""
        seq = self._known(job_id).seq
        first, last = file_rows.file_key(seq, 0), file_rows.file_key(seq + 1, -1)
        self._run("UPDATE file SET live = 0 WHERE key BETWEEN ? AND ? AND live = 1", (first, last))

    def set_progress(self, job_id: str, progress: Progress) -> None:
        """Writes a job's progress."""
        job = self._known(job_id)
        self._run(_INSERT_PROGRESS, job_rows.progress_values(job.seq, progress))
        after = replace(job, progress=replace(progress, bytes_per_second=0))
        self.counters.count(job, -1)
        self.counters.count(after, 1)
        self._wrote(job_id, after)

    def live_jobs(self, owner: str | None) -> int:
        """How many jobs of the owner, or of all owners, are not final."""
        return self.counters.live(owner)

    def kept(self, owner: str) -> Kept:
        """What the owner's live jobs have."""
        return self.counters.kept(owner)

    def request(self, creator: str, request_id: str) -> Request | None:
        """The use of a request id, while it is remembered."""
        row = self._run(_SELECT_REQUEST, (creator, request_id)).fetchone()
        return None if row is None else rows.decoded(rows.request_of, row)

    def insert_request(self, request: Request) -> Request | None:
        """Remembers the use of a request id, or answers the earlier one."""
        key = rows.id_bytes(request.job_id)
        if key is None:
            raise ValueError("a job's id is a UUID in lower case")
        if self._run(rows.INSERT_REQUEST, rows.request_values(request, key)).rowcount:
            return None
        return self.request(request.creator, request.request_id)

    def queued(self, priority: Priority, limit: int) -> list[Place]:
        """The first QUEUED jobs of a priority."""
        return lanes.oldest(self._db, priority, limit)

    def lanes(self, priority: Priority, *, after: str = "", limit: int) -> list[Place]:
        """The first QUEUED job of each owner."""
        return lanes.heads(self._db, priority, after, limit)

    def lane(self, priority: Priority, owner: str, *, after: int = 0, limit: int) -> list[Place]:
        """An owner's QUEUED jobs of a priority."""
        return lanes.lane(self._db, priority, owner, after, limit)

    def ages(self) -> list[AgeMark]:
        """The marks that are kept, by age."""
        return lanes.ages(self._db)

    def mark_age(self, age: float, *, forget: float) -> AgeMark:
        """Notes where the change sequence stands now."""
        mark = AgeMark(age, self.counters.number)
        self._run("DELETE FROM age WHERE age < ?", (forget,))
        self._run("INSERT OR REPLACE INTO age (age, number) VALUES (?, ?)", (age, mark.number))
        return mark

    def jobs_in(
        self, states: Iterable[JobState], *, after: int = 0, limit: int = 1000
    ) -> list[Job]:
        """Jobs in the states by seq."""
        return queries.jobs_in(self._db, states, after=after, limit=limit)

    def unsettled(self, limit: int = 1000) -> list[Job]:
        """Jobs with `completing` or `cleanup`."""
        found = self._run(
            "SELECT seq FROM job WHERE completing OR cleanup ORDER BY seq LIMIT ?", (limit,)
        )
        return queries.jobs_by_seq(self._db, [row[0] for row in found.fetchall()])

    def expire(self, now: float, limit: int = 500) -> int:
        """Deletes settled final jobs that are due, and old requests."""
        forget = now + REQUEST_ID_RETENTION
        found = self._run(clock_rows.SELECT_EXPIRED, (now, limit)).fetchall()
        for seq, key, owner in found:
            self._remove(seq, rows.id_text(key), owner, forget)
        self._run("UPDATE request SET expires = ? WHERE expires = ?", (forget, _GONE))
        self._run(
            "DELETE FROM request WHERE (creator, request_id) IN (SELECT creator, request_id "
            "FROM request WHERE expires IS NOT NULL AND expires <= ? LIMIT ?)",
            (now, limit),
        )
        return len(found)

    def due(self, now: float, limit: int = 500) -> list[Job]:
        """Jobs with a future that are due."""
        return clock_rows.due(self._db, now, limit)

    def overdue(self, now: float, limit: int = 500) -> list[Job]:
        """Jobs past their deadline."""
        return clock_rows.overdue(self._db, now, limit)

    def inactive(self, before: float, limit: int = 500) -> list[Job]:
        """Jobs that were last active before."""
        return clock_rows.inactive(self._db, before, limit)

    def blocked(self, *, after: int = 0, limit: int = 500) -> list[Job]:
        """Jobs in TRANSIENT_ERROR without a pause."""
        return clock_rows.blocked(self._db, after, limit)

    def next_moment(self, inactivity_timeout: float) -> float | None:
        """The earliest moment at which anything is due."""
        return clock_rows.next_moment(self._db, inactivity_timeout)

    def clock_mark(self) -> ClockMark | None:
        """The mark that was set last."""
        return clock_rows.clock_mark(self._db)

    def set_clock_mark(self, mark: ClockMark) -> None:
        """Notes where the clocks stand."""
        self._run(clock_rows.REPLACE_MARK, (clock_rows.mark_text(mark),))

    def note_directories(self, directories: Iterable[Directory], until: float) -> None:
        """Notes where partial files may be left."""
        values = [(*directory, until) for directory in directories]
        self._run_many(clock_rows.NOTE_DIRECTORY, values)

    def directories(self, *, after: Directory | None = None, limit: int = 1000) -> list[Directory]:
        """Noted directories in order."""
        return clock_rows.directories(self._db, after, limit)

    def forget_directories(self, now: float) -> None:
        """Forgets those whose moment has come."""
        self._run(clock_rows.FORGET_DIRECTORIES, (now,))

    def unwanted(self, leftovers: Collection[Leftover]) -> set[Leftover]:
        """Partial files of ours that no job wants any more."""
        return clock_rows.unwanted(self._db, leftovers)

    def trim_history(self, keep: int) -> None:
        """Forgets all but the newest tombstones."""
        row = self._run(
            "SELECT change_seq FROM tombstone ORDER BY change_seq DESC LIMIT 1 OFFSET ?", (keep,)
        ).fetchone()
        if row is not None:
            self._run("DELETE FROM tombstone WHERE change_seq <= ?", row)
            self._run("UPDATE meta SET value = ? WHERE name = 'oldest'", row)

    def insert_token(self, token: Token) -> None:
        """Adds a token."""
        self._run(rows.INSERT_TOKEN, rows.token_values(token))

    def revoke_token(self, token_id: str) -> bool:
        """Revokes a token; False where there is none."""
        return self._run(rows.REVOKE_TOKEN, (token_id,)).rowcount > 0

    def mark_token(self, token_id: str, last_use_time: datetime) -> None:
        """Writes down when a token was used."""
        self._run(rows.MARK_TOKEN, (rows.micros(last_use_time), token_id))
