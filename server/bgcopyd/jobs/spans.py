"""Sets of byte ranges: merged, in order, without gaps of nothing between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bgcopyd.jobs.file import FileRange

# Stands for the end of a file of unknown size; no signed 64-bit offset names a byte beyond.
ENDLESS = (1 << 63) - 1


def end_of(one: FileRange) -> int:
    """The byte behind a range; ENDLESS where it goes to the end of the file."""
    return ENDLESS if one.length is None else one.offset + one.length


def span(start: int, end: int) -> FileRange:
    """The range from `start` to before `end`, which may be ENDLESS."""
    return FileRange(start, None if end >= ENDLESS else end - start)


def merged(ranges: Iterable[FileRange]) -> tuple[FileRange, ...]:
    """The same bytes as few ranges in order."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted((one.offset, end_of(one)) for one in ranges):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        elif end > start:
            spans.append((start, end))
    return tuple(span(start, end) for start, end in spans)


def without(ranges: Sequence[FileRange], taken: Sequence[FileRange]) -> tuple[FileRange, ...]:
    """The bytes of merged ranges that are in none of the merged `taken`."""
    left: list[FileRange] = []
    for one in ranges:
        start, end = one.offset, end_of(one)
        for other in taken:
            if end_of(other) <= start or other.offset >= end:
                continue
            if other.offset > start:
                left.append(span(start, other.offset))
            start = max(start, end_of(other))
        if start < end:
            left.append(span(start, end))
    return tuple(left)


def within(ranges: Iterable[FileRange], size: int | None) -> tuple[FileRange, ...]:
    """The bytes of merged ranges that a file of this size has; None is not known."""
    if size is None:
        return tuple(ranges)
    return merged(span(one.offset, min(end_of(one), size)) for one in ranges if one.offset < size)


def on_disk(claimed: int, filled: Sequence[FileRange]) -> tuple[FileRange, ...]:
    """What is there of a file: the claimed beginning and the parts beyond."""
    return merged([*([FileRange(0, claimed)] if claimed else []), *filled])


def present(claimed: int, filled: Sequence[FileRange]) -> int:
    """How many bytes are there of a file."""
    return claimed + sum(part.length or 0 for part in filled)
