"""The queue in an embedded SQLite database."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.webhook import Delivery, Webhook
from bgcopyd.queue.storage import (
    Changes,
    JobPage,
    JobQuery,
    Position,
    StoreUnavailable,
    Token,
    Tx,
)
from bgcopyd.store import job_rows, lanes, queries, rows, webhook_rows
from bgcopyd.store.backups import backup, last_backup
from bgcopyd.store.connection import DATABASE, connect_reader
from bgcopyd.store.errors import damaged, translated
from bgcopyd.store.hot_jobs import HotJobs
from bgcopyd.store.integrity import problems, read_ahead
from bgcopyd.store.schema import open_database
from bgcopyd.store.wal_index import WalIndex
from bgcopyd.store.writer import Request, Writer

T = TypeVar("T")

_WRITER_CACHE_KIB = 16 * 1024
_LISTS_CACHE_KIB = 4 * 1024
# The inner pages of a million jobs; more made random ids no faster (20.8 µs from 8 MiB to 96).
_POINTS_CACHE_KIB = 4 * 1024
_SELECT_TOKEN_BY_DIGEST = f"{rows.SELECT_TOKEN} WHERE digest = ?"


class SQLiteStore:
    """`Store` on SQLite: WAL, every commit synced, one writer with group commit.

    Point reads (`job`, `token`) and the functions of brief transactions run in the caller's thread,
    which must be the loop's: a statement costs about 10 µs, a thread's round trip many times that.
    Everything longer, and every commit, has threads of its own.
    """

    def __init__(self, state_dir: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._state_dir = state_dir
        self._loop = loop
        self._closed = False
        self._callbacks: list[Callable[[int], None]] = []
        self._hot = HotJobs()
        self._tokens: dict[bytes, Token] = {}
        self._tokens_at = b""
        self._readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")

    @classmethod
    async def open(cls, state_dir: Path) -> SQLiteStore:
        """Opens the queue of a state directory, whose lock the caller holds.

        Raises:
            StoreDamaged: the database is damaged, or gone although there was one.
            SchemaTooNew: a newer daemon has written it.
            StoreUnavailable: the disk does not let it be read or written now.
        """
        store = cls(state_dir, asyncio.get_running_loop())
        try:
            await store._loop.run_in_executor(store._readers, store._connect)
        except BaseException:
            store._readers.shutdown()
            raise
        store._writer.start()
        return store

    def _connect(self) -> None:
        path = self._state_dir / DATABASE
        with contextlib.ExitStack() as undo:
            try:
                # Before any connection: to close a descriptor of a file ends all of the process's
                # POSIX locks on it, those of SQLite too (sqlite.org/howtocorrupt.html, 2.2).
                read_ahead(path)
                self._db = undo.enter_context(
                    contextlib.closing(open_database(self._state_dir, cache_kib=_WRITER_CACHE_KIB))
                )
                found = problems(self._db)
                if found:
                    raise damaged(self._state_dir, found[0])
                # It is, but for a backup that somebody has put in its place by hand.
                self._db.execute("PRAGMA journal_mode = WAL")
                self._writer = Writer(self._db, self._state_dir, self._loop, self._resolve)
                self._points = connect_reader(path, cache_kib=_POINTS_CACHE_KIB)
                self._lists = connect_reader(path, cache_kib=_LISTS_CACHE_KIB)
                self._index = WalIndex(path)
            except sqlite3.Error as problem:
                raise translated(self._state_dir, problem) from None
            except OSError as problem:
                raise StoreUnavailable(
                    f"the queue in {self._state_dir} cannot be read: {problem.strerror}"
                ) from None
            undo.pop_all()
        self._newest = self._writer.newest

    async def transact(
        self, fn: Callable[[Tx], T], *, durable: bool = True, brief: bool = False
    ) -> T:
        """Runs `fn` in a transaction that undoes itself alone if `fn` raises."""
        if self._closed:
            raise StoreUnavailable("the queue is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.submit(Request(fn, future, durable=durable, brief=brief))
        return await future

    def _resolve(self, group: Sequence[Request], newest: int, written: set[str]) -> None:
        # Before anybody hears of the change.
        self._hot.forget(written)
        for request in group:
            if request.future.done():
                continue
            if request.error is None:
                request.future.set_result(request.value)
            else:
                request.future.set_exception(request.error)
        if newest > self._newest:
            self._newest = newest
            for callback in self._callbacks:
                callback(newest)

    async def job(self, job_id: str) -> Job | None:
        """The job with its stored progress, or None."""
        known = self._hot.get(job_id)
        if known is not None:
            return known
        key = rows.id_bytes(job_id)
        try:
            row = self._points.execute(job_rows.SELECT_JOB_BY_ID, (key,)).fetchone()
        except sqlite3.Error as problem:
            raise translated(self._state_dir, problem) from None
        if row is None:
            return None
        job = rows.decoded(job_rows.job_of, row)
        self._hot.keep(job)
        return job

    async def token(self, digest: bytes) -> Token | None:
        """The token of a digest, or None; read anew after each commit, whoever made it."""
        if self._closed:
            raise StoreUnavailable("the queue is closed")
        header = self._index.header()
        if header != self._tokens_at:
            self._tokens.clear()
            self._tokens_at = header
        known = self._tokens.get(digest)
        if known is not None:
            return known
        try:
            row = self._points.execute(_SELECT_TOKEN_BY_DIGEST, (digest,)).fetchone()
        except sqlite3.Error as problem:
            raise translated(self._state_dir, problem) from None
        if row is None:
            return None
        self._tokens[digest] = token = rows.decoded(rows.token_of, row)
        return token

    async def tokens(self) -> list[Token]:
        """All tokens."""
        return await self._read(queries.tokens)

    async def jobs(self, query: JobQuery, *, before: int | None, limit: int) -> JobPage:
        """A page of jobs by `seq`, falling, below `before`."""
        return await self._read(lambda db: queries.page(db, query, before=before, limit=limit))

    async def files(self, job_id: str, *, after: int = -1, limit: int = 1000) -> list[File]:
        """As Tx.files."""
        return await self._read(lambda db: queries.files(db, job_id, after=after, limit=limit))

    async def ahead(self, job: Job, limit: int) -> int:
        """How many QUEUED jobs of the same owner and priority come first."""
        try:
            return lanes.ahead(self._points, job, limit)
        except sqlite3.Error as problem:
            raise translated(self._state_dir, problem) from None

    async def attempts(
        self, job_id: str, *, file_index: int | None, before: int | None, limit: int
    ) -> list[Attempt]:
        """Attempts by attempt_id, falling, below `before`."""
        return await self._read(
            lambda db: queries.attempts(
                db, job_id, file_index=file_index, before=before, limit=limit
            )
        )

    async def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""
        return await self._read(webhook_rows.webhooks)

    async def due_deliveries(self, webhook_ids: Collection[str], limit: int) -> list[Delivery]:
        """Pending messages, of each webhook the first."""
        return await self._read(lambda db: webhook_rows.due(db, webhook_ids, limit))

    async def deliveries(
        self, webhook_id: str, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """Messages of a webhook by number, falling."""
        return await self._read(lambda db: webhook_rows.deliveries(db, webhook_id, before, limit))

    async def pending_deliveries(self, webhook_ids: Collection[str]) -> dict[str, int]:
        """How many messages of each webhook wait."""
        return await self._read(lambda db: webhook_rows.pending(db, webhook_ids))

    async def counts(self) -> dict[JobState, int]:
        """How many jobs of each state there are."""
        return await self._read(queries.counts)

    async def changes(self, after: int, *, limit: int = 1000) -> Changes:
        """What has changed behind a position."""
        return await self._read(lambda db: queries.changes(db, after, limit))

    async def position(self) -> Position:
        """Where the change feed stands."""
        return await self._read(queries.position)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable("the queue is closed")
        return await self._loop.run_in_executor(self._readers, self._read_now, query)

    def _read_now(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """One read transaction, so that all of the answer is of one moment."""
        try:
            self._lists.execute("BEGIN")
            try:
                return query(self._lists)
            finally:
                self._lists.execute("COMMIT")
        except sqlite3.Error as problem:
            raise translated(self._state_dir, problem) from None

    def on_commit(self, callback: Callable[[int], None]) -> None:
        """Calls back on the loop after each commit that raised the newest number."""
        self._callbacks.append(callback)

    async def backup(self) -> Path:
        """Makes a verified backup; neither the loop nor the writer waits for it.

        Raises:
            StoreDamaged: the database, or the copy of it, is damaged.
            StoreUnavailable: the disk does not take it.
        """
        return await asyncio.to_thread(backup, self._state_dir)

    async def last_backup(self) -> datetime | None:
        """When the newest backup was made, or None."""
        return await self._loop.run_in_executor(self._readers, last_backup, self._state_dir)

    async def close(self) -> None:
        """Finishes what was handed in and closes."""
        if self._closed:
            return
        self._closed = True
        await self._writer.drain()
        await self._loop.run_in_executor(self._readers, self._finish)
        self._readers.shutdown()
        self._hot = HotJobs()
        self._points.close()
        self._index.close()

    def _finish(self) -> None:
        self._writer.end()
        self._lists.close()
        self._db.close()
