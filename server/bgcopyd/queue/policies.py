"""The policy in force: the settings' values, and over them what an operator has changed since."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from bgcopyd.jobs.policy import POLICY_FIELDS, Policy, Value
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.storage import Store, Tx

logger = logging.getLogger(__name__)

Listener = Callable[[Policy, Policy], None]


class PolicyKeeper:
    """Holds the policy, in memory for every call and in the store for the next start.

    Args:
        settings: what holds where nothing was changed.
    """

    def __init__(self, store: Store, settings: Policy) -> None:
        self.policy = settings
        self._store = store
        self._settings = settings
        self._listeners: list[Listener] = []
        self._turn = asyncio.Lock()

    @property
    def etag(self) -> str:
        """Changes with the policy, and with nothing else."""
        return hashlib.sha256(repr(self.policy).encode()).hexdigest()[:16]

    def on_change(self, listener: Listener) -> None:
        """Calls back with the policy before and after each change, before the change is answered.

        What was stored by an earlier life counts as a change of the settings' values.
        """
        self._listeners.append(listener)

    async def load(self) -> None:
        """Reads what was changed before; once, before anything is served."""
        self._take(await self._store.transact(lambda tx: tx.policy(), durable=False))

    async def change(self, values: Mapping[str, Value | None], etag: str) -> Policy:
        """Changes fields, judged already; None is the settings' value again.

        Raises:
            Refusal: POLICY_ETAG_MISMATCH.
        """
        async with self._turn:
            if etag and etag != self.etag:
                raise Refusal(
                    Reason.POLICY_ETAG_MISMATCH, "the policy has another etag; read it again"
                )

            def write(tx: Tx) -> Mapping[str, object]:
                changed = {**tx.policy(), **values}
                kept = {name: value for name, value in changed.items() if value is not None}
                tx.set_policy(kept)
                return kept

            self._take(await self._store.transact(write))
            return self.policy

    def _take(self, stored: Mapping[str, object]) -> None:
        before, self.policy = self.policy, dataclasses.replace(self._settings, **_usable(stored))
        if self.policy != before:
            for listener in self._listeners:
                listener(before, self.policy)


def _usable(stored: Mapping[str, object]) -> dict[str, Any]:
    """The stored values that this version has a place for; another one may have written them."""
    usable: dict[str, Any] = {}
    for name, value in stored.items():
        row = POLICY_FIELDS.get(name)
        kind = str if row is not None and row.kind is str else (int, float)
        if row is None or not isinstance(value, kind) or row.problem(value):
            logger.warning("the stored limit %s is of no use here; the settings' value holds", name)
        else:
            usable[name] = row.kind(value)
    return usable
