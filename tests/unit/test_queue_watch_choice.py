"""What a watch is not told: other owners' jobs, what it did not ask for, what comes too often."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.jobs.job import JobState, Progress
from bgcopyd.jobs.options import JobOptions, Notifications, NotifyFlag
from bgcopyd.queue.storage import Tombstone
from bgcopyd.queue.watch import PENDING, FileChanged, JobChanged, JobRemoved, Removal
from tests.support.watch_feed import FakeFeed, caught_up, read, told

NOTIFIED = {"notified_only": True}
FILES = {"file_events": True}


def notifying(*flags: NotifyFlag, pause: float = 0.5) -> JobOptions:
    return JobOptions(notifications=Notifications(flags, pause))


LOUD = notifying(NotifyFlag.JOB_MODIFICATION)


def a_file(index: int = 0, **values: Any) -> File:
    spec = FileSpec("http://a/", "default", f"{index}", f"/srv/{index}")
    return File("a", index, spec, **{"transferred": True, **values})


async def test_the_former_owner_is_told_that_it_changed_hands() -> None:
    feed = FakeFeed()
    feed.change("a")
    watch, events = await caught_up(feed)
    taken = feed.change("a", owner="bert")
    stone = Tombstone("a", "anna", taken.change_seq, owner_changed=True)
    feed.hand(watch, taken, gone=(stone,))
    assert await read(events, 1) == [JobRemoved("a", taken.change_seq, Removal.OWNER_CHANGED)]


async def test_a_watch_of_all_owners_goes_on_with_a_job_that_changed_hands() -> None:
    feed = FakeFeed()
    feed.change("a")
    watch, events = await caught_up(feed, owner=None)
    taken = feed.change("a", owner="bert")
    stone = Tombstone("a", "anna", taken.change_seq, owner_changed=True)
    feed.stones.append(stone)
    feed.hand(watch, taken, gone=(stone,))
    assert told(await read(events, 1)) == [("a", taken.revision)]
    # The same from the store, after the watch has fallen behind.
    for number in range(PENDING + 1):
        feed.hand(watch, feed.change(f"job{number}", owner="bert"))
    assert ("a", -1) not in told(await read(events, PENDING + 1))


@pytest.mark.parametrize(
    ("flags", "state", "told_times"),
    [
        ((NotifyFlag.JOB_TRANSFERRED,), JobState.TRANSFERRED, 1),
        ((NotifyFlag.JOB_TRANSFERRED,), JobState.ACKNOWLEDGED, 1),
        ((NotifyFlag.JOB_TRANSFERRED,), JobState.ERROR, 0),
        ((NotifyFlag.JOB_ERROR,), JobState.ERROR, 1),
        ((NotifyFlag.JOB_ERROR,), JobState.TRANSIENT_ERROR, 0),
        ((NotifyFlag.JOB_MODIFICATION,), JobState.QUEUED, 1),
        ((NotifyFlag.JOB_ERROR, NotifyFlag.DISABLE), JobState.ERROR, 0),
        ((NotifyFlag.JOB_MODIFICATION, NotifyFlag.DISABLE), JobState.QUEUED, 0),
        ((), JobState.TRANSFERRED, 0),
    ],
)
async def test_notifications_only(
    flags: tuple[NotifyFlag, ...], state: JobState, told_times: int
) -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed, options=NOTIFIED, options_of_marker=LOUD)
    feed.hand(watch, feed.change("a", state=state, options=notifying(*flags)))
    feed.hand(watch, feed.change("marker", options=LOUD))
    seen = [name for name, _ in told(await read(events, 1 + told_times))]
    assert seen == ["a"] * told_times + ["marker"]


async def test_a_job_that_goes_is_told_although_it_notifies_of_nothing() -> None:
    feed = FakeFeed()
    feed.change("a", options=notifying(NotifyFlag.DISABLE))
    watch, events = await caught_up(feed, options=NOTIFIED, options_of_marker=LOUD)
    feed.hand(watch, gone=(feed.remove("a"),))
    assert told(await read(events, 1)) == [("a", -1)]


async def test_files_are_told_where_they_were_asked_for() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed, options=FILES)
    job = feed.change("a", state=JobState.TRANSFERRING)
    feed.hand(watch, job)
    await read(events, 1)
    first, second = a_file(0), a_file(1)
    watch.offer_files(job, [first, second])
    watch.offer_files(dataclasses.replace(job, owner="bert", job_id="b"), [a_file(7)])
    assert await read(events, 2) == [FileChanged("a", first), FileChanged("a", second)]


async def test_files_are_not_told_where_nobody_asked() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed)
    job = feed.change("a")
    watch.offer_files(job, [a_file()])
    feed.hand(watch, job)
    [event] = await read(events, 1)
    assert isinstance(event, JobChanged)


async def test_too_many_files_are_told_as_one() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed, options=FILES)
    job = feed.change("a")
    watch.offer_files(job, [a_file(index) for index in range(PENDING + 1)])
    assert await read(events, 1) == [FileChanged("a", None)]
    watch.offer_files(job, [a_file(0)])
    assert await read(events, 1) == [FileChanged("a", a_file(0))]


@pytest.mark.parametrize(
    ("flags", "values", "told_times"),
    [
        ((NotifyFlag.FILE_TRANSFERRED,), {}, 1),
        ((NotifyFlag.JOB_TRANSFERRED,), {}, 0),
        ((NotifyFlag.FILE_RANGES_TRANSFERRED,), {"transferred": False}, 1),
        ((NotifyFlag.FILE_TRANSFERRED,), {"transferred": False}, 0),
        ((NotifyFlag.FILE_TRANSFERRED, NotifyFlag.DISABLE), {}, 0),
    ],
)
async def test_notifications_of_files(
    flags: tuple[NotifyFlag, ...], values: dict[str, Any], told_times: int
) -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed, options=FILES | NOTIFIED, options_of_marker=LOUD)
    job = feed.change("a", options=notifying(*flags))
    watch.offer_files(job, [a_file(**values)])
    watch.offer_files(job, [])
    feed.hand(watch, feed.change("marker", options=LOUD))
    seen = await read(events, 1 + told_times)
    assert [isinstance(event, FileChanged) for event in seen].count(True) == told_times


async def test_progress_keeps_to_the_jobs_own_pause() -> None:
    feed = FakeFeed()
    watch, events = await caught_up(feed, options={"progress_interval": 0.01})
    slow = notifying(pause=3600.0)
    for name, options in (("slow", slow), ("quick", notifying(pause=0.01))):
        feed.hand(watch, feed.change(name, state=JobState.TRANSFERRING, options=options))
    await read(events, 2)
    seen = []
    for step in range(1, 4):
        for name in ("slow", "quick"):
            feed.board.show(name, Progress(bytes_transferred=step, files_total=1))
        waiting = asyncio.ensure_future(anext(events))
        event = await waiting
        assert isinstance(event, JobChanged)
        seen.append(event.job.job_id)
    assert seen.count("slow") == 1
