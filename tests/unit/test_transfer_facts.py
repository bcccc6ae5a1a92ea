"""What is remembered of hosts, for how long, and of how many."""

from __future__ import annotations

import threading

from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.facts import Fact, Facts

ONE, TWO = Origin("http", "one", 80), Origin("https", "one", 443)


def test_facts_are_of_one_host_and_expire() -> None:
    facts = Facts(100)
    facts.add(ONE, Fact.STREAM_ERRORS, 0.0)
    facts.add(ONE, Fact.STREAM_ERRORS, 50.0)
    facts.learn(TWO, Fact.IF_RANGE_IGNORED, 1, 60.0)
    assert facts.number(ONE, Fact.STREAM_ERRORS, 149.0) == 2
    assert facts.number(TWO, Fact.STREAM_ERRORS, 60.0) == 0
    # Counted from the last time.
    assert facts.number(ONE, Fact.STREAM_ERRORS, 150.0) == 0
    assert facts.number(TWO, Fact.IF_RANGE_IGNORED, 159.0) == 1
    facts.add(ONE, Fact.STREAM_ERRORS, 160.0)
    assert facts.number(ONE, Fact.STREAM_ERRORS, 160.0) == 1
    assert list(facts._known) == [(ONE, Fact.STREAM_ERRORS)]


def test_a_fact_can_be_taken_back() -> None:
    facts = Facts(100)
    facts.learn(ONE, Fact.IF_RANGE_IGNORED, 1, 0.0)
    facts.learn(ONE, Fact.IF_RANGE_IGNORED, 0, 1.0)
    assert facts.number(ONE, Fact.IF_RANGE_IGNORED, 1.0) == 0
    assert not facts._known


def test_the_oldest_make_room() -> None:
    facts = Facts(100, kept=10)
    for port in range(1, 31):
        facts.learn(Origin("http", "one", port), Fact.IF_RANGE_IGNORED, 1, port / 100)
        facts.learn(ONE, Fact.STREAM_ERRORS, 1, port / 100)
    assert len(facts._known) == 10
    assert facts.number(ONE, Fact.STREAM_ERRORS, 1.0) == 1
    assert facts.number(Origin("http", "one", 30), Fact.IF_RANGE_IGNORED, 1.0) == 1
    assert facts.number(Origin("http", "one", 20), Fact.IF_RANGE_IGNORED, 1.0) == 0


def test_threads_learn_together() -> None:
    facts = Facts(100, kept=50)
    errors: list[BaseException] = []

    def learn(first: int) -> None:
        try:
            for number in range(2000):
                origin = Origin("http", "one", first + number % 40)
                facts.add(origin, Fact.STREAM_ERRORS, number / 10)
                facts.number(origin, Fact.STREAM_ERRORS, number / 10)
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=learn, args=(1000 * one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not errors
    assert len(facts._known) <= 50
