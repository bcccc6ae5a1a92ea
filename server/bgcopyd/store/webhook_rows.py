"""Rows of webhooks and of their messages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import timedelta

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.webhook import Delivery, DeliveryState, Webhook
from bgcopyd.store.rows import (
    EPOCH,
    Row,
    decoded,
    exactly,
    insert_statement,
    micros,
    micros_or_none,
    time_or_none,
)

_WEBHOOK = (
    "id", "owner", "url", "states", "all_owners", "description", "create_time", "sealed",
    "secrets", "disabled_reason", "dropped",
)  # fmt: skip
_DELIVERY = (
    "webhook", "number", "event_id", "event_type", "subject", "data", "create_time", "state",
    "attempts", "due", "last_time", "http_status", "error",
)  # fmt: skip

INSERT_WEBHOOK = insert_statement("webhook", _WEBHOOK)
UPDATE_WEBHOOK = "UPDATE webhook SET disabled_reason = ?, sealed = ?, secrets = ? WHERE id = ?"
DELETE_WEBHOOK = "DELETE FROM webhook WHERE id = ?"
SELECT_WEBHOOKS = f"SELECT {', '.join(_WEBHOOK)} FROM webhook ORDER BY create_time, id"
INSERT_DELIVERY = insert_statement("delivery", _DELIVERY)
UPDATE_DELIVERY = (
    "UPDATE delivery SET data = ?, state = ?, attempts = ?, due = ?, last_time = ?, "
    "http_status = ?, error = ? WHERE webhook = ? AND number = ?"
)
SELECT_NEWEST = "SELECT coalesce(max(number), 0) FROM delivery WHERE webhook = ?"
COUNT_CROWDED_OUT = (
    "SELECT count(*) FROM delivery WHERE webhook = ? AND number <= ? AND due IS NOT NULL"
)
DELETE_CROWDED_OUT = "DELETE FROM delivery WHERE webhook = ? AND number <= ?"
COUNT_DROPPED = "UPDATE webhook SET dropped = dropped + ? WHERE id = ?"
_SELECT = f"SELECT {', '.join(_DELIVERY)} FROM delivery WHERE webhook = ?"
_SELECT_DUE = f"{_SELECT} AND due IS NOT NULL ORDER BY due, number LIMIT ?"
_SELECT_BEFORE = f"{_SELECT} AND number < ? ORDER BY number DESC LIMIT ?"
_COUNT_PENDING = "SELECT count(*) FROM delivery WHERE webhook = ? AND due IS NOT NULL"
_BEYOND = 1 << 62


def webhook_values(webhook: Webhook) -> Row:
    """The values of INSERT_WEBHOOK."""
    return (
        webhook.webhook_id,
        webhook.owner,
        webhook.url,
        json.dumps([int(state) for state in webhook.states]),
        webhook.all_owners,
        webhook.description,
        micros(webhook.create_time),
        webhook.sealed,
        webhook.secrets,
        webhook.disabled_reason,
        webhook.dropped,
    )


def webhook_of(row: Row) -> Webhook:
    """The webhook of a row of SELECT_WEBHOOKS."""
    (
        webhook_id, owner, url, states, all_owners, description, create_time, sealed, secrets,
        disabled_reason, dropped,
    ) = row  # fmt: skip
    return Webhook(
        exactly(str, webhook_id),
        exactly(str, owner),
        exactly(str, url),
        tuple(JobState(number) for number in json.loads(states)),
        all_owners != 0,
        exactly(str, description),
        EPOCH + timedelta(microseconds=create_time),
        exactly(bytes, sealed),
        exactly(int, secrets),
        exactly(str, disabled_reason),
        exactly(int, dropped),
    )


def delivery_values(delivery: Delivery, number: int) -> Row:
    """The values of INSERT_DELIVERY."""
    return (
        delivery.webhook_id,
        number,
        delivery.event_id,
        delivery.event_type,
        delivery.subject,
        delivery.data,
        micros(delivery.create_time),
        int(delivery.state),
        delivery.attempts,
        delivery.due,
        micros_or_none(delivery.last_time),
        delivery.http_status,
        delivery.error,
    )


def update_values(delivery: Delivery) -> Row:
    """The values of UPDATE_DELIVERY."""
    return (
        delivery.data,
        int(delivery.state),
        delivery.attempts,
        delivery.due,
        micros_or_none(delivery.last_time),
        delivery.http_status,
        delivery.error,
        delivery.webhook_id,
        delivery.number,
    )


def delivery_of(row: Row) -> Delivery:
    """The message of a row."""
    (
        webhook_id, number, event_id, event_type, subject, data, create_time, state, attempts, due,
        last_time, http_status, error,
    ) = row  # fmt: skip
    return Delivery(
        exactly(str, webhook_id),
        exactly(str, event_id),
        exactly(str, event_type),
        exactly(str, subject),
        exactly(str, data),
        EPOCH + timedelta(microseconds=create_time),
        exactly(int, number),
        DeliveryState(state),
        exactly(int, attempts),
        None if due is None else float(due),
        time_or_none(last_time),
        http_status,
        exactly(str, error),
    )


def webhooks(db: sqlite3.Connection) -> tuple[Webhook, ...]:
    """All of them, oldest first."""
    return tuple(decoded(webhook_of, row) for row in db.execute(SELECT_WEBHOOKS).fetchall())


def due(db: sqlite3.Connection, webhook_ids: Collection[str], limit: int) -> list[Delivery]:
    """Pending messages, of each webhook the first."""
    return [
        decoded(delivery_of, row)
        for webhook_id in webhook_ids
        for row in db.execute(_SELECT_DUE, (webhook_id, limit)).fetchall()
    ]


def deliveries(
    db: sqlite3.Connection, webhook_id: str, before: int | None, limit: int
) -> list[Delivery]:
    """Messages of a webhook by number, falling."""
    values = (webhook_id, _BEYOND if before is None else before, limit)
    return [decoded(delivery_of, row) for row in db.execute(_SELECT_BEFORE, values).fetchall()]


def pending(db: sqlite3.Connection, webhook_ids: Collection[str]) -> dict[str, int]:
    """How many messages of each webhook wait."""
    return {one: db.execute(_COUNT_PENDING, (one,)).fetchone()[0] for one in webhook_ids}
