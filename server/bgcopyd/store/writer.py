"""The one writer: a thread that turns the requests waiting into one transaction and one sync."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bgcopyd.queue.storage import StoreUnavailable, Tx
from bgcopyd.store.errors import translated
from bgcopyd.store.transaction import REQUESTS_OWN_ERRORS, Mark, SQLiteTx

_LARGEST_GROUP = 256


class Request:
    """A function that waits for its transaction, and who waits for it."""

    __slots__ = ("durable", "error", "fn", "future", "value")

    def __init__(
        self, fn: Callable[[Tx], Any], future: asyncio.Future[Any], *, durable: bool
    ) -> None:
        self.fn = fn
        self.future = future
        self.durable = durable
        self.value: Any = None
        self.error: BaseException | None = None


Done = Callable[[Sequence[Request], int], None]


class _Again(Exception):
    """A request that had written was refused: the group must run with savepoints."""


class Writer:
    """Runs groups of requests on a thread of its own.

    A group runs without savepoints first, since most requests are not refused, and those that are
    mostly have not written yet. When one that has written is refused, the whole group is rolled
    back and runs again with a savepoint for each request.

    Args:
        db: the connection, which only the writer uses.
        state_dir: for messages.
        done: gets each group when it has ended, with the newest number, on the writer's thread.
    """

    def __init__(self, db: sqlite3.Connection, state_dir: Path, done: Done) -> None:
        self._db = db
        self._state_dir = state_dir
        self._done = done
        self._tx = SQLiteTx(db)
        self._full = True
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)

    @property
    def newest(self) -> int:
        """The newest number; only before `start` and on the writer's thread."""
        return self._tx.counters.number

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Hands a request in."""
        self._requests.put(request)

    def finish(self) -> None:
        """Runs what was handed in, then ends; blocks meanwhile."""
        self._requests.put(None)
        self._thread.join()

    def _work(self) -> None:
        ended = False
        while not ended:
            first = self._requests.get()
            group = [] if first is None else [first]
            ended = first is None
            while not ended and len(group) < _LARGEST_GROUP:
                try:
                    request = self._requests.get_nowait()
                except queue.Empty:
                    break
                if request is None:
                    ended = True
                else:
                    group.append(request)
            if group:
                self._transact(group)
                self._done(group, self._tx.counters.number)

    def _transact(self, group: Sequence[Request]) -> None:
        """One transaction for the group; whatever fails it as a whole is everybody's error."""
        start = self._tx.counters.mark()
        try:
            self._choose_sync(group)
            try:
                self._attempt(group, self._run_bare)
            except _Again:
                self._undo(start)
                self._attempt(group, self._run_apart)
            self._tx.counters.settle()
        except (sqlite3.Error, StoreUnavailable) as problem:
            self._undo(start)
            error = (
                problem
                if isinstance(problem, StoreUnavailable)
                else translated(self._state_dir, problem)
            )
            for request in group:
                request.error = error
        finally:
            self._tx.failure = None

    def _choose_sync(self, group: Sequence[Request]) -> None:
        """A group that nobody waits for is not synced: the next sync, or checkpoint, covers it."""
        full = any(request.durable for request in group)
        if full is not self._full:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._full = full

    def _attempt(self, group: Sequence[Request], run: Callable[[Request], None]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for request in group:
            request.value = request.error = None
            self._tx.begin()
            run(request)
            if self._tx.failure is not None:
                raise self._tx.failure
        self._db.execute("COMMIT")

    def _fails_all(self, problem: BaseException) -> bool:
        """Whether the transaction is lost: SQLite could not read or write, also if nobody said."""
        if isinstance(problem, sqlite3.Error) and not isinstance(problem, REQUESTS_OWN_ERRORS):
            self._tx.failure = problem
        return self._tx.failure is not None

    def _run_bare(self, request: Request) -> None:
        before, mark = self._db.total_changes, self._tx.counters.mark()
        try:
            request.value = request.fn(self._tx)
        except BaseException as problem:  # noqa: BLE001 - whatever it is, it belongs to the caller
            request.error = problem
            if self._fails_all(problem):
                return
            if self._db.total_changes != before:
                raise _Again from None
            self._tx.counters.rewind(mark)

    def _run_apart(self, request: Request) -> None:
        mark = self._tx.counters.mark()
        self._db.execute("SAVEPOINT request")
        try:
            request.value = request.fn(self._tx)
        except BaseException as problem:  # noqa: BLE001 - whatever it is, it belongs to the caller
            request.error = problem
            if not self._fails_all(problem):
                self._db.execute("ROLLBACK TO request")
                self._tx.counters.rewind(mark)
        if self._tx.failure is None:
            self._db.execute("RELEASE request")

    def _undo(self, start: Mark) -> None:
        self._tx.failure = None
        if self._db.in_transaction:
            # SQLite has rolled back by itself (it does so when the disk is full).
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
        self._tx.counters.rewind(start)
