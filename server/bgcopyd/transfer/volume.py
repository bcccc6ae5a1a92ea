"""The engine thread of one volume: libcurl's loop, its downloads, its disk threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from bgcopyd.jobs.spans import present
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.space import Key, Space
from bgcopyd.queue.transfers import Event, Failed, Finished, Stopped, Transfer
from bgcopyd.transfer.disk.destination import Directories
from bgcopyd.transfer.disk.room import Floor, Room
from bgcopyd.transfer.disk.threads import DiskThreads
from bgcopyd.transfer.downloads.download import Download
from bgcopyd.transfer.downloads.segment import Segment
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.network.admission import Admission
from bgcopyd.transfer.network.breakers import Breakers
from bgcopyd.transfer.network.buckets import Payer, Rates
from bgcopyd.transfer.network.facts import Fact, Facts
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.outbox import Outbox
from bgcopyd.transfer.uploads.errand import Errand
from bgcopyd.transfer.uploads.upload import Uploading
from bgcopyd.transfer.wire.connections import Connections
from bgcopyd.transfer.wire.exchange import Exchange
from bgcopyd.transfer.wire.handles import Handle, Request, Sink
from bgcopyd.transfer.wire.poller import Poller
from bgcopyd.transfer.wire.services import newest

_log = logging.getLogger(__name__)
# A defect that comes back at once must not fill the log.
_PAUSE_AFTER_DEFECT = 0.05


class Guest(Protocol):
    """Something besides transfers that the thread lives for."""

    def stop(self) -> None:
        """Ends it now."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the volumes of an engine have in common."""

    roots: Mapping[str, str]
    options: EngineOptions
    clock: Clock
    rates: Rates
    facts: Facts
    breakers: Breakers
    outbox: Outbox
    space: Space


class Volume:
    """One thread that never waits for another volume. `post` alone is for other threads."""

    def __init__(self, name: str, shared: Shared, on_exit: Callable[[], None]) -> None:
        options = shared.options
        self.options = options
        self.rates = shared.rates
        self.facts = shared.facts
        self.breakers = shared.breakers
        self.directories = Directories(shared.roots, create=True, styles=options.root_styles)
        self.admission = Admission(
            per_host=options.connections_per_host,
            per_owner=options.connections_per_owner,
            total=options.connections,
        )
        self._floor = Floor(options.free_space_floor, shared.clock.monotonic)
        self.settling = 0
        self.to_flush: list[Exchange | Segment] = []
        self.guests: set[Guest] = set()
        self._shared = shared
        self._poller = Poller(connections=options.connections, kept=options.connections_per_host)
        self._connections = Connections(options)
        self._expiring = False
        self._running: dict[int, Handle] = {}
        self._disk = DiskThreads(f"disk-{name}", options.sync_threads)
        self._posted: deque[Callable[[], None]] = deque()
        self._signalled = False
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._jobs: dict[str, set[Download | Uploading]] = {}
        self._events: list[Event] = []
        self._next_tick = 0.0
        self._closing = False
        self._on_exit = on_exit
        self._thread = threading.Thread(target=self._run, name=f"volume-{name}", daemon=True)

    def begin(self) -> None:
        """Starts the thread."""
        self._thread.start()

    # From any thread.

    def post(self, call: Callable[[], None]) -> None:
        """Runs a call on the volume's thread."""
        self._posted.append(call)
        if not self._signalled:
            self._signalled = True
            self._poller.wake()

    # Posted by the engine.

    def add(self, transfers: list[Transfer]) -> None:
        """Begins transfers."""
        for transfer in transfers:
            uploads = transfer.upload is not None
            moving = Uploading(transfer, self) if uploads else Download(transfer, self)
            self._jobs.setdefault(transfer.job_id, set()).add(moving)
            if self._closing:
                moving.stop()
            else:
                moving.start()

    def stop(self, job_id: str) -> None:
        """Stops a job's transfers."""
        for download in list(self._jobs.get(job_id, ())):
            download.stop()

    def proceed(self, job_id: str, index: int) -> None:
        """Lets an upload go on."""
        for moving in list(self._jobs.get(job_id, ())):
            if isinstance(moving, Uploading) and moving.transfer.index == index:
                moving.proceed()

    def close(self) -> None:
        """Stops everything; the thread ends when all have ended."""
        self._closing = True
        for job_id in list(self._jobs):
            self.stop(job_id)
        for guest in list(self.guests):
            guest.stop()

    # What downloads and uploads need.

    def directory(self, root: str) -> str | None:
        """Where a root is."""
        return self._shared.roots.get(root)

    def room_of(self, key: Key) -> Room:
        """How much may be written of a file."""
        return Room(self._shared.space, self._floor, key)

    def now(self) -> float:
        """Seconds that only go forward."""
        return self._shared.clock.monotonic()

    def wall(self) -> datetime:
        """The time of day."""
        return self._shared.clock.now()

    def emit(self, event: Event) -> None:
        """Sends an event with the others of this turn."""
        self._events.append(event)

    def later(self, delay: float, call: Callable[[], None]) -> None:
        """Calls after so many seconds."""
        heapq.heappush(self._timers, (self.now() + delay, next(self._numbers), call))

    def disk(
        self, task: Callable[[], Any], done: Callable[[Any, BaseException | None], None]
    ) -> None:
        """Runs the task on a disk thread, then `done` on this one."""

        def report(result: Any, error: BaseException | None) -> None:
            self.post(partial(done, result, error))

        self._disk.submit(task, report)

    def launch(self, sink: Sink, request: Request, payer: Payer | None = None) -> Handle:
        """Sends a request; under a limit its bytes come in pieces that are fair to others."""
        piece = 0 if payer is None else self.rates.piece(payer)
        handle = self._connections.take(request.policy)
        handle.prepare(
            sink,
            request,
            buffer=min(piece, self.options.limited_buffer) or self.options.buffer,
            newest=newest(self, request),
        )
        self._running[id(handle.curl)] = handle
        self._poller.multi.add_handle(handle.curl)
        return handle

    def release(self, handle: Handle) -> None:
        """Takes back the handle of a request that has ended or was cancelled."""
        if self._running.pop(id(handle.curl), None) is not None:
            handle.policy.dialect.leave(handle)
            self._poller.multi.remove_handle(handle.curl)
        self._connections.give(handle, self.now())
        if not self._expiring:
            self._expiring = True
            self.later(self._connections.rest, self._expire)

    def _expire(self) -> None:
        left = self._connections.expire(self.now())
        self._expiring = left is not None
        if left is not None:
            self.later(left, self._expire)

    def known(self, origin: Origin, fact: Fact) -> int:
        """What a host has shown of itself; 0 for nothing."""
        return self.facts.number(origin, fact, self.now())

    def ended(self, download: Download | Uploading, event: Finished | Failed | Stopped) -> None:
        """Forgets a download or upload; the event is its last."""
        job_id = download.transfer.job_id
        siblings = self._jobs[job_id]
        siblings.discard(download)
        if not siblings:
            del self._jobs[job_id]
            self.directories.release(job_id)
        left = event.size if isinstance(event, Finished) else present(event.claimed, event.filled)
        self._shared.space.end((job_id, event.index), left)
        self._events.append(event)

    # The thread.

    def _run(self) -> None:
        try:
            while self._jobs or self.guests or self._posted or not self._closing:
                self._guard(self._turn)
        finally:
            self._connections.close()
            self._poller.close()
            self.directories.close()
            self._disk.close()
            self._on_exit()

    def _turn(self) -> None:
        self._poller.wait(self._timeout())
        if self.to_flush:
            self._flush()
        # Cleared before the calls are taken: whoever posts later wakes again.
        self._signalled = False
        while self._posted:
            self._guard(self._posted.popleft())
        self._hand_out()
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            self._guard(heapq.heappop(self._timers)[2])
        if now >= self._next_tick:
            self._next_tick = now + self.options.report_interval
            self._guard(partial(self._tick, now))
        if self.settling < self.options.settling:
            self.admission.admit()
        if self._events:
            events, self._events = self._events, []
            self._shared.outbox.put(events)

    def _hand_out(self) -> None:
        """Tells of the requests that have ended.

        The end of one may cancel others, and their handles may be in use again at once.
        """
        ends = [
            (handle, handle.sink, code, text)
            for curl, code, text in self._poller.finished()
            if (handle := self._running.get(id(curl))) is not None
        ]
        for handle, sink, code, text in ends:
            if sink is not None and handle.sink is sink:
                self._guard(partial(self._ended, handle, sink, code, text))

    def _ended(self, handle: Handle, sink: Sink, code: int, text: str) -> None:
        if code or not handle.policy.dialect.goes_on(handle):
            sink.on_done(code, text)
            return
        self._poller.multi.remove_handle(handle.curl)
        self._poller.multi.add_handle(handle.curl)

    def _flush(self) -> None:
        exchanges, self.to_flush = self.to_flush, []
        now = self.now()
        for exchange in exchanges:
            self._guard(partial(exchange.flush, now))

    def _timeout(self) -> float | None:
        if self._posted:
            return 0.0
        due = [self._timers[0][0]] if self._timers else []
        if self._running:
            due.append(self._next_tick)
        return max(min(due) - self.now(), 0.0) if due else None

    def _tick(self, now: float) -> None:
        for handle in list(self._running.values()):
            if isinstance(handle.sink, Exchange | Segment | Errand):
                handle.sink.tick(now)

    def _guard(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # noqa: BLE001 - one download must not end the others
            _log.exception("a defect in the engine")
            time.sleep(_PAUSE_AFTER_DEFECT)
