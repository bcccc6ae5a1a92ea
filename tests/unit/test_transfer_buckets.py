"""Limits as a hierarchy: how fast, how fair, and what a change does. Time is what the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.queue.transfers import Limits
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.buckets import Bucket, Payer, Rates, Tab

PIECE = 16 << 10


def payer(job_id: str = "job", owner: str = "anna", host: str = "one") -> Payer:
    return Payer(job_id, owner, Origin("http", host, 80))


def limited(**limits: int) -> Rates:
    rates = Rates()
    rates.set_limits(Limits(**limits), 0.0)
    return rates


@pytest.mark.parametrize("rate", [64 << 10, 1 << 20])
@given(st.lists(st.integers(1, PIECE), min_size=200, max_size=400))
def test_a_bucket_keeps_its_rate(rate: int, pieces: list[int]) -> None:
    now, bucket = 0.0, Bucket(rate, 0.0)
    for piece in pieces:
        now += bucket.wait(bucket.take(piece, now), now)
    assert sum(pieces) == pytest.approx(rate * now, rel=0.01)


def test_a_bucket_saves_up_little() -> None:
    bucket = Bucket(1000, 0.0)
    assert bucket.wait(bucket.take(100, 3600.0), 3600.0) == 0
    assert bucket.wait(bucket.take(100, 3600.0), 3600.0) == pytest.approx(0.1)


def test_a_change_is_felt_at_once_by_those_who_wait() -> None:
    bucket = Bucket(10, 0.0)
    place = bucket.take(1000, 0.0)
    assert bucket.wait(place, 0.0) == pytest.approx(100)
    bucket.change(1000, 50.0)
    assert bucket.wait(place, 50.0) == pytest.approx(0.5)
    bucket.change(100, 50.2)
    assert bucket.wait(place, 50.2) == pytest.approx(3)
    bucket.change(0, 50.2)
    assert bucket.wait(place, 50.2) == 0


def test_a_clock_that_another_thread_read_earlier_takes_nothing_back() -> None:
    bucket = Bucket(100, 0.0)
    place = bucket.take(200, 10.0)
    assert bucket.wait(place, 11.0) == pytest.approx(0.9)
    assert bucket.wait(place, 10.5) == bucket.wait(place, 11.0)


def test_the_strictest_limit_counts() -> None:
    rates = limited(machine=4000, owner=3000, host=2000)
    rates.set_job("slow", 1000, 0.0)
    assert rates.limit(payer("slow")) == 1000
    assert rates.limit(payer()) == 2000
    rates.set_limits(Limits(machine=4000, owner=3000), 0.0)
    assert rates.limit(payer()) == 3000
    rates.set_limits(Limits(), 0.0)
    assert (rates.limit(payer()), rates.limiting) == (0, True)
    rates.set_job("slow", 0, 0.0)
    assert not rates.limiting
    assert rates.charge(payer(), {}, 1 << 40, 0.0) == 0


@dataclass
class Flow:
    """A transfer that is given a piece as soon as the one before is paid."""

    payer: Payer
    piece: int = PIECE
    received: int = 0
    tab: Tab = field(default_factory=dict)

    def pay(self, rates: Rates, now: float) -> float:
        wait = rates.charge(self.payer, self.tab, 0, now)
        while wait <= 0:
            self.received += self.piece
            wait = rates.charge(self.payer, self.tab, self.piece, now)
        return wait


def flowing(
    rates: Rates, *flows: Flow, seconds: float, at: Callable[[float], None] = lambda _: None
) -> list[float]:
    """Bytes per second of each flow."""
    due = dict.fromkeys(range(len(flows)), 0.0)
    before = [flow.received for flow in flows]
    now = 0.0
    while now < seconds:
        at(now)
        index = min(due, key=lambda one: (due[one], one))
        now = max(now, due[index])
        due[index] = now + flows[index].pay(rates, now) + 1e-6
    return [(flow.received - old) / seconds for flow, old in zip(flows, before, strict=True)]


def test_those_who_share_a_line_get_equal_parts_whatever_their_pieces() -> None:
    for machine in (20_000, 1_000_000):
        rates = limited(machine=machine)
        flows = [Flow(payer(str(piece)), piece) for piece in (1024, 4096, 16384, 16384)]
        parts = flowing(rates, *flows, seconds=400)
        assert sum(parts) == pytest.approx(machine, rel=0.02)
        assert max(parts) / min(parts) < 1.05, parts


def test_what_one_does_not_use_goes_to_the_others() -> None:
    rates = limited(machine=100_000)
    rates.set_job("slow", 10_000, 0.0)
    slow, *quick = flowing(
        rates, Flow(payer("slow"), 1024), Flow(payer("a")), Flow(payer("b")), seconds=200
    )
    assert slow == pytest.approx(10_000, rel=0.05)
    assert quick == pytest.approx([45_000, 45_000], rel=0.05)


def test_every_scope_holds_at_once() -> None:
    rates = limited(machine=100_000, owner=60_000, host=40_000)
    flows = [
        Flow(payer(f"{owner}{host}{number}", owner, host))
        for owner in ("anna", "bert")
        for host in ("one", "two", "three")
        for number in range(2)
    ]
    parts = dict(zip((flow.payer for flow in flows), flowing(rates, *flows, seconds=300),
                     strict=True))  # fmt: skip
    assert sum(parts.values()) == pytest.approx(100_000, rel=0.02)
    for owner in ("anna", "bert"):
        assert sum(rate for one, rate in parts.items() if one.owner == owner) < 60_600
    for host in ("one", "two", "three"):
        assert sum(rate for one, rate in parts.items() if one.origin.host == host) < 40_400


def test_a_limit_that_comes_and_goes_while_bytes_flow() -> None:
    rates = Rates()
    flow = Flow(payer())
    marks: list[int] = []
    changes = [(0.0, 50_000), (10.0, 5_000), (20.0, 50_000)]

    def at(now: float) -> None:
        while changes and now >= changes[0][0]:
            marks.append(flow.received)
            rates.set_limits(Limits(host=changes.pop(0)[1]), now)

    flowing(rates, flow, seconds=30, at=at)
    steps = [after - before for before, after in zip(marks, [*marks[1:], flow.received],
                                                     strict=True)]  # fmt: skip
    assert steps == pytest.approx([500_000, 50_000, 500_000], abs=2.5 * PIECE)


def test_threads_share_a_bucket() -> None:
    rates = limited(machine=1 << 20)
    rounds, piece = 500, 16 << 10
    ready = threading.Barrier(4)

    def take() -> None:
        ready.wait(10)
        for _ in range(rounds):
            tab: Tab = {}
            rates.charge(payer(), tab, piece, 0.0)
            rates.settle(tab, 0.0)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    # Every byte is in the line, whichever thread brought it.
    assert rates.charge(payer(), {}, 0, 0.0) == pytest.approx(4 * rounds / 64)


def test_what_a_short_transfer_leaves_unpaid_is_waited_for_by_the_next() -> None:
    rates = limited(machine=1600)
    tab: Tab = {}
    assert rates.charge(payer(), tab, 1000, 0.0) == 0
    rates.settle(tab, 0.0)
    assert not tab
    assert rates.charge(payer("next"), tab, 0, 0.0) == pytest.approx(1000 / 1600)


def test_buckets_of_those_who_have_gone_are_thrown_away() -> None:
    rates = limited(machine=1 << 30, host=1 << 10)
    busy: Tab = {}
    rates.charge(payer(host="busy"), busy, 1 << 20, 0.0)
    for number in range(5000):
        rates.charge(payer(host=str(number)), {}, 1 << 10, number / 100)
    assert len(rates._buckets) < 600
    # Between two turns a bucket looks as if nobody wanted anything of it; the tab knows better.
    assert rates.charge(payer(host="busy"), busy, 0, 50.0) > 0.5
