"""An accepted body on its way into the partial file."""

from __future__ import annotations

import enum

from bgcopyd.transfer.disk.partial import PartialFile
from bgcopyd.transfer.judging.verdict import Accept


class Taken(enum.Enum):
    """What became of a piece of a body."""

    MORE = enum.auto()
    FULL = enum.auto()
    MISMATCH = enum.auto()


_GATHER = 256 << 10


class Intake:
    """Where the next byte of one accepted answer goes.

    libcurl hands bodies over in pieces of 16 KiB; they are gathered and written together, at the
    latest when the volume's turn ends.

    A body of unknown length is taken up to `limit`.

    Attributes:
        began: the file's offset of the answer's first byte.
        position: the file's offset of the next byte that arrives.
        written: the file's offset of the next byte to write.
        limited: whether only the limit ends it.
    """

    def __init__(
        self, partial: PartialFile, accepted: Accept, have: int, limit: int | None = None
    ) -> None:
        self._partial = partial
        self._have = have
        self._promised = accepted.end
        self._cut = False
        self.limited = accepted.end is None and limit is not None
        self._end = limit if self.limited else accepted.end
        self._pieces: list[bytes] = []
        self.began = self.position = self.written = accepted.start

    def take(self, data: bytes) -> Taken:
        """Compares what the disk has already, keeps what is new, drops what is too much."""
        full = False
        if self._end is not None and len(data) + self._cut > self._end - self.position:
            data, full = data[: self._end - self.position], True
        if self.position < self._have:
            known = data[: self._have - self.position]
            if not self._partial.agrees(known, self.position):
                return Taken.MISMATCH
            self.position += len(known)
            self.written = self.position
            data = data[len(known) :]
        if data:
            self._pieces.append(data)
            self.position += len(data)
            if self.position - self.written >= _GATHER:
                self.flush()
        return Taken.FULL if full else Taken.MORE

    def flush(self) -> None:
        """Writes what was gathered."""
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._partial.write(pieces, self.written)
            self.written = self.position

    @property
    def end(self) -> int | None:
        """Where what is taken ends."""
        return self._end

    def reaches(self, end: int) -> bool:
        """Whether the answer goes so far."""
        return self._promised is not None and end <= self._promised

    def cut(self, end: int) -> None:
        """Takes what comes before this offset, which the answer reaches, and breaks off there."""
        self._end = end
        self._cut = end != self._promised

    @property
    def shortened(self) -> bool:
        """Whether less is taken than the answer would bring."""
        return self._cut

    @property
    def whole(self) -> bool:
        """Whether all that the answer promised has come."""
        return self._end is not None and not self.limited and self.position >= self._end

    @property
    def open_ended(self) -> bool:
        """Whether the answer did not say where it ends."""
        return self._end is None or self.limited
