"""Statements of one transaction on SQLite, and which errors end it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

# What a request's values are at fault for; all other errors of SQLite end the whole transaction.
REQUESTS_OWN_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)


class Statements:
    """Runs them on the writer's connection.

    Attributes:
        failure: an error after which the transaction as a whole is lost (disk full, damage).
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.failure: sqlite3.Error | None = None

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        if self.failure is not None:
            raise self.failure
        try:
            return self._db.execute(sql, values)
        except REQUESTS_OWN_ERRORS:
            raise
        except sqlite3.Error as problem:
            self.failure = problem
            raise

    def _run_many(self, sql: str, values: Iterable[Sequence[object]]) -> sqlite3.Cursor:
        if self.failure is not None:
            raise self.failure
        try:
            return self._db.executemany(sql, values)
        except REQUESTS_OWN_ERRORS:
            raise
        except sqlite3.Error as problem:
            self.failure = problem
            raise
