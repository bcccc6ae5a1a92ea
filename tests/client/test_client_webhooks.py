"""The webhook methods of AsyncClient against a scripted server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import bgcopy
from bgcopy import DeliveryState, JobState
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2, webhook_pb2
from tests.support.fake_server import Context, Handler, Manager

STAMP = Timestamp(seconds=1_780_000_000)
WHEN = datetime.fromtimestamp(STAMP.seconds, UTC)
HOOK = webhook_pb2.Webhook(
    webhook_id="w",
    url="https://h/?***",
    states=[job_pb2.JOB_STATE_ERROR, 99],  # type: ignore[list-item] # of a newer server
    owner="user:anna",
    create_time=STAMP,
    signing_keys=2,
)


def answering(*responses: Any) -> Handler:
    """Answers with one after the other, the last one again and again."""
    left = list(responses)

    async def handler(_: Any, __: Context) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    return handler


def test_models_have_the_fields_of_their_messages() -> None:
    for model, message in (
        (bgcopy.Webhook, webhook_pb2.Webhook.DESCRIPTOR),
        (bgcopy.Delivery, webhook_pb2.Delivery.DESCRIPTOR),
        (bgcopy.WebhookPage, pb.ListWebhooksResponse.DESCRIPTOR),
        (bgcopy.DeliveryPage, pb.ListDeliveriesResponse.DESCRIPTOR),
        (bgcopy.WebhookSecret, pb.CreateWebhookResponse.DESCRIPTOR),
    ):
        assert set(model.__dataclass_fields__) == set(message.fields_by_name)
    states = webhook_pb2.DESCRIPTOR.enum_types_by_name["DeliveryState"].values_by_number
    assert {state.value for state in DeliveryState} == set(states)


async def test_a_new_one(client: bgcopy.AsyncClient, manager: Manager) -> None:
    response = pb.CreateWebhookResponse(webhook=HOOK, secret="whsec_x")
    manager.handlers["CreateWebhook"] = answering(response)
    made = await client.create_webhook(
        "https://h/?k=1", states=[JobState.ERROR], all_owners=True, description="d", secret="s"
    )
    assert (made.secret, "whsec" in repr(made)) == ("whsec_x", False)
    assert made.webhook == bgcopy.Webhook(
        webhook_id="w",
        url="https://h/?***",
        states=(JobState.ERROR, JobState.UNKNOWN),
        owner="user:anna",
        create_time=WHEN,
        signing_keys=2,
    )
    assert manager.called("CreateWebhook")[0].request == pb.CreateWebhookRequest(
        url="https://h/?k=1",
        states=[job_pb2.JOB_STATE_ERROR],
        all_owners=True,
        description="d",
        secret="s",
    )


async def test_lists_go_through_all_pages(client: bgcopy.AsyncClient, manager: Manager) -> None:
    manager.handlers["ListWebhooks"] = answering(
        pb.ListWebhooksResponse(webhooks=[HOOK], next_page_token="more"),
        pb.ListWebhooksResponse(webhooks=[HOOK]),
    )
    assert len([one async for one in client.webhooks(all_owners=True, page_size=1)]) == 2
    asked = [call.request for call in manager.called("ListWebhooks")]
    assert [request.page_token for request in asked] == ["", "more"]
    assert all(request.all_owners for request in asked)
    first = webhook_pb2.Delivery(event_id="e", state=webhook_pb2.DELIVERY_STATE_GIVEN_UP)
    second = webhook_pb2.Delivery(event_id="e", http_status=500, last_attempt_time=STAMP)
    manager.handlers["ListDeliveries"] = answering(
        pb.ListDeliveriesResponse(deliveries=[first], next_page_token="more"),
        pb.ListDeliveriesResponse(deliveries=[second]),
    )
    found = [one async for one in client.deliveries("w", page_size=1)]
    assert (found[0].state, found[0].http_status) == (DeliveryState.GIVEN_UP, None)
    assert (found[1].http_status, found[1].last_attempt_time) == (500, WHEN)


@pytest.mark.parametrize("disabled", [None, True, False])
async def test_changes(
    client: bgcopy.AsyncClient, manager: Manager, *, disabled: bool | None
) -> None:
    manager.handlers["UpdateWebhook"] = answering(pb.UpdateWebhookResponse(webhook=HOOK))
    after = await client.update_webhook("w", disabled=disabled, new_secret=True)
    assert after.secret == ""
    request = manager.called("UpdateWebhook")[0].request
    assert request.HasField("disabled") is (disabled is not None)
    assert (request.disabled, request.new_secret) == (bool(disabled), True)


async def test_testing_and_deleting(client: bgcopy.AsyncClient, manager: Manager) -> None:
    done = webhook_pb2.Delivery(state=webhook_pb2.DELIVERY_STATE_DELIVERED, attempts=1)
    manager.handlers["TestWebhook"] = answering(pb.TestWebhookResponse(delivery=done))
    manager.handlers["DeleteWebhook"] = answering(pb.DeleteWebhookResponse())
    assert (await client.test_webhook("w")).state is DeliveryState.DELIVERED
    await client.delete_webhook("w")
    assert manager.called("DeleteWebhook")[0].request.webhook_id == "w"
