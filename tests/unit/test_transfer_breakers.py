"""When a host is left alone, for whom, for how long, and who looks whether it is back."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pycurl
import pytest

from bgcopyd.jobs.reasons import Reason
from bgcopyd.transfer import failures
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.breakers import Blame, Breakers, Held, blame

ONE, TWO = Origin("http", "one", 80), Origin("http", "two", 80)
REFUSED = failures.of_curl(pycurl.E_COULDNT_CONNECT, "", "one")
BROKEN = failures.of_status(500, "one")
BUSY = failures.of_status(429, "one", 30.0)
ALL, OWNER = Blame.EVERYBODY, Blame.OWNER


@dataclass(eq=False)
class Visitor:
    owner: str = "anna"


def breakers() -> Breakers:
    return Breakers(3, 10.0, 80.0, 1000.0)


def broken(whose: Blame = ALL, *, now: float = 0.0) -> Breakers:
    """After three failures in a row."""
    made = breakers()
    for _ in range(3):
        made.failed(ONE, Visitor(), REFUSED if whose is ALL else BROKEN, whose, now)
    return made


def seconds(held: Held | None) -> float:
    assert held is not None
    return held.seconds


def test_a_host_is_left_alone_after_failures_in_a_row() -> None:
    made = breakers()
    for _ in range(2):
        made.failed(ONE, Visitor(), REFUSED, ALL, 0.0)
        assert made.ask(ONE, Visitor(), 0.0) is None
    made.failed(ONE, Visitor(), REFUSED, ALL, 1.0)
    held = made.ask(ONE, Visitor("bert"), 5.0)
    assert seconds(held) == 6.0
    assert held is not None
    assert held.failure.reason is Reason.CONNECT_FAILED
    assert held.failure.message.endswith("It failed 3 times in a row: all transfers from it wait.")
    assert made.ask(TWO, Visitor(), 5.0) is None


def test_an_answer_ends_the_row() -> None:
    made = breakers()
    for _ in range(4):
        made.failed(ONE, Visitor(), REFUSED, ALL, 0.0)
        made.failed(ONE, Visitor(), REFUSED, ALL, 0.0)
        made.answered(ONE, Visitor())
    assert made.ask(ONE, Visitor(), 0.0) is None


def test_a_row_of_long_ago_is_none() -> None:
    made = breakers()
    for now in (0.0, 10.0, 91.0):
        made.failed(ONE, Visitor(), REFUSED, ALL, now)
    assert made.ask(ONE, Visitor(), 91.0) is None


def test_what_one_owner_asks_for_is_not_held_against_the_others() -> None:
    made = broken(OWNER)
    assert seconds(made.ask(ONE, Visitor("anna"), 0.0)) == 10.0
    assert made.ask(ONE, Visitor("bert"), 0.0) is None
    # His answers say nothing of her URLs.
    made.answered(ONE, Visitor("bert"))
    assert seconds(made.ask(ONE, Visitor("anna"), 0.0)) == 10.0


def test_one_looks_while_the_others_wait() -> None:
    made, first, second = broken(), Visitor(), Visitor("bert")
    assert made.ask(ONE, first, 10.0) is None
    assert made.ask(ONE, first, 10.0) is None
    assert seconds(made.ask(ONE, second, 10.0)) == 0.0
    made.answered(ONE, first)
    assert made.ask(ONE, second, 10.0) is None


def test_a_look_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    made, now, pauses = broken(), 0.0, []
    for _ in range(5):
        pause = seconds(made.ask(ONE, Visitor(), now))
        pauses.append(pause)
        now += pause
        first = Visitor()
        assert made.ask(ONE, first, now) is None
        made.failed(ONE, first, REFUSED, ALL, now)
    assert pauses == [10.0, 20.0, 40.0, 80.0, 80.0]


def test_a_person_who_does_not_want_to_wait() -> None:
    made = broken()
    for owner in ("anna", "bert"):
        for _ in range(3):
            made.failed(TWO, Visitor(owner), BROKEN, OWNER, 0.0)
    made.asked_to_wait(TWO, Visitor("carl"), BUSY, 500.0, 0.0)
    made.look_again("anna", 1.0)
    first = Visitor("anna")
    assert made.ask(ONE, first, 1.0) is None
    assert made.ask(TWO, first, 1.0) is None
    # One looks, as always, and what concerns others alone stays as it is.
    assert seconds(made.ask(ONE, Visitor("bert"), 1.0)) == 0.0
    assert seconds(made.ask(TWO, Visitor("bert"), 1.0)) == 9.0
    made.failed(ONE, first, REFUSED, ALL, 1.0)
    assert seconds(made.ask(ONE, Visitor("anna"), 1.0)) == 20.0
    made.look_again("carl", 1.0)
    assert made.ask(TWO, Visitor("carl"), 1.0) is None


def test_a_look_without_a_result_leaves_it_to_the_next() -> None:
    made, first, second = broken(), Visitor(), Visitor()
    assert made.ask(ONE, first, 10.0) is None
    made.left(ONE, second)
    assert seconds(made.ask(ONE, second, 10.0)) == 0.0
    made.left(ONE, first)
    assert made.ask(ONE, second, 10.0) is None


def test_what_was_sent_before_changes_nothing() -> None:
    made, first = broken(), Visitor()
    made.failed(ONE, Visitor(), REFUSED, ALL, 5.0)
    assert seconds(made.ask(ONE, first, 5.0)) == 5.0
    assert made.ask(ONE, first, 10.0) is None
    made.failed(ONE, Visitor(), REFUSED, ALL, 10.0)
    # But an answer is one: the host is there.
    assert seconds(made.ask(ONE, Visitor(), 10.0)) == 0.0
    made.answered(ONE, Visitor())
    assert made.ask(ONE, Visitor(), 10.0) is None


def test_a_host_that_asks_for_it_is_left_alone_at_once() -> None:
    made, first = breakers(), Visitor()
    made.asked_to_wait(ONE, Visitor(), BUSY, 30.0, 0.0)
    held = made.ask(ONE, first, 1.0)
    assert seconds(held) == 29.0
    assert held is not None
    assert held.failure.message.endswith("All transfers from it wait, as it asked.")
    assert held.failure.http_status == 429
    # Answers to what was sent before do not let anybody off, nor does a shorter wish.
    made.answered(ONE, Visitor())
    made.asked_to_wait(ONE, Visitor(), BUSY, 1.0, 1.0)
    assert seconds(made.ask(ONE, first, 1.0)) == 29.0
    assert made.ask(ONE, Visitor("bert"), 1.0) is None
    assert made.ask(ONE, first, 30.0) is None
    made.asked_to_wait(ONE, first, BUSY, 1e9, 30.0)
    assert seconds(made.ask(ONE, Visitor(), 30.0)) == 1000.0
    assert made.ask(ONE, first, 1030.0) is None
    made.answered(ONE, first)
    assert made.ask(ONE, Visitor(), 1030.0) is None


@pytest.mark.parametrize(
    ("failure", "connected", "proxied", "whose"),
    [
        (REFUSED, False, False, ALL),
        (failures.of_curl(pycurl.E_COULDNT_RESOLVE_HOST, "", "x"), False, False, ALL),
        (failures.of_curl(pycurl.E_OPERATION_TIMEDOUT, "", "x"), False, False, ALL),
        (failures.of_curl(pycurl.E_OPERATION_TIMEDOUT, "", "x"), False, True, OWNER),
        (failures.timed_out("did not answer", "x", 60), True, False, OWNER),
        (failures.of_curl(pycurl.E_GOT_NOTHING, "", "x"), True, False, OWNER),
        (failures.of_status(500, "x"), True, False, OWNER),
        (failures.of_status(503, "x"), True, False, OWNER),
        (failures.of_status(404, "x"), True, False, None),
        (failures.of_status(429, "x"), True, False, None),
        (failures.of_proxy(0, "p", "x"), False, True, None),
        (failures.of_curl(pycurl.E_PEER_FAILED_VERIFICATION, "", "x"), True, False, None),
        (failures.of_os_error(OSError(28, "full"), "r"), True, False, None),
        (failures.digest_mismatch("x"), True, False, None),
    ],
)
def test_what_counts_and_for_whom(
    failure: Failure, *, connected: bool, proxied: bool, whose: Blame | None
) -> None:
    assert blame(failure, connected=connected, proxied=proxied) is whose


def test_hosts_beyond_a_number_are_forgotten() -> None:
    made = breakers()
    for port in range(1, 10_000):
        made.failed(Origin("http", "one", port), Visitor(), BROKEN, OWNER, 0.0)
    assert len(made._circuits) <= 4096


def test_threads_count_together() -> None:
    made = Breakers(2000, 10.0, 80.0, 1000.0)

    def fail() -> None:
        for _ in range(500):
            made.failed(ONE, Visitor(), REFUSED, ALL, 0.0)
            assert made.ask(TWO, Visitor(), 0.0) is None

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seconds(made.ask(ONE, Visitor(), 0.0)) == 10.0
