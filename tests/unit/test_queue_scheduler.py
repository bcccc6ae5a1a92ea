"""plan_background: which background jobs start and which make room."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.job import Job, JobState, Priority
from bgcopyd.queue.runs import Running
from bgcopyd.queue.scheduler import BACKGROUND, Plan, Rules, plan_background

NOW = 10_000.0
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
OWNERS = ("anna", "bert", "cleo")
OLD = NOW - 1000.0


def queued(job_id: str, owner: str, priority: Priority) -> Job:
    return Job(job_id, owner, owner, job_id, EPOCH, EPOCH, "e-1", JobState.QUEUED,
               priority=priority)  # fmt: skip


def running(job_id: str, owner: str, priority: Priority, since: float = NOW) -> Running:
    return Running(job_id, owner, priority, since)


def plan(present: list[Running], waiting: list[Job], slots: int) -> Plan:
    return plan_background(present, waiting, Rules(slots, 300.0), NOW)


def ids(jobs: tuple[Job, ...]) -> list[str]:
    return [job.job_id for job in jobs]


_KINDS = st.tuples(st.sampled_from(OWNERS), st.sampled_from(BACKGROUND))
_WAITING = st.lists(_KINDS, max_size=12).map(
    lambda kinds: [queued(f"q{number}", *kind) for number, kind in enumerate(kinds)]
)
_RUNNING = st.lists(st.tuples(_KINDS, st.sampled_from((NOW, OLD))), max_size=8).map(
    lambda all_of_it: [
        running(f"r{number}", *kind, since) for number, (kind, since) in enumerate(all_of_it)
    ]
)


@given(_RUNNING, _WAITING, st.integers(1, 8))
def test_never_more_than_the_slots(present: list[Running], waiting: list[Job], slots: int) -> None:
    made = plan(present, waiting, slots)
    assert len(made.start) == max(0, min(slots - len(present), len(waiting)))
    assert len(set(ids(made.start))) == len(made.start)


@given(_RUNNING, _WAITING, st.integers(1, 8))
def test_no_lower_priority_starts_before_a_higher_one(
    present: list[Running], waiting: list[Job], slots: int
) -> None:
    started = plan(present, waiting, slots).start
    left = [job for job in waiting if job not in started]
    if started and left:
        assert max(job.priority for job in started) <= min(job.priority for job in left)


@given(_WAITING, st.integers(1, 8))
def test_slots_are_fair_among_owners_of_one_priority(waiting: list[Job], slots: int) -> None:
    equals = [job for job in waiting if job.priority is Priority.NORMAL]
    started = plan([], equals, slots).start
    share = Counter(job.owner for job in started)
    for owner in {job.owner for job in equals}:
        starved = any(job.owner == owner for job in equals if job not in started)
        if starved:
            assert max(share.values()) - share[owner] <= 1


@given(_RUNNING, _WAITING, st.integers(1, 8))
def test_whoever_makes_room_has_a_successor(
    present: list[Running], waiting: list[Job], slots: int
) -> None:
    made = plan(present, waiting, max(slots, len(present)))
    by_id = {job.job_id: job for job in present}
    left = sorted(job.priority for job in waiting if job not in made.start)
    assert len(made.preempt) <= len(left)
    for victim_id in made.preempt:
        victim = by_id[victim_id]
        better = [one for one in left if one < victim.priority]
        equal = [one for one in left if one == victim.priority]
        assert better or (equal and NOW - victim.since >= 300)


@given(_RUNNING, _WAITING, st.integers(1, 8))
def test_a_higher_priority_never_waits_behind_a_lower_one_that_runs(
    present: list[Running], waiting: list[Job], slots: int
) -> None:
    made = plan(present, waiting, max(slots, len(present)))
    left = sorted(job.priority for job in waiting if job not in made.start)
    stay = sorted(job.priority for job in present if job.job_id not in made.preempt)
    coming = left[: len(made.preempt)]
    still_waiting = left[len(made.preempt) :]
    if still_waiting and (stay or coming):
        assert min(still_waiting) >= max([*stay, *coming][: len(stay)] or [Priority.HIGH])


@given(_RUNNING, _WAITING, st.integers(1, 8))
def test_what_runs_beyond_a_lowered_limit_goes_back(
    present: list[Running], waiting: list[Job], slots: int
) -> None:
    made = plan(present, waiting, slots)
    stay = [job for job in present if job.job_id not in made.preempt]
    assert len(stay) + len(made.start) <= slots
    assert len(set(made.preempt)) == len(made.preempt)


def test_the_lowest_and_longest_running_go_back_first() -> None:
    present = [
        running("high", "anna", Priority.HIGH, OLD),
        running("new", "anna", Priority.LOW),
        running("old", "anna", Priority.LOW, OLD),
    ]
    assert plan(present, [], 2).preempt == ("old",)
    assert plan(present, [], 1).preempt == ("old", "new")


def test_foreground_is_not_background() -> None:
    assert Priority.FOREGROUND not in BACKGROUND


def test_the_place_in_the_queue_decides_among_equals() -> None:
    waiting = [queued(name, "anna", Priority.NORMAL) for name in "abc"]
    assert ids(plan([], waiting, 2).start) == ["a", "b"]


def test_the_owner_with_fewer_running_jobs_goes_first() -> None:
    present = [running("r", "anna", Priority.LOW)]
    waiting = [queued("a", "anna", Priority.NORMAL), queued("b", "bert", Priority.NORMAL)]
    assert ids(plan(present, waiting, 2).start) == ["b"]


def test_a_higher_priority_preempts_at_once_the_lowest() -> None:
    present = [running("n", "anna", Priority.NORMAL, OLD), running("l", "anna", Priority.LOW)]
    waiting = [queued("h", "bert", Priority.HIGH)]
    assert plan(present, waiting, 2) == Plan((), ("l",))


def test_an_equal_waits_for_the_end_of_the_slice() -> None:
    present = [running("r", "anna", Priority.NORMAL, NOW - 299)]
    waiting = [queued("q", "bert", Priority.NORMAL)]
    assert plan(present, waiting, 1).preempt == ()
    assert plan([running("r", "anna", Priority.NORMAL, NOW - 300)], waiting, 1).preempt == ("r",)


def test_the_longest_running_equal_makes_room() -> None:
    present = [running("new", "anna", Priority.LOW, NOW - 400),
               running("old", "anna", Priority.LOW, NOW - 500)]  # fmt: skip
    waiting = [queued("q", "bert", Priority.LOW)]
    assert plan(present, waiting, 2).preempt == ("old",)


def test_a_lower_priority_never_preempts() -> None:
    present = [running("r", "anna", Priority.NORMAL, OLD)]
    assert plan(present, [queued("q", "bert", Priority.LOW)], 1) == Plan((), ())
