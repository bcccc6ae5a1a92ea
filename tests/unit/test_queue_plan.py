"""Planner: which background jobs start, which make room, which are lifted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.job import Priority
from bgcopyd.queue import plan as plan_module
from bgcopyd.queue.plan import BACKGROUND, Plan, Planner, Rules, Situation, Start, Turn
from bgcopyd.queue.shares import Shares
from tests.support.queue_world import Lanes

HIGH, NORMAL, LOW = BACKGROUND
NOW = 10_000.0
OWNERS = ("anna", "bert", "cleo")


def running(job_id: str, owner: str, rank: Priority, *, since: float = NOW, **more: bool) -> Turn:
    return Turn(job_id, owner, rank, rank, since, **more)


def queue(*waiting: tuple[str, str, Priority]) -> Lanes:
    lanes = Lanes()
    for one in waiting:
        lanes.put(*one)
    return lanes


def plan(
    lanes: Lanes,
    turns: Sequence[Turn] = (),
    rules: Rules | None = None,
    *,
    busy: Sequence[str] = (),
    thresholds: Sequence[int] = (),
    had: Mapping[str, float] | None = None,
    after: str = "",
) -> Plan:
    """A plan for one slot, unless `rules` say otherwise. `had` is what owners have had."""
    rules = rules or Rules(1)
    shares: dict[Priority | None, Shares] = {
        rank: Shares(rules.weights) for rank in (None, *BACKGROUND)
    }
    for account in shares.values():
        account.enter(OWNERS)
        account.leave(OWNERS)
        for owner, seconds in (had or {}).items():
            account.settle(owner, 0.0, seconds)
    busy = [*busy, *(turn.job_id for turn in turns)]
    situation = Situation(turns, busy, shares, thresholds, after)
    return Planner(lanes, situation, rules).plan()


def started(made: Plan) -> list[str]:
    return [start.place.job_id for start in made.start]


def preempted(made: Plan) -> list[str]:
    return [turn.job_id for turn in made.preempt]


_KINDS = st.tuples(st.sampled_from(OWNERS), st.sampled_from(BACKGROUND))
_WAITING = st.lists(_KINDS, max_size=12).map(
    lambda kinds: queue(*((f"q{number}", *kind) for number, kind in enumerate(kinds)))
)
_TURNS = st.lists(st.tuples(_KINDS, st.booleans(), st.booleans()), max_size=8).map(
    lambda turns: [
        running(f"r{number}", *kind, over=over, stopping=stopping)
        for number, (kind, over, stopping) in enumerate(turns)
    ]
)


@given(_TURNS, _WAITING, st.integers(1, 8))
def test_slots_are_neither_exceeded_nor_left_idle(
    turns: list[Turn], lanes: Lanes, slots: int
) -> None:
    made = plan(lanes, turns, Rules(slots))
    assert len(made.start) == max(0, min(slots - len(turns), len(lanes.places)))
    assert len(set(started(made))) == len(made.start)


@given(_TURNS, _WAITING, st.integers(1, 8))
def test_whoever_makes_room_has_a_successor(turns: list[Turn], lanes: Lanes, slots: int) -> None:
    moving = [turn for turn in turns if not turn.stopping]
    made = plan(lanes, turns, Rules(slots))
    stay = len(moving) - len(made.preempt)
    assert stay <= slots
    assert len(made.preempt) <= max(len(moving) - slots, 0) + len(lanes.places)
    waiting = [place.priority for place in lanes.places.values()]
    excess = max(len(moving) - slots, 0)
    reasons = [
        turn
        for turn in made.preempt
        if any(one < turn.rank or (turn.over and one is turn.rank) for one in waiting)
    ]
    assert len(made.preempt) - len(reasons) <= excess


def test_foreground_is_not_background() -> None:
    assert Priority.FOREGROUND not in BACKGROUND


def test_the_place_in_the_queue_decides_among_equals() -> None:
    lanes = queue(("a", "anna", NORMAL), ("b", "anna", NORMAL), ("c", "anna", NORMAL))
    assert started(plan(lanes, rules=Rules(2))) == ["a", "b"]


def test_the_owner_who_has_had_less_for_his_weight_goes_first() -> None:
    lanes = queue(("a", "anna", NORMAL), ("b", "bert", NORMAL))
    assert started(plan(lanes)) == ["a"]
    assert started(plan(lanes, had={"anna": 100.0, "bert": 90.0})) == ["b"]
    weighty = Rules(1, weights={"anna": 2.0})
    assert started(plan(lanes, rules=weighty, had={"anna": 100.0, "bert": 90.0})) == ["a"]


def test_free_slots_are_dealt_by_weight() -> None:
    lanes = queue(*((f"{owner}{n}", owner, LOW) for owner in ("anna", "bert") for n in range(6)))
    made = plan(lanes, rules=Rules(6, weights={"bert": 2.0}))
    assert Counter(start.place.owner for start in made.start) == {"anna": 2, "bert": 4}


def test_a_higher_priority_preempts_at_once_the_longest_of_the_lowest() -> None:
    turns = [
        running("n", "anna", NORMAL, since=NOW - 90),
        running("old", "anna", LOW, since=NOW - 80),
        running("new", "anna", LOW, since=NOW - 70),
    ]
    made = plan(queue(("h", "bert", HIGH)), turns, Rules(3))
    assert (started(made), preempted(made)) == ([], ["old"])
    stopping = [turns[0], running("old", "anna", LOW, stopping=True), turns[2]]
    made = plan(queue(("h", "bert", HIGH)), stopping, Rules(3))
    assert (started(made), preempted(made)) == ([], [])


def test_an_equal_waits_for_the_end_of_the_slice() -> None:
    lanes = queue(("q", "anna", NORMAL))
    assert not plan(lanes, [running("r", "anna", NORMAL)]).preempt
    assert preempted(plan(lanes, [running("r", "anna", NORMAL, over=True)])) == ["r"]


def test_a_slice_is_renewed_where_nobody_has_a_better_claim() -> None:
    over = [running("r", "anna", NORMAL, over=True)]
    assert plan(queue(), over).renew == ("r",)
    assert plan(queue(("q", "bert", LOW)), over).renew == ("r",)
    made = plan(queue(("q", "bert", NORMAL)), over, had={"anna": 10.0, "bert": 50.0})
    assert (made.renew, made.preempt) == (("r",), ())


def test_an_owner_at_his_bound_waits_and_others_pass() -> None:
    rules = Rules(3, jobs_per_owner=1)
    lanes = queue(("a", "anna", HIGH), ("a2", "anna", HIGH), ("b", "bert", LOW))
    made = plan(lanes, rules=rules)
    assert (started(made), made.waiting) == (["a", "b"], True)
    # His more urgent job takes the place of his own.
    made = plan(lanes, [running("l", "anna", LOW)], rules)
    assert (started(made), preempted(made)) == (["b"], ["l"])


def test_a_job_whose_run_is_still_stopping_is_passed_over() -> None:
    lanes = queue(("a", "anna", HIGH), ("b", "anna", HIGH))
    assert started(plan(lanes, busy=["a"])) == ["b"]
    assert started(plan(queue(("a", "anna", HIGH)), busy=["a"])) == []


def test_who_has_waited_long_is_lifted_where_its_rank_gets_nothing() -> None:
    lanes = queue(("l", "bert", LOW), ("n", "anna", NORMAL), ("n2", "cleo", NORMAL))
    busy = [running("r", "anna", NORMAL)]
    # One rank, after one period: it waits for the end of the slice, and then comes first.
    assert not plan(lanes, busy, thresholds=(1, 0)).preempt
    over = [running("r", "anna", NORMAL, over=True)]
    assert preempted(plan(lanes, over, thresholds=(1, 0))) == ["r"]
    made = plan(lanes, thresholds=(1, 0))
    assert made.start == (Start(lanes.places["l"], NORMAL, lifted=True),)
    # Two ranks: what is lower than HIGH makes room.
    assert preempted(plan(lanes, busy, thresholds=(1, 1))) == ["r"]
    assert not plan(lanes, busy, thresholds=()).preempt


def test_nobody_is_lifted_whose_rank_has_a_slot() -> None:
    lanes = queue(("a", "bert", NORMAL), ("b", "bert", NORMAL))
    made = plan(lanes, [running("r", "anna", NORMAL)], thresholds=(2, 2))
    assert (made.start, made.preempt) == ((), ())
    made = plan(lanes, [running("r", "anna", LOW)], thresholds=(2, 2))
    assert preempted(made) == ["r"]
    assert not plan(lanes, thresholds=(2, 2)).start[0].lifted


def test_one_is_lifted_at_a_time() -> None:
    lanes = queue(("a", "bert", LOW), ("b", "anna", LOW), *((f"h{n}", "cleo", HIGH) for n in "123"))
    made = plan(lanes, rules=Rules(3), thresholds=(2, 2))
    assert started(made) == ["h1", "h2", "a"]
    lifted = Turn("x", "anna", LOW, HIGH, NOW, lifted=True)
    made = plan(lanes, [lifted], Rules(3), thresholds=(2, 2))
    assert started(made) == ["h1", "h2"]


def test_an_owner_at_his_bound_is_lifted_past_his_own() -> None:
    lanes = queue(("l", "anna", LOW), ("h", "anna", HIGH), ("b", "bert", LOW))
    made = plan(lanes, rules=Rules(2, jobs_per_owner=1), thresholds=(1, 1))
    assert started(made) == ["l", "b"]


def test_a_lifted_job_holds_its_rank_for_its_slice() -> None:
    lifted = Turn("l", "bert", LOW, HIGH, NOW, lifted=True)
    assert not plan(queue(("h", "anna", HIGH)), [lifted]).preempt
    over = Turn("l", "bert", LOW, HIGH, NOW, over=True, lifted=True)
    assert preempted(plan(queue(("n", "anna", NORMAL)), [over])) == ["l"]


def test_very_many_owners_take_turns_in_being_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "LANES", 2)
    lanes = queue(*((f"{owner}1", owner, LOW) for owner in ("anna", "bert", "cleo")))
    first = plan(lanes)
    assert (started(first), first.after) == (["anna1"], "bert")
    had = {"anna": 5.0}
    assert started(plan(lanes, had=had, after="bert")) == ["cleo1"]


def test_what_runs_beyond_a_lowered_limit_goes_back_the_lowest_and_longest_first() -> None:
    turns = [
        running("high", "anna", HIGH, since=NOW - 90),
        running("new", "anna", LOW),
        running("old", "anna", LOW, since=NOW - 90),
    ]
    assert preempted(plan(queue(), turns, Rules(2))) == ["old"]
    assert preempted(plan(queue(), turns, Rules(1))) == ["new", "old"]
