"""Pauses of one transfer under its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.transfer.network.buckets import Payer, Tab
from bgcopyd.transfer.wire.handles import Handle

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_LONGEST_REST = 0.5


class Pacer:
    """Pays for what arrives, and pauses the request until all of it is paid.

    Args:
        way: which way libcurl is paused; 0 where whoever feeds it looks at `paused` itself.

    Attributes:
        paused: whether the request stands still on purpose.
    """

    __slots__ = ("_handle", "_payer", "_rested", "_since", "_tab", "_volume", "_way", "paused")

    def __init__(self, volume: Volume, way: int = pycurl.PAUSE_RECV) -> None:
        self._way = way
        self.paused = False
        self._rested = self._since = 0.0
        self._volume = volume
        self._payer: Payer | None = None
        self._handle: Handle | None = None
        self._tab: Tab = {}

    def before(self, payer: Payer) -> float:
        """Seconds to wait before a request, which a small file may be over with at once."""
        self._payer = payer
        return self._pay(0) if self._tab or self._volume.rates.limiting else 0.0

    def begin(self, handle: Handle) -> None:
        """Paces a request."""
        self._handle = handle

    def end(self) -> None:
        """The request has ended; those who come later wait for what it still owes."""
        self._handle = None
        self.paused = False
        if self._tab:
            self._volume.rates.settle(self._tab, self._volume.now())

    def received(self, count: int) -> None:
        """Pays for bytes that have arrived; inside libcurl's callback."""
        if self._handle is None or not (self._tab or self._volume.rates.limiting):
            return
        wait = self._pay(count)
        if wait > 0 and not self.paused:
            self.paused, self._since = True, self._volume.now()
            if self._way:
                self._handle.curl.pause(self._way)
            self._rest(wait, self._handle)

    def rested(self, now: float) -> float:
        """For how many seconds requests have stood still on purpose."""
        return self._rested + (now - self._since if self.paused else 0.0)

    def _pay(self, count: int) -> float:
        assert self._payer is not None
        return self._volume.rates.charge(self._payer, self._tab, count, self._volume.now())

    def _rest(self, wait: float, handle: Handle) -> None:
        self.later(wait, lambda: self._go_on(handle))

    def later(self, wait: float, call: Callable[[], None]) -> None:
        """Looks again after a wait, and soon: the limit may be lifted meanwhile."""
        self._volume.later(min(wait, _LONGEST_REST), call)

    def _go_on(self, handle: Handle) -> None:
        if not self.paused or self._handle is not handle:
            return
        wait = self._pay(0)
        if wait > 0:
            self._rest(wait, handle)
            return
        self._rested = self.rested(self._volume.now())
        self.paused = False
        handle.curl.pause(pycurl.PAUSE_CONT)
