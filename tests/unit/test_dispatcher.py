"""Delivery in the background, on a scripted receiver and clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from unittest import mock

import pytest

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.webhook import (
    BY_RECEIVER,
    Answer,
    Delivery,
    DeliveryState,
    Webhook,
    message_of,
)
from bgcopyd.queue.dispatcher import (
    AT_ONCE,
    AT_ONCE_PER_RECEIVER,
    FAILURES_IN_A_ROW,
    FIRST_PAUSE,
    TESTS_AT_ONCE,
    UNREADABLE,
    Dispatcher,
    sealed,
)
from bgcopyd.queue.secrets import Unsealable
from bgcopyd.store.memory import MemoryStore
from tests.support.clocks import FakeClock
from tests.support.store_values import ANNA, NOW, add, new_job

OK, BAD = Answer(204), Answer(500, "no")


class Plain:
    """Seals nothing."""

    def seal(self, secret: str) -> bytes:
        return secret.encode()

    def open(self, sealed: bytes) -> str:
        if sealed == b"lost":
            raise Unsealable
        return sealed.decode()


@dataclass
class Poster:
    """Holds each attempt until the test answers it."""

    attempts: asyncio.Queue[tuple[str, str, asyncio.Future[Answer]]] = field(
        default_factory=asyncio.Queue
    )
    at_once: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        for name in (url, "all"):
            self.at_once[name] += 1
            self.most[name] = max(self.most[name], self.at_once[name])
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.attempts.put_nowait((url, headers["webhook-id"], future))
        try:
            return await future
        finally:
            for name in (url, "all"):
                self.at_once[name] -= 1

    async def answer(self, answer: Answer) -> tuple[str, str]:
        """Answers the next attempt; where it went and what it was."""
        async with asyncio.timeout(30):
            url, event_id, future = await self.attempts.get()
        future.set_result(answer)
        return url, event_id

    async def close(self) -> None:
        pass


class World:
    """A store with webhooks, and the dispatcher that serves them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.poster = Poster()
        self.dispatcher = Dispatcher(self.store, self.poster, Plain(), self.clock, lambda: 0.5)

    async def hook(self, name: str = "w1", **fields: object) -> Webhook:
        one = Webhook(
            name,
            ANNA,
            f"http://{name}/",
            (JobState.ERROR,),
            False,
            "",
            NOW,
            sealed(Plain(), f"http://{name}/", ["whsec_QUJD"]),
        )
        hook = replace(one, **fields)  # type: ignore[arg-type] # fields of a webhook
        await self.store.transact(lambda tx: tx.insert_webhook(hook))
        await self.dispatcher.refresh()
        return hook

    async def tell(self, hook: Webhook, count: int = 1) -> None:
        for _ in range(count):
            job = await add(self.store, new_job())
            message = message_of(hook, job)
            await self.store.transact(lambda tx, one=message: tx.insert_delivery(one))  # type: ignore[misc] # a default pins the value
        self.dispatcher._wake.set()

    async def log(self, name: str = "w1") -> list[Delivery]:
        return await self.store.deliveries(name, before=None, limit=99)

    async def settled(self) -> None:
        """Lets everything happen that needs no time."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        self.clock.true += seconds
        self.dispatcher._wake.set()
        await self.settled()

    def waiting(self) -> int:
        return self.poster.attempts.qsize()


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    one = World()
    task = asyncio.create_task(one.dispatcher.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await one.dispatcher.close()


async def test_what_is_there_at_the_start_is_delivered() -> None:
    async with world() as one:
        hook = await one.hook()
        await one.tell(hook)
        url, event_id = await one.poster.answer(OK)
        await one.settled()
        (done,) = await one.log()
        assert (url, event_id) == ("http://w1/", done.event_id)
        assert (done.state, done.attempts) == (DeliveryState.DELIVERED, 1)


async def test_without_webhooks_a_commit_wakes_nobody() -> None:
    async with world() as one:
        await one.settled()
        with mock.patch.object(one.dispatcher._wake, "set") as woken:
            await add(one.store, new_job())
            assert not woken.called
            await one.hook()
            woken.reset_mock()
            await add(one.store, new_job())
            assert woken.called


async def test_a_failure_is_tried_again_under_the_same_id() -> None:
    async with world() as one:
        await one.tell(await one.hook())
        _, first = await one.poster.answer(BAD)
        await one.settled()
        assert one.waiting() == 0
        await one.pass_time(4.9)
        assert one.waiting() == 0
        await one.pass_time(0.2)
        assert await one.poster.answer(OK) == ("http://w1/", first)
        await one.settled()
        (done,) = await one.log()
        assert (done.attempts, done.error) == (2, "")


async def test_a_bounded_number_at_once() -> None:
    async with world() as one:
        for name in "abcdefg":
            await one.tell(await one.hook(name), 5)
        await one.settled()
        assert one.waiting() == AT_ONCE
        for _ in range(35):
            await one.poster.answer(OK)
            await one.settled()
        assert one.poster.most["all"] == AT_ONCE
        assert {one.poster.most[f"http://{name}/"] for name in "abcdefg"} == {AT_ONCE_PER_RECEIVER}
        for name in "abcdefg":
            assert [entry.state for entry in await one.log(name)] == [DeliveryState.DELIVERED] * 5


async def test_a_receiver_that_hangs_keeps_nobody_waiting() -> None:
    async with world() as one:
        slow, quick = await one.hook("slow"), await one.hook("quick")
        await one.tell(slow, 9)
        await one.settled()
        assert one.waiting() == AT_ONCE_PER_RECEIVER
        held = [one.poster.attempts.get_nowait() for _ in range(one.waiting())]
        await one.tell(quick, 9)
        for _ in range(9):
            assert (await one.poster.answer(OK))[0] == "http://quick/"
            await one.settled()
        assert all(url == "http://slow/" for url, _, _ in held)


async def test_after_failures_in_a_row_one_looks_how_it_is() -> None:
    async with world() as one:
        hook = await one.hook()
        await one.tell(hook, 20)
        for _ in range(FAILURES_IN_A_ROW):
            await one.poster.answer(BAD)
            await one.settled()
        while one.waiting():
            await one.poster.answer(BAD)
            await one.settled()
        tried = sum(entry.attempts for entry in await one.log())
        assert tried <= FAILURES_IN_A_ROW + AT_ONCE_PER_RECEIVER - 1
        await one.pass_time(FIRST_PAUSE - 1)
        assert not one.waiting()
        await one.pass_time(FIRST_PAUSE + 2)
        assert one.waiting() == 1
        await one.poster.answer(BAD)
        await one.settled()
        await one.pass_time(2 * FIRST_PAUSE - 1)
        assert not one.waiting()
        await one.pass_time(10 * FIRST_PAUSE)
        await one.poster.answer(OK)
        await one.settled()
        assert one.waiting() == AT_ONCE_PER_RECEIVER


async def test_retry_after_holds_for_all_messages_of_the_receiver() -> None:
    async with world() as one:
        hook = await one.hook()
        await one.tell(hook)
        await one.poster.answer(Answer(503, "busy", 1000.0))
        await one.settled()
        await one.tell(hook)
        await one.pass_time(999)
        assert not one.waiting()
        await one.pass_time(2)
        assert one.waiting() == 2


async def test_410_disables() -> None:
    async with world() as one:
        hook = await one.hook()
        await one.tell(hook, 4)
        await one.poster.answer(Answer(410, "gone"))
        await one.settled()
        while one.waiting():
            await one.poster.answer(OK)
            await one.settled()
        (now,) = await one.store.webhooks()
        assert now.disabled_reason == BY_RECEIVER
        await one.pass_time(1e6)
        assert not one.waiting()
        await one.store.transact(lambda tx: tx.update_webhook(replace(now, disabled_reason="")))
        await one.dispatcher.refresh()
        await one.settled()
        assert one.waiting() == AT_ONCE_PER_RECEIVER


async def test_it_is_given_up_and_stays_to_be_seen() -> None:
    async with world() as one:
        await one.tell(await one.hook())
        tries = 0
        while (await one.log())[0].state is DeliveryState.PENDING:
            await one.poster.answer(BAD)
            await one.settled()
            tries += 1
            await one.pass_time(90_000)
        (entry,) = await one.log()
        assert (entry.state, entry.attempts, entry.http_status) == (DeliveryState.GIVEN_UP, 10, 500)
        assert tries == 10


async def test_what_cannot_be_opened_says_so() -> None:
    async with world() as one:
        hook = await one.hook(sealed=b"lost")
        await one.tell(hook)
        await one.settled()
        (entry,) = await one.log()
        assert (entry.attempts, entry.error) == (1, UNREADABLE)


async def test_tests_are_bounded_and_keep_no_message_waiting() -> None:
    async with world() as one:
        hook = await one.hook()
        message = message_of(hook, new_job())
        tests = [asyncio.create_task(one.dispatcher.test(hook, message)) for _ in range(9)]
        await one.settled()
        assert one.waiting() == TESTS_AT_ONCE
        held = [one.poster.attempts.get_nowait() for _ in range(TESTS_AT_ONCE)]
        await one.tell(hook)
        _, told = await one.poster.answer(OK)
        assert told == (await one.log())[0].event_id
        for _, _, future in held:
            future.set_result(BAD)
        for _ in range(len(tests) - len(held)):
            await one.poster.answer(BAD)
        assert {tried.state for tried in await asyncio.gather(*tests)} == {DeliveryState.GIVEN_UP}


async def test_a_defect_is_a_failure_like_others(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as one:
        with mock.patch.object(one.poster, "post", side_effect=OSError("broken")):
            await one.tell(await one.hook())
            await one.settled()
        assert not one.waiting()
        assert not one.dispatcher.busy
        (entry,) = await one.log()
        assert (entry.attempts, "see its log" in entry.error) == (1, True)
        assert len(caplog.records) == 1
        await one.pass_time(6)
        assert one.dispatcher.busy
        await one.poster.answer(OK)


async def test_a_webhook_that_is_deleted_meanwhile() -> None:
    async with world() as one:
        hook = await one.hook()
        await one.tell(hook, 2)
        await one.settled()
        await one.store.transact(lambda tx: tx.delete_webhook("w1"))
        await one.dispatcher.refresh()
        for _ in range(2):
            await one.poster.answer(OK)
        await one.settled()
        assert await one.log() == []
        assert not one.waiting()
