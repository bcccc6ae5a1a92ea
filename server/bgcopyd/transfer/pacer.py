"""Pauses of one transfer under a rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl

from bgcopyd.transfer.handles import Handle

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_LONGEST_REST = 0.5


class Pacer:
    """Charges what arrives to the limits, and pauses the request until the debt is paid.

    Attributes:
        paused: whether the request stands still on purpose.
        resumed: when it last went on.
    """

    def __init__(self, job_id: str, volume: Volume) -> None:
        self.paused = False
        self.resumed = 0.0
        self._job_id = job_id
        self._volume = volume
        self._handle: Handle | None = None

    def begin(self, handle: Handle | None) -> None:
        """Paces another request, or none."""
        self._handle = handle
        self.paused = False

    def received(self, count: int) -> None:
        """Charges bytes that have arrived; inside libcurl's callback."""
        wait = self._volume.rates.charge(self._job_id, count, self._volume.now())
        if wait > 0 and not self.paused and self._handle is not None:
            self.paused = True
            self._handle.curl.pause(pycurl.PAUSE_RECV)
            self._rest(wait, self._handle)

    def _rest(self, wait: float, handle: Handle) -> None:
        # Looks again soon: the limit may be lifted meanwhile.
        self._volume.later(min(wait, _LONGEST_REST), lambda: self._go_on(handle))

    def _go_on(self, handle: Handle) -> None:
        if not self.paused or self._handle is not handle:
            return
        now = self._volume.now()
        wait = self._volume.rates.charge(self._job_id, 0, now)
        if wait > 0:
            self._rest(wait, handle)
            return
        self.paused = False
        self.resumed = now
        handle.curl.pause(pycurl.PAUSE_CONT)
