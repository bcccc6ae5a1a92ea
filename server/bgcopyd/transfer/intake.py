"""An accepted body on its way into the partial file."""

from __future__ import annotations

import enum
import hashlib

from bgcopyd.jobs.file import Digest
from bgcopyd.transfer.partial import PartialFile
from bgcopyd.transfer.verdict import Accept


class Taken(enum.Enum):
    """What became of a piece of a body."""

    MORE = enum.auto()
    FULL = enum.auto()
    MISMATCH = enum.auto()


class Intake:
    """Where the next byte of one accepted answer goes.

    Attributes:
        position: the file's offset of the next byte.
        written: whether a byte was written.
    """

    def __init__(self, partial: PartialFile, accepted: Accept, have: int) -> None:
        self._partial = partial
        self._have = have
        self._end = accepted.end
        self.position = accepted.start
        self.written = False

    def take(self, data: bytes) -> Taken:
        """Compares what the disk has already, writes what is new, drops what is too much."""
        full = False
        if self._end is not None and len(data) > self._end - self.position:
            data, full = data[: self._end - self.position], True
        if self.position < self._have:
            known = data[: self._have - self.position]
            if not self._partial.agrees(known, self.position):
                return Taken.MISMATCH
            self.position += len(known)
            data = data[len(known) :]
        if data:
            self._partial.write(data, self.position)
            self.position += len(data)
            self.written = True
        return Taken.FULL if full else Taken.MORE

    @property
    def whole(self) -> bool:
        """Whether all that the answer promised has come."""
        return self._end is not None and self.position >= self._end

    @property
    def open_ended(self) -> bool:
        """Whether the answer did not say where it ends."""
        return self._end is None


class Hashing:
    """Digests of a partial file from its start, computed from the disk behind the writer."""

    def __init__(self, digests: tuple[Digest, ...]) -> None:
        self._expected = digests
        self._running: list[hashlib._Hash] = []
        self.done = 0
        self.reset()

    def reset(self) -> None:
        """Begins anew."""
        self._running = [hashlib.new(digest.algorithm.hashlib_name) for digest in self._expected]
        self.done = 0

    def advance(self, partial: PartialFile, end: int) -> None:
        """Takes in the bytes up to `end`."""
        for running in self._running:
            partial.hash_into(running, self.done, end)
        self.done = end

    def agrees(self) -> bool:
        """Whether the digests are the expected ones."""
        pairs = zip(self._running, self._expected, strict=True)
        return all(running.digest() == digest.value for running, digest in pairs)
