"""Parts of a file that lie apart from one another. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from bgcopyd.jobs.file import FileRange


@dataclass(frozen=True, slots=True)
class Spans:
    """Half-open parts, in order, none touching another."""

    parts: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[int, int]]) -> Self:
        """Any parts, merged."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(parts):
            if start >= end:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def count(self) -> int:
        """How many bytes they hold."""
        return sum(end - start for start, end in self.parts)

    @property
    def prefix(self) -> int:
        """How far the part goes that begins at 0."""
        return self.parts[0][1] if self.parts and self.parts[0][0] == 0 else 0

    @property
    def beyond(self) -> tuple[FileRange, ...]:
        """The parts behind the prefix."""
        return tuple(FileRange(start, end - start) for start, end in self.parts if start)

    @property
    def end(self) -> int:
        """Where the last one ends."""
        return self.parts[-1][1] if self.parts else 0

    def with_part(self, start: int, end: int) -> Spans:
        """These and one more."""
        return Spans.of((*self.parts, (start, end))) if start < end else self

    def up_to(self, end: int) -> Spans:
        """What of them lies before `end`."""
        return Spans.of((start, min(stop, end)) for start, stop in self.parts)

    def within(self, other: Spans) -> Spans:
        """What they and the others have in common."""
        return Spans.of(
            (max(start, other_start), min(end, other_end))
            for start, end in self.parts
            for other_start, other_end in other.parts
        )

    def first_gap(self, start: int, end: int | None) -> tuple[int, int | None] | None:
        """The first stretch within start to end that they leave out."""
        for part_start, part_end in self.parts:
            if end is not None and part_start >= end:
                break
            if start < part_start:
                return start, part_start
            start = max(start, part_end)
        return (start, end) if end is None or start < end else None

    def run_before(self, point: int) -> int:
        """Where the part begins that reaches the point; the point itself where none does."""
        return next((start for start, end in self.parts if start < point <= end), point)

    def longest(self) -> tuple[int, int]:
        """The longest part."""
        return max(self.parts, key=lambda part: part[1] - part[0])


def spans_of(ranges: Iterable[FileRange], size: int | None) -> Spans:
    """Ranges as spans; one to the end of a file of unknown size has no end yet and is left out."""
    ends = ((one.offset, size if one.length is None else one.offset + one.length) for one in ranges)
    return Spans.of((start, end) for start, end in ends if end is not None)
