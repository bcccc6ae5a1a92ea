"""Due moments of SQLite's rows. Each query runs along a partial index of migration 0004."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from datetime import timedelta

from bgcopyd.jobs.job import Job
from bgcopyd.queue.clock import ClockMark
from bgcopyd.queue.storage import Directory, Leftover
from bgcopyd.store import file_rows, queries, rows

_DUE = "FROM job WHERE due IS NOT NULL AND completing = 0 AND cleanup = 0"
_DEADLINE = (
    "FROM job WHERE deadline_due IS NOT NULL AND state IN (1, 2, 3, 4, 6) AND completing = 0"
)
_ACTIVE = "FROM job WHERE state IN (1, 4, 5, 6, 7) AND completing = 0"
SELECT_NEXT = (
    f"SELECT (SELECT min(due) {_DUE}), (SELECT min(deadline_due) {_DEADLINE}), "
    f"(SELECT min(active) {_ACTIVE}) + ?, "
    "(SELECT min(expires) FROM request WHERE expires IS NOT NULL)"
)
SELECT_DUE = f"SELECT seq {_DUE} AND due <= ? AND state < 8 ORDER BY due LIMIT ?"
SELECT_OVERDUE = f"SELECT seq {_DEADLINE} AND deadline_due <= ? ORDER BY deadline_due LIMIT ?"
SELECT_INACTIVE = f"SELECT seq {_ACTIVE} AND active <= ? ORDER BY active LIMIT ?"
SELECT_BLOCKED = (
    "SELECT seq FROM job WHERE state = 6 AND due IS NULL AND seq > ? ORDER BY seq LIMIT ?"
)
SELECT_EXPIRED = f"SELECT seq, id, owner {_DUE} AND due <= ? AND state >= 8 ORDER BY due LIMIT ?"
REPLACE_MARK = "INSERT OR REPLACE INTO meta (name, value) VALUES ('clock', ?)"
NOTE_DIRECTORY = "INSERT OR REPLACE INTO directory (root, path, until) VALUES (?, ?, ?)"
FORGET_DIRECTORIES = "DELETE FROM directory WHERE until <= ?"


def next_moment(db: sqlite3.Connection, inactivity_timeout: float) -> float | None:
    """The earliest moment at which anything is due."""
    found = db.execute(SELECT_NEXT, (inactivity_timeout,)).fetchone()
    return min((float(moment) for moment in found if moment is not None), default=None)


def due(db: sqlite3.Connection, now: float, limit: int) -> list[Job]:
    """Jobs with a future that have waited long enough."""
    return _jobs(db, SELECT_DUE, now, limit)


def overdue(db: sqlite3.Connection, now: float, limit: int) -> list[Job]:
    """Jobs that are past their deadline."""
    return _jobs(db, SELECT_OVERDUE, now, limit)


def inactive(db: sqlite3.Connection, before: float, limit: int) -> list[Job]:
    """Jobs that were last active before."""
    return _jobs(db, SELECT_INACTIVE, before, limit)


def blocked(db: sqlite3.Connection, after: int, limit: int) -> list[Job]:
    """Jobs that no pause will bring back."""
    return _jobs(db, SELECT_BLOCKED, after, limit)


def _jobs(db: sqlite3.Connection, select: str, bound: float, limit: int) -> list[Job]:
    found = db.execute(select, (bound, limit)).fetchall()
    return queries.jobs_by_seq(db, [row[0] for row in found])


def mark_text(mark: ClockMark) -> str:
    """The value of REPLACE_MARK."""
    return json.dumps([mark.steady, mark.boot_id, mark.uptime, rows.micros(mark.time)])


def clock_mark(db: sqlite3.Connection) -> ClockMark | None:
    """The mark that was made last."""
    row = db.execute("SELECT value FROM meta WHERE name = 'clock'").fetchone()
    return None if row is None else rows.decoded(_mark_of, row)


def _mark_of(row: rows.Row) -> ClockMark:
    steady, boot_id, uptime, time = json.loads(row[0])
    return ClockMark(
        rows.exactly(float, steady),
        rows.exactly(str, boot_id),
        rows.exactly(float, uptime),
        rows.EPOCH + timedelta(microseconds=time),
    )


def directories(db: sqlite3.Connection, after: Directory | None, limit: int) -> list[Directory]:
    """Noted directories by root and path."""
    found = db.execute(
        "SELECT root, path FROM directory WHERE (root, path) > (?, ?) ORDER BY root, path LIMIT ?",
        (*(after or ("", "")), limit),
    ).fetchall()
    return [(str(root), str(path)) for root, path in found]


def unwanted(db: sqlite3.Connection, leftovers: Collection[Leftover]) -> set[Leftover]:
    """Those that belong to no file of a job that may still want it, and were ours."""
    keys = {job_id: rows.id_bytes(job_id) for job_id, _ in leftovers}
    removed = _removed(db, [key for key in keys.values() if key is not None])
    return {one for one in leftovers if _is_unwanted(db, one, keys[one[0]], removed)}


def _is_unwanted(
    db: sqlite3.Connection, one: Leftover, key: bytes | None, removed: set[bytes]
) -> bool:
    job = queries.job(db, one[0])
    if job is None:
        return key in removed
    if job.state.final and not (job.completing or job.cleanup):
        return True
    if one[1] > file_rows.MAXIMUM_INDEX:
        return True
    file = db.execute("SELECT 1 FROM file WHERE key = ?", (file_rows.file_key(job.seq, one[1]),))
    return file.fetchone() is None


def _removed(db: sqlite3.Connection, keys: Iterable[bytes]) -> set[bytes]:
    """Which of the ids have a tombstone; one pass, since nobody else asks for them by id."""
    wanted = set(keys)
    found = db.execute("SELECT job FROM tombstone")
    return {row[0] for row in found if row[0] in wanted}
