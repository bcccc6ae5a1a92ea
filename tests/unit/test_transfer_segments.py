"""How many connections a file is worth, what each fetches, which slots they take."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.transfer.disk.intake import Intake
from bgcopyd.transfer.disk.partial import PartialFile
from bgcopyd.transfer.downloads.crew import Crew
from bgcopyd.transfer.downloads.stretches import Pulse, Under, next_work
from bgcopyd.transfer.downloads.tempo import Tempo
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.judging.spans import Spans
from bgcopyd.transfer.judging.verdict import Accept
from bgcopyd.transfer.network.admission import Admission, Lane
from tests.support.placing import unbounded

MIB = 1 << 20
TICK = 0.25


def run(rate: Callable[[int], float], seconds: float, most: int = 8) -> list[int]:
    """The targets, tick by tick, on a link where so many connections bring so much in all."""
    tempo = Tempo(window=0.5, gain=0.5)
    now, arrived, targets = 100.0, 0.0, []
    for _ in range(int(seconds / TICK)):
        now += TICK
        arrived += rate(tempo.target) * TICK
        tempo.tick(now, int(arrived), tempo.target, most)
        targets.append(tempo.target)
    return targets


@pytest.mark.parametrize("most", [1, 2, 3, 4, 6, 8])
def test_connections_are_added_while_each_brings_more(most: int) -> None:
    """Each is held to 20 MiB/s; four are there within two seconds."""
    targets = run(lambda count: count * 20 * MIB, 6, most)
    assert targets == sorted(targets)
    assert targets[-1] == most
    assert targets[int(2 / TICK) - 1] >= min(most, 4)


def test_where_one_has_it_all_it_stays_alone() -> None:
    """Loopback: two are slower than one. A trial is short, and the next one long after it."""
    targets = run(lambda count: 900 * MIB / count**0.5, 60)
    assert targets[-1] == 1
    assert max(targets) == 2
    assert targets.count(2) * TICK <= 3
    assert len([1 for before, after in pairwise(targets) if before < after]) <= 3


def test_a_full_link_keeps_as_many_as_fill_it() -> None:
    """Two connections fill it: four bring nothing, and three are tried later, in vain."""
    targets = run(lambda count: min(count * 20, 40) * MIB, 120)
    assert targets[-1] == 2
    assert 3 in targets
    assert targets.count(2) > 0.8 * len(targets)


def test_a_connection_may_take_its_time_to_come_up_to_speed() -> None:
    tempo = Tempo(window=0.5, gain=0.5)
    now, arrived, since = 0.0, 0.0, 0
    for _ in range(40):
        now += TICK
        since = since + 1 if tempo.target > 1 else 0
        # The second one brings nothing at all for its first second.
        arrived += (20 * MIB if since < 5 else 40 * MIB) * TICK
        tempo.tick(now, int(arrived), tempo.target, 2)
    assert tempo.target == 2


def test_nobody_is_hired_while_the_first_comes_up_to_speed() -> None:
    tempo = Tempo(window=0.5, gain=0.5)
    now, arrived, rate = 0.0, 0.0, float(MIB)
    for _ in range(4):
        now, rate = now + TICK, rate * 2
        arrived += rate * TICK
        tempo.tick(now, int(arrived), tempo.target, 4)
    assert tempo.target == 1
    assert run(lambda count: count * 20 * MIB, 0.75)[-1] == 2


def test_fewer_are_allowed_at_any_time() -> None:
    tempo = Tempo(window=0.5, gain=0.5)
    now, arrived = 0.0, 0
    for most, wanted in ((4, 4), (2, 2), (1, 1)):
        for _ in range(24):
            now += TICK
            arrived += int(tempo.target * 20 * MIB * TICK)
            tempo.tick(now, arrived, tempo.target, most)
        assert tempo.target == wanted


def test_a_refusal_ends_the_trial() -> None:
    tempo = Tempo(window=0.5, gain=0.5)
    now, arrived = 0.0, 0
    while tempo.target == 1:
        now += TICK
        arrived += MIB
        tempo.tick(now, arrived, 1, 4)
    # Even one that seemed to have proved its worth before it was answered at all.
    for _ in range(4):
        now += TICK
        arrived += 3 * MIB
        tempo.tick(now, arrived, 2, 4)
    tempo.give_up(now, 1)
    assert tempo.target == 1
    for _ in range(40):
        now += TICK
        arrived += MIB
        tempo.tick(now, arrived, 1, 4)
    assert tempo.target == 1


# What each fetches.


def work(here: Spans, under: list[Under], size: int = 100, least: int = 10) -> object:
    found = next_work(here, size, under, least=least, typical=100.0, patience=5.0)
    return None if found is None else (found.start, found.end, found.victim, found.whole)


def test_what_nobody_fetches_comes_first() -> None:
    here = Spans(((0, 10), (50, 60)))
    assert work(here, [Under(10, 20, 30, 1.0)]) == (30, 50, None, False)
    assert work(here, [Under(10, 20, 50, 1.0)]) == (60, 100, None, False)


def test_half_of_what_would_take_longest() -> None:
    under = [Under(0, 20, 60, 40.0), Under(60, 70, 100, 10.0)]
    assert work(Spans(), under) == (85, 100, 1, False)
    assert work(Spans(), [Under(0, 20, 60, 1.0), Under(60, 70, 100, 10.0)]) == (40, 60, 0, False)


def test_a_half_is_long_enough_and_a_server_has_answered() -> None:
    assert work(Spans(), [Under(0, 81, 100, 50.0)]) is None
    assert work(Spans(), [Under(0, 80, 100, 50.0)]) == (90, 100, 0, False)
    assert work(Spans(), [Under(0, 0, 100, 0.0, open=False)]) is None
    assert work(Spans(((0, 100),)), []) is None


def test_a_trickle_at_the_end_is_given_to_another() -> None:
    assert work(Spans(), [Under(0, 90, 100, 1.0)]) == (90, 100, 0, True)
    # Not one that is about to end, nor one that is as quick as the others.
    assert work(Spans(), [Under(0, 97, 100, 1.0)]) is None
    slow = [Under(0, 90, 100, 1.0)]
    assert next_work(Spans(), 100, slow, least=10, typical=4.0, patience=5.0) is None


def test_one_that_has_just_begun_is_not_taken_for_a_slow_one() -> None:
    """It would be replaced by the next, and that one as well."""
    assert work(Spans(), [Under(0, 90, 100, None)]) is None
    under = [Under(0, 0, 40, None), Under(40, 40, 100, 1000.0)]
    assert work(Spans(), under) == (20, 40, 0, False)


def test_what_a_connection_brings_is_what_it_brought_lately() -> None:
    pulse = Pulse(10.0, 500)
    pulse.feel(10.5, 5_000, paused=False)
    assert pulse.rate is None
    pulse.feel(11.0, 10_500, paused=False)
    assert pulse.rate == 10_000.0
    pulse.feel(11.5, 10_600, paused=False)
    pulse.feel(13.0, 10_700, paused=False)
    assert pulse.rate == 100.0
    pulse.feel(14.0, 10_700, paused=False)
    assert [pulse.rate, pulse.moved] == [0.0, 13.0]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6),
    st.integers(0, 2**32),
)
@settings(deadline=None)
def test_no_byte_is_fetched_twice_and_none_is_left_out(
    pairs: list[tuple[int, int]], seed: int
) -> None:
    """Connections that come, bring some of their stretch, break off or go on."""
    chance = random.Random(seed)
    here = Spans.of(pairs).up_to(60)
    under: list[Under] = []
    while here.count < 60:
        found = next_work(here, 60, under, least=3, typical=1.0, patience=1e9)
        if found is not None and len(under) < 4:
            if found.victim is not None:
                one = under[found.victim]
                assert one.position < found.start < found.end == one.end
                under[found.victim] = replace(one, end=found.start)
            else:
                assert here.first_gap(found.start, found.end) == (found.start, found.end)
            under.append(Under(found.start, found.start, found.end, 1.0))
        one = under.pop(chance.randrange(len(under)))
        to = chance.randint(one.position, one.end)
        missing = (one.position, to) if one.position < to else None
        assert here.first_gap(one.position, to) == missing
        here = here.with_part(one.position, to)
        if to < one.end and chance.random() < 0.5:
            under.append(replace(one, position=to))


def test_answers_in_another_order_than_the_requests() -> None:
    """Who was hired later and answered sooner keeps what it got from the first."""
    accepted = Accept(0, 100, 100, Validators(), Verification.VALIDATOR)
    lead: Any = SimpleNamespace(intake=Intake(cast("PartialFile", None), accepted, 0))
    plan = SimpleNamespace(here=Spans())
    owner = SimpleNamespace(lead=lead, ladder=SimpleNamespace(plan=plan))
    crew = Crew.__new__(Crew)
    crew.owner, crew.segments = cast("Any", owner), []
    first, second = (
        cast("Any", SimpleNamespace(start=start, end=end, victim=lead, replaces=False))
        for start, end in ((50, 100), (25, 50))
    )
    assert crew.takes(second)
    assert crew.takes(first)
    assert lead.intake.end == 25
    lead.intake.position = 30
    late = cast("Any", SimpleNamespace(start=28, end=50, victim=lead, replaces=False))
    assert not crew.takes(late)
    # What was not begun goes back, but not to one that is being broken off.
    lead.intake.position = 25
    crew._give_back(25, 50)
    assert lead.intake.end == 25
    lead.intake.position = 20
    crew._give_back(25, 50)
    assert lead.intake.end == 50


# Slots and notes.


def test_a_slot_at_once_is_one_that_nobody_waits_for() -> None:
    admission = Admission(per_host=2, per_owner=0, total=16)
    host, other = Origin("http", "a", 80), Origin("http", "b", 80)
    lane, elsewhere = Lane(host, "anna", foreground=False), Lane(other, "ben", foreground=False)
    assert admission.take(lane)
    assert admission.take(lane)
    assert not admission.take(lane)
    assert (admission.held(host), admission.held(other)) == (2, 0)
    admission.request(lane, lambda: True)
    admission.admit()
    assert admission.wanted(lane)
    assert not admission.wanted(elsewhere)
    admission.release(lane)
    assert not admission.take(lane)
    assert admission.take(elsewhere)
    admission.admit()
    assert not admission.wanted(lane)


def test_no_slot_is_taken_from_the_same_owner_or_a_full_volume() -> None:
    host, other = Origin("http", "a", 80), Origin("http", "b", 80)
    lanes = [Lane(one, "anna", foreground=False) for one in (host, other)]
    for bounds in ({"per_owner": 1, "total": 16}, {"per_owner": 0, "total": 1}):
        admission = Admission(per_host=9, **bounds)
        assert admission.take(lanes[0])
        assert not admission.take(lanes[1])
        admission.request(lanes[1], lambda: True)
        admission.admit()
        assert admission.wanted(lanes[0])


@pytest.fixture
def partial(tmp_path: Path) -> PartialFile:
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        return PartialFile.open(directory, ".x.part", "x", unbounded())
    finally:
        os.close(directory)


def test_a_note_tells_parts_of_the_old_content_from_the_new(partial: PartialFile) -> None:
    """The same version begun anew: of an old claim with holes only what was written since holds."""
    known, claim = Validators(etag='"a"'), Spans(((0, 10), (20, 30)))
    partial.write([b"a" * 30], 0)
    assert partial.proven(claim, known) == claim
    partial.begin_anew(claimed=True)
    partial.write([b"b" * 25], 0)
    assert partial.proven(claim, known) == Spans()
    partial.write([b"b" * 25], 0)
    partial.note(Spans(((0, 4), (22, 25))), known)
    assert partial.proven(claim, known) == Spans(((0, 4), (22, 25)))
    assert partial.proven(claim, Validators(etag='"b"')) == Spans()
    partial.close()


def test_a_note_of_very_many_parts_names_some(partial: PartialFile) -> None:
    known = Validators(etag='"a"')
    claim = Spans.of((start, start + 1) for start in range(0, 100_000, 10))
    partial.begin_anew(claimed=True)
    partial.write([b"b" * 100_000], 0)
    partial.note(claim, known)
    proven = partial.proven(claim, known)
    assert 100 <= len(proven.parts) < len(claim.parts)
    assert set(proven.parts) <= set(claim.parts)
    partial.close()


def test_a_note_of_an_older_version_is_how_far_it_goes(
    partial: PartialFile, tmp_path: Path
) -> None:
    known, claim = Validators(etag='"a"'), Spans(((0, 10), (20, 30)))
    partial.begin_anew(claimed=True)
    partial.write([b"b" * 30], 0)
    partial.note(Spans(((0, 25),)), known)
    mark = os.getxattr(tmp_path / ".x.part", "user.bgcopy.synced").partition(b" ")[2]
    os.setxattr(tmp_path / ".x.part", "user.bgcopy.synced", b"25 " + mark)
    assert partial.proven(claim, known) == Spans(((0, 10), (20, 25)))
    partial.close()
