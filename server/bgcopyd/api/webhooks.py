"""Webhooks: messages to commands, and values to messages."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2, webhook_pb2
from bgcopyd.api import fields
from bgcopyd.api.encode_times import timestamp
from bgcopyd.api.tokens import page_position, page_token
from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.moments import Moment
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.webhook import (
    DEFAULT_STATES,
    TEST_EVENT,
    Delivery,
    Webhook,
    description_problem,
    next_time,
    secret_problem,
    webhook_url_problem,
)
from bgcopyd.queue.webhooks import (
    CreateWebhook,
    ListDeliveries,
    ListWebhooks,
    OneWebhook,
    UpdateWebhook,
)

_LONGEST_ID = 64


def create_webhook(request: pb.CreateWebhookRequest) -> CreateWebhook:
    """A webhook to make."""
    found = fields.unknown(request)
    found.judge("url", webhook_url_problem(request.url), Reason.URL_INVALID)
    found.judge("description", description_problem(request.description))
    if request.secret:
        found.judge("secret", secret_problem(request.secret))
    numbers = fields.at_most(found, "states", request.states, limits.WEBHOOK_STATES, "states")
    states = tuple(
        fields.enum_value(found, f"states[{place}]", number, JobState, None)
        for place, number in enumerate(dict.fromkeys(numbers))
    )
    return CreateWebhook(
        request.url,
        states or DEFAULT_STATES,
        request.all_owners,
        request.description,
        request.secret,
        found.refusal(),
    )


def list_webhooks(request: pb.ListWebhooksRequest) -> ListWebhooks:
    """A page of webhooks."""
    found = fields.unknown(request)
    size = fields.page_size(found, request.page_size)
    skipped = found.attempt(lambda: page_position(request.page_token, _scope(request.all_owners)))
    return ListWebhooks(request.all_owners, size, max(0, skipped or 0), found.refusal())


def _scope(all_owners: bool) -> bytes:  # noqa: FBT001 - a field of the request
    return b"webhooks of all" if all_owners else b"webhooks"


def update_webhook(request: pb.UpdateWebhookRequest) -> UpdateWebhook:
    """What changes of a webhook."""
    found = _named(request)
    disabled = request.disabled if request.HasField("disabled") else None
    return UpdateWebhook(
        request.webhook_id,
        disabled,
        request.new_secret,
        request.drop_previous_secret,
        found.refusal(),
    )


def one_webhook(request: pb.DeleteWebhookRequest | pb.TestWebhookRequest) -> OneWebhook:
    """A webhook to delete or to test."""
    found = _named(request)
    return OneWebhook(request.webhook_id, found.refusal())


def list_deliveries(request: pb.ListDeliveriesRequest) -> ListDeliveries:
    """A page of messages."""
    found = _named(request)
    size = fields.page_size(found, request.page_size)
    scope = request.webhook_id.encode()
    before = found.attempt(lambda: page_position(request.page_token, scope))
    return ListDeliveries(request.webhook_id, size, before, found.refusal())


def _named(
    request: pb.UpdateWebhookRequest
    | pb.DeleteWebhookRequest
    | pb.TestWebhookRequest
    | pb.ListDeliveriesRequest,
) -> Violations:
    """What is wrong with a request that names a webhook.

    Raises:
        Refusal: INVALID_REQUEST, where it names none.
    """
    if not 0 < len(request.webhook_id) <= _LONGEST_ID:
        found = Violations()
        found.add("webhook_id", "is no id of a webhook; send one that ListWebhooks tells")
        found.raise_any()
    return fields.unknown(request)


def webhook(value: Webhook, pending: int) -> webhook_pb2.Webhook:
    """A webhook without its secrets."""
    return webhook_pb2.Webhook(
        webhook_id=value.webhook_id,
        url=value.url,
        states=[job_pb2.JobState.ValueType(int(state)) for state in value.states],
        all_owners=value.all_owners,
        description=value.description,
        owner=value.owner,
        create_time=timestamp(value.create_time),
        disabled=bool(value.disabled_reason),
        disabled_reason=value.disabled_reason,
        signing_keys=value.secrets,
        pending_deliveries=pending,
        dropped_deliveries=value.dropped,
    )


def webhooks_page(
    page: list[tuple[Webhook, int]],
    following: int | None,
    *,
    all_owners: bool,
) -> pb.ListWebhooksResponse:
    """A page of webhooks."""
    return pb.ListWebhooksResponse(
        webhooks=[webhook(one, pending) for one, pending in page],
        next_page_token=page_token(_scope(all_owners), following),
    )


def delivery(value: Delivery, now: Moment) -> webhook_pb2.Delivery:
    """A message and what became of it."""
    return webhook_pb2.Delivery(
        event_id=value.event_id,
        event_type=value.event_type,
        job_id="" if value.event_type == TEST_EVENT else value.subject,
        state=webhook_pb2.DeliveryState.ValueType(int(value.state)),
        attempts=value.attempts,
        create_time=timestamp(value.create_time),
        last_attempt_time=timestamp(value.last_time),
        next_attempt_time=timestamp(next_time(value, now)),
        http_status=value.http_status,
        error=value.error,
    )


def deliveries_page(
    found: list[Delivery], command: ListDeliveries, now: Moment
) -> pb.ListDeliveriesResponse:
    """A page of messages; the last of those that were found is the next page's."""
    page = found[: command.page_size]
    following = page[-1].number if len(found) > len(page) else None
    return pb.ListDeliveriesResponse(
        deliveries=[delivery(one, now) for one in page],
        next_page_token=page_token(command.webhook_id.encode(), following),
    )
