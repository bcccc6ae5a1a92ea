"""Frozen values of webhooks, and their messages. Times are aware UTC datetimes."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from bgcopy._convert_options import known, to_datetime
from bgcopy._enums import JobState
from bgcopy.v1 import webhook_pb2


class DeliveryState(enum.Enum):
    """How far a message to a webhook is."""

    UNKNOWN = 0
    PENDING = 1
    DELIVERED = 2
    GIVEN_UP = 3


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver that is told by HTTP when jobs come to one of `states`.

    `url` is without its query. `signing_keys` is how many secrets sign each message, 2 while one
    takes over from the other. `dropped_deliveries` were never delivered since newer ones took
    their place.
    """

    webhook_id: str
    url: str
    states: tuple[JobState, ...] = ()
    all_owners: bool = False
    description: str = ""
    owner: str = ""
    create_time: datetime | None = None
    disabled: bool = False
    disabled_reason: str = ""
    signing_keys: int = 1
    pending_deliveries: int = 0
    dropped_deliveries: int = 0


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A webhook after a change: `secret` is new and nobody can ask for it again; `repr` hides it.

    Empty where the change has made none.
    """

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """A page of webhooks, oldest first; `next_page_token` is empty on the last one."""

    webhooks: tuple[Webhook, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to a webhook; `event_id` is what the receiver sees as webhook-id.

    `job_id` is empty for a test, `next_attempt_time` None once nothing more is tried,
    `http_status` None where no answer came.
    """

    event_id: str
    event_type: str
    job_id: str = ""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    create_time: datetime | None = None
    last_attempt_time: datetime | None = None
    next_attempt_time: datetime | None = None
    http_status: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of messages, newest first; `next_page_token` is empty on the last one."""

    deliveries: tuple[Delivery, ...]
    next_page_token: str = ""


def webhook(message: webhook_pb2.Webhook) -> Webhook:
    """A webhook as the server sent it."""
    return Webhook(
        webhook_id=message.webhook_id,
        url=message.url,
        states=tuple(known(JobState, state) for state in message.states),
        all_owners=message.all_owners,
        description=message.description,
        owner=message.owner,
        create_time=to_datetime(message.create_time),
        disabled=message.disabled,
        disabled_reason=message.disabled_reason,
        signing_keys=message.signing_keys,
        pending_deliveries=message.pending_deliveries,
        dropped_deliveries=message.dropped_deliveries,
    )


def delivery(message: webhook_pb2.Delivery) -> Delivery:
    """A message and what became of it."""
    return Delivery(
        event_id=message.event_id,
        event_type=message.event_type,
        job_id=message.job_id,
        state=known(DeliveryState, message.state),
        attempts=message.attempts,
        create_time=to_datetime(message.create_time),
        last_attempt_time=to_datetime(message.last_attempt_time),
        next_attempt_time=to_datetime(message.next_attempt_time),
        http_status=message.http_status if message.HasField("http_status") else None,
        error=message.error,
    )
