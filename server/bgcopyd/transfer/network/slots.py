"""One transfer's place among those that go to a host: asked for, given back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from bgcopyd.queue.transfers import Transfer
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.admission import Lane
from bgcopyd.transfer.network.breakers import Held
from bgcopyd.transfer.network.standing import Asked, Standing
from bgcopyd.transfer.phase import Phase

if TYPE_CHECKING:
    from bgcopyd.transfer.report import Report
    from bgcopyd.transfer.volume import Volume
    from bgcopyd.transfer.wire.requests import Requests

# How often is looked whether a host that was left alone is back.
_LOOK = 0.5


class Owner(Protocol):
    """A download or an upload."""

    transfer: Transfer
    volume: Volume
    phase: Phase
    requests: Requests
    report: Report

    @property
    def exchange(self) -> Asked | None:
        """Its request, or the one before; None before the first."""

    def request(self) -> None:
        """Sends its next request: the connection is there."""

    def ask_source(self) -> None:
        """Asks for a connection again."""

    def fail(self, failure: Failure) -> None:
        """Ends with a failure."""

    def broke(self, error: BaseException) -> None:
        """Ends for a defect of ours."""


class Slot:
    """A connection that a transfer may have; where its host is left alone it has none.

    Attributes:
        lane: what it was granted for; None while there is none.
    """

    __slots__ = ("_owner", "_standing", "lane")

    def __init__(self, owner: Owner) -> None:
        self.lane: Lane | None = None
        self._owner = owner
        self._standing = Standing(owner.transfer.options.owner, owner.volume)

    def ask(self, origin: Origin) -> None:
        """Waits for one at a host; its owner's request follows."""
        lane = self.lane_to(origin)
        self._owner.volume.admission.request(lane, partial(self._granted, lane))

    def lane_to(self, origin: Origin) -> Lane:
        """What a connection of its owner to a host counts as."""
        options = self._owner.transfer.options
        return Lane(origin, options.owner, options.foreground)

    def left_alone(self, origin: Origin) -> bool:
        """Whether nothing is asked of a host now; for requests that are not the download's own."""
        held = self._standing.ask(origin)
        self._standing.left(origin)
        return held is not None

    def _granted(self, lane: Lane) -> bool:
        owner = self._owner
        if owner.phase is not Phase.WAITING:
            return False
        held = self._standing.ask(lane.origin)
        if held is not None:
            owner.phase = Phase.RESTING
            # Outside of the round of grants, in which it would ask for the next slot.
            owner.volume.later(0.0 if held.seconds else _LOOK, partial(self._held, held))
            return False
        self.lane = lane
        owner.request()
        return True

    @entry
    def _held(self, held: Held) -> None:
        """The host is left alone; where that is about to be over, so is the wait."""
        if self._owner.phase is not Phase.RESTING:
            return
        if held.seconds:
            self._owner.fail(held.failure)
        else:
            self._owner.ask_source()

    def broke(self, error: BaseException) -> None:
        """Ends its owner for a defect of ours."""
        self._owner.broke(error)

    def answered(self, status: int) -> None:
        """The host has answered; inside libcurl's callback."""
        self._standing.answered(self._owner.requests.origin, status)

    def failed(self, failure: Failure) -> None:
        """Its owner has failed, whatever follows."""
        owner = self._owner
        self._standing.failed(owner.requests, owner.exchange, owner.report.ending, failure)

    def release(self) -> None:
        """Gives it back, where there is one."""
        lane, self.lane = self.lane, None
        if lane is not None:
            self._standing.left(lane.origin)
            self._owner.volume.admission.release(lane)
