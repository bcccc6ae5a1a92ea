"""What planning promises for any arrival of jobs, over thousands of plans in simulated time."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
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


@settings(max_examples=60, deadline=None)
@given(RULES, OPS, st.lists(st.tuples(OWNER, PRIORITY), min_size=1, max_size=8))
def test_nobody_is_starved(
    rules: Rules, ops: list[Op], waiting: list[tuple[str, Priority]]
) -> None:
    """However busy the ranks above are: each job runs within what the rules say."""
    rules = Rules(rules.background_jobs, SLICE, rules.jobs_per_owner, PERIOD, rules.weights)
    world = World(rules)
    for op in ops:
        do(world, op)
    for owner in OWNERS:
        for _ in range(rules.background_jobs):
            world.add(owner, HIGH)
    jobs = [world.add(owner, priority) for owner, priority in waiting]
    world.run(bound(world))
    for job_id in jobs:
        assert world.jobs[job_id].starts, f"{job_id} never ran"


def bound(world: World) -> float:
    """Two periods until it is HIGH, and then its turn among all who are before it.

    Between two lifted turns lie REST of their length and what is left of somebody's slice.
    """
    turn = SLICE + STOPPING
    round_of_all = len(world.jobs) * (2 + REST) * turn * 6.0
    return 2.2 * PERIOD + round_of_all


@settings(max_examples=60, deadline=None)
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
    for _ in range(4):
        before = dict(world.served)
        world.run(1000.0)
        had = {
            owner: (world.served[owner] - before.get(owner, 0.0)) / weights[owner]
            for owner in owners
        }
        slack = (slots + 1) * (SLICE + 2 * STOPPING) * 2 / min(weights[o] for o in owners)
        assert max(had.values()) - min(had.values()) <= slack, had
