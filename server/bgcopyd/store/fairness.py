"""Which queued jobs are next: one of each owner, then a second of each, and so on."""

from __future__ import annotations

import sqlite3

# So many rows by queue_seq settle it in nearly every queue; they cost about 0.1 ms.
WINDOW = 256

# Those that are held for their not_before have a due moment.
_WAITS = "state = 1 AND due IS NULL"
_OLDEST = (
    f"SELECT owner, seq, queue_seq FROM job WHERE {_WAITS} AND priority = ? "
    "ORDER BY queue_seq LIMIT ?"
)
# Leaps from owner to owner along the index: one search per owner, however many jobs each has.
_LANES = f"""
WITH RECURSIVE lane (owner) AS (
    SELECT min(owner) FROM job WHERE {_WAITS} AND priority = ?1
    UNION ALL
    SELECT (SELECT min(owner) FROM job WHERE {_WAITS} AND priority = ?1 AND owner > lane.owner)
    FROM lane WHERE lane.owner IS NOT NULL
)
SELECT owner, (
    SELECT min(queue_seq) FROM job WHERE {_WAITS} AND priority = ?1 AND owner = lane.owner
) AS head
FROM lane WHERE owner IS NOT NULL ORDER BY head LIMIT ?2
"""
_LANE = (
    f"SELECT owner, seq, queue_seq FROM job WHERE {_WAITS} AND priority = ? AND owner = ? "
    "ORDER BY queue_seq LIMIT ?"
)

Entry = tuple[str, int, int]


def next_in_queue(db: sqlite3.Connection, priority: int, limit: int) -> list[int]:
    """The `seq` of the next jobs of a priority, fairly ordered."""
    window = max(WINDOW, 2 * limit)
    rows = db.execute(_OLDEST, (priority, window)).fetchall()
    if len(rows) < window or len({row[0] for row in rows}) >= limit:
        return _rounds(rows, limit)
    lanes = db.execute(_LANES, (priority, limit)).fetchall()
    # Of one lane no more can be needed than what the first jobs of the others leave.
    most = limit - len(lanes) + 1
    rows = []
    for owner, _head in lanes:
        rows += db.execute(_LANE, (priority, owner, most)).fetchall()
    return _rounds(rows, limit)


def _rounds(rows: list[Entry], limit: int) -> list[int]:
    """Deals the jobs out in rounds; within a round the one that has waited longest is first."""
    rows = sorted(rows, key=lambda row: row[2])
    dealt: dict[str, int] = {}
    order = []
    for owner, seq, queue_seq in rows:
        turn = dealt.get(owner, 0)
        dealt[owner] = turn + 1
        order.append((turn, queue_seq, seq))
    order.sort()
    return [seq for _turn, _queue_seq, seq in order[:limit]]
