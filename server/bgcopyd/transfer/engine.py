"""The engine as the queue sees it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from bgcopyd.jobs.schemes import scheme_of
from bgcopyd.jobs.spans import present
from bgcopyd.jobs.upload import Upload
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.space import Space
from bgcopyd.queue.transfers import (
    Event,
    Failed,
    Finished,
    Limits,
    Probe,
    Stopped,
    Transfer,
    TransferOptions,
)
from bgcopyd.transfer.disk.mounts import MountTable
from bgcopyd.transfer.disk.syscalls import keep_freed_memory
from bgcopyd.transfer.network.breakers import Breakers
from bgcopyd.transfer.network.buckets import Rates
from bgcopyd.transfer.network.facts import Facts
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.outbox import Outbox
from bgcopyd.transfer.probe import Probing
from bgcopyd.transfer.uploads.parting import Parting
from bgcopyd.transfer.volume import Shared, Volume
from bgcopyd.transfer.wire.ftp import FTP_DIALECTS
from bgcopyd.transfer.wire.handles import Handle
from bgcopyd.transfer.wire.policy import Policy

_log = logging.getLogger(__name__)
T = TypeVar("T")
# Probes have a thread of their own, as a volume has: no disk makes them wait.
_PROBES = "probes"
# So have these: libcurl waits for a server's last word on a file, and does nothing else meanwhile.
_FTP_UPLOADS = "ftp uploads"


class CurlEngine:
    """Fetches files with libcurl, on one thread per destination volume.

    Made on the running loop and used from it alone. The roots may be symbolic links, which are
    resolved once, here; below them no link is followed.
    """

    def __init__(
        self,
        roots: Mapping[str, Path],
        options: EngineOptions,
        clock: Clock,
        space: Space | None = None,
    ) -> None:
        keep_freed_memory()
        Handle(
            options, Policy()
        ).curl.close()  # fails where libcurl's protocols cannot be restricted
        self._loop = asyncio.get_running_loop()
        self._roots = {name: os.path.realpath(path) for name, path in roots.items()}
        self._clock = clock
        self._rates = Rates()
        self._space = space or Space()
        self._outbox = Outbox(self._loop, self._deliver)
        self._shared = Shared(
            self._roots,
            options,
            clock,
            self._rates,
            Facts(options.host_memory),
            Breakers(
                options.breaker_failures,
                options.breaker_pause,
                options.breaker_longest,
                options.longest_asked,
            ),
            self._outbox,
            self._space,
        )
        self._mounts = MountTable()
        self._volumes: dict[str, Volume] = {}
        self._exits: list[asyncio.Future[None]] = []
        self._live: dict[str, int] = {}
        self._callback: Callable[[Sequence[Event]], None] | None = None
        self._closed = False

    def on_events(self, callback: Callable[[Sequence[Event]], None]) -> None:
        """Events come here, in batches, on the loop; in order per transfer."""
        self._callback = callback

    def start(self, transfers: Sequence[Transfer]) -> None:
        """Begins transfers.

        Raises:
            RuntimeError: the engine is closed.
        """
        if self._closed:
            raise RuntimeError("the engine is closed")
        now = self._clock.monotonic()
        batches: dict[str, list[Transfer]] = {}
        for transfer in transfers:
            if transfer.job_id not in self._live or transfer.rate:
                self._rates.set_job(transfer.job_id, transfer.rate, now)
            self._live[transfer.job_id] = self._live.get(transfer.job_id, 0) + 1
            if transfer.upload is None:
                key, here = (
                    (transfer.job_id, transfer.index),
                    present(transfer.claimed, transfer.filled),
                )
                self._space.begin(transfer.options.owner, key, here)
            batches.setdefault(self._volume_name(transfer), []).append(transfer)
        for name, batch in batches.items():
            volume = self._volume(name)
            volume.post(partial(volume.add, batch))

    def _volume_name(self, transfer: Transfer) -> str:
        if transfer.upload is not None and scheme_of(transfer.url) in FTP_DIALECTS:
            return _FTP_UPLOADS
        root = self._roots.get(transfer.root)
        return "" if root is None else self._mounts.volume_of(f"{root}/{transfer.path}")

    def _volume(self, name: str) -> Volume:
        volume = self._volumes.get(name)
        if volume is None:
            exited: asyncio.Future[None] = self._loop.create_future()
            self._exits.append(exited)
            volume = Volume(name, self._shared, partial(self._resolve, exited, None))
            self._volumes[name] = volume
            volume.begin()
        return volume

    def stop(self, job_id: str) -> None:
        """Ends the job's transfers soon, with a last claim of what is on disk."""
        if not self._closed:
            for volume in self._volumes.values():
                volume.post(partial(volume.stop, job_id))

    def proceed(self, job_id: str, index: int) -> None:
        """Lets an upload go on after what it has Noted."""
        if not self._closed:
            for volume in self._volumes.values():
                volume.post(partial(volume.proceed, job_id, index))

    def set_rate(self, job_id: str, rate: int) -> None:
        """Changes the limit of a job's running transfers; bytes per second, 0 = none."""
        if job_id in self._live:
            self._rates.set_job(job_id, rate, self._clock.monotonic())

    def look_again(self, owner: str) -> None:
        """Has hosts that are left alone looked at by the owner's next transfers."""
        self._shared.breakers.look_again(owner, self._clock.monotonic())

    def set_limits(self, limits: Limits) -> None:
        """Changes the limits that transfers of several jobs share."""
        self._rates.set_limits(limits, self._clock.monotonic())

    async def probe(self, url: str, options: TransferOptions) -> Probe:
        """Asks for the first byte of a URL.

        Raises:
            RuntimeError: the engine is closed.
        """
        if self._closed:
            raise RuntimeError("the engine is closed")
        answered: asyncio.Future[Probe] = self._loop.create_future()
        volume = self._volume(_PROBES)
        probing = Probing(url, options, volume, partial(self._resolve, answered))
        volume.post(probing.start)
        try:
            return await answered
        finally:
            volume.post(probing.stop)

    async def part(self, job_id: str, url: str, upload: Upload, options: TransferOptions) -> str:
        """Has a server drop what it has of an upload; why that has to be tried again, or nothing.

        Raises:
            RuntimeError: the engine is closed.
        """
        if self._closed:
            raise RuntimeError("the engine is closed")
        parted: asyncio.Future[str] = self._loop.create_future()
        volume = self._volume(_PROBES)
        parting = Parting((job_id, url, upload), options, volume, partial(self._resolve, parted))
        volume.post(parting.start)
        try:
            return await parted
        finally:
            volume.post(parting.stop)

    def _deliver(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Finished | Failed | Stopped):
                left = self._live[event.job_id] - 1
                if left:
                    self._live[event.job_id] = left
                else:
                    del self._live[event.job_id]
                    self._rates.set_job(event.job_id, 0, self._clock.monotonic())
        if self._callback is not None:
            self._callback(events)

    def _resolve(self, waiting: asyncio.Future[T], result: T) -> None:
        # On the volume's thread; a loop that is closed does not wait any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_set, waiting, result)

    async def close(self) -> None:
        """Stops all transfers (their last events are delivered) and ends the threads.

        A volume that does not answer within the grace time is left behind.
        """
        if self._closed:
            return
        self._closed = True
        for volume in self._volumes.values():
            volume.post(volume.close)
        if self._exits:
            grace = self._shared.options.close_grace
            _, stalled = await asyncio.wait(self._exits, timeout=grace)
            if stalled:
                _log.warning("%d volume(s) did not answer and are left behind", len(stalled))
        self._outbox.flush()


def _set(waiting: asyncio.Future[T], result: T) -> None:
    if not waiting.done():
        waiting.set_result(result)
