"""The use cases of webhooks: each owner has his own, an administrator reaches all."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bgcopyd.jobs import limits
from bgcopyd.jobs.addresses import AddressPolicy, judge_host
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Quota, Refusal, invalid
from bgcopyd.jobs.values import changed
from bgcopyd.jobs.webhook import (
    BY_OWNER,
    TEST_EVENT,
    Delivery,
    Webhook,
    secret_of,
    shown_url,
)
from bgcopyd.queue.authorizer import own_webhook, owner_scope
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.dispatcher import Dispatcher, opened, sealed
from bgcopyd.queue.secrets import Sealer, Unsealable
from bgcopyd.queue.storage import Store, Tx

logger = logging.getLogger(__name__)

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CreateWebhook:
    """A webhook to make; an empty secret is drawn."""

    url: str
    states: tuple[JobState, ...]
    all_owners: bool
    description: str
    secret: str = dataclasses.field(repr=False)
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class ListWebhooks:
    """A page of webhooks; `skipped` come before it."""

    all_owners: bool
    page_size: int
    skipped: int
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class UpdateWebhook:
    """What changes of a webhook; `disabled` None leaves that as it is."""

    webhook_id: str
    disabled: bool | None
    new_secret: bool
    drop_previous_secret: bool
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class OneWebhook:
    """A webhook to delete or to test."""

    webhook_id: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """A page of messages; `before` is the position that the page token holds."""

    webhook_id: str
    page_size: int
    before: int | None
    refusal: Refusal | None = None


class Webhooks:
    """Makes, shows, changes and tests them.

    Args:
        new_id: draws a webhook's id.
        new_key: draws so many random bytes.
        addresses: which of them may be connected to.
    """

    def __init__(
        self,
        *,
        store: Store,
        dispatcher: Dispatcher,
        sealer: Sealer,
        clock: Clock,
        new_id: Callable[[], str],
        new_key: Callable[[int], bytes],
        addresses: AddressPolicy,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._sealer = sealer
        self._clock = clock
        self._new_id = new_id
        self._new_key = new_key
        self._addresses = addresses

    async def create_webhook(
        self, principal: Principal, command: CreateWebhook
    ) -> tuple[Webhook, str]:
        """Makes one: it, and its secret, for the caller alone."""
        owner_scope(principal, all_owners=command.all_owners, what="all_owners")
        _raise(command.refusal)
        self._judge_address(command.url)
        secret = command.secret or secret_of(self._new_key(KEY_BYTES))
        webhook = Webhook(
            self._new_id(),
            principal.id,
            shown_url(command.url),
            command.states,
            command.all_owners,
            command.description,
            self._clock.now(),
            sealed(self._sealer, command.url, [secret]),
        )

        def insert(tx: Tx) -> None:
            _judge_count(principal, tx.webhooks())
            tx.insert_webhook(webhook)

        await self._store.transact(insert)
        await self._dispatcher.refresh()
        logger.info("%s made webhook %s", principal.id, webhook.webhook_id)
        return webhook, secret

    def _judge_address(self, url: str) -> None:
        """Of hosts only those that are addresses can be judged before they are connected to."""
        what = judge_host(urlsplit(url).hostname or "", self._addresses)
        if what:
            raise invalid(
                "url",
                f"names an address that may not be connected to here ({what}); use another URL, or "
                "ask the operator to allow its network (`allow_networks`)",
                Reason.ADDRESS_NOT_ALLOWED,
            )

    async def list_webhooks(
        self, principal: Principal, command: ListWebhooks
    ) -> tuple[list[tuple[Webhook, int]], int | None]:
        """A page of webhooks with what waits for each, and how many come before the next page."""
        owner = owner_scope(principal, all_owners=command.all_owners, what="all_owners")
        _raise(command.refusal)
        found = [one for one in await self._store.webhooks() if owner in {None, one.owner}]
        end = command.skipped + command.page_size
        page = found[command.skipped : end]
        return await self._with_pending(page), end if len(found) > end else None

    async def _with_pending(self, webhooks: list[Webhook]) -> list[tuple[Webhook, int]]:
        waiting = await self._store.pending_deliveries([one.webhook_id for one in webhooks])
        return [(one, waiting[one.webhook_id]) for one in webhooks]

    async def update_webhook(
        self, principal: Principal, command: UpdateWebhook
    ) -> tuple[Webhook, int, str]:
        """Changes one: it, what waits for it, and the new secret, "" without one."""
        fresh = secret_of(self._new_key(KEY_BYTES)) if command.new_secret else ""

        def update(tx: Tx) -> Webhook:
            webhook = own_webhook(principal, tx.webhooks(), command.webhook_id)
            _raise(command.refusal)
            after = self._after(webhook, command, fresh)
            tx.update_webhook(after)
            return after

        webhook = await self._store.transact(update)
        await self._dispatcher.refresh()
        logger.info("%s changed webhook %s", principal.id, webhook.webhook_id)
        ((_, waiting),) = await self._with_pending([webhook])
        return webhook, waiting, fresh

    def _after(self, webhook: Webhook, command: UpdateWebhook, fresh: str) -> Webhook:
        if command.disabled is not None:
            reason = (webhook.disabled_reason or BY_OWNER) if command.disabled else ""
            webhook = changed(webhook, disabled_reason=reason)
        if not fresh and not command.drop_previous_secret:
            return webhook
        url, secrets = self._opened(webhook)
        kept = ([fresh] if fresh else []) + secrets
        kept = kept[: 1 if command.drop_previous_secret else 2]
        return changed(webhook, sealed=sealed(self._sealer, url, kept), secrets=len(kept))

    def _opened(self, webhook: Webhook) -> tuple[str, list[str]]:
        try:
            return opened(self._sealer, webhook)
        except Unsealable:
            raise Refusal(
                Reason.INVALID_STATE,
                "the webhook's secrets cannot be opened, since the key that sealed them is gone; "
                "delete it and make it anew",
            ) from None

    async def delete_webhook(self, principal: Principal, command: OneWebhook) -> None:
        """Removes one with what was not delivered to it."""

        def delete(tx: Tx) -> None:
            own_webhook(principal, tx.webhooks(), command.webhook_id)
            _raise(command.refusal)
            tx.delete_webhook(command.webhook_id)

        await self._store.transact(delete)
        await self._dispatcher.refresh()
        logger.info("%s deleted webhook %s", principal.id, command.webhook_id)

    async def test_webhook(self, principal: Principal, command: OneWebhook) -> Delivery:
        """Sends a message of no job, once; it is in the list of messages afterwards."""
        webhook = own_webhook(principal, await self._store.webhooks(), command.webhook_id)
        _raise(command.refusal)
        tried = await self._dispatcher.test(
            webhook,
            Delivery(
                webhook.webhook_id,
                f"evt_{self._new_key(16).hex()}",
                TEST_EVENT,
                webhook.webhook_id,
                f'{{"webhook_id":"{webhook.webhook_id}"}}',
                self._clock.now(),
            ),
        )

        def insert(tx: Tx) -> None:
            if any(one.webhook_id == webhook.webhook_id for one in tx.webhooks()):
                tx.insert_delivery(tried)

        await self._store.transact(insert, durable=False)
        return tried

    async def list_deliveries(
        self, principal: Principal, command: ListDeliveries
    ) -> list[Delivery]:
        """A page of messages, newest first; one more where another page follows."""
        own_webhook(principal, await self._store.webhooks(), command.webhook_id)
        _raise(command.refusal)
        return await self._store.deliveries(
            command.webhook_id, before=command.before, limit=command.page_size + 1
        )


def _judge_count(principal: Principal, webhooks: Iterable[Webhook]) -> None:
    count = sum(one.owner == principal.id for one in webhooks)
    if count < limits.WEBHOOKS_PER_OWNER:
        return
    raise Refusal(
        Reason.WEBHOOK_QUOTA_EXCEEDED,
        f"you have {count} webhooks, as many as allowed; delete some first",
        quota=Quota("webhooks_per_owner", limits.WEBHOOKS_PER_OWNER, count),
    )


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal
