"""The queue as lanes: one of each owner and priority, in the order of queue_seq."""

from __future__ import annotations

import sqlite3

from bgcopyd.jobs.job import Job, Priority
from bgcopyd.queue.storage import AgeMark, Place
from bgcopyd.store import rows

# Those that are held for their not_before have a due moment.
_WAITS = "state = 1 AND due IS NULL"
_PLACE = "SELECT job.id, job.owner, job.priority, job.queue_seq FROM job"
_OLDEST = f"{_PLACE} WHERE {_WAITS} AND priority = ? ORDER BY queue_seq LIMIT ?"
_LANE = (
    f"{_PLACE} WHERE {_WAITS} AND priority = ? AND owner = ? AND queue_seq > ? "
    "ORDER BY queue_seq LIMIT ?"
)
# Leaps from owner to owner along the index: two searches per owner, however many jobs each has.
_HEADS = f"""
WITH RECURSIVE lane (owner) AS (
    SELECT min(owner) FROM job WHERE {_WAITS} AND priority = ?1 AND owner > ?2
    UNION ALL
    SELECT (SELECT min(owner) FROM job WHERE {_WAITS} AND priority = ?1 AND owner > lane.owner)
    FROM lane WHERE lane.owner IS NOT NULL LIMIT ?3
)
{_PLACE}, lane WHERE job.seq = (
    SELECT seq FROM job WHERE {_WAITS} AND priority = ?1 AND owner = lane.owner
    ORDER BY queue_seq LIMIT 1
) ORDER BY lane.owner
"""
_AHEAD = (
    f"SELECT count(*) FROM (SELECT 1 FROM job WHERE {_WAITS} AND priority = ? AND owner = ? "
    "AND queue_seq < ? LIMIT ?)"
)


def oldest(db: sqlite3.Connection, priority: Priority, limit: int) -> list[Place]:
    """The first jobs of a priority by queue_seq."""
    return _places(db.execute(_OLDEST, (int(priority), limit)))


def heads(db: sqlite3.Connection, priority: Priority, after: str, limit: int) -> list[Place]:
    """The first job of each lane of a priority, owners by name."""
    return _places(db.execute(_HEADS, (int(priority), after, limit)))


def lane(
    db: sqlite3.Connection, priority: Priority, owner: str, after: int, limit: int
) -> list[Place]:
    """A lane from behind a queue_seq."""
    return _places(db.execute(_LANE, (int(priority), owner, after, limit)))


def ahead(db: sqlite3.Connection, job: Job, limit: int) -> int:
    """How many jobs of the job's lane are before it."""
    found = db.execute(_AHEAD, (int(job.priority), job.owner, job.queue_seq, limit))
    return int(found.fetchone()[0])


def ages(db: sqlite3.Connection) -> list[AgeMark]:
    """All marks, the youngest queue first."""
    found = db.execute("SELECT age, number FROM age ORDER BY age").fetchall()
    return [AgeMark(float(age), int(number)) for age, number in found]


def _places(found: sqlite3.Cursor) -> list[Place]:
    return [rows.decoded(_place_of, row) for row in found.fetchall()]


def _place_of(row: rows.Row) -> Place:
    key, owner, priority, queue_seq = row
    return Place(rows.id_text(key), owner, Priority(priority), queue_seq)
