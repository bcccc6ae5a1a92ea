"""The store's part of webhooks, and how a change of a job comes to be told.

Messages are written in the transaction of the change that they tell of, so that neither is ever
there without the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from bgcopyd.jobs.job import Job
from bgcopyd.jobs.webhook import Answer, Delivery, Webhook, message_of, wants


class OutboxTx(Protocol):
    """What a transaction can do with webhooks and their messages."""

    def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first. Costs nothing where there is none."""

    def insert_webhook(self, webhook: Webhook) -> None:
        """Adds one."""

    def update_webhook(self, webhook: Webhook) -> None:
        """Replaces one's `disabled_reason`, `sealed` and `secrets`; an absent one is done."""

    def delete_webhook(self, webhook_id: str) -> None:
        """Removes one with its messages."""

    def insert_delivery(self, delivery: Delivery) -> None:
        """Adds a message with the webhook's next number.

        Only the newest DELIVERIES_PER_WEBHOOK are kept; `dropped` counts the pending ones of the
        others.
        """

    def update_delivery(self, delivery: Delivery) -> None:
        """Writes what became of a message; one that is gone is done."""


class OutboxStore(Protocol):
    """What is read of them outside transactions."""

    async def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""

    async def due_deliveries(self, webhook_ids: Collection[str], limit: int) -> list[Delivery]:
        """Pending messages, of each webhook the first `limit` by `due` and number."""

    async def deliveries(
        self, webhook_id: str, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """Messages of a webhook by number, falling, below `before`."""

    async def pending_deliveries(self, webhook_ids: Collection[str]) -> dict[str, int]:
        """How many messages of each webhook wait."""


class Poster(Protocol):
    """Sends messages. Neither follows redirects nor reads more than the start of an answer."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Makes one attempt, within a bounded time."""

    async def close(self) -> None:
        """Ends the attempts under way."""


def announced(tx: OutboxTx, job: Job) -> Job:
    """The job, once those who want to hear of the state that it has come to will."""
    for webhook in tx.webhooks():
        if wants(webhook, job):
            tx.insert_delivery(message_of(webhook, job))
    return job
