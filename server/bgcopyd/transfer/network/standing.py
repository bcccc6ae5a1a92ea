"""What one transfer hears of hosts before it asks them, and tells of them afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from bgcopyd.transfer.failures import TOO_MANY, UNAVAILABLE, Failure
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.breakers import Held, blame
from bgcopyd.transfer.wire import services

if TYPE_CHECKING:
    from bgcopyd.transfer.report import Ending
    from bgcopyd.transfer.volume import Volume
    from bgcopyd.transfer.wire.handles import Handle
    from bgcopyd.transfer.wire.requests import Requests


class Asked(Protocol):
    """A request: what libcurl works on, and what shows that the server has agreed to it."""

    @property
    def handle(self) -> Handle | None:
        """None once it has ended."""

    @property
    def accepted(self) -> object | None:
        """None before that."""


# With other statuses a Retry-After is about the one URL.
_ASK_TO_WAIT = frozenset({TOO_MANY, UNAVAILABLE})


class Standing:
    """A transfer's dealings with the breakers. It is known to them by this object."""

    __slots__ = ("_volume", "owner")

    def __init__(self, owner: str, volume: Volume) -> None:
        self.owner = owner
        self._volume = volume

    def ask(self, origin: Origin) -> Held | None:
        """Whether a host is left alone; the failure that it is, with its pause."""
        held = self._volume.breakers.ask(origin, self, self._volume.now())
        if held is None:
            return None
        failure = replace(held.failure, retry_after=held.seconds, held=origin.whole)
        return Held(held.seconds, failure)

    def left(self, origin: Origin) -> None:
        """The transfer is through with a host."""
        self._volume.breakers.left(origin, self)

    def answered(self, origin: Origin, status: int) -> None:
        """A host has answered."""
        if status < 500 and status != TOO_MANY:
            self._volume.breakers.answered(origin, self)

    def failed(
        self, requests: Requests, exchange: Asked | None, ending: Ending, failure: Failure
    ) -> None:
        """A transfer has failed; what that says of its host is for the others."""
        handle = None if exchange is None else exchange.handle
        tried = ending.newest if handle is None else handle.newest
        services.blame(self._volume, requests.origin, tried, failure)
        if exchange is None or exchange.accepted is not None or failure.held:
            return
        breakers, origin, now = self._volume.breakers, requests.origin, self._volume.now()
        if failure.retry_after is not None and failure.http_status in _ASK_TO_WAIT:
            breakers.asked_to_wait(origin, self, failure, failure.retry_after, now)
            return
        connected = ending.connected if handle is None else handle.sent_after() > 0
        whose = blame(failure, connected=connected, proxied=requests.proxied)
        if whose is not None:
            breakers.failed(origin, self, failure, whose, now)
