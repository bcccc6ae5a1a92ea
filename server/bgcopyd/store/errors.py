"""What can be wrong with the queue on disk, told apart for the composition root."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bgcopyd.queue.storage import StoreUnavailable


class StoreDamaged(StoreUnavailable):
    """The database is damaged or gone. It is left where it is; an operator decides."""


class SchemaTooNew(Exception):
    """The database was written by a newer version of the daemon."""


class StateDirectoryError(Exception):
    """The state directory cannot be used."""


class StateDirectoryLocked(StateDirectoryError):
    """Another process holds the state directory."""


class NetworkFilesystem(StateDirectoryError):
    """The state directory lies on a file system whose locks and syncs cannot be trusted."""


class KeyProblem(Exception):
    """The key that secrets are sealed with cannot be used. No key is ever quoted."""


# What sqlite3 reports when the world is at fault and not the file's content.
_ENVIRONMENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_INTERRUPT,
    }
)


def damaged(state_dir: Path, problem: str) -> StoreDamaged:
    """The error that tells what is wrong and which commands decide."""
    return StoreDamaged(
        f"the queue in {state_dir} is damaged: {problem}. Nothing was changed. Run "
        f"'bgcopyd store check --state-dir {state_dir}' to see more, 'bgcopyd store restore "
        f"--state-dir {state_dir}' to go back to the newest backup, or 'bgcopyd store "
        f"accept-empty --state-dir {state_dir}' to begin an empty queue."
    )


def translated(state_dir: Path, problem: sqlite3.Error) -> StoreUnavailable:
    """What an error of SQLite means: damage, or a store that cannot be used just now."""
    if isinstance(problem, sqlite3.ProgrammingError):
        return StoreUnavailable(f"the queue in {state_dir} is closed")
    code = getattr(problem, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _ENVIRONMENT:
        return StoreUnavailable(f"the queue in {state_dir} cannot be used now: {problem}")
    return damaged(state_dir, str(problem))
