"""Rate limits as a hierarchy: each byte is paid to the job, the owner, the host, the machine."""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from bgcopyd.queue.transfers import NO_LIMITS, Limits
from bgcopyd.transfer.judging.redirects import Origin

_BURST_SECONDS = 0.1
# Those who share a bucket take turns: short ones, so that none waits long for the others.
_TURNS_PER_SECOND = 16
_SHORTEST_TURN = 1 << 10
_LONGEST_TURN = 16 << 10
# Buckets at rest are as good as new: beyond so many they are thrown away.
_KEPT = 256


class Bucket:
    """Lets `rate` bytes per second through on average, in the order in which they were asked for.

    Whoever takes bytes gets a place in the line: the count of all bytes before and with it, which
    is paid when so many have flowed. At rest the bucket saves up a tenth of a second. A `rate` of 0
    lets everything through.
    """

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._taken = 0.0
        self._flowed = 0.0
        self._updated = now

    def take(self, count: int, now: float) -> float:
        """Takes bytes that have arrived; their place in the line."""
        self._flow(now)
        self._taken += count
        return self._taken

    def wait(self, place: float, now: float) -> float:
        """Seconds until a place is paid."""
        if not self.rate:
            return 0.0
        self._flow(now)
        return max((place - self._flowed) / self.rate, 0.0)

    def change(self, rate: int, now: float) -> None:
        """Goes on with another rate, which those in the line feel at once."""
        self._flow(now)
        self.rate = rate

    @property
    def turn(self) -> int:
        """How many bytes at a time are fair to others in the line."""
        return min(max(self.rate // _TURNS_PER_SECOND, _SHORTEST_TURN), _LONGEST_TURN)

    def at_rest(self, now: float) -> bool:
        """Whether nobody is in the line."""
        return self.wait(self._taken, now) == 0

    def _flow(self, now: float) -> None:
        most = self._taken + self.rate * _BURST_SECONDS
        self._flowed = min(self._flowed + max(now - self._updated, 0.0) * self.rate, most)
        self._updated = max(now, self._updated)


class Scope(enum.Enum):
    """What shares a bucket."""

    JOB = enum.auto()
    OWNER = enum.auto()
    HOST = enum.auto()
    MACHINE = enum.auto()


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for the bytes of one request."""

    job_id: str
    owner: str
    origin: Origin


_Key = tuple[Scope, object]


@dataclass(slots=True)
class Share:
    """What one transfer has to do with a bucket: what it still owes, and its place in the line."""

    bucket: Bucket
    owed: int = 0
    place: float = 0.0

    def pay(self, now: float) -> float:
        """Takes one turn after the other; seconds until the present one is over.

        Only whole turns are taken, so that equal parts are equal in bytes, whatever the pieces are
        in which they come. Whoever has received much at once pays for it among the others.
        """
        while True:
            wait = self.bucket.wait(self.place, now)
            if wait > 0 or self.owed < self.bucket.turn:
                return wait
            self.place = self.bucket.take(self.bucket.turn, now)
            self.owed -= self.bucket.turn


Tab = dict[_Key, Share]


class Rates:
    """All limits and their buckets. Used from all engine threads, which share each bucket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits = NO_LIMITS
        self._jobs: dict[str, int] = {}
        self._buckets: dict[_Key, Bucket] = {}
        self._sweep_at = _KEPT

    @property
    def limiting(self) -> bool:
        """Whether there is any limit."""
        return bool(self._jobs) or self._limits != NO_LIMITS

    def set_job(self, job_id: str, rate: int, now: float) -> None:
        """Sets a job's limit; 0 lifts it."""
        with self._lock:
            if self._jobs.get(job_id, 0) == rate:
                return
            if rate:
                self._jobs[job_id] = rate
            else:
                self._jobs.pop(job_id, None)
            self._follow(now)

    def set_limits(self, limits: Limits, now: float) -> None:
        """Sets the other limits."""
        with self._lock:
            self._limits = limits
            self._follow(now)

    def _follow(self, now: float) -> None:
        """Gives every bucket its present rate; those without one let go of all who wait."""
        for key, bucket in list(self._buckets.items()):
            rate = self._rate(key)
            if rate != bucket.rate:
                bucket.change(rate, now)
            if not rate:
                del self._buckets[key]

    def _rate(self, key: _Key) -> int:
        match key:
            case (Scope.JOB, job_id):
                return self._jobs.get(str(job_id), 0)
            case (Scope.OWNER, _):
                return self._limits.owner
            case (Scope.HOST, _):
                return self._limits.host
        return self._limits.machine

    def limit(self, payer: Payer) -> int:
        """The lowest limit that holds the payer; 0 where none does."""
        return min((rate for _, rate in self._held(payer)), default=0)

    def piece(self, payer: Payer) -> int:
        """How much a request may bring at once without a burst; 0 where nothing limits it."""
        limit = self.limit(payer)
        return max(limit // _TURNS_PER_SECOND, _SHORTEST_TURN) if limit else 0

    def _held(self, payer: Payer) -> Iterator[tuple[_Key, int]]:
        keys: tuple[_Key, ...] = (
            (Scope.JOB, payer.job_id),
            (Scope.OWNER, payer.owner),
            (Scope.HOST, payer.origin),
            (Scope.MACHINE, None),
        )
        return ((key, rate) for key in keys if (rate := self._rate(key)))

    def charge(self, payer: Payer, tab: Tab, count: int, now: float) -> float:
        """Puts bytes that have arrived on the tab; seconds to wait before more are taken."""
        if not self.limiting:
            tab.clear()
            return 0.0
        wait = 0.0
        with self._lock:
            held = dict(self._held(payer))
            for key in [key for key in tab if key not in held]:
                del tab[key]
            for key, rate in held.items():
                bucket = self._bucket(key, rate, now)
                share = tab.get(key)
                if share is None or share.bucket is not bucket:
                    owed = 0 if share is None else share.owed
                    # A newcomer waits for those who were there before, however little it brings.
                    share = tab[key] = Share(bucket, owed, bucket.take(0, now))
                share.owed += count
                wait = max(wait, share.pay(now))
        return wait

    def settle(self, tab: Tab, now: float) -> None:
        """Ends a tab: what is still owed on it is paid by those who come later."""
        with self._lock:
            for share in tab.values():
                share.bucket.take(share.owed, now)
        tab.clear()

    def _bucket(self, key: _Key, rate: int, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._sweep_at:
                self._sweep(now)
            bucket = self._buckets[key] = Bucket(rate, now)
        return bucket

    def _sweep(self, now: float) -> None:
        for key in [key for key, bucket in self._buckets.items() if bucket.at_rest(now)]:
            del self._buckets[key]
        self._sweep_at = max(_KEPT, 2 * len(self._buckets))
