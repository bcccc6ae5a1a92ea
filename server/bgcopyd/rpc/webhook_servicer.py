"""BackgroundCopyManager over gRPC: webhooks."""

from __future__ import annotations

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.api import webhooks as codec
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.webhooks import Webhooks


class WebhookServicer:
    """One method per RPC, each with its caller."""

    def __init__(self, webhooks: Webhooks, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock

    async def create_webhook(
        self, caller: Principal, request: pb.CreateWebhookRequest
    ) -> pb.CreateWebhookResponse:
        """CreateWebhook."""
        webhook, secret = await self._webhooks.create_webhook(caller, codec.create_webhook(request))
        return pb.CreateWebhookResponse(webhook=codec.webhook(webhook, 0), secret=secret)

    async def list_webhooks(
        self, caller: Principal, request: pb.ListWebhooksRequest
    ) -> pb.ListWebhooksResponse:
        """ListWebhooks."""
        command = codec.list_webhooks(request)
        page, following = await self._webhooks.list_webhooks(caller, command)
        return codec.webhooks_page(page, following, all_owners=command.all_owners)

    async def update_webhook(
        self, caller: Principal, request: pb.UpdateWebhookRequest
    ) -> pb.UpdateWebhookResponse:
        """UpdateWebhook."""
        command = codec.update_webhook(request)
        webhook, pending, secret = await self._webhooks.update_webhook(caller, command)
        return pb.UpdateWebhookResponse(webhook=codec.webhook(webhook, pending), secret=secret)

    async def delete_webhook(
        self, caller: Principal, request: pb.DeleteWebhookRequest
    ) -> pb.DeleteWebhookResponse:
        """DeleteWebhook."""
        await self._webhooks.delete_webhook(caller, codec.one_webhook(request))
        return pb.DeleteWebhookResponse()

    async def test_webhook(
        self, caller: Principal, request: pb.TestWebhookRequest
    ) -> pb.TestWebhookResponse:
        """TestWebhook."""
        tried = await self._webhooks.test_webhook(caller, codec.one_webhook(request))
        return pb.TestWebhookResponse(delivery=codec.delivery(tried, self._clock.moment()))

    async def list_deliveries(
        self, caller: Principal, request: pb.ListDeliveriesRequest
    ) -> pb.ListDeliveriesResponse:
        """ListDeliveries."""
        command = codec.list_deliveries(request)
        found = await self._webhooks.list_deliveries(caller, command)
        return codec.deliveries_page(found, command, self._clock.moment())
