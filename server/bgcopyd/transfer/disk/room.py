"""What may still be written: up to an owner's quota, and down to a volume's floor."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from bgcopyd.queue.space import Key, Space

# How long is believed what a volume has free, less what was written since.
_BELIEVED = 0.25


class OverQuota(OSError):
    """The owner keeps as many bytes as are allowed."""

    def __init__(self) -> None:
        super().__init__(errno.EDQUOT, os.strerror(errno.EDQUOT))


class Floor:
    """Keeps so many bytes of one volume free of what this engine writes; one thread's own."""

    def __init__(self, floor: int, now: Callable[[], float]) -> None:
        self._floor = floor
        self._now = now
        self._free = 0
        self._until = 0.0

    def need(self, descriptor: int, count: int) -> None:
        """Raises OSError (ENOSPC) where so many more bytes would not leave enough."""
        if not self._floor:
            return
        if count > self._free or self._now() >= self._until:
            state = os.fstatvfs(descriptor)
            self._free = state.f_bavail * state.f_frsize - self._floor
            self._until = self._now() + _BELIEVED
        if count > self._free:
            raise OSError(errno.ENOSPC, "the rest of the volume is kept free, `free_space_floor`")
        self._free -= count


class Room:
    """The room of one file."""

    def __init__(self, space: Space, floor: Floor, key: Key) -> None:
        self._space = space
        self._floor = floor
        self._key = key
        self._present = 0
        self._reserved = 0

    def holds(self, present: int) -> None:
        """The file has so many bytes now, whatever was before."""
        self._present = present
        self._space.has(self._key, present)

    def promise(self, size: int) -> None:
        """The file will have so many bytes.

        Raises:
            OverQuota: they are more than its owner has left.
        """
        left = self._space.left(self._key, max(size, self._present))
        if left is not None and left < 0:
            raise OverQuota

    def reserve(self, descriptor: int, offset: int, size: int) -> None:
        """Space for the file up to its size is about to be reserved.

        Raises:
            OSError: there is not enough.
        """
        there = os.fstat(descriptor).st_blocks * 512
        self._floor.need(descriptor, max(size - max(offset, there), 0))

    def reserved(self, size: int) -> None:
        """It is: what is written below takes no more."""
        self._reserved = size

    def write(self, descriptor: int, offset: int, count: int) -> None:
        """New bytes are about to be written.

        Raises:
            OverQuota, OSError: they would be too many.
        """
        self.promise(self._present + count)
        if offset + count > self._reserved:
            self._floor.need(descriptor, count)
        self.holds(self._present + count)
