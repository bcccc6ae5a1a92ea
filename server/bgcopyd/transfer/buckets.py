"""Rate limits: buckets that may go into debt, which the receiver then waits out."""

from __future__ import annotations

import threading

_BURST_SECONDS = 0.1


class Bucket:
    """Lets `rate` bytes per second through on average; at rest it saves up a tenth of a second."""

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._level = 0.0
        self._updated = now

    def charge(self, count: int, now: float) -> float:
        """Takes bytes that have arrived; returns the seconds to wait before taking more."""
        refill = (now - self._updated) * self.rate
        self._level = min(self._level + refill, self.rate * _BURST_SECONDS) - count
        self._updated = now
        return max(-self._level / self.rate, 0.0)

    def change(self, rate: int, now: float) -> None:
        """Goes on with another rate; debt is measured in time, so that a raise is felt at once."""
        self.charge(0, now)
        self._level *= rate / self.rate
        self.rate = rate


class Rates:
    """The global limit and those of the jobs. Used from all engine threads."""

    def __init__(self, rate: int, now: float) -> None:
        self._lock = threading.Lock()
        self._global = _changed(None, rate, now)
        self._jobs: dict[str, Bucket] = {}

    def set_job(self, job_id: str, rate: int, now: float) -> None:
        """Sets a job's limit; 0 lifts it."""
        with self._lock:
            bucket = _changed(self._jobs.get(job_id), rate, now)
            if bucket is None:
                self._jobs.pop(job_id, None)
            else:
                self._jobs[job_id] = bucket

    def set_total(self, rate: int, now: float) -> None:
        """Sets the global limit; 0 lifts it."""
        with self._lock:
            self._global = _changed(self._global, rate, now)

    def limit(self, job_id: str) -> int:
        """The lowest limit that holds the job's transfers; 0 where none does."""
        bucket = self._jobs.get(job_id)
        rates = [limit.rate for limit in (bucket, self._global) if limit is not None]
        return min(rates, default=0)

    def charge(self, job_id: str, count: int, now: float) -> float:
        """Takes bytes of a job's transfer; the seconds it has to wait."""
        if self._global is None and not self._jobs:
            return 0.0
        with self._lock:
            job = self._jobs.get(job_id)
            wait = job.charge(count, now) if job is not None else 0.0
            if self._global is not None:
                wait = max(wait, self._global.charge(count, now))
            return wait


def _changed(bucket: Bucket | None, rate: int, now: float) -> Bucket | None:
    """The bucket under another rate, a new one, or none where the limit is lifted."""
    if rate <= 0:
        return None
    if bucket is None:
        return Bucket(rate, now)
    if bucket.rate != rate:
        bucket.change(rate, now)
    return bucket
