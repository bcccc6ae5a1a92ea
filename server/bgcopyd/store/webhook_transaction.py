"""The part of a transaction on SQLite that is about webhooks."""

from __future__ import annotations

from bgcopyd.jobs.limits import DELIVERIES_PER_WEBHOOK
from bgcopyd.jobs.webhook import Delivery, Webhook
from bgcopyd.store import webhook_rows as rows
from bgcopyd.store.statements import Statements


class WebhookTx(Statements):
    """OutboxTx. The writer alone changes webhooks, and so they are kept between transactions."""

    _webhooks: tuple[Webhook, ...] | None = None

    def undone(self) -> None:
        """Forgets what may have been written by that which is undone now."""
        self._webhooks = None

    def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""
        if self._webhooks is None:
            self._webhooks = rows.webhooks(self._db)
        return self._webhooks

    def insert_webhook(self, webhook: Webhook) -> None:
        """Adds one."""
        self._run(rows.INSERT_WEBHOOK, rows.webhook_values(webhook))
        self._webhooks = None

    def update_webhook(self, webhook: Webhook) -> None:
        """Replaces what may change of one."""
        values = (webhook.disabled_reason, webhook.sealed, webhook.secrets, webhook.webhook_id)
        self._run(rows.UPDATE_WEBHOOK, values)
        self._webhooks = None

    def delete_webhook(self, webhook_id: str) -> None:
        """Removes one with its messages."""
        self._run(rows.DELETE_WEBHOOK, (webhook_id,))
        self._webhooks = None

    def insert_delivery(self, delivery: Delivery) -> None:
        """Adds a message; the oldest make way."""
        webhook_id = delivery.webhook_id
        newest = self._run(rows.SELECT_NEWEST, (webhook_id,)).fetchone()[0] + 1
        self._run(rows.INSERT_DELIVERY, rows.delivery_values(delivery, newest))
        crowded_out = (webhook_id, newest - DELIVERIES_PER_WEBHOOK)
        if crowded_out[1] <= 0:
            return
        dropped = self._run(rows.COUNT_CROWDED_OUT, crowded_out).fetchone()[0]
        self._run(rows.DELETE_CROWDED_OUT, crowded_out)
        if dropped:
            self._run(rows.COUNT_DROPPED, (dropped, webhook_id))
            self._webhooks = None

    def update_delivery(self, delivery: Delivery) -> None:
        """Writes what became of a message."""
        self._run(rows.UPDATE_DELIVERY, rows.update_values(delivery))
