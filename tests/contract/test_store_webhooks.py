"""Webhooks and their messages, in every store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.webhook import Delivery, DeliveryState, Webhook
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.store import memory_webhooks, webhook_transaction
from tests.support.store_values import ANNA, BERT, NOW, add, new_job

pytest_plugins = ["tests.support.store_kinds"]


def hook(webhook_id: str = "w1", **fields: Any) -> Webhook:
    values: dict[str, Any] = {
        "owner": ANNA,
        "url": "https://h/?***",
        "states": (JobState.ERROR, JobState.ACKNOWLEDGED),
        "all_owners": False,
        "description": "the ops room ✓",
        "create_time": NOW,
        "sealed": b"\0sealed",
    }
    return Webhook(webhook_id, **{**values, **fields})


def message(webhook_id: str = "w1", **fields: Any) -> Delivery:
    values: dict[str, Any] = {
        "event_id": "evt_1",
        "event_type": "t",
        "subject": "j",
        "data": '{"a":1}',
        "create_time": NOW,
    }
    return Delivery(webhook_id, **{**values, **fields})


async def do(store: Store, work: Callable[[Tx], Any]) -> Any:
    return await store.transact(work)


async def put(store: Store, *entries: Webhook | Delivery) -> None:
    def work(tx: Tx) -> None:
        for one in entries:
            if isinstance(one, Webhook):
                tx.insert_webhook(one)
            else:
                tx.insert_delivery(one)

    await store.transact(work)


async def numbers(store: Store, webhook_id: str = "w1") -> list[int]:
    return [one.number for one in await store.deliveries(webhook_id, before=None, limit=99)]


async def test_webhooks_come_back_as_they_went_in(store: Store) -> None:
    assert await store.webhooks() == ()
    late = hook("w1", create_time=NOW + timedelta(microseconds=1), all_owners=True, owner=BERT)
    full = hook("w2", secrets=2, disabled_reason="x", dropped=3)
    await put(store, late, full)
    assert await store.webhooks() == (full, late)
    assert await do(store, lambda tx: tx.webhooks()) == (full, late)
    after = replace(full, disabled_reason="", sealed=b"2", secrets=1)
    await do(store, lambda tx: tx.update_webhook(replace(after, url="other", dropped=99)))
    assert await store.webhooks() == (after, late)
    await do(store, lambda tx: tx.update_webhook(hook("none")))
    await do(store, lambda tx: tx.delete_webhook("w2"))
    await do(store, lambda tx: tx.delete_webhook("w2"))
    assert await do(store, lambda tx: tx.webhooks()) == await store.webhooks() == (late,)


async def test_messages_come_back_as_they_went_in(store: Store) -> None:
    full = message(
        state=DeliveryState.DELIVERED,
        attempts=3,
        due=None,
        last_time=NOW,
        http_status=204,
        error="x",
    )
    await put(store, hook("w1"), hook("w2"))
    await put(store, message(), full)
    await put(store, message("w2"))
    found = await store.deliveries("w1", before=None, limit=9)
    assert found == [replace(full, number=2), replace(message(), number=1)]
    assert await store.deliveries("w1", before=2, limit=9) == found[1:]
    assert await store.deliveries("w1", before=None, limit=1) == found[:1]
    assert await store.pending_deliveries(["w1", "w2", "none"]) == {"w1": 1, "w2": 1, "none": 0}
    tried = replace(found[1], attempts=1, due=12.5, http_status=500, error="y", last_time=NOW)
    await do(store, lambda tx: tx.update_delivery(tried))
    await do(store, lambda tx: tx.update_delivery(message("none", number=1)))
    assert (await store.deliveries("w1", before=2, limit=9)) == [tried]
    await do(store, lambda tx: tx.delete_webhook("w1"))
    assert await numbers(store) == []
    assert await numbers(store, "w2") == [1]


async def test_the_first_to_be_due_come_first(store: Store) -> None:
    await put(store, hook("w1"), hook("w2"))
    dues = (5.0, 0.0, None, 1.0, 0.0)
    await put(store, *(message(due=due) for due in dues))
    await put(store, message("w2"))
    found = await store.due_deliveries(["w2", "w1"], 3)
    assert [(one.webhook_id, one.number) for one in found] == [
        ("w2", 1), ("w1", 2), ("w1", 5), ("w1", 4),
    ]  # fmt: skip
    assert await store.due_deliveries([], 3) == []


@pytest.mark.parametrize("pending", [True, False])
async def test_the_oldest_make_way(store: Store, pending: bool) -> None:  # noqa: FBT001 - a parameter of the test
    due = 0.0 if pending else None
    with (
        mock.patch.object(memory_webhooks, "DELIVERIES_PER_WEBHOOK", 3),
        mock.patch.object(webhook_transaction, "DELIVERIES_PER_WEBHOOK", 3),
    ):
        await put(store, hook())
        for _ in range(5):
            await put(store, message(due=due))
    assert await numbers(store) == [5, 4, 3]
    (left,) = await store.webhooks()
    assert left.dropped == (2 if pending else 0)
    assert await do(store, lambda tx: tx.webhooks()) == (left,)


async def test_what_is_undone_is_not_remembered(store: Store) -> None:
    await put(store, hook("w1"))

    def refused(tx: Tx) -> None:
        tx.insert_webhook(hook("w2"))
        tx.delete_webhook("w1")
        assert [one.webhook_id for one in tx.webhooks()] == ["w2"]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await do(store, refused)
    assert [one.webhook_id for one in await do(store, lambda tx: tx.webhooks())] == ["w1"]


async def test_a_message_goes_with_the_change_that_it_tells_of(store: Store) -> None:
    await put(store, hook())
    job = await add(store, new_job())

    def refused(tx: Tx) -> None:
        tx.update_job(replace(job, state=JobState.CANCELLED))
        tx.insert_delivery(message())
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await do(store, refused)
    assert await numbers(store) == []
    assert await store.job(job.job_id) == job
