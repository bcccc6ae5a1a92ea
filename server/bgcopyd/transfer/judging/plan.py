"""What of a file is here, what is wanted of it, and which stretch comes next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from bgcopyd.jobs.file import FileRange
from bgcopyd.jobs.http_options import HttpOptions
from bgcopyd.queue.transfers import Transfer, TransferOptions
from bgcopyd.transfer.judging.layout import Layout, RangeOutside
from bgcopyd.transfer.judging.spans import Spans, spans_of


def gets(http: HttpOptions) -> bool:
    """Whether the requests only get something, so that they may be repeated anywhere."""
    return http.method in {"", "GET"}


def resumes(options: TransferOptions) -> bool:
    """Whether what is on disk may be continued by a later attempt, or from another source."""
    return not options.dynamic and gets(options.http)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the local file that one request can bring.

    Bytes from `floor` to `start` are here, and are neighbours in the remote file as well. `end`
    None is as far as the remote file goes; `start` plus `shift` is its offset there.
    """

    start: int
    end: int | None
    floor: int
    shift: int


class Plan:
    """Offsets are the local file's, but for `total`.

    Attributes:
        layout: how the local file consists of the remote one.
        here: the parts that are on disk, synced or not; `count` bytes.
        size: the local file's size, once known.
        total: the remote file's size, once known.
        sparse: whether it may have any number of holes.
    """

    def __init__(
        self,
        have: int = 0,
        size: int | None = None,
        *,
        ranges: Sequence[FileRange] = (),
        filled: Sequence[FileRange] = (),
        requested: Sequence[FileRange] | None = None,
    ) -> None:
        self.layout = Layout(ranges)
        self.total = None if size is None else self.layout.remote_size(size)
        self.layout.learn(self.total)
        self.size = size if size is not None else self.layout.fixed_size
        self._requested = requested
        self.keep(spans_of((FileRange(0, have), *filled), size))
        self.sparse = requested is not None
        self._plain = self.layout.whole and requested is None

    @classmethod
    def of(cls, transfer: Transfer) -> Self:
        """The plan of a transfer; one that is never resumed has nothing, and wants all of it."""
        kept = resumes(transfer.options)
        plan = cls(
            transfer.claimed,
            transfer.size,
            ranges=transfer.ranges,
            filled=transfer.filled,
            requested=transfer.requested if kept else None,
        )
        if not kept:
            plan.forget()
        return plan

    @property
    def partial(self) -> bool:
        """Whether requests are for parts of the remote file, even where nothing is here."""
        return not self.layout.whole or self._requested is not None

    @property
    def streams(self) -> bool:
        """Whether all of the remote file, from its start, would serve as well."""
        return self._requested is None and self.layout.ascending

    @property
    def complete(self) -> bool:
        """Whether the whole local file is here."""
        return self.size is not None and self.here.prefix >= self.size

    @property
    def satisfied(self) -> bool:
        """Whether all that was requested is here."""
        return self._requested is not None and self._gap() is None

    def _wanted(self) -> Iterator[tuple[int, int | None]]:
        if self._requested is None:
            yield 0, self.size
            return
        for one in self._requested:
            yield one.offset, self.size if one.length is None else one.offset + one.length

    def _gap(self) -> tuple[int, int | None] | None:
        gaps = (self.here.first_gap(start, end) for start, end in self._wanted())
        return next((gap for gap in gaps if gap is not None), None)

    def window(self) -> Window:
        """What comes next; an empty window at the end of all that is wanted where all is here."""
        here = self.here
        if self._plain and here.prefix == here.end:
            # Most files, several times each: the same as below.
            return Window(here.end, None, 0, 0)
        gap = self._gap()
        if gap is None:
            return self._window(self.here.end, self.here.end)
        return self._window(*gap)

    def opening(self) -> Window:
        """What came first if nothing were here."""
        if self._plain:
            return Window(0, None, 0, 0)
        start, end = next(self._wanted())
        return self._window(start, end, floor=start)

    def _window(self, start: int, end: int | None, floor: int | None = None) -> Window:
        whole = self.layout.whole
        piece = self.layout.at(start - 1 if start == end and start else start)
        ends = [one for one in (end, piece.local_end) if one is not None]
        if floor is None:
            floor = max(self.here.run_before(start), piece.local)
        # To the end of a whole file nothing is said of the end: what the server has then counts.
        last = None if not ends or (whole and ends[0] == self.size) else min(ends)
        return Window(start, last, floor, piece.shift)

    def sample(self, length: int) -> Window:
        """An empty window behind bytes that are here, at most `length` of them, to compare."""
        start, end = self.here.longest()
        piece = self.layout.at(end - 1)
        return Window(end, end, max(start, piece.local, end - length), piece.shift)

    def covering(self, window: Window, position: int) -> Spans:
        """What is here once the window is filled up to the position."""
        return self.here.with_part(window.start, position)

    def cover(self, window: Window, position: int) -> None:
        """The window is filled up to the position."""
        self.keep(self.covering(window, position))

    def learn(self, total: int | None) -> None:
        """The remote file's size, None where it was not told.

        Raises:
            RangeOutside: what is wanted does not lie in it.
        """
        size = None
        if total is not None:
            size = self.layout.local_size(total)
            self._within(size)
        self.layout.learn(total)
        self.total, self.size = total, size if size is not None else self.layout.fixed_size

    def _within(self, size: int) -> None:
        for one in self._requested or ():
            if one.offset >= size or one.offset + (one.length or 0) > size:
                raise RangeOutside

    def agrees(self, total: int | None) -> bool:
        """Whether a remote file of that size may be the one that is known."""
        if total is None or self.size is None:
            return True
        try:
            return self.layout.local_size(total) == self.size
        except RangeOutside:
            return False

    def keep(self, here: Spans) -> None:
        """This is what is here."""
        self.here = here
        self.count = here.count

    def forget(self) -> None:
        """Nothing is here, and nothing known."""
        self.keep(Spans())
        self.learn(None)
