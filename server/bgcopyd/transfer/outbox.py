"""Events on their way from engine threads to the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence

from bgcopyd.queue.transfers import Event


class Outbox:
    """Collects events; the loop is woken once for all that came before it got round to them."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, deliver: Callable[[Sequence[Event]], None]
    ) -> None:
        self._loop = loop
        self._deliver = deliver
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def put(self, events: list[Event]) -> None:
        """Hands events over; any thread."""
        with self._lock:
            wake = not self._events
            self._events.extend(events)
        if wake:
            # A loop that is closed has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """Delivers what has come; on the loop."""
        with self._lock:
            events, self._events = self._events, []
        if events:
            self._deliver(events)
