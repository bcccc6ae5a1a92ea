"""The clocks of one request; time is what the test says."""

from __future__ import annotations

from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.network.patience import Patience
from bgcopyd.transfer.options import EngineOptions

OPTIONS = EngineOptions(
    connect_timeout=10, header_timeout=5, idle_timeout=20, low_speed_limit=100, low_speed_time=50
)


def said(failure: Failure | None) -> str:
    return "" if failure is None else failure.message


def test_the_answers_time_begins_when_the_request_is_sent() -> None:
    patience = Patience(OPTIONS, 100.0)
    assert not said(patience.before_answer(114.9, 0.0, "h"))
    assert not said(patience.before_answer(114.0, 9.0, "h"))
    assert "did not answer for 5 seconds" in said(patience.before_answer(114.1, 9.0, "h"))
    # Whatever libcurl makes of it, nothing waits for ever.
    assert "did not answer for 15 seconds" in said(patience.before_answer(115.1, 0.0, "h"))


def test_silence() -> None:
    patience = Patience(OPTIONS, 0.0)
    for active, position in ((1000.0, 0), (1019.0, 0), (1020.0, 10_000), (1040.0, 10_000)):
        assert not said(patience.within_body(active, position, "h"))
    assert "sent nothing for 20 seconds" in said(patience.within_body(1040.1, 10_000, "h"))


def test_slowness_is_the_mean_of_a_while() -> None:
    patience, position = Patience(OPTIONS, 0.0), 7_000
    for second in range(50):
        # Nothing for long, then as much as is due.
        position += 5_000 if second % 50 == 45 else 1
        assert not said(patience.within_body(float(second), position, "h"))
    assert not said(patience.within_body(50.0, position, "h"))
    for second in range(51, 100):
        position += 99
        assert not said(patience.within_body(float(second), position, "h"))
    message = said(patience.within_body(100.0, position, "h"))
    assert "sent less than 100 bytes per second for 50 seconds" in message


def test_no_limit_of_slowness() -> None:
    patience = Patience(EngineOptions(low_speed_limit=0), 0.0)
    for minute in range(60):
        assert not said(patience.within_body(minute * 59.0, minute, "h"))
