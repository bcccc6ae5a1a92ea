"""Webhooks and their messages in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bgcopyd.jobs.limits import DELIVERIES_PER_WEBHOOK
from bgcopyd.jobs.webhook import Delivery, Webhook
from bgcopyd.store.memory_state import State

Key = tuple[str, int]


class MemoryWebhooks:
    """OutboxTx on a state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""
        found = self._state.webhooks.values()
        return tuple(sorted(found, key=lambda one: (one.create_time, one.webhook_id)))

    def insert_webhook(self, webhook: Webhook) -> None:
        """Adds one."""
        if webhook.webhook_id in self._state.webhooks:
            raise ValueError("there is such a webhook already")
        self._state.webhooks[webhook.webhook_id] = webhook

    def update_webhook(self, webhook: Webhook) -> None:
        """Replaces what may change of one."""
        known = self._state.webhooks.get(webhook.webhook_id)
        if known is not None:
            self._state.webhooks[webhook.webhook_id] = replace(
                known,
                disabled_reason=webhook.disabled_reason,
                sealed=webhook.sealed,
                secrets=webhook.secrets,
            )

    def delete_webhook(self, webhook_id: str) -> None:
        """Removes one with its messages."""
        self._state.webhooks.pop(webhook_id, None)
        for key in self._keys(webhook_id):
            del self._state.deliveries[key]

    def _keys(self, webhook_id: str) -> list[Key]:
        return [key for key in self._state.deliveries if key[0] == webhook_id]

    def insert_delivery(self, delivery: Delivery) -> None:
        """Adds a message; the oldest make way."""
        webhook = self._state.webhooks[delivery.webhook_id]
        keys = self._keys(delivery.webhook_id)
        newest = max((number for _, number in keys), default=0) + 1
        self._state.deliveries[delivery.webhook_id, newest] = replace(delivery, number=newest)
        crowded_out = [key for key in keys if key[1] <= newest - DELIVERIES_PER_WEBHOOK]
        gone = [self._state.deliveries.pop(key) for key in crowded_out]
        dropped = webhook.dropped + sum(one.due is not None for one in gone)
        self._state.webhooks[delivery.webhook_id] = replace(webhook, dropped=dropped)

    def update_delivery(self, delivery: Delivery) -> None:
        """Writes what became of a message."""
        key = delivery.webhook_id, delivery.number
        if key in self._state.deliveries:
            self._state.deliveries[key] = delivery

    def due_messages(self, webhook_ids: Collection[str], limit: int) -> list[Delivery]:
        """Pending messages, of each webhook the first."""
        found: list[Delivery] = []
        for webhook_id in webhook_ids:
            waiting = [
                (one.due, one.number, one)
                for one in self.deliveries(webhook_id, None)
                if one.due is not None
            ]
            found += [one for _, _, one in sorted(waiting, key=lambda row: row[:2])[:limit]]
        return found

    def deliveries(self, webhook_id: str, before: int | None) -> list[Delivery]:
        """Messages of a webhook by number, falling."""
        numbers = sorted((number for _, number in self._keys(webhook_id)), reverse=True)
        return [
            self._state.deliveries[webhook_id, number]
            for number in numbers
            if before is None or number < before
        ]
