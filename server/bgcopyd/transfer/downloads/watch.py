"""What is looked at a few times per second while a transfer runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgcopyd.queue.transfers import Received
from bgcopyd.transfer.phase import Phase

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.download import Download


class Watch:
    """Reports progress, notices silence, and lets the crew see to its helpers."""

    __slots__ = ("_owner", "_reported", "_ticked")

    def __init__(self, owner: Download) -> None:
        self._owner = owner
        self._reported = owner.ladder.plan.count
        self._ticked = 0.0

    def tick(self, now: float) -> None:
        """Some time has passed; each of several connections tells of it."""
        owner = self._owner
        if now == self._ticked or owner.phase not in {Phase.ASKING, Phase.SHARED}:
            return
        self._ticked = now
        if owner.phase is Phase.ASKING and owner.lead is None:
            self._await_answer(now)
            return
        # What came before a silence is claimed although nothing follows it.
        owner.keeper.wrote(owner.position, now)
        arrived = owner.crew.arrived
        if arrived != self._reported:
            self._reported = arrived
            owner.volume.emit(Received(*owner.name, arrived))
        if owner.lead is not None:
            self._await_body(now)
        if owner.phase in {Phase.ASKING, Phase.SHARED}:
            owner.crew.tick(now)

    def _await_answer(self, now: float) -> None:
        exchange = self._owner.exchange
        if exchange is None or exchange.handle is None or exchange.intake is not None:
            return
        sent_after = exchange.handle.sent_after()
        late = exchange.patience.before_answer(now, sent_after, self._owner.host)
        if late is not None:
            self._owner.fail(late)

    def _await_body(self, now: float) -> None:
        owner, exchange = self._owner, self._owner.exchange
        if exchange is None or exchange.handle is None or exchange.intake is None:
            return
        active = now - owner.pacer.rested(now)
        late = exchange.patience.within_body(active, exchange.intake.position, owner.host)
        if late is not None and owner.crew.busy:
            owner.crew.take_over()
        elif late is not None:
            owner.fail(late)
