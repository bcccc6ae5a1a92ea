"""What planning promises for any arrival of jobs, over thousands of plans in simulated time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.job import Priority
from bgcopyd.queue.plan import BACKGROUND, Plan, Rules
from bgcopyd.queue.turns import REST
from tests.support.queue_world import (
    FOREVER,
    STOPPING,
    World,
    no_inversion,
    no_limit_exceeded,
    no_slot_idle,
)

HIGH, NORMAL, LOW = BACKGROUND
SLICE = 10.0
PERIOD = 120.0
OWNERS = ("anna", "bert", "cleo")

OWNER = st.sampled_from(OWNERS)
PRIORITY = st.sampled_from(BACKGROUND)
WEIGHTS = st.fixed_dictionaries({owner: st.sampled_from([0.5, 1.0, 2.0, 3.0]) for owner in OWNERS})
RULES = st.builds(
    Rules,
    background_jobs=st.integers(1, 4),
    time_slice=st.just(SLICE),
    jobs_per_owner=st.integers(0, 2),
    ageing=st.sampled_from([PERIOD, 0.0]),
    weights=WEIGHTS,
)


@dataclass(frozen=True)
class Op:
    """Something that happens after a while."""

    after: float
    kind: str
    owner: str
    priority: Priority
    seconds: float
    which: int


OPS = st.lists(
    st.builds(
        Op,
        after=st.sampled_from([0.0, 0.1, 1.0, 7.0, 15.0, 100.0]),
        kind=st.sampled_from(["add"] * 4 + ["suspend", "resume", "rank", "restart"]),
        owner=OWNER,
        priority=PRIORITY,
        seconds=st.sampled_from([0.5, 4.0, 10.0, 35.0, 300.0, FOREVER]),
        which=st.integers(0, 1000),
    ),
    max_size=25,
)


def do(world: World, op: Op) -> None:
    """Lets an operation happen; those on jobs need one."""
    world.run(op.after) if op.after else world.turn()
    jobs = list(world.jobs)
    if op.kind == "add":
        world.add(op.owner, op.priority, op.seconds)
    elif op.kind == "restart":
        world.restart()
    elif jobs:
        job_id = jobs[op.which % len(jobs)]
        if op.kind == "suspend":
            world.suspend(job_id)
        elif op.kind == "resume":
            world.resume(job_id)
        else:
            world.rank(job_id, op.priority)


@settings(max_examples=150, deadline=None)
@given(RULES, OPS)
def test_limits_hold_slots_are_used_and_ranks_are_kept(rules: Rules, ops: list[Op]) -> None:
    world = World(rules)

    def check(world: World, plan: Plan) -> None:
        no_limit_exceeded(world)
        # Where nothing is under way, the plan has been carried out.
        if not world.stops and not plan.preempt:
            no_slot_idle(world)
            no_inversion(world)

    world.check = check
    for op in ops:
        do(world, op)
    world.run(300.0)


# One owner's slices always ended when somebody could be lifted, and his jobs were.
SHORT = Op(after=0.0, kind="add", owner="anna", priority=HIGH, seconds=0.5, which=0)


@settings(max_examples=40, deadline=None)
@given(RULES, OPS, st.lists(st.tuples(OWNER, PRIORITY), min_size=1, max_size=8))
@example(
    Rules(3, SLICE, 1, weights=dict.fromkeys(OWNERS, 0.5)),
    [SHORT, SHORT],
    [("anna", Priority.NORMAL), *[("bert", Priority.NORMAL)] * 4],
)
def test_nobody_is_starved(
    rules: Rules, ops: list[Op], waiting: list[tuple[str, Priority]]
) -> None:
    """However busy the ranks above are: each job runs within what the rules say."""
    world = World(replace(rules, ageing=PERIOD))
    for op in ops:
        do(world, op)
    for owner in OWNERS:
        for _ in range(rules.background_jobs):
            world.add(owner, HIGH)
    jobs = [world.add(owner, priority) for owner, priority in waiting]
    end = world.now + longest_wait(world)
    while world.now < end and not all(world.jobs[job_id].starts for job_id in jobs):
        world.run(PERIOD)
    assert [job_id for job_id in jobs if not world.jobs[job_id].starts] == []


def longest_wait(world: World) -> float:
    """Two periods until a job is HIGH, and then a turn of everybody who may come before it.

    From one lifted turn to the next pass its own length, REST times that, and what is left of
    somebody's slice; of an owner of low weight only every sixth may be.
    """
    return 2.2 * PERIOD + len(world.jobs) * 6 * (2 + REST) * (SLICE + STOPPING)


@settings(max_examples=30, deadline=None)
@given(
    slots=st.integers(1, 4),
    weights=WEIGHTS,
    priority=PRIORITY,
    owners=st.lists(OWNER, min_size=2, max_size=3, unique=True),
    seconds=st.sampled_from([3.0, 10.0, 1000.0]),
)
def test_owners_get_their_weighted_share(
    slots: int, weights: dict[str, float], priority: Priority, owners: list[str], seconds: float
) -> None:
    """Over any time in which all of them want more, to a slice per slot."""
    world = World(Rules(slots, SLICE, ageing=PERIOD, weights=weights))

    def fill() -> None:
        for owner in owners:
            lane = [one for one in world.queue.places.values() if one.owner == owner]
            for _ in range(2 * slots - len(lane)):
                world.add(owner, priority, seconds)

    fill()
    world.check = lambda _world, _plan: fill()
    world.run(50.0)
    before = dict(world.served)
    for _ in range(4):
        world.run(200.0)
        had = {
            owner: (world.served[owner] - before.get(owner, 0.0)) / weights[owner]
            for owner in owners
        }
        most, least = max(had, key=had.__getitem__), min(had, key=had.__getitem__)
        slack = slots * (SLICE + 2 * STOPPING) * (1 / weights[most] + 1 / weights[least])
        assert had[most] - had[least] <= slack


@pytest.mark.parametrize("slots", [1, 3])
def test_an_old_queue_costs_what_is_urgent_a_quarter_of_a_slot(slots: int) -> None:
    world = World(Rules(slots, SLICE, ageing=PERIOD))
    for _ in range(200):
        world.add("anna", LOW)
    world.run(3 * PERIOD)
    for _ in range(slots):
        world.add("bert", HIGH)
    world.run(STOPPING)
    before = world.served["anna"]
    world.run(100 * SLICE)
    had = world.served["anna"] - before
    assert 0.1 * 100 * SLICE <= had <= 0.25 * 100 * SLICE + SLICE


def test_who_is_broken_off_goes_on_with_the_rest_of_his_slice() -> None:
    """Urgent jobs that come before every end of a slice do not keep equals from their turns."""
    world = World(Rules(1, SLICE, ageing=0.0))
    jobs = [world.add("anna", NORMAL) for _ in range(3)]
    for _ in range(30):
        world.run(0.8 * SLICE)
        world.add("bert", HIGH, 0.1)
        world.run(1.0)
    ran = [world.jobs[job_id].ran for job_id in jobs]
    assert max(ran) - min(ran) <= 1.5 * SLICE


def test_waiting_survives_restarts_and_only_they_cost_a_little() -> None:
    world = World(Rules(1, SLICE, ageing=PERIOD))
    world.add("anna", HIGH)
    low = world.add("bert", LOW)
    for _ in range(9):
        world.run(PERIOD / 4)
        assert not world.jobs[low].starts or world.now > 1000.0 + 2 * PERIOD
        world.restart()
    world.run(PERIOD)
    assert world.jobs[low].starts


def test_use_of_idle_slots_costs_nothing_and_absence_saves_nothing_up() -> None:
    world = World(Rules(1, SLICE, ageing=0.0))
    world.add("bert", NORMAL, 15.0)
    world.add("anna", NORMAL)
    world.run(30.0)
    # Nothing happens, so nothing is planned either.
    world._pass(1000.0)
    world.add("bert", NORMAL)
    world.add("anna", NORMAL)
    before = dict(world.served)
    world.run(20 * SLICE)
    had = {owner: world.served[owner] - before.get(owner, 0.0) for owner in ("anna", "bert")}
    assert abs(had["anna"] - had["bert"]) <= 2 * SLICE
