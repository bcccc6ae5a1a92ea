"""An owner's changes per second."""

from __future__ import annotations

import pytest

from bgcopyd.jobs.principal import Principal, Scope
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue import change_rate
from bgcopyd.queue.change_rate import BURST, ChangeRate

ANNA, BEN = Principal("user:anna"), Principal("user:ben")


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spend(rate: ChangeRate, who: Principal, most: int = 1000) -> int:
    """How many changes are taken in one moment."""
    for count in range(most):
        try:
            rate.judge(who)
        except Refusal:
            return count
    return most


def test_a_burst_and_then_the_rate() -> None:
    clock = Watch()
    rate = ChangeRate(4, clock)
    assert spend(rate, ANNA) == 4 * BURST
    with pytest.raises(Refusal) as refused:
        rate.judge(ANNA)
    assert refused.value.reason is Reason.CHANGE_RATE_EXCEEDED
    assert refused.value.retry_after == pytest.approx(0.25)
    assert spend(rate, BEN) == 4 * BURST
    clock.now += 2
    assert spend(rate, ANNA) == 8
    clock.now += 1000
    assert spend(rate, ANNA) == 4 * BURST


def test_no_bound_and_administrators() -> None:
    clock = Watch()
    assert spend(ChangeRate(0, clock), ANNA) == 1000
    assert spend(ChangeRate(1, clock), Principal("local:0", frozenset(Scope))) == 1000


def test_owners_who_ask_no_more_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_rate, "KEPT", 3)
    clock = Watch()
    rate = ChangeRate(1, clock)
    for number in range(10):
        rate.judge(Principal(f"user:{number}"))
        clock.now += 0.5
    assert len(rate._full) <= 3
