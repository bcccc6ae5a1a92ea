"""Delivers what the outbox holds, in the background, each receiver apart from the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bgcopyd.jobs.values import changed
from bgcopyd.jobs.webhook import (
    BY_RECEIVER,
    GONE,
    Answer,
    Delivery,
    DeliveryState,
    Webhook,
    after_attempt,
    body_of,
    headers_of,
)
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.outbox import Poster
from bgcopyd.queue.secrets import Sealer, Unsealable
from bgcopyd.queue.storage import Store, StoreUnavailable, Tx

logger = logging.getLogger(__name__)

AT_ONCE = 8
AT_ONCE_PER_RECEIVER = 2
# Beside those: whoever tests must not keep the messages of others waiting.
TESTS_AT_ONCE = 2
FAILURES_IN_A_ROW = 5
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 3600.0
STORE_PAUSE = 5.0
UNREADABLE = "Its URL and secret cannot be opened, since the key that sealed them is gone."


@dataclass(slots=True)
class Receiver:
    """What the last attempts have shown of a receiver; `held_until` is a moment of `monotonic`."""

    webhook: Webhook
    failures: int = 0
    held_until: float = 0.0
    under_way: int = 0

    @property
    def room(self) -> int:
        """How many attempts may begin; after failures in a row one looks how it is."""
        most = 1 if self.failures >= FAILURES_IN_A_ROW else AT_ONCE_PER_RECEIVER
        return max(0, most - self.under_way)

    def learn(self, answer: Answer, now: float) -> None:
        """Leaves the receiver alone for a while after many failures, or where it asks for that."""
        if answer.accepted:
            self.failures, self.held_until = 0, 0.0
            return
        self.failures += 1
        doublings = self.failures - FAILURES_IN_A_ROW
        pause = min(FIRST_PAUSE * 2.0 ** min(doublings, 16), LONGEST_PAUSE) if doublings >= 0 else 0
        self.held_until = max(self.held_until, now + max(pause, answer.retry_after or 0.0))


class Dispatcher:
    """One task that starts attempts, and the attempts under way.

    With no webhook it sleeps, and a commit costs it one look at an empty dict.

    Args:
        spread: a random number from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        poster: Poster,
        sealer: Sealer,
        clock: Clock,
        spread: Callable[[], float],
    ) -> None:
        self._store = store
        self._poster = poster
        self._sealer = sealer
        self._clock = clock
        self._spread = spread
        self._source = ""
        self._receivers: dict[str, Receiver] = {}
        self._under_way: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._testing = asyncio.Semaphore(TESTS_AT_ONCE)
        store.on_commit(self._on_commit)

    def _on_commit(self, _newest: int) -> None:
        if self._receivers:
            self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether messages are on their way."""
        return bool(self._under_way)

    async def refresh(self) -> None:
        """Learns which webhooks there are, after each change of one."""
        known = {one.webhook_id: one for one in await self._store.webhooks()}
        for webhook_id in self._receivers.keys() - known.keys():
            del self._receivers[webhook_id]
        for webhook_id, webhook in known.items():
            receiver = self._receivers.setdefault(webhook_id, Receiver(webhook))
            if receiver.webhook.disabled_reason and not webhook.disabled_reason:
                receiver.failures, receiver.held_until = 0, 0.0
            receiver.webhook = webhook
        self._wake.set()

    async def run(self) -> None:
        """Delivers until cancelled."""
        ready = False
        while True:
            self._wake.clear()
            try:
                if not ready:
                    await self.refresh()
                    ready = True
                pause = await self._round()
            except StoreUnavailable as problem:
                logger.warning("webhooks wait for the store: %s", problem)
                pause = STORE_PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _round(self) -> float | None:
        """Starts what is due and has room; how long there is nothing to do, None until woken."""
        now = self._clock.monotonic()
        open_ones = [one for one in self._receivers.values() if not one.webhook.disabled_reason]
        held = [one.held_until - now for one in open_ones if one.held_until > now]
        able = {
            one.webhook.webhook_id: one for one in open_ones if one.room and one.held_until <= now
        }
        if not able or len(self._under_way) >= AT_ONCE:
            return min(held, default=None)
        # Those under way are still due: behind as many of them another one must be found.
        found = await self._store.due_deliveries(able, AT_ONCE_PER_RECEIVER * 2)
        later = self._start(found, able)
        return min([*held, *later], default=None)

    def _start(self, found: Iterable[Delivery], able: dict[str, Receiver]) -> list[float]:
        """Starts attempts; in how many seconds others are due."""
        now = self._clock.steady()
        later = []
        for delivery in found:
            receiver, key = able[delivery.webhook_id], (delivery.webhook_id, delivery.number)
            if key in self._under_way or delivery.due is None:
                continue
            if delivery.due > now:
                later.append(delivery.due - now)
            elif receiver.room and len(self._under_way) < AT_ONCE:
                receiver.under_way += 1
                self._under_way[key] = asyncio.create_task(self._deliver(receiver, delivery))
        # Whoever was served comes last the next time.
        for webhook_id in {key[0] for key in self._under_way} & able.keys():
            self._receivers[webhook_id] = self._receivers.pop(webhook_id)
        return later

    async def _deliver(self, receiver: Receiver, delivery: Delivery) -> None:
        webhook = receiver.webhook
        try:
            answer = await self._attempt(webhook, delivery)
            receiver.learn(answer, self._clock.monotonic())
            tried = after_attempt(delivery, answer, self._clock.moment(), self._spread())
            _log(webhook, tried)
            await self._note(webhook, tried)
        except StoreUnavailable as problem:
            # It is due as before: the receiver may hear of it again, under the same id.
            receiver.held_until = self._clock.monotonic() + STORE_PAUSE
            logger.warning("the outcome of a webhook was not noted: %s", problem)
        finally:
            receiver.under_way -= 1
            del self._under_way[delivery.webhook_id, delivery.number]
            self._wake.set()

    async def _note(self, webhook: Webhook, tried: Delivery) -> None:
        await self._store.transact(lambda tx: tx.update_delivery(tried), durable=False)
        if tried.http_status == GONE:
            await self._store.transact(lambda tx: _disable(tx, webhook.webhook_id))
            logger.warning("webhook %s is disabled: %s", webhook.webhook_id, BY_RECEIVER)
            await self.refresh()

    async def test(self, webhook: Webhook, delivery: Delivery) -> Delivery:
        """Makes one attempt at a message that is not in the outbox."""
        async with self._testing:
            answer = await self._attempt(webhook, delivery)
        tried = after_attempt(delivery, answer, self._clock.moment(), self._spread())
        if answer.accepted:
            return tried
        return changed(tried, state=DeliveryState.GIVEN_UP, due=None, data="")

    async def _attempt(self, webhook: Webhook, delivery: Delivery) -> Answer:
        try:
            url, secrets = opened(self._sealer, webhook)
        except Unsealable:
            return Answer(error=UNREADABLE)
        if not self._source:
            self._source = f"urn:bgcopy:{(await self._store.position()).store_id}"
        body = body_of(delivery, self._source)
        headers = headers_of(delivery, secrets, body, self._clock.now())
        try:
            return await self._poster.post(url, headers, body)
        except Exception:
            # Whatever it is, it must not come again at once and without end.
            logger.exception("a webhook's message could not be sent")
            return Answer(error="The daemon failed at this message; see its log.")

    async def close(self) -> None:
        """Ends the attempts under way; what they were for stays due."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await self._poster.close()
        await asyncio.gather(*tasks, return_exceptions=True)


def sealed(sealer: Sealer, url: str, secrets: list[str]) -> bytes:
    """What no one else is to read of a webhook."""
    return sealer.seal(json.dumps([url, secrets]))


def opened(sealer: Sealer, webhook: Webhook) -> tuple[str, list[str]]:
    """The whole URL, and the secrets, the newest first.

    Raises:
        Unsealable: the key is gone.
    """
    url, secrets = json.loads(sealer.open(webhook.sealed))
    return url, secrets


def _disable(tx: Tx, webhook_id: str) -> None:
    for webhook in tx.webhooks():
        if webhook.webhook_id == webhook_id:
            tx.update_webhook(changed(webhook, disabled_reason=BY_RECEIVER))


def _log(webhook: Webhook, tried: Delivery) -> None:
    if tried.state is DeliveryState.GIVEN_UP:
        logger.warning(
            "gave up telling webhook %s of %s after %d attempts: %s",
            webhook.webhook_id,
            tried.event_id,
            tried.attempts,
            tried.error,
        )
