"""Watch against a feed that the test turns by hand: merging, overflow, order."""

from __future__ import annotations

import asyncio

import pytest

from bgcopyd.jobs.job import JobState, Progress
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.commands import Filter, WatchJobs
from bgcopyd.queue.storage import JobQuery
from bgcopyd.queue.watch import (
    PENDING,
    Heartbeat,
    JobChanged,
    Watch,
)
from tests.support.watch_feed import STORE, FakeFeed, caught_up, read, told, watch_of


async def test_changes_that_wait_are_merged_to_the_newest() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    for _ in range(5):
        feed.hand(watch, feed.change("a"))
        feed.hand(watch, feed.change("b"))
    assert told(await read(events, 2)) == [("a", 5), ("b", 5)]


async def test_events_come_in_the_order_of_their_tokens() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    feed.hand(watch, feed.change("a"), feed.change("b"))
    feed.hand(watch, feed.change("a"))
    seen = await read(events, 2)
    assert told(seen) == [("b", 1), ("a", 2)]
    positions = [event.position or 0 for event in seen if isinstance(event, JobChanged)]
    assert positions == sorted(positions)


async def test_a_slow_reader_costs_bounded_memory_and_sees_the_newest() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    for number in range(3 * PENDING):
        feed.hand(watch, feed.change(f"job{number % (2 * PENDING)}"))
        assert len(watch._pending) <= PENDING
    seen = told(await read(events, 2 * PENDING))
    assert dict(seen) == {
        job_id: job.revision for job_id, job in feed.jobs.items() if job_id != "marker"
    }


async def test_what_was_offered_before_the_snapshot_is_not_told_after_it() -> None:
    feed = FakeFeed()
    old = feed.change("a")
    watch = watch_of(feed)

    def meanwhile() -> None:
        feed.on_read = lambda: None
        feed.change("a")
        feed.hand(watch, old)

    feed.on_read = meanwhile
    seen = told(await read(watch.events(), 3))
    assert [revision for _, revision in seen] == sorted(revision for _, revision in seen)


async def test_a_feed_that_lags_behind_a_watch_tells_nothing_old() -> None:
    feed = FakeFeed()
    feed.change("a")
    old = feed.change("a")
    gone = feed.change("b")
    stone = feed.remove("b")
    again = feed.change("b")
    newest = feed.change("a")
    watch = watch_of(feed, (STORE, 0))
    events = watch.events()
    assert told(await read(events, 3)) == [("b", -1), ("b", again.revision), ("a", newest.revision)]
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.wait([waiting], timeout=0.01)
    feed.hand(watch, old, gone, gone=(stone,))
    later = feed.change("c")
    feed.hand(watch, later)
    assert told([await waiting]) == [("c", later.revision)]


async def test_a_deleted_job_is_not_shown_any_more() -> None:
    feed = FakeFeed()
    feed.change("a")
    watch, events = await caught_up(feed)
    feed.hand(watch, feed.change("a"))
    feed.hand(watch, gone=(feed.remove("a"),))
    assert told(await read(events, 1)) == [("a", -1)]
    assert not watch._running


async def test_other_owners_are_invisible() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    feed.hand(watch, feed.change("x", owner="bert"))
    feed.hand(watch, gone=(feed.remove("x"),))
    feed.hand(watch, feed.change("mine"))
    assert told(await read(events, 1)) == [("mine", 1)]


@pytest.mark.parametrize("resume", [("other", 0), (STORE, 99), (STORE, 1), (STORE, -1)])
async def test_tokens_beyond_the_history(resume: tuple[str, int]) -> None:
    feed = FakeFeed()
    for _ in range(5):
        feed.change("a")
    feed.oldest = 3
    with pytest.raises(Refusal):
        await read(watch_of(feed, resume).events(), 1)


async def test_a_watch_that_fell_out_of_the_history_is_told_so() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    for number in range(PENDING + 1):
        feed.hand(watch, feed.change(f"job{number}"))
    feed.oldest = feed.newest - 1
    with pytest.raises(Refusal):
        await read(events, 1)


async def test_running_jobs_show_their_progress_once_per_value() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    job = feed.change("a", state=JobState.TRANSFERRING)
    feed.hand(watch, job)
    await read(events, 1)
    feed.board.show("a", Progress(bytes_transferred=5, files_total=1))
    [event] = await read(events, 1)
    assert isinstance(event, JobChanged)
    assert event.position is None
    assert event.job.progress.bytes_transferred == 5
    feed.hand(watch, feed.change("a", state=JobState.TRANSFERRED))
    assert told(await read(events, 1)) == [("a", 2)]


async def test_heartbeats_name_the_newest_position() -> None:
    feed = FakeFeed()
    feed.cursor = feed.newest = 7
    watch = Watch(feed, JobQuery(owner="anna"), WatchJobs(Filter(), (STORE, 7), 1.0, 0.05))
    events = watch.events()
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.wait([waiting], timeout=0.01)
    feed.hand(watch, feed.change("x", owner="bert"))
    assert await waiting == Heartbeat(8)
