"""Calls that go to threads of the volume that they are about, awaited on the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from bgcopyd.transfer.disk.destination import DestinationInvalid
from bgcopyd.transfer.disk.mounts import MountTable
from bgcopyd.transfer.disk.threads import DiskThreads

T = TypeVar("T")


class VolumeThreads:
    """At most `limit` threads per volume, started when they are needed. Made on the running loop.

    Attributes:
        roots: the named roots, resolved.
    """

    def __init__(self, name: str, roots: Mapping[str, Path], limit: int) -> None:
        self.roots = {name: os.path.realpath(path) for name, path in roots.items()}
        self._name = name
        self._limit = limit
        self._mounts = MountTable()
        self._threads: dict[str, DiskThreads] = {}

    def directory(self, root: str) -> str:
        """The directory of a root.

        Raises:
            DestinationInvalid: there is no such root.
        """
        if root not in self.roots:
            raise DestinationInvalid("there is no such root")
        return self.roots[root]

    def volume_of(self, root: str, path: str) -> str:
        """The volume that a path lies on; "" where there is no such root."""
        directory = self.roots.get(root)
        return "" if directory is None else self._mounts.volume_of(f"{directory}/{path}")

    def submit(self, volume: str, task: Callable[[], T]) -> asyncio.Future[T]:
        """Runs a task on a thread of the volume."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def done(result: T, error: BaseException | None) -> None:
            # On the volume's thread; a loop that is closed does not wait any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, result, error)

        if volume not in self._threads:
            self._threads[volume] = DiskThreads(f"{self._name}-{volume}", self._limit)
        self._threads[volume].submit(task, done)
        return future

    def close(self) -> None:
        """Ends the threads once their work is done; does not wait."""
        for thread in self._threads.values():
            thread.close()


def _settle(future: asyncio.Future[T], result: T, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
