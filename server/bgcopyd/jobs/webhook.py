"""Webhooks: who wants to hear of which states, what is sent, and when it is tried again.

Messages are CloudEvents 1.0 (structured JSON), signed as Standard Webhooks say: HMAC-SHA256 over
`id.timestamp.body`, once with each secret, so that a receiver may change its own at leisure.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bgcopyd.jobs import limits
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.notifying import silences
from bgcopyd.jobs.rules import url_problem
from bgcopyd.jobs.values import changed, value

DEFAULT_STATES = (
    JobState.ERROR,
    JobState.TRANSFERRED,
    JobState.ACKNOWLEDGED,
    JobState.CANCELLED,
)
TEST_EVENT = "io.bgcopy.v1.webhook.test"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
# As Standard Webhooks allow.
SECRET_BYTES = range(24, 65)
# After each failed attempt; one more failure, and the message is given up. Three days in all.
PAUSES = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
JITTER = 0.2
LONGEST_PAUSE = 86_400.0
GONE = 410
BY_OWNER = "It was disabled by UpdateWebhook."
BY_RECEIVER = "The receiver answered 410 Gone."


class DeliveryState(enum.IntEnum):
    """How far a message is; equal to the enum of the same name in webhook.proto."""

    PENDING = 1
    DELIVERED = 2
    GIVEN_UP = 3


@value(frozen=True, slots=True)
class Webhook:
    """One receiver. `url` is for people, without its query; `sealed` holds all of it and the keys.

    `secrets` is how many keys sign, `dropped` how many messages had no room. An empty
    `disabled_reason` means that it is told of what happens.
    """

    webhook_id: str
    owner: str
    url: str
    states: tuple[JobState, ...]
    all_owners: bool
    description: str
    create_time: datetime
    sealed: bytes
    secrets: int = 1
    disabled_reason: str = ""
    dropped: int = 0


@value(frozen=True, slots=True)
class Delivery:
    """One message to one receiver. `data` is the event's JSON while it is needed.

    `due` is a moment of the steady scale, None once nothing more is tried.
    """

    webhook_id: str
    event_id: str
    event_type: str
    subject: str
    data: str
    create_time: datetime
    number: int = 0
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    due: float | None = 0.0
    last_time: datetime | None = None
    http_status: int | None = None
    error: str = ""


@value(frozen=True, slots=True)
class Answer:
    """What became of an attempt: a status, or an error that kept one from coming."""

    status: int | None = None
    error: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has taken the message."""
        return self.status is not None and 200 <= self.status < 300


def wants(webhook: Webhook, job: Job) -> bool:
    """Whether the receiver is told that the job has come to its state."""
    return (
        not webhook.disabled_reason
        and job.state in webhook.states
        and (webhook.all_owners or webhook.owner == job.owner)
        and not silences(job)
    )


def message_of(webhook: Webhook, job: Job) -> Delivery:
    """What the receiver is told of a job that has just come to its state."""
    return Delivery(
        webhook.webhook_id,
        event_id(job),
        f"io.bgcopy.v1.job.{job.state.name.lower()}",
        job.job_id,
        json.dumps(_data(job), separators=(",", ":")),
        job.modification_time,
    )


def event_id(job: Job) -> str:
    """Names one change of one job, the same for every receiver and attempt.

    With the time, since a queue that is restored from a backup counts revisions anew.
    """
    name = f"{job.revision}@{job.modification_time.isoformat()}"
    return f"evt_{uuid.uuid5(uuid.UUID(job.job_id), name).hex}"


def _data(job: Job) -> dict[str, object]:
    error = job.error
    return {
        "job_id": job.job_id,
        "state": job.state.name,
        "display_name": job.display_name,
        "owner": job.owner,
        "labels": dict(job.labels),
        "revision": job.revision,
        "files_total": job.progress.files_total,
        "files_transferred": job.progress.files_transferred,
        "bytes_total": job.progress.bytes_total,
        "bytes_transferred": job.progress.bytes_transferred,
        "error": None
        if error is None
        else {
            "reason": error.reason.name,
            "context": error.context.name,
            "message": error.message,
            "transient": error.transient,
            "file_index": error.file_index,
            "http_status": error.http_status,
        },
    }


def body_of(delivery: Delivery, source: str) -> bytes:
    """The message as it is sent, the same at each attempt."""
    event = {
        "specversion": "1.0",
        "id": delivery.event_id,
        "source": source,
        "type": delivery.event_type,
        "subject": delivery.subject,
        "time": delivery.create_time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": json.loads(delivery.data),
    }
    return json.dumps(event, separators=(",", ":")).encode()


def headers_of(
    delivery: Delivery, secrets: Sequence[str], body: bytes, now: datetime
) -> dict[str, str]:
    """The header fields that prove to the receiver whom a message is from."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((delivery.event_id.encode(), timestamp.encode(), body))
    signatures = (hmac.new(_key(one), signed, hashlib.sha256).digest() for one in secrets)
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": delivery.event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }


def secret_of(key: bytes) -> str:
    """A key as people hand it on."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def secret_problem(secret: str) -> str:
    """Judges a secret that a caller brings along; never quotes it."""
    try:
        length = len(_key(secret)) if secret.startswith(SECRET_PREFIX) else 0
    except (binascii.Error, ValueError):
        length = 0
    if length in SECRET_BYTES:
        return ""
    return (
        f"is no secret; send {SECRET_PREFIX} and 24 to 64 random bytes in base64, or none and have "
        "one made"
    )


def webhook_url_problem(url: str) -> str:
    """Judges where messages are sent."""
    problem = url_problem(url)
    if problem:
        return problem
    if not url.startswith(("https://", "http://")):
        return "has another scheme than https or http"
    return "has a fragment, which no server is sent" if urlsplit(url).fragment else ""


def shown_url(url: str) -> str:
    """The URL as people and logs may see it: its query may be a secret."""
    address, mark, _ = url.partition("?")
    return f"{address}?***" if mark else address


def description_problem(description: str) -> str:
    """Judges what people call it."""
    longest = limits.WEBHOOK_DESCRIPTION_CHARACTERS
    if len(description) > longest:
        return f"has {len(description)} characters; at most {longest} are allowed"
    return "" if description.isprintable() else "has a control character"


def after_attempt(delivery: Delivery, answer: Answer, now: Moment, spread: float) -> Delivery:
    """A message after an attempt; `spread` from 0 to 1 parts those that failed together."""
    tried = changed(
        delivery,
        attempts=delivery.attempts + 1,
        last_time=now.time,
        http_status=answer.status,
        error=answer.error,
    )
    if answer.accepted:
        return changed(tried, state=DeliveryState.DELIVERED, due=None, data="", error="")
    if tried.attempts > len(PAUSES):
        return changed(tried, state=DeliveryState.GIVEN_UP, due=None, data="")
    pause = PAUSES[tried.attempts - 1] * (1 + JITTER * (2 * spread - 1))
    asked = min(answer.retry_after or 0.0, LONGEST_PAUSE)
    return changed(tried, due=now.steady + min(max(pause, asked), LONGEST_PAUSE))


def next_time(delivery: Delivery, now: Moment) -> datetime | None:
    """When a message is tried next, by the time of day."""
    if delivery.due is None:
        return None
    return now.time + timedelta(seconds=max(0.0, delivery.due - now.steady))
