"""Making, recognising and migrating the database file."""

from __future__ import annotations

import os
import re
import sqlite3
from importlib import resources
from pathlib import Path

from bgcopyd.store.connection import APPLICATION_ID, BACKUPS, DATABASE, connect
from bgcopyd.store.errors import SchemaTooNew, damaged, translated

MARKER = "queue.created"
_PRIVATE = 0o600
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


def migrations() -> list[tuple[int, str]]:
    """Number and SQL of every migration, in order."""
    found = []
    for entry in resources.files("bgcopyd.store.migrations").iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match:
            found.append((int(match[1]), entry.read_text("utf-8")))
    return sorted(found)


def open_database(state_dir: Path, *, cache_kib: int = 2048) -> sqlite3.Connection:
    """Opens the queue's database, made or migrated where that is needed.

    Raises:
        StoreDamaged: the file is missing although there was one, or is no such database.
        SchemaTooNew: a newer daemon has migrated it.
        StoreUnavailable: the disk does not let it be read or written now.
    """
    path = state_dir / DATABASE
    had_one = (state_dir / MARKER).exists()
    if had_one and not path.exists():
        raise damaged(state_dir, f"{DATABASE} is missing although this directory had one")
    try:
        if not path.exists():
            path.touch(mode=_PRIVATE)
        db = connect(path, cache_kib=cache_kib)
    except sqlite3.Error as problem:
        raise translated(state_dir, problem) from None
    try:
        _prepare(state_dir, db, had_one=had_one)
    except sqlite3.Error as problem:
        db.close()
        raise translated(state_dir, problem) from None
    except BaseException:
        db.close()
        raise
    if not had_one:
        _mark(state_dir)
    return db


def _prepare(state_dir: Path, db: sqlite3.Connection, *, had_one: bool) -> None:
    empty = db.execute("PRAGMA page_count").fetchone()[0] == 0
    if empty and had_one:
        raise damaged(state_dir, f"{DATABASE} is empty")
    version = 0 if empty else schema_version(state_dir, db)
    known = migrations()
    if version > known[-1][0]:
        raise SchemaTooNew(
            f"the queue in {state_dir} has schema {version}, this daemon knows schemas up to "
            f"{known[-1][0]}: it was used by a newer bgcopyd. Install that version again."
        )
    if empty:
        db.execute("PRAGMA journal_mode = WAL")
    if version < known[-1][0]:
        migrate(db, version, known)


def schema_version(state_dir: Path, db: sqlite3.Connection) -> int:
    """The schema's number, which the header and a row must agree on.

    Two places, since a damaged header must not pass for a newer schema.
    """
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        # A crash between the first write and the first commit leaves a file without tables.
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0 and not (
            (state_dir / MARKER).exists()
        ):
            return 0
        raise damaged(state_dir, f"{DATABASE} is not a queue of bgcopyd")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    row = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    if row is None or row[0] != version:
        raise damaged(state_dir, "the header and the tables tell different schemas")
    return int(version)


def migrate(db: sqlite3.Connection, version: int, known: list[tuple[int, str]]) -> None:
    """Runs the migrations behind `version`, each in a transaction of its own."""
    for number, sql in known:
        if number <= version:
            continue
        db.executescript(
            f"BEGIN IMMEDIATE;\n{sql}\n"
            f"INSERT OR REPLACE INTO meta (name, value) VALUES ('schema', {number});\n"
            f"PRAGMA user_version = {number};\nPRAGMA application_id = {APPLICATION_ID};\nCOMMIT;"
        )


def _mark(state_dir: Path) -> None:
    """Remembers durably that there is a queue, so that its loss never looks like a first start."""
    (state_dir / BACKUPS).mkdir(mode=0o700, exist_ok=True)
    marker = state_dir / MARKER
    marker.touch(mode=_PRIVATE)
    marker.write_text(
        "This directory holds a queue. Without queue.db the daemon refuses to start;\n"
        "'bgcopyd store accept-empty' begins a new one.\n",
        "utf-8",
    )
    for path in (marker, state_dir):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
