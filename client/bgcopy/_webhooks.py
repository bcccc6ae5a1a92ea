"""The part of AsyncClient that is about webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from bgcopy import _webhook_models as models
from bgcopy._calls import Calls, Timeout
from bgcopy._enums import JobState
from bgcopy._pages import each
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2


class WebhookCalls:
    """Receivers that are told by HTTP; one method per RPC, and iterators over pages."""

    _calls: Calls

    async def create_webhook(
        self,
        url: str,
        *,
        states: Iterable[JobState] = (),
        all_owners: bool = False,
        description: str = "",
        secret: str = "",
        timeout: Timeout | None = None,
    ) -> models.WebhookSecret:
        """Have a receiver told by HTTP when jobs come to certain states. Never retried.

        Args:
            url: where messages go, http or https; its query is never shown again.
            states: those that it is told of; none means ERROR, TRANSFERRED, ACKNOWLEDGED and
                CANCELLED.
            all_owners: of everybody's jobs, for administrators.
            description: what people call it.
            secret: what signs, "whsec_" and base64; one is made where it is empty.
            timeout: the deadline of the call.

        Raises:
            WebhookQuotaExceeded: the caller has as many as allowed.
        """
        request = pb.CreateWebhookRequest(
            url=url,
            states=[job_pb2.JobState.ValueType(state.value) for state in states],
            all_owners=all_owners,
            description=description,
            secret=secret,
        )
        response = await self._calls.unary(lambda stub: stub.CreateWebhook, request, timeout)
        return models.WebhookSecret(models.webhook(response.webhook), response.secret)

    async def list_webhooks(
        self,
        *,
        all_owners: bool = False,
        page_size: int = 0,
        page_token: str = "",
        timeout: Timeout | None = None,
    ) -> models.WebhookPage:
        """One page of webhooks, oldest first; `webhooks` goes through all."""
        request = pb.ListWebhooksRequest(
            all_owners=all_owners, page_size=page_size, page_token=page_token
        )
        response = await self._calls.unary(lambda stub: stub.ListWebhooks, request, timeout)
        return models.WebhookPage(
            tuple(models.webhook(one) for one in response.webhooks), response.next_page_token
        )

    def webhooks(
        self, *, all_owners: bool = False, page_size: int = 0, timeout: Timeout | None = None
    ) -> AsyncIterator[models.Webhook]:
        """The caller's webhooks, oldest first, page by page; `timeout` is each page's."""
        return each(
            lambda token: self.list_webhooks(
                all_owners=all_owners, page_size=page_size, page_token=token, timeout=timeout
            ),
            lambda page: page.webhooks,
        )

    async def update_webhook(
        self,
        webhook_id: str,
        *,
        disabled: bool | None = None,
        new_secret: bool = False,
        drop_previous_secret: bool = False,
        timeout: Timeout | None = None,
    ) -> models.WebhookSecret:
        """Disable or enable a webhook, or change its secrets. Never retried.

        Args:
            webhook_id: the webhook.
            disabled: whether nothing is sent; None leaves that as it is.
            new_secret: make one, which signs beside the newest one there was.
            drop_previous_secret: let only the newest one sign.
            timeout: the deadline of the call.
        """
        request = pb.UpdateWebhookRequest(
            webhook_id=webhook_id,
            disabled=disabled,
            new_secret=new_secret,
            drop_previous_secret=drop_previous_secret,
        )
        response = await self._calls.unary(lambda stub: stub.UpdateWebhook, request, timeout)
        return models.WebhookSecret(models.webhook(response.webhook), response.secret)

    async def delete_webhook(self, webhook_id: str, *, timeout: Timeout | None = None) -> None:
        """Remove a webhook and what was not delivered to it."""
        request = pb.DeleteWebhookRequest(webhook_id=webhook_id)
        await self._calls.unary(lambda stub: stub.DeleteWebhook, request, timeout)

    async def test_webhook(
        self, webhook_id: str, *, timeout: Timeout | None = None
    ) -> models.Delivery:
        """Send a test message once; what came of it, also where it failed. Never retried."""
        request = pb.TestWebhookRequest(webhook_id=webhook_id)
        response = await self._calls.unary(lambda stub: stub.TestWebhook, request, timeout)
        return models.delivery(response.delivery)

    async def list_deliveries(
        self,
        webhook_id: str,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: Timeout | None = None,
    ) -> models.DeliveryPage:
        """One page of a webhook's messages, newest first; `deliveries` goes through all."""
        request = pb.ListDeliveriesRequest(
            webhook_id=webhook_id, page_size=page_size, page_token=page_token
        )
        response = await self._calls.unary(lambda stub: stub.ListDeliveries, request, timeout)
        return models.DeliveryPage(
            tuple(models.delivery(one) for one in response.deliveries), response.next_page_token
        )

    def deliveries(
        self, webhook_id: str, *, page_size: int = 0, timeout: Timeout | None = None
    ) -> AsyncIterator[models.Delivery]:
        """A webhook's messages, newest first, page by page; `timeout` is each page's."""
        return each(
            lambda token: self.list_deliveries(
                webhook_id, page_size=page_size, page_token=token, timeout=timeout
            ),
            lambda page: page.deliveries,
        )
