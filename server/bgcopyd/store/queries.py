"""Reads that a connection answers, inside a transaction or on a reader's own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.queue.storage import Changes, FileTotals, JobPage, JobQuery, Position, Token
from bgcopyd.store import attempt_rows, file_rows, job_rows, rows

# The most rows that are looked at for one page of a list.
PAGE_ROWS = 5000
_FINAL = frozenset({JobState.ACKNOWLEDGED, JobState.CANCELLED})
_ALL = frozenset(JobState)
_LIVE = _ALL - _FINAL
_PREFIX = re.compile(r"[0-9a-f]{0,12}")
_TOTALS = (
    "SELECT count(*), coalesce(sum(transferred), 0), "
    "coalesce(sum(claimed + CASE WHEN filled IS NULL THEN 0 ELSE "
    "(SELECT sum(json_extract(value, '$[1]')) FROM json_each(filled)) END), 0), "
    "coalesce(sum(size), 0), count(*) - count(size) FROM file WHERE key BETWEEN ? AND ?"
)
_NOWHERE = (b"\x01", b"\x00")
_GROUPS = (8, 4, 4, 4, 12)


def job(db: sqlite3.Connection, job_id: str) -> Job | None:
    """The job of an id."""
    key = rows.id_bytes(job_id)
    if key is None:
        return None
    row = db.execute(job_rows.SELECT_JOB_BY_ID, (key,)).fetchone()
    return None if row is None else rows.decoded(job_rows.job_of, row)


def seq_of(db: sqlite3.Connection, job_id: str) -> int | None:
    """The seq of a job."""
    row = db.execute("SELECT seq FROM job WHERE id = ?", (rows.id_bytes(job_id),)).fetchone()
    return None if row is None else int(row[0])


def files(
    db: sqlite3.Connection, job_id: str, *, after: int, limit: int, unfinished: bool = False
) -> list[File]:
    """Files of a job by index."""
    seq = seq_of(db, job_id)
    if seq is None:
        return []
    only = " AND transferred = 0" if unfinished else ""
    last = file_rows.file_key(seq + 1, -1)
    found = db.execute(
        f"{file_rows.SELECT_FILE} WHERE key > ? AND key <= ?{only} ORDER BY key LIMIT ?",
        (file_rows.file_key(seq, min(after, file_rows.MAXIMUM_INDEX)), last, limit),
    )
    return [
        rows.decoded(lambda row: file_rows.file_of(job_id, row), row) for row in found.fetchall()
    ]


def totals(db: sqlite3.Connection, seq: int) -> FileTotals:
    """Sums over a job's files."""
    row = db.execute(
        _TOTALS, (file_rows.file_key(seq, 0), file_rows.file_key(seq + 1, -1))
    ).fetchone()
    return FileTotals(*row)


def next_index(db: sqlite3.Connection, seq: int) -> int:
    """The index of the next file of a job: behind those that are there, and those that were."""
    last = db.execute(
        "SELECT max(key) FROM file WHERE key BETWEEN ? AND ?",
        (file_rows.file_key(seq, 0), file_rows.file_key(seq + 1, -1)),
    ).fetchone()[0]
    removed = db.execute("SELECT removed_to FROM job WHERE seq = ?", (seq,)).fetchone()[0]
    return max(int(removed), 0 if last is None else (last & file_rows.MAXIMUM_INDEX) + 1)


def attempts(
    db: sqlite3.Connection, job_id: str, *, file_index: int | None, before: int | None, limit: int
) -> list[Attempt]:
    """Attempts at a job's files, newest first."""
    top = before if before is not None else 1 << 62
    only = "" if file_index is None else " AND file_index = ?"
    found = db.execute(
        f"{attempt_rows.SELECT_ATTEMPT} WHERE job = (SELECT seq FROM job WHERE id = ?) AND id < ?"
        f"{only} ORDER BY id DESC LIMIT ?",
        (rows.id_bytes(job_id), top, *(() if file_index is None else (file_index,)), limit),
    )
    return [rows.decoded(attempt_rows.attempt_of, row) for row in found.fetchall()]


def counts(db: sqlite3.Connection) -> dict[JobState, int]:
    """How many jobs of each state there are, out of the indexes alone."""
    found = db.execute(
        "SELECT state, count(*) FROM job WHERE state < 8 GROUP BY state UNION ALL "
        "SELECT state, count(*) FROM job WHERE state >= 8 GROUP BY state"
    )
    there = dict(found.fetchall())
    return {state: there.get(state, 0) for state in JobState}


def jobs_by_seq(db: sqlite3.Connection, seqs: Iterable[int]) -> list[Job]:
    """Jobs in the order of the numbers given."""
    select = f"{job_rows.SELECT_JOB} WHERE job.seq = ?"
    found = (db.execute(select, (seq,)).fetchone() for seq in seqs)
    return [rows.decoded(job_rows.job_of, row) for row in found if row is not None]


def jobs_in(
    db: sqlite3.Connection, states: Iterable[JobState], *, after: int, limit: int
) -> list[Job]:
    """Jobs in the states by seq: each state's first by its index, merged."""
    chosen = set(states)
    seqs: list[int] = []
    for state in chosen - _FINAL:
        found = db.execute(
            "SELECT seq FROM job WHERE state < 8 AND state = ? AND seq > ? ORDER BY seq LIMIT ?",
            (state, after, limit),
        )
        seqs += [row[0] for row in found]
    for state in chosen & _FINAL:
        found = db.execute(
            "SELECT seq FROM job NOT INDEXED WHERE state = ? AND seq > ? ORDER BY seq LIMIT ?",
            (state, after, limit),
        )
        seqs += [row[0] for row in found]
    return jobs_by_seq(db, sorted(seqs)[:limit])


def page(db: sqlite3.Connection, query: JobQuery, *, before: int | None, limit: int) -> JobPage:
    """A page of a list."""
    top = before if before is not None else 1 << 62
    where = _filter(query)
    narrow = _narrow(db, query)
    if narrow is not None:
        # Few enough to look at all of them, by the index of ids.
        return _cut(db, where.plus("+job.seq < ?", top).also(narrow), limit, None)
    if query.job_id_prefix:
        bounds = _prefix_range(query.job_id_prefix)
        where = where.plus("+job.id BETWEEN ? AND ?", *bounds)
    floor = None
    if len(where.terms) > len(_scope(query).terms):
        floor = _floor(db, query, top)
    where = where.plus("job.seq < ?", top)
    if floor is not None:
        where = where.plus("job.seq >= ?", floor)
    return _cut(db, where, limit, floor)


@dataclass(frozen=True, slots=True)
class _Where:
    """Terms of a WHERE clause, joined by AND, and the values of their marks."""

    terms: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def plus(self, term: str, *values: Any) -> _Where:
        return _Where((*self.terms, term), (*self.values, *values))

    def also(self, other: _Where) -> _Where:
        return _Where((*self.terms, *other.terms), (*self.values, *other.values))

    def __str__(self) -> str:
        return " AND ".join(self.terms) or "1"


def _narrow(db: sqlite3.Connection, query: JobQuery) -> _Where | None:
    """A term on ids that few jobs meet; None where the list runs over the order of creation."""
    if query.job_ids:
        wanted = [job_id for job_id in query.job_ids if job_id.startswith(query.job_id_prefix)]
        keys = [key for key in map(rows.id_bytes, wanted) if key is not None]
        return _Where((f"job.id IN ({', '.join('?' * len(keys))})",), tuple(keys))
    if query.job_id_prefix:
        bounds = _prefix_range(query.job_id_prefix)
        near = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM job WHERE id BETWEEN ? AND ? LIMIT ?)",
            (*bounds, PAGE_ROWS + 1),
        ).fetchone()
        if near[0] <= PAGE_ROWS:
            return _Where(("job.id BETWEEN ? AND ?",), bounds)
    return None


def _cut(db: sqlite3.Connection, where: _Where, limit: int, floor: int | None) -> JobPage:
    """Reads one row more than asked, to know whether there is a next page."""
    found = db.execute(
        f"{job_rows.SELECT_JOB} WHERE {where} ORDER BY job.seq DESC LIMIT ?",
        (*where.values, limit + 1),
    ).fetchall()
    jobs = tuple(rows.decoded(job_rows.job_of, row) for row in found[:limit])
    return JobPage(jobs, jobs[-1].seq if len(found) > limit else floor, position(db))


def _scope(query: JobQuery) -> _Where:
    """What an index answers: the owner, and whether only live jobs are asked for."""
    where = _Where()
    if query.owner is not None:
        if query.states and not query.states & _FINAL:
            where = where.plus("job.state < 8")
        where = where.plus("job.owner = ?", query.owner)
    return where


def _filter(query: JobQuery) -> _Where:
    where = _scope(query)
    if query.states and query.states != _ALL and (query.states != _LIVE or query.owner is None):
        where = where.plus(f"+job.state IN ({', '.join(str(int(s)) for s in query.states)})")
    if query.display_name:
        where = where.plus("job.display_name = ?", query.display_name)
    if query.text:
        where = where.plus(
            "(instr(lower(job.display_name), lower(?)) OR instr(lower(job.description), lower(?)))",
            query.text,
            query.text,
        )
    for label in (query.labels or {}).items():
        where = where.plus(
            "EXISTS (SELECT 1 FROM json_each(job.labels) AS label "
            "WHERE label.key = ? AND label.value = ?)",
            *label,
        )
    return where


def _floor(db: sqlite3.Connection, query: JobQuery, top: int) -> int | None:
    """The lowest seq that is looked at for this page; None where the rest is few enough."""
    where = _scope(query).plus("job.seq < ?", top)
    row = db.execute(
        f"SELECT job.seq FROM job WHERE {where} ORDER BY job.seq DESC LIMIT 1 OFFSET ?",
        (*where.values, PAGE_ROWS - 1),
    ).fetchone()
    return None if row is None else int(row[0])


def _prefix_range(prefix: str) -> tuple[bytes, bytes]:
    """The least and the greatest id that begin so; an empty range where no UUID does."""
    parts = prefix.split("-")
    full, last = parts[:-1], parts[-1]
    if len(parts) > len(_GROUPS) or not all(map(_PREFIX.fullmatch, parts)):
        return _NOWHERE
    widths = zip(full, _GROUPS, strict=False)
    if any(len(part) != width for part, width in widths) or len(last) > _GROUPS[len(full)]:
        return _NOWHERE
    digits = "".join(parts)
    return bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))


def changes(db: sqlite3.Connection, after: int, limit: int) -> Changes:
    """What has changed behind a position; the connection must be in a transaction."""
    found = db.execute(
        f"{job_rows.SELECT_JOB} WHERE job.change_seq > ? ORDER BY job.change_seq LIMIT ?",
        (after, limit + 1),
    ).fetchall()
    removed = db.execute(
        "SELECT change_seq, job, owner, owner_changed FROM tombstone WHERE change_seq > ? "
        "ORDER BY change_seq LIMIT ?",
        (after, limit + 1),
    ).fetchall()
    jobs = [rows.decoded(job_rows.job_of, row) for row in found]
    tombstones = [rows.decoded(rows.tombstone_of, row) for row in removed]
    numbers = sorted({*(job.change_seq for job in jobs), *(gone.change_seq for gone in tombstones)})
    end = numbers[limit - 1] if len(numbers) > limit else max(newest(db), after)
    return Changes(
        tuple(entry for entry in jobs if entry.change_seq <= end),
        tuple(entry for entry in tombstones if entry.change_seq <= end),
        end,
    )


def newest(db: sqlite3.Connection) -> int:
    """The newest number of the change sequence.

    It is always that of a job, of a tombstone, or of the newest tombstone that was trimmed, so it
    need not be stored by itself.
    """
    return int(
        db.execute(
            "SELECT max(coalesce((SELECT max(change_seq) FROM job), 0), "
            "coalesce((SELECT max(change_seq) FROM tombstone), 0), "
            "(SELECT value FROM meta WHERE name = 'oldest'))"
        ).fetchone()[0]
    )


def position(db: sqlite3.Connection) -> Position:
    """Where the change feed stands; the connection must be in a transaction."""
    meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
    last = newest(db)
    return rows.decoded(lambda _: Position(str(meta["store_id"]), last, int(meta["oldest"])), ())


def token(db: sqlite3.Connection, digest: bytes) -> Token | None:
    """The token of a digest."""
    row = db.execute(f"{rows.SELECT_TOKEN} WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else rows.decoded(rows.token_of, row)


def tokens(db: sqlite3.Connection) -> list[Token]:
    """All tokens, oldest first."""
    found = db.execute(f"{rows.SELECT_TOKEN} ORDER BY create_time, id").fetchall()
    return [rows.decoded(rows.token_of, row) for row in found]
