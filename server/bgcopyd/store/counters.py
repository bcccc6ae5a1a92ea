"""What the writer knows without asking the database: the last number, and what owners have."""

from __future__ import annotations

import sqlite3

from bgcopyd.jobs.job import Job, JobType
from bgcopyd.jobs.values import value
from bgcopyd.queue.storage import Kept
from bgcopyd.store import queries

# Uploads keep nothing here. The partial index of live jobs is looked through for one owner.
_KEPT = (
    "SELECT coalesce(sum(coalesce(progress.files_total, job.files)), 0), "
    "coalesce(sum(CASE job.type WHEN 1 THEN progress.bytes_transferred END), 0) "
    "FROM job LEFT JOIN progress ON progress.job = job.seq WHERE job.state < 8 AND job.owner = ?"
)


@value(frozen=True, slots=True)
class Mark:
    """A point that the counters can go back to."""

    number: int
    steps: int


class Counters:
    """Live jobs by owner, and where somebody asks for them their files and bytes.

    All follow from the rows; they are read once and undone together with the rows.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.number = queries.newest(db)
        self._db = db
        self._live: dict[str, int] = dict(
            db.execute("SELECT owner, count(*) FROM job WHERE state < 8 GROUP BY owner").fetchall()
        )
        self._all = sum(self._live.values())
        self._kept: dict[str, Kept] = {}
        self._steps: list[tuple[Job, int]] = []

    def next(self) -> int:
        """The next number of the change sequence."""
        self.number += 1
        return self.number

    def live(self, owner: str | None) -> int:
        """How many jobs of the owner, or of all owners, are not final."""
        return self._all if owner is None else self._live.get(owner, 0)

    def kept(self, owner: str) -> Kept:
        """What the owner's live jobs have; only within a transaction, as long as nobody asked."""
        known = self._kept.get(owner)
        if known is None:
            known = self._kept[owner] = Kept(*self._db.execute(_KEPT, (owner,)).fetchone())
        return known

    def count(self, job: Job, step: int) -> None:
        """Counts a job in (1) or out (-1), where it is live."""
        if not job.state.final:
            self._steps.append((job, step))
            self._add(job, step)

    def _add(self, job: Job, step: int) -> None:
        owner = job.owner
        self._all += step
        left = self._live.get(owner, 0) + step
        if left:
            self._live[owner] = left
        else:
            self._live.pop(owner, None)
        known = self._kept.get(owner)
        if known is not None:
            progress = job.progress
            here = progress.bytes_transferred if job.type is JobType.DOWNLOAD else 0
            self._kept[owner] = Kept(
                known.files + step * progress.files_total, known.bytes + step * here
            )

    def mark(self) -> Mark:
        """Where the counters are."""
        return Mark(self.number, len(self._steps))

    def rewind(self, mark: Mark) -> None:
        """Goes back to a mark."""
        while len(self._steps) > mark.steps:
            job, step = self._steps.pop()
            self._add(job, -step)
        self.number = mark.number

    def settle(self) -> None:
        """The group is committed: nothing of it will be undone."""
        self._steps.clear()
