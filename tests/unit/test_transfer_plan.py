"""Spans, layouts, plans and the sieve against the plainest model: a set of offsets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.queue.transfers import TransferOptions
from bgcopyd.transfer.disk.intake import Taken
from bgcopyd.transfer.disk.partial import PartialFile
from bgcopyd.transfer.disk.sieve import Sieve
from bgcopyd.transfer.judging.layout import Layout, RangeOutside
from bgcopyd.transfer.judging.plan import Plan, Window, resumes
from bgcopyd.transfer.judging.spans import Spans, spans_of
from bgcopyd.transfer.judging.verdict import Accept
from tests.support.placing import unbounded

TOTAL = 60
parts = st.lists(st.tuples(st.integers(0, TOTAL), st.integers(0, TOTAL)), max_size=8)


def offsets(spans: Spans) -> set[int]:
    return {offset for start, end in spans.parts for offset in range(start, end)}


@given(parts, st.integers(0, TOTAL), st.integers(0, TOTAL))
def test_spans_are_sets_of_offsets(pairs: list[tuple[int, int]], one: int, other: int) -> None:
    spans = Spans.of(pairs)
    model = {offset for start, end in pairs for offset in range(start, end)}
    assert offsets(spans) == model
    assert spans.count == len(model)
    assert all(a[1] < b[0] for a, b in zip(spans.parts, spans.parts[1:], strict=False))
    assert offsets(spans.with_part(one, other)) == model | set(range(one, other))
    assert offsets(spans.up_to(one)) == {offset for offset in model if offset < one}
    assert spans.prefix == next(offset for offset in range(TOTAL + 1) if offset not in model)
    assert spans.end == max(model, default=-1) + 1
    gap = spans.first_gap(one, other)
    missing = [offset for offset in range(one, other) if offset not in model]
    assert (gap is None) is (not missing)
    if gap is not None:
        start, end = gap[0], gap[1] or 0
        assert start == missing[0]
        assert set(range(start, end)) <= set(missing)
        assert end == other or end in model
    before = spans.run_before(one)
    assert set(range(before, one)) <= model
    assert before == 0 or before - 1 not in model or before == one


def test_beyond_is_what_the_prefix_leaves() -> None:
    spans = spans_of([FileRange(0, 5), FileRange(9, 2), FileRange(20)], 30)
    assert (spans.prefix, spans.beyond) == (5, (FileRange(9, 2), FileRange(20, 10)))
    assert spans_of([FileRange(20)], None) == Spans()
    assert Spans.of([(3, 9), (20, 21)]).longest() == (3, 9)


@st.composite
def some_ranges(draw: st.DrawFn) -> list[FileRange]:
    """Ranges that do not overlap, in any order; one may go to the end."""
    cuts = sorted(draw(st.sets(st.integers(0, TOTAL), min_size=2, max_size=10)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    ranges = [FileRange(start, end - start) for start, end in pairs]
    if draw(st.booleans()) and pairs[-1][0] < TOTAL:
        ranges[-1] = FileRange(pairs[-1][0])
    return draw(st.permutations(ranges))


def remote_offsets(ranges: list[FileRange]) -> list[int]:
    ends = [TOTAL if one.length is None else one.offset + one.length for one in ranges]
    return [
        offset for one, end in zip(ranges, ends, strict=True) for offset in range(one.offset, end)
    ]


@given(some_ranges())
def test_a_layout_puts_one_range_behind_the_other(ranges: list[FileRange]) -> None:
    layout = Layout(ranges)
    model = remote_offsets(ranges)
    assert layout.local_size(TOTAL) == len(model)
    assert layout.remote_size(len(model)) in {None, TOTAL}
    layout.learn(TOTAL)
    assert layout.fixed_size == len(model)
    for local, remote in enumerate(model):
        piece = layout.at(local)
        assert local + piece.shift == remote
        assert piece.local <= local < (piece.local_end or 0)
    assert layout.ascending is (model == sorted(model))
    layout.learn(None)
    assert (layout.fixed_size is None) is any(one.length is None for one in ranges)


@pytest.mark.parametrize(
    "ranges", [[FileRange(TOTAL)], [FileRange(0, TOTAL + 1)], [FileRange(0, 1), FileRange(99, 1)]]
)
def test_a_layout_outside_of_the_file(ranges: list[FileRange]) -> None:
    with pytest.raises(RangeOutside):
        Layout(ranges).local_size(TOTAL)


def test_what_continues_its_neighbour_is_one_piece() -> None:
    layout = Layout([FileRange(5, 5), FileRange(10, 2), FileRange(20, 1), FileRange(21)])
    assert [(one.remote, one.length) for one in layout.pieces] == [(5, 7), (20, None)]


@st.composite
def some_plans(draw: st.DrawFn) -> tuple[Plan, set[int], int]:
    """A plan, what is wanted of it, and its size."""
    ranges = draw(st.just([]) | some_ranges())
    size = len(remote_offsets(ranges)) if ranges else TOTAL
    filled = [FileRange(start, end - start) for start, end in draw(parts) if start < end <= size]
    requested = draw(st.none() | st.lists(st.integers(0, size - 1), min_size=1, max_size=4))
    asked = None if requested is None else [FileRange(one, 1 + size % 3) for one in requested]
    asked = [one for one in asked or () if one.offset + (one.length or 0) <= size] or None
    known = draw(st.booleans()) or bool(filled)
    plan = Plan(
        draw(st.integers(0, size)) if known else 0,
        size if known else None,
        ranges=ranges,
        filled=filled,
        requested=asked,
    )
    wanted = set(range(size)) if asked is None else offsets(spans_of(asked, size))
    return plan, wanted, size


@given(some_plans(), st.integers(1, 9))
def test_windows_bring_what_is_wanted_and_nothing_twice(
    case: tuple[Plan, set[int], int], step: int
) -> None:
    plan, wanted, size = case
    here = offsets(plan.here)
    for count in range(200):
        window = plan.window()
        if not wanted - here:
            break
        assert window.start not in here
        assert set(range(window.floor, window.start)) <= here
        if count == 0:
            plan.learn(TOTAL)
            window = plan.window()
        end = size if window.end is None else window.end
        assert window.start < end
        shift = plan.layout.at(window.start).shift
        assert all(plan.layout.at(one).shift == shift for one in range(window.floor, end))
        assert window.shift == shift
        stretch = set(range(window.start, min(window.start + step, end)))
        assert not stretch & here
        assert stretch <= wanted
        plan.cover(window, window.start + len(stretch))
        here |= stretch
        assert offsets(plan.here) == here
    assert wanted <= here
    assert plan.complete is (size == plan.size and here == set(range(size)))
    if plan.here:
        sample = plan.sample(10)
        assert sample.start == sample.end
        assert 0 < sample.start - sample.floor <= 10
        assert set(range(sample.floor, sample.start)) <= here


def test_the_common_download_has_one_open_window() -> None:
    assert Plan().window() == Window(0, None, 0, 0)
    assert Plan(7, 20).window() == Window(7, None, 0, 0)
    assert Plan(20, 20).window() == Window(20, None, 0, 0)
    assert Plan(7, 20, filled=[FileRange(10, 2)]).window() == Window(7, 10, 0, 0)
    assert not Plan(7, 20).sparse


def test_requested_parts_outside_of_the_file() -> None:
    for one in (FileRange(TOTAL), FileRange(TOTAL - 1, 2)):
        plan = Plan(requested=[one])
        with pytest.raises(RangeOutside):
            plan.learn(TOTAL)
        assert plan.size is None


def test_what_is_resumed() -> None:
    assert resumes(TransferOptions())
    assert not resumes(TransferOptions(dynamic=True))


@settings(max_examples=200)
@given(some_ranges(), st.lists(st.integers(1, 25), min_size=1), st.booleans())
def test_a_sieve_keeps_the_ranges_whatever_the_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    ranges: list[FileRange],
    cuts: list[int],
    known: bool,  # noqa: FBT001 - drawn
) -> None:
    ranges = sorted(ranges, key=lambda one: one.offset)
    layout, content = Layout(ranges), bytes(range(TOTAL))
    layout.learn(TOTAL if known else None)
    size = layout.fixed_size
    file = _file(tmp_path_factory.mktemp("sieve"))
    accepted = Accept(0, size, size, Validators(), Verification.VALIDATOR, fresh=True)
    sieve = Sieve(file, accepted, layout.pieces)
    offset, taken = 0, Taken.MORE
    for cut in cuts * TOTAL:
        if taken is Taken.FULL or offset == TOTAL:
            break
        taken = sieve.take(content[offset : offset + cut])
        offset += cut
    sieve.flush()
    wanted = bytes(remote_offsets(ranges))
    assert os.pread(file._descriptor, TOTAL, 0) == wanted
    assert sieve.position == sieve.written == len(wanted)
    assert sieve.whole or sieve.open_ended
    file.close()


def _file(directory: Path) -> PartialFile:
    held = os.open(directory, os.O_RDONLY)
    try:
        return PartialFile.open(held, ".part", "file", unbounded())
    finally:
        os.close(held)
