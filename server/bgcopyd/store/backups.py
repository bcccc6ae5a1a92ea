"""Backups of the database: online, verified, named at once, three kept."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.store.connection import BACKUPS, DATABASE, connect_reader
from bgcopyd.store.errors import damaged, translated
from bgcopyd.store.integrity import problems

KEPT = 3
# Pages per step: between two steps the source is free, and a writer's commits are carried along.
_STEP_PAGES = 4096
_PATTERN = "queue-*.db"


def backup(state_dir: Path) -> Path:
    """Copies the queue as it is at one moment into `backups/`, also beside a running daemon.

    Raises:
        StoreDamaged: the database, or the copy of it, is damaged; earlier backups are kept.
        StoreUnavailable: the disk does not take it.
    """
    folder = state_dir / BACKUPS
    name = f"queue-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.db"
    unfinished = folder / f".{name}.part"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with closing(connect_reader(state_dir / DATABASE)) as source:
            _copy(source, unfinished)
        found = _problems_of(unfinished)
        if found:
            raise damaged(state_dir, f"a backup of it is not whole ({found[0]})")
        _sync(unfinished)
        unfinished.rename(folder / name)
        _sync(folder)
    except sqlite3.Error as problem:
        raise translated(state_dir, problem) from None
    except OSError as problem:
        raise StoreUnavailable(f"no backup could be written: {problem.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    for old in backups(state_dir)[KEPT:]:
        old.unlink(missing_ok=True)
    return folder / name


def backups(state_dir: Path) -> list[Path]:
    """The backups, newest first."""
    return sorted((state_dir / BACKUPS).glob(_PATTERN), reverse=True)


def last_backup(state_dir: Path) -> datetime | None:
    """When the newest backup was made, or None."""
    newest = next(iter(backups(state_dir)), None)
    return None if newest is None else datetime.fromtimestamp(newest.stat().st_mtime, UTC)


def is_whole(path: Path) -> bool:
    """Whether a backup can be restored."""
    return path.is_file() and not _problems_of(path)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.execute("BEGIN")
        try:
            # A read transaction pins the moment; without it each commit would begin the copy anew.
            source.execute("SELECT count(*) FROM meta").fetchone()
            source.backup(copy, pages=_STEP_PAGES, sleep=0)
        finally:
            source.execute("COMMIT")
        # A single file: no log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")


def _problems_of(path: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            if db.execute("SELECT count(*) FROM meta WHERE name = 'schema'").fetchone()[0] != 1:
                return ["it holds no queue"]
            return problems(db)
    except sqlite3.Error as problem:
        return [str(problem)]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
