"""What happens to partial files at a job's end: they get their names, or go."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from bgcopyd.queue.clock import Clock, SystemClock
from bgcopyd.queue.transfers import Partial, Placed, Placement
from bgcopyd.transfer.destination import (
    DestinationInvalid,
    components,
    open_directory,
    plain_target,
)
from bgcopyd.transfer.disk import DiskThreads
from bgcopyd.transfer.mounts import MountTable

Item = TypeVar("Item", Placement, Partial)
T = TypeVar("T")


class LocalFiles:
    """Places and deletes files, on one thread per volume. Made on the running loop."""

    def __init__(self, roots: Mapping[str, Path], clock: Clock | None = None) -> None:
        self._roots = {name: os.path.realpath(path) for name, path in roots.items()}
        self._clock = clock or SystemClock()
        self._mounts = MountTable()
        self._threads: dict[str, DiskThreads] = {}

    async def place(self, placements: Sequence[Placement]) -> list[Placed]:
        """Renames partial files over their targets and syncs the directories."""
        now = self._clock.now()
        return await self._spread(placements, lambda batch: _Batch(self._roots).place(batch, now))

    async def discard(self, partials: Sequence[Partial]) -> list[str]:
        """Deletes partial files; absent ones are done. Returns one text per failure."""
        return await self._spread(partials, lambda batch: _Batch(self._roots).discard(batch))

    async def _spread(
        self, items: Sequence[Item], work: Callable[[list[Item]], list[T]]
    ) -> list[T]:
        batches: dict[str, list[Item]] = {}
        for item in items:
            root = self._roots.get(item.root)
            volume = "" if root is None else self._mounts.volume_of(f"{root}/{item.path}")
            batches.setdefault(volume, []).append(item)
        calls = [self._submit(volume, partial(work, batch)) for volume, batch in batches.items()]
        return [result for results in await asyncio.gather(*calls) for result in results]

    def _submit(self, volume: str, task: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def done(result: T, error: BaseException | None) -> None:
            # On the volume's thread; a loop that is closed does not wait any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, result, error)

        if volume not in self._threads:
            self._threads[volume] = DiskThreads(f"files-{volume}", 1)
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


class _Batch:
    """One call's work on one volume, with each directory opened once."""

    def __init__(self, roots: Mapping[str, str]) -> None:
        self._roots = roots
        self._directories: dict[tuple[str, str], int] = {}

    def _parent(self, root: str, path: str) -> tuple[tuple[str, str], int, str]:
        names = components(path)
        parent, _, name = path.rpartition("/")
        key = (root, parent)
        if key not in self._directories:
            if root not in self._roots:
                raise DestinationInvalid("there is no such root")
            self._directories[key] = open_directory(self._roots[root], names[:-1], create=False)
        return key, self._directories[key], name

    def place(self, placements: list[Placement], now: datetime) -> list[Placed]:
        """Carries out placements; a directory's sync counts for all of them in it."""
        placed: list[Placed] = []
        touched: dict[tuple[str, str], list[int]] = {}
        try:
            for placement in placements:
                try:
                    key, directory, name = self._parent(placement.root, placement.path)
                    _place(directory, name, placement, now)
                    touched.setdefault(key, []).append(len(placed))
                    placed.append(Placed(placement.index))
                except (OSError, DestinationInvalid) as error:
                    placed.append(Placed(placement.index, _problem(placement, error)))
            for key, failure in self._sync(touched):
                for position in touched[key]:
                    placement = placements[position]
                    placed[position] = Placed(placement.index, _problem(placement, failure))
        finally:
            self._close()
        return placed

    def _sync(
        self, touched: Mapping[tuple[str, str], object]
    ) -> list[tuple[tuple[str, str], OSError]]:
        """Syncs each directory and those above it, which may be new; returns what failed."""
        failed = []
        synced: set[tuple[str, str]] = set()
        for root, parent in touched:
            names = parent.split("/") if parent else []
            try:
                for depth in range(len(names), -1, -1):
                    key = (root, "/".join(names[:depth]))
                    if key not in synced:
                        self._sync_one(root, names[:depth], must=depth == len(names))
                        synced.add(key)
            except OSError as error:
                failed.append(((root, parent), error))
        return failed

    def _sync_one(self, root: str, names: list[str], *, must: bool) -> None:
        held = open_directory(self._roots[root], names, create=False)
        try:
            descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=held)
        except PermissionError:
            # A directory above that we may not read is none that we made.
            if must:
                raise
            return
        finally:
            os.close(held)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def discard(self, partials: list[Partial]) -> list[str]:
        """Deletes partial files."""
        problems = []
        try:
            for item in partials:
                try:
                    _, directory, _ = self._parent(item.root, item.path)
                    if len(components(item.partial_name)) == 1:
                        os.unlink(item.partial_name, dir_fd=directory)
                except FileNotFoundError:
                    continue
                except (OSError, DestinationInvalid) as error:
                    problems.append(_problem(item, error))
        finally:
            self._close()
        return problems

    def _close(self) -> None:
        for descriptor in self._directories.values():
            os.close(descriptor)


def _place(directory: int, name: str, placement: Placement, now: datetime) -> None:
    expected = (placement.device, placement.inode)
    target = plain_target(directory, name)
    if target is not None and (target.st_dev, target.st_ino) == expected:
        return
    if len(components(placement.partial_name)) != 1:
        raise DestinationInvalid("the partial file's name is a path")
    try:
        state = os.stat(placement.partial_name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        raise DestinationInvalid("the partial file is gone; transfer the file again") from None
    if (state.st_dev, state.st_ino) != expected or not stat.S_ISREG(state.st_mode):
        raise DestinationInvalid("the partial file was replaced; transfer the file again")
    if placement.modified is not None:
        modified = min(placement.modified, now).astimezone(UTC).timestamp()
        # A time that the file system cannot hold is no reason to withhold the file.
        with contextlib.suppress(OSError, OverflowError):
            os.utime(
                placement.partial_name,
                (modified, modified),
                dir_fd=directory,
                follow_symlinks=False,
            )
    os.rename(placement.partial_name, name, src_dir_fd=directory, dst_dir_fd=directory)


def _problem(item: Placement | Partial, error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return f"{item.path}: {text or 'input/output error'}"
