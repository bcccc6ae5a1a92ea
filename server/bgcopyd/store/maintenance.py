"""What an operator does about a damaged or lost queue. The damaged files are never deleted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.store.backups import backup, backups, is_whole
from bgcopyd.store.connection import DATABASE, connect
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.errors import SchemaTooNew, StateDirectoryError, translated
from bgcopyd.store.integrity import problems
from bgcopyd.store.schema import MARKER, migrations, open_database, schema_version

__all__ = ["accept_empty", "backup", "check", "restore"]

_SIDE_FILES = ("", "-wal", "-shm")
_ASIDE = "set-aside"


class NoBackup(StateDirectoryError):
    """There is nothing to restore from."""


def check(state_dir: Path) -> list[str]:
    """Everything that is wrong with the queue, thoroughly; empty when nothing is.

    Works beside a running daemon and changes nothing.
    """
    path = state_dir / DATABASE
    if not path.exists():
        if (state_dir / MARKER).exists():
            return [f"{DATABASE} is missing although this directory had one"]
        return []
    try:
        with closing(connect(path)) as db:
            version = schema_version(state_dir, db)
            if version > migrations()[-1][0]:
                return [f"schema {version} is newer than this program"]
            return problems(db, thorough=True)
    except sqlite3.Error as problem:
        return [str(translated(state_dir, problem))]
    except (StoreUnavailable, SchemaTooNew) as problem:
        return [str(problem)]


def restore(state_dir: Path, source: Path | None = None) -> Path:
    """Puts a backup in the queue's place; the backup that was used.

    The files that were there are moved into a directory named by the time. The queue gets a new
    id, so that nobody goes on from a position that the backup has never reached.

    Args:
        state_dir: the state directory, which no daemon may hold.
        source: the backup; the newest whole one if absent.

    Raises:
        StateDirectoryLocked: a daemon holds the directory.
        NoBackup: there is no whole backup; nothing was changed.
    """
    with StateDirectory(state_dir):
        chosen = source or next(filter(is_whole, backups(state_dir)), None)
        if chosen is None or not is_whole(chosen):
            what = f"{source} is no whole backup" if source else "there is no whole backup"
            raise NoBackup(f"{what}; nothing was changed in {state_dir}")
        fresh = state_dir / f".{DATABASE}.restored"
        shutil.copyfile(chosen, fresh)
        fresh.chmod(0o600)
        try:
            with closing(connect(fresh)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("UPDATE meta SET value = ? WHERE name = 'store_id'", (uuid.uuid4().hex,))
            _set_aside(state_dir)
            fresh.rename(state_dir / DATABASE)
        except sqlite3.Error as problem:
            raise translated(state_dir, problem) from None
        finally:
            fresh.unlink(missing_ok=True)
        open_database(state_dir).close()
        _sync(state_dir)
        return chosen


def accept_empty(state_dir: Path) -> Path | None:
    """Begins an empty queue; where the old files are now, None if there were none.

    Raises:
        StateDirectoryLocked: a daemon holds the directory.
    """
    with StateDirectory(state_dir):
        aside = _set_aside(state_dir)
        (state_dir / MARKER).unlink(missing_ok=True)
        open_database(state_dir).close()
        return aside


def _set_aside(state_dir: Path) -> Path | None:
    present = [state_dir / (DATABASE + end) for end in _SIDE_FILES]
    present = [path for path in present if path.exists()]
    if not present:
        return None
    aside = state_dir / f"{_ASIDE}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir(mode=0o700)
    for path in present:
        path.rename(aside / path.name)
    _sync(state_dir)
    return aside


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
