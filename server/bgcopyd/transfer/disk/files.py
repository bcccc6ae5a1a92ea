"""What happens to partial files at a job's end, and after it: they get their names, or go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from bgcopyd.queue.clock import Clock, SystemClock
from bgcopyd.queue.transfers import Partial, Placed, Placement, Unwanted
from bgcopyd.transfer.disk import sweeping
from bgcopyd.transfer.disk.destination import (
    DestinationInvalid,
    Directories,
    open_directory,
    plain_name,
    readable,
)
from bgcopyd.transfer.disk.placing import place
from bgcopyd.transfer.volumes import VolumeThreads

Item = TypeVar("Item", Placement, Partial)
T = TypeVar("T")


class LocalFiles:
    """Places and deletes files, on one thread per volume. Made on the running loop."""

    def __init__(self, roots: Mapping[str, Path], clock: Clock | None = None) -> None:
        self._threads = VolumeThreads("files", roots, 1)
        self._clock = clock or SystemClock()

    async def place(self, placements: Sequence[Placement]) -> list[Placed]:
        """Gives partial files their names and syncs the directories."""
        now, roots = self._clock.now(), self._threads.roots
        return await self._spread(placements, lambda batch: _Batch(roots).place(batch, now))

    async def discard(self, partials: Sequence[Partial]) -> list[str]:
        """Deletes partial files; absent ones are done. Returns one text per failure."""
        roots = self._threads.roots
        return await self._spread(partials, lambda batch: _Batch(roots).discard(batch))

    async def _spread(
        self, items: Sequence[Item], work: Callable[[list[Item]], list[T]]
    ) -> list[T]:
        batches: dict[str, list[Item]] = {}
        for item in items:
            batches.setdefault(self._threads.volume_of(item.root, item.path), []).append(item)
        calls = [
            self._threads.submit(volume, partial(work, batch)) for volume, batch in batches.items()
        ]
        return [result for results in await asyncio.gather(*calls) for result in results]

    async def sweep(self, directories: Sequence[tuple[str, str]], unwanted: Unwanted) -> int:
        """Deletes partial files that no job wants any more; returns how many."""
        known = [where for where in dict.fromkeys(directories) if where[0] in self._threads.roots]
        found = await asyncio.gather(*[self._at(where, sweeping.partial_files) for where in known])
        keys = frozenset(key for names in found for key in names)
        doomed = keys.intersection(await unwanted(keys)) if keys else keys
        calls = []
        for where, names in zip(known, found, strict=True):
            gone = [names[key] for key in doomed.intersection(names)]
            if gone:
                calls.append(self._at(where, partial(_delete, gone)))
        return sum(await asyncio.gather(*calls))

    def _at(self, where: tuple[str, str], work: Callable[[str, str], T]) -> asyncio.Future[T]:
        root, directory = where
        volume = self._threads.volume_of(root, directory)
        return self._threads.submit(volume, partial(work, self._threads.roots[root], directory))

    def close(self) -> None:
        """Ends the threads once their work is done; does not wait."""
        self._threads.close()


def _delete(names: list[str], root: str, directory: str) -> int:
    return sweeping.delete(root, directory, names)


class _Batch:
    """One call's work on one volume."""

    def __init__(self, roots: Mapping[str, str]) -> None:
        self._roots = roots
        self._directories = Directories(roots, create=False)

    def _parent(self, item: Placement | Partial) -> tuple[int, str]:
        return self._directories.parent_of("", item.root, item.path)

    def place(self, placements: list[Placement], now: datetime) -> list[Placed]:
        """Carries out placements; a directory's sync counts for all of them in it."""
        placed: list[Placed] = []
        touched: dict[tuple[str, str], list[int]] = {}
        try:
            for placement in placements:
                try:
                    directory, name = self._parent(placement)
                    done = place(directory, name, placement, now)
                    key = (placement.root, placement.path.rpartition("/")[0])
                    touched.setdefault(key, []).append(len(placed))
                    placed.append(done)
                except (OSError, DestinationInvalid) as error:
                    exists = isinstance(error, FileExistsError)
                    problem = _problem(placement, error)
                    placed.append(Placed(placement.index, problem, exists=exists))
            for key, failure in self._sync(touched):
                for position in touched[key]:
                    placement = placements[position]
                    placed[position] = Placed(placement.index, _problem(placement, failure))
        finally:
            self._directories.close()
        return placed

    def _sync(
        self, touched: Mapping[tuple[str, str], object]
    ) -> list[tuple[tuple[str, str], Exception]]:
        """Syncs each directory and those above it, which may be new; returns what failed."""
        failed: list[tuple[tuple[str, str], Exception]] = []
        synced: set[tuple[str, str]] = set()
        for root, parent in touched:
            names = parent.split("/") if parent else []
            try:
                for depth in range(len(names), -1, -1):
                    key = (root, "/".join(names[:depth]))
                    if key not in synced:
                        self._sync_one(root, names[:depth], must=depth == len(names))
                        synced.add(key)
            except (OSError, DestinationInvalid) as error:
                failed.append(((root, parent), error))
        return failed

    def _sync_one(self, root: str, names: list[str], *, must: bool) -> None:
        held = open_directory(self._roots[root], names)
        try:
            descriptor = readable(held)
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
                    directory, _ = self._parent(item)
                    os.unlink(plain_name(item.partial_name), dir_fd=directory)
                except FileNotFoundError:
                    continue
                except (OSError, DestinationInvalid) as error:
                    problems.append(_problem(item, error))
        finally:
            self._directories.close()
        return problems


def _problem(item: Placement | Partial, error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return f"{item.path}: {text or 'input/output error'}"
