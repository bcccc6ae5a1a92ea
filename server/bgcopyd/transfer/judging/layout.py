"""How a local file consists of ranges of the remote one, one behind the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bgcopyd.jobs.file import FileRange


class RangeOutside(Exception):
    """A range that is wanted does not lie in the remote file."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A range and where it goes; `length` None is to the end of the remote file."""

    local: int
    remote: int
    length: int | None

    @property
    def shift(self) -> int:
        """What makes a local offset a remote one."""
        return self.remote - self.local

    @property
    def local_end(self) -> int | None:
        """Where it ends in the local file."""
        return None if self.length is None else self.local + self.length

    @property
    def remote_end(self) -> int | None:
        """Where it ends in the remote file."""
        return None if self.length is None else self.remote + self.length


class Layout:
    """The pieces of a local file.

    A range to the end has no length before the size is known; what comes behind it has no place
    until then.

    Attributes:
        whole: whether the local file is the remote one.
        ascending: whether one stream from the remote file's start brings the pieces in order.
    """

    def __init__(self, ranges: Sequence[FileRange]) -> None:
        self.whole = not ranges
        self._ranges = tuple(ranges) or (FileRange(0),)
        self._pieces = _pieces(self._ranges)
        offsets = [one.offset for one in self._ranges]
        self.ascending = offsets == sorted(offsets)

    @property
    def pieces(self) -> Sequence[Piece]:
        """All of them, in the local file's order."""
        return self._pieces

    @property
    def fixed_size(self) -> int | None:
        """The local file's size, where the lengths alone tell it."""
        return self._pieces[-1].local_end

    def local_size(self, total: int) -> int:
        """The local file's size, from the remote one's.

        Raises:
            RangeOutside: a range does not lie in a file of that size.
        """
        size = 0
        for one in self._ranges:
            length = total - one.offset if one.length is None else one.length
            if one.offset + length > total or (length <= 0 and not self.whole):
                raise RangeOutside
            size += length
        return size

    def remote_size(self, size: int) -> int | None:
        """The remote file's size, from the local one's; None where that does not tell it."""
        if all(one.length is not None for one in self._ranges):
            return None
        rest = size - sum(one.length or 0 for one in self._ranges)
        return next(one.offset for one in self._ranges if one.length is None) + rest

    def learn(self, total: int | None) -> None:
        """Gives the range to the end its length; None takes it away."""
        if self.whole:
            return
        known = self._ranges
        if total is not None:
            known = tuple(
                replace(one, length=total - one.offset) if one.length is None else one
                for one in known
            )
        self._pieces = _pieces(known)

    def at(self, local: int) -> Piece:
        """The piece that a local offset lies in; the last one for what lies behind all."""
        pieces = self._pieces
        return next(
            (one for one in pieces if one.local_end is None or local < one.local_end), pieces[-1]
        )


def _pieces(ranges: Sequence[FileRange]) -> tuple[Piece, ...]:
    """Places for the ranges; neighbours that continue one another are one piece."""
    pieces = []
    local: int | None = 0
    for one in ranges:
        if local is None:
            break
        pieces.append(Piece(local, one.offset, one.length))
        local = pieces[-1].local_end
    joined = pieces[:1]
    for before, after in pairwise(pieces):
        if before.remote_end == after.remote:
            length = None
            if after.length is not None and joined[-1].length is not None:
                length = joined[-1].length + after.length
            joined[-1] = replace(joined[-1], length=length)
        else:
            joined.append(after)
    return tuple(joined)
