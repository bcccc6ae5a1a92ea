"""What the engine's events make of a file and of its job's sums; moves through the states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.file import File, FileSpec, Validators, Verification
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.ledger import file_after, progress_of, totals_after
from bgcopyd.queue.storage import FileTotals
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Event,
    Failed,
    Finished,
    Received,
    Stopped,
)
from bgcopyd.queue.transitions import move, next_etag
from tests.support.rpc_engine import failure

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
LATER = EPOCH + timedelta(hours=1)
SEEN = Validators(etag='"x"')
_SIZES = st.none() | st.integers(0, 1000)
_NUMBERS = st.integers(0, 1000)


def fresh(index: int) -> File:
    return File("job", index, FileSpec("http://h/", "default", "a", "/a"))


def totals_of(files: list[File]) -> FileTotals:
    """The sums as the database makes them."""
    return FileTotals(
        files=len(files),
        transferred=sum(file.transferred for file in files),
        claimed_bytes=sum(file.claimed for file in files),
        known_bytes=sum(file.size or 0 for file in files),
        unknown_sizes=sum(file.size is None for file in files),
    )


def _events(index: int) -> st.SearchStrategy[Event]:
    name = ("job", "claim", index)
    return st.one_of(
        st.builds(Connected, *map(st.just, name), _SIZES, st.just(SEEN)),
        st.builds(Received, *map(st.just, name), _NUMBERS),
        st.builds(Claimed, *map(st.just, name), _NUMBERS, _SIZES, st.just(SEEN)),
        st.builds(Stopped, *map(st.just, name), _NUMBERS, _SIZES, st.just(SEEN)),
        st.builds(Failed, *map(st.just, name), st.just(failure()), _NUMBERS, _SIZES, st.just(SEEN)),
        st.builds(
            Finished,
            *map(st.just, name),
            _NUMBERS,
            st.just(SEEN),
            st.sampled_from(Verification),
            st.just(1),
            st.just(2),
        ),
    )


@given(st.lists(st.integers(0, 3).flatmap(_events), max_size=30))
def test_running_sums_are_the_sums(events: list[Event]) -> None:
    files = [fresh(index) for index in range(4)]
    totals = totals_of(files)
    for event in events:
        before = files[event.index]
        files[event.index] = file_after(before, event)
        totals = totals_after(totals, before, files[event.index])
        assert totals == totals_of(files)
    progress = progress_of(totals, ahead=5)
    assert progress.bytes_transferred == totals.claimed_bytes + 5
    assert (progress.bytes_total is None) == (totals.unknown_sizes > 0)


def test_only_synced_bytes_and_their_validators_are_claimed() -> None:
    name = ("job", "claim", 0)
    file = file_after(fresh(0), Claimed(*name, 10, 100, SEEN))
    other = Validators(etag='"y"')
    assert file_after(file, Received(*name, 90)) == file
    connected = file_after(file, Connected(*name, 200, other))
    assert (connected.claimed, connected.validators, connected.size) == (10, SEEN, 200)
    failed = file_after(file, Failed(*name, failure(), 4, 100, other))
    assert (failed.claimed, failed.validators) == (4, other)
    assert failed.error is not None
    assert file_after(failed, Stopped(*name, 4, 100, other)).error is None


def job(state: JobState, **values: Any) -> Job:
    return Job("job", "anna", "anna", "a job", EPOCH, EPOCH, "e-1", state, **values)


def moved(one: Job, trigger: Trigger, **options: Any) -> tuple[Job | None, mock.Mock]:
    """The job after a move, and the transaction that it was written to."""
    tx = mock.Mock()
    tx.webhooks.return_value = ()
    tx.update_job.side_effect = lambda changed, *, requeue=False: changed
    return move(tx, one, trigger, Moment(LATER, 50.0), **options), tx


def test_a_move_to_the_queue_takes_a_new_place() -> None:
    after, tx = moved(job(JobState.SUSPENDED), Trigger.RESUME)
    assert after is not None
    assert (after.state, after.modification_time) == (JobState.QUEUED, LATER)
    assert tx.update_job.call_args.kwargs == {"requeue": True}
    _, tx = moved(job(JobState.QUEUED), Trigger.SUSPEND)
    assert tx.update_job.call_args.kwargs == {"requeue": False}


def test_a_move_to_the_same_state_writes_nothing() -> None:
    one = job(JobState.SUSPENDED)
    after, tx = moved(one, Trigger.SUSPEND)
    assert after is one
    tx.update_job.assert_not_called()


def test_an_event_without_meaning_is_dropped() -> None:
    after, tx = moved(job(JobState.SUSPENDED), Trigger.CONNECTED)
    assert after is None
    tx.update_job.assert_not_called()


def test_errors_are_counted_and_cleared() -> None:
    after, _ = moved(job(JobState.TRANSFERRING, error_count=2), Trigger.FATAL, error=failure())
    assert after is not None
    assert (after.state, after.error, after.error_count) == (JobState.ERROR, failure(), 3)
    after, _ = moved(after, Trigger.RESUME)
    assert after is not None
    assert (after.error, after.error_count) == (None, 3)


def test_times_of_the_ends() -> None:
    after, _ = moved(job(JobState.TRANSFERRING), Trigger.ALL_DONE)
    assert after is not None
    assert after.transferred_time == LATER
    assert after.expire_time is None
    after, _ = moved(after, Trigger.COMPLETE, wait=86_400.0)
    assert after is not None
    assert (after.transferred_time, after.expire_time) == (LATER, LATER + timedelta(days=1))


@pytest.mark.parametrize(
    "trigger", [Trigger.RESUME, Trigger.SUSPEND, Trigger.CANCEL, Trigger.ADD_FILES]
)
def test_a_job_that_is_being_completed_takes_no_other_verb(trigger: Trigger) -> None:
    with pytest.raises(Refusal):
        moved(job(JobState.TRANSFERRED, completing=True), trigger)


@given(st.text("abcdef0123456789-", min_size=1), st.integers(1, 10**9))
def test_etags_count_up(nonce: str, counter: int) -> None:
    assert next_etag(f"{nonce}-{counter}") == f"{nonce}-{counter + 1}"
