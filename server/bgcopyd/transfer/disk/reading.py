"""Reads what is on disk of a file, for those who are on another machine."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from pathlib import Path

from bgcopyd.queue.transfers import FileGone
from bgcopyd.transfer.disk.destination import (
    UNKNOWN_KIND,
    DestinationInvalid,
    components,
    open_directory,
    plain_name,
)
from bgcopyd.transfer.disk.partial import note_of
from bgcopyd.transfer.volumes import VolumeThreads

_FLAGS = os.O_RDONLY | UNKNOWN_KIND
_PIECE = 64 << 10
# What one visit to the thread brings.
_BATCH = 4 * _PIECE


class LocalReader:
    """Reads files on threads of their volumes, so that a stalled one stalls its readers only.

    Made on the running loop.
    """

    def __init__(self, roots: Mapping[str, Path], threads_per_volume: int = 4) -> None:
        self._threads = VolumeThreads("reading", roots, threads_per_volume)

    async def read(
        self,
        root: str,
        path: str,
        partial_name: str,
        *,
        completed: bool,
        offset: int,
        length: int,
        identity: tuple[int, int] | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """The bytes from the offset on, in pieces of at most 64 KiB.

        Raises:
            FileGone: the file is not there, or not that file any more.
            OSError: the disk failed.
        """
        volume = self._threads.volume_of(root, path)
        file = _OpenFile()
        try:
            directory = self._threads.directory(root)
            name = "" if completed else partial_name
            await self._threads.submit(volume, partial(file.open, directory, path, name, identity))
            while length > 0:
                count = min(length, _BATCH)
                batch = await self._threads.submit(volume, partial(file.read, offset, count))
                for start in range(0, count, _PIECE):
                    yield batch[start : start + _PIECE]
                offset, length = offset + count, length - count
        except DestinationInvalid as error:
            raise FileGone(str(error)) from None
        finally:
            # Not awaited: whoever reads no further does not wait for the disk.
            self._threads.submit(volume, file.close)

    def close(self) -> None:
        """Ends the threads once their work is done; does not wait."""
        self._threads.close()


class _OpenFile:
    """An open file; it may be closed while it is still being opened or read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._closed = False
        self._version = ""

    def open(
        self, root: str, path: str, partial_name: str, identity: tuple[int, int] | None
    ) -> None:
        """Opens the file, or the partial file beside it."""
        with self._lock:
            if not self._closed:
                self._descriptor = _open(root, path, partial_name)
                self._version = _version(self._descriptor)
                state = os.fstat(self._descriptor)
                if identity is not None and (state.st_dev, state.st_ino) != identity:
                    raise FileGone("another file has its name now")

    def read(self, offset: int, count: int) -> bytes:
        """Exactly so many bytes."""
        with self._lock:
            if self._descriptor is None:
                raise FileGone("it is closed")
            pieces = []
            while count:
                piece = os.pread(self._descriptor, count, offset)
                if not piece:
                    raise FileGone("it is shorter than it was")
                pieces.append(piece)
                offset, count = offset + len(piece), count - len(piece)
            # Afterwards: what was read before the file went is what was asked for.
            if not os.fstat(self._descriptor).st_nlink:
                raise FileGone("it was deleted or replaced")
            if _version(self._descriptor) != self._version:
                raise FileGone("it was begun anew")
            return b"".join(pieces)

    def close(self) -> None:
        """Closes the file, once it is not being read."""
        with self._lock:
            self._closed = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _open(root: str, path: str, partial_name: str) -> int:
    names = components(path)
    name = plain_name(partial_name) if partial_name else names[-1]
    try:
        directory = open_directory(root, names[:-1])
        try:
            descriptor = os.open(name, _FLAGS, dir_fd=directory)
        finally:
            os.close(directory)
    except FileNotFoundError:
        raise FileGone("it is not there") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileGone("it is no regular file")
    return descriptor


def _version(descriptor: int) -> str:
    """What changes when a partial file is begun anew and keeps its inode."""
    return note_of(descriptor).partition(" ")[2]
