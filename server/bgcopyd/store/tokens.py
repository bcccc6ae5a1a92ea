"""Tokens for the command line: before the first start, and beside a running daemon.

The calls use a short connection of their own; SQLite arbitrates with the daemon's, which reads
tokens anew after each commit and so sees a change at its next call.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from bgcopyd.queue.storage import Token
from bgcopyd.store import queries, rows
from bgcopyd.store.directory import make_private
from bgcopyd.store.errors import translated
from bgcopyd.store.schema import open_database

T = TypeVar("T")


def add_token(state_dir: Path, token: Token) -> None:
    """Adds a token; makes the directory and the database where they are absent."""
    _with_database(state_dir, lambda db: db.execute(rows.INSERT_TOKEN, rows.token_values(token)))


def list_tokens(state_dir: Path) -> list[Token]:
    """All tokens, oldest first."""
    return _with_database(state_dir, queries.tokens)


def revoke_token(state_dir: Path, token_id: str) -> bool:
    """Revokes a token; False where there is none."""
    return _with_database(
        state_dir, lambda db: db.execute(rows.REVOKE_TOKEN, (token_id,)).rowcount > 0
    )


def _with_database(state_dir: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    make_private(state_dir)
    with closing(open_database(state_dir)) as db:
        try:
            return work(db)
        except sqlite3.Error as problem:
            raise translated(state_dir, problem) from None
