"""Parts of a file that are cut out of a stream of the whole of it."""

from __future__ import annotations

from collections.abc import Sequence

from bgcopyd.transfer.disk.intake import Intake, Taken
from bgcopyd.transfer.disk.partial import PartialFile
from bgcopyd.transfer.judging.layout import Piece
from bgcopyd.transfer.judging.verdict import Accept


class Sieve(Intake):
    """Keeps the pieces, which come in the order of the stream, and drops what lies between.

    `accepted` is of the local file.
    """

    def __init__(
        self,
        partial: PartialFile,
        accepted: Accept,
        pieces: Sequence[Piece],
        limit: int | None = None,
    ) -> None:
        super().__init__(partial, accepted, 0, limit)
        self._to_come = list(reversed(pieces))
        self._passed = 0

    def take(self, data: bytes) -> Taken:
        """Keeps what is wanted of the next bytes of the stream."""
        base, self._passed = self._passed, self._passed + len(data)
        while self._to_come:
            piece = self._to_come[-1]
            start = self.position + piece.shift - base
            if start >= len(data):
                return Taken.MORE
            stop = len(data) if piece.remote_end is None else piece.remote_end - base
            if super().take(data[start:stop]) is Taken.FULL:
                return Taken.FULL
            if piece.remote_end is None or stop > len(data):
                return Taken.MORE
            self._to_come.pop()
        return Taken.FULL

    @property
    def open_ended(self) -> bool:
        """Whether nothing would be missing, were the stream to end here."""
        if not super().open_ended or not self._to_come:
            return False
        last = self._to_come[-1]
        return last.remote_end is None and self.position > last.local
