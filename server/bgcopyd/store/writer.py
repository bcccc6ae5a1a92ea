"""The one writer: turns the requests that wait into one transaction and one sync."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bgcopyd.queue.storage import StoreUnavailable, Tx
from bgcopyd.store.connection import BUSY_TIMEOUT
from bgcopyd.store.errors import translated
from bgcopyd.store.statements import REQUESTS_OWN_ERRORS
from bgcopyd.store.transaction import SQLiteTx

_LARGEST_GROUP = 256
# On the loop a group keeps everybody else waiting: so many take about 2 ms.
_LARGEST_BRIEF_GROUP = 32
# Of an idle loop about 2 µs each, of one with 64 callers about 200.
_ROUNDS = 8


class Request:
    """A function that waits for its transaction, and who waits for it."""

    __slots__ = ("brief", "durable", "error", "fn", "future", "value")

    def __init__(
        self, fn: Callable[[Tx], Any], future: asyncio.Future[Any], *, durable: bool, brief: bool
    ) -> None:
        self.fn = fn
        self.future = future
        self.durable = durable
        self.brief = brief
        self.value: Any = None
        self.error: BaseException | None = None


# Gets a group that has ended, the newest number, and the jobs that were written.
Done = Callable[[Sequence[Request], int, set[str]], None]
# What the thread does with a group.
Step = Callable[[Sequence[Request]], None]


class _Again(Exception):
    """A request that had written was refused: the group must run with savepoints."""


class Writer:
    """Runs groups of requests, one group after the other.

    The functions of brief requests run on the loop: each statement gives the interpreter away, and
    a thread would have to win it back from a busy loop each time. All that waits for the disk or
    for another process, the commit above all, is done by a thread of the writer's; and so are
    groups with long requests, from beginning to end.

    A group runs without savepoints first, since most requests are not refused, and those that are
    mostly have not written yet. When one that has written is refused, the whole group is rolled
    back and runs again with a savepoint for each request.

    Args:
        db: the connection, which only the writer uses: the thread while it has a group, else the
            loop.
        state_dir: for messages.
        loop: where requests are handed in.
        done: told of each group when it has ended, on the loop.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        state_dir: Path,
        loop: asyncio.AbstractEventLoop,
        done: Done,
    ) -> None:
        self._db = db
        self._state_dir = state_dir
        self._loop = loop
        self._done = done
        self._tx = SQLiteTx(db)
        self._start = self._tx.counters.mark()
        self._pragmas: dict[str, str] = {}
        self._waiting: deque[Request] = deque()
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._steps: queue.SimpleQueue[tuple[Step, Sequence[Request]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)

    @property
    def newest(self) -> int:
        """The newest number; only before the first request."""
        return self._tx.counters.number

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Hands a request in."""
        self._waiting.append(request)
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._gather, _ROUNDS)

    async def drain(self) -> None:
        """Runs what was handed in."""
        await self._idle.wait()

    def end(self) -> None:
        """Ends the thread, once there is nothing left; blocks meanwhile."""
        self._steps.put(None)
        self._thread.join()

    def _gather(self, rounds: int) -> None:
        """Lets the loop go round some times: a busy one brings more requests to share a sync."""
        if rounds:
            self._loop.call_soon(self._gather, rounds - 1)
        else:
            self._next()

    def _next(self) -> None:
        """Begins the next group, if anybody waits."""
        if not self._waiting:
            self._busy = False
            self._idle.set()
            return
        brief = self._waiting[0].brief
        group = self._taken(brief=brief)
        step = self._commit if brief and self._prepare(group) else self._transact
        self._steps.put((step, group))

    def _taken(self, *, brief: bool) -> list[Request]:
        waiting = self._waiting
        group: list[Request] = []
        most = _LARGEST_BRIEF_GROUP if brief else _LARGEST_GROUP
        while waiting and len(group) < most and (waiting[0].brief or not brief):
            group.append(waiting.popleft())
        return group

    def _ended(self, group: Sequence[Request], newest: int) -> None:
        written, self._tx.written = self._tx.written, set()
        self._done(group, newest, written)
        if self._waiting:
            self._gather(_ROUNDS)
        else:
            self._next()

    def _work(self) -> None:
        while (item := self._steps.get()) is not None:
            step, group = item
            step(group)
            self._loop.call_soon_threadsafe(self._ended, group, self._tx.counters.number)

    def _prepare(self, group: Sequence[Request]) -> bool:
        """On the loop: runs the functions, and says whether only the commit is left.

        Whatever goes wrong is left to the thread, which runs the group anew: it can wait for
        another process, use savepoints and tell errors apart.
        """
        try:
            self._set("busy_timeout", "0")
            self._choose_sync(group)
            self._attempt(group, self._run_bare)
        except (_Again, sqlite3.Error, StoreUnavailable):
            self._undo()
            return False
        return True

    def _commit(self, group: Sequence[Request]) -> None:
        """Ends what `_prepare` has begun; if that fails, it is everybody's error."""
        try:
            self._db.execute("COMMIT")
            self._tx.counters.settle()
        except sqlite3.Error as problem:
            self._fail(group, problem)

    def _transact(self, group: Sequence[Request]) -> None:
        """One transaction for the group; whatever fails it as a whole is everybody's error."""
        try:
            self._set("busy_timeout", f"{BUSY_TIMEOUT * 1000:.0f}")
            self._choose_sync(group)
            try:
                self._attempt(group, self._run_bare)
            except _Again:
                self._undo()
                self._attempt(group, self._run_apart)
        except (sqlite3.Error, StoreUnavailable) as problem:
            self._fail(group, problem)
        else:
            self._commit(group)

    def _fail(self, group: Sequence[Request], problem: sqlite3.Error | StoreUnavailable) -> None:
        self._undo()
        error = (
            problem
            if isinstance(problem, StoreUnavailable)
            else translated(self._state_dir, problem)
        )
        for request in group:
            request.error = error

    def _set(self, pragma: str, value: str) -> None:
        if self._pragmas.get(pragma) != value:
            self._db.execute(f"PRAGMA {pragma} = {value}")
            self._pragmas[pragma] = value

    def _choose_sync(self, group: Sequence[Request]) -> None:
        """A group that nobody waits for is not synced: the next sync, or checkpoint, covers it."""
        full = any(request.durable for request in group)
        self._set("synchronous", "FULL" if full else "NORMAL")

    def _attempt(self, group: Sequence[Request], run: Callable[[Request], None]) -> None:
        self._start = self._tx.counters.mark()
        self._db.execute("BEGIN IMMEDIATE")
        for request in group:
            request.value = request.error = None
            self._tx.begin()
            run(request)
            if self._tx.failure is not None:
                raise self._tx.failure

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
                self._tx.undone()
                self._tx.counters.rewind(mark)
        if self._tx.failure is None:
            self._db.execute("RELEASE request")

    def _undo(self) -> None:
        self._tx.failure = None
        self._tx.undone()
        if self._db.in_transaction:
            # SQLite has rolled back by itself (it does so when the disk is full).
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
        self._tx.counters.rewind(self._start)
