"""What the counters make of a transfer's events."""

from __future__ import annotations

from datetime import UTC, datetime

from bgcopyd.jobs.file import File, FileRange, FileSpec, Validators, Verification
from bgcopyd.jobs.job import ErrorContext, TransferError
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.statistics import Statistics
from bgcopyd.queue.transfers import Claimed, Connected, Failed, Finished, Received, Stopped

NONE = Validators()
FILE = File("job", 0, FileSpec("http://x/", "default", "x", "/x"))
ERROR = TransferError(
    Reason.TIMEOUT, ErrorContext.GENERAL_TRANSPORT, "x", datetime(2026, 1, 1, tzinfo=UTC), True
)


def received(count: int) -> Received:
    return Received("job", "run", 0, count)


def claimed(count: int, *filled: FileRange) -> Claimed:
    return Claimed("job", "run", 0, count, 100, NONE, filled)


def finished(size: int) -> Finished:
    return Finished("job", "run", 0, size, NONE, Verification.VALIDATOR, 1, 1)


def counted(file: File, *events: Received | Claimed | Finished | Failed | Stopped) -> Statistics:
    statistics = Statistics()
    statistics.hear(Connected("job", "run", 0, 100, NONE), file)
    for event in events:
        statistics.hear(event, file)
    return statistics


def test_claims_lag_behind_what_arrives() -> None:
    done = counted(FILE, received(50), claimed(30), received(60), claimed(60), finished(100))
    assert done.bytes_received == 100
    assert (done.attempts_finished, done.attempts_failed) == (1, 0)


def test_a_resumed_transfer_counts_what_is_new() -> None:
    resumed = File("job", 0, FILE.spec, claimed=40, filled=(FileRange(50, 10),))
    assert counted(resumed, received(70), finished(100)).bytes_received == 50
    assert counted(resumed, claimed(40, FileRange(50, 30))).bytes_received == 20


def test_a_transfer_that_begins_anew_counts_again() -> None:
    assert counted(FILE, received(80), received(10), finished(90)).bytes_received == 170


def test_ends() -> None:
    failed = Failed("job", "run", 0, ERROR, 20, 100, NONE)
    done = counted(FILE, received(50), failed)
    assert (done.bytes_received, done.attempts_failed, done.attempts_finished) == (50, 1, 0)
    stopped = Stopped("job", "run", 0, 20, 100, NONE)
    done = counted(FILE, received(50), stopped)
    assert (done.bytes_received, done.attempts_failed, done.attempts_finished) == (50, 0, 0)
    # The next transfer of the same run begins where the file is then.
    done.hear(received(30), File("job", 0, FILE.spec, claimed=20))
    assert done.bytes_received == 60
