"""Connections to the database file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

DATABASE = "queue.db"
BACKUPS = "backups"
APPLICATION_ID = 0x62676370  # "bgcp"
BUSY_TIMEOUT = 10.0
_CHECKPOINT_PAGES = 4000
_LARGEST_LOG = 64 << 20


def connect(path: Path, *, cache_kib: int = 2048) -> sqlite3.Connection:
    """Opens the database for reading and writing, in autocommit mode.

    Args:
        path: the database file, which must exist.
        cache_kib: the most memory for its pages.
    """
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        db.execute(f"PRAGMA cache_size = -{cache_kib}")
        db.execute("PRAGMA temp_store = MEMORY")
        # Random ids touch a page each: fewer checkpoints write a page that was touched twice once.
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")
    except BaseException:
        db.close()
        raise
    return db


def connect_reader(path: Path, *, cache_kib: int = 2048) -> sqlite3.Connection:
    """Opens the database for reading only; sees each commit from its next statement on."""
    db = connect(path, cache_kib=cache_kib)
    db.execute("PRAGMA query_only = ON")
    return db
