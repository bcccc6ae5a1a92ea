"""The file that an upload reads: opened without following a link, watched while it is read."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from functools import partial

from bgcopyd.jobs.upload import Source
from bgcopyd.transfer.disk.destination import (
    UNKNOWN_KIND,
    DestinationInvalid,
    components,
    open_directory,
)

_PIECE = 1 << 20
_LINK = frozenset({errno.ELOOP, errno.EMLINK})


class SourceFile:
    """An open source file; `name` is what messages call its root.

    Raises:
        DestinationInvalid: it is no plain file in plain directories.
        OSError: it is not there, or cannot be opened.
    """

    def __init__(self, root: str, path: str, name: str) -> None:
        self.root = name
        self._root, self._names = root, components(path)
        self._descriptor = _open(root, self._names)
        state = os.fstat(self._descriptor)
        if not stat.S_ISREG(state.st_mode):
            self.close()
            raise DestinationInvalid("it is no regular file")
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        self.identity = _identity(state)

    def read(self, offset: int, count: int) -> bytes:
        """At most so many bytes; none at the end."""
        return os.pread(self._descriptor, count, offset)

    def weigher(self, start: int, end: int) -> Callable[[], bytes]:
        """What gives the MD5 of a part, on another thread, also where the file is closed meanwhile.

        Raises:
            OSError: there is no descriptor to spare.
        """
        return partial(_md5, os.dup(self._descriptor), start, end)

    def unchanged(self) -> bool:
        """Whether the open file is what it was."""
        return _identity(os.fstat(self._descriptor)) == self.identity

    def in_place(self) -> bool:
        """Whether it is what it was, and still has its name."""
        try:
            again = SourceFile(self._root, "/".join(self._names), self.root)
        except (DestinationInvalid, FileNotFoundError):
            return False
        again.close()
        return again.identity == self.identity and self.unchanged()

    def close(self) -> None:
        """Closes it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _open(root: str, names: list[str]) -> int:
    directory = open_directory(root, names[:-1])
    try:
        return os.open(names[-1], os.O_RDONLY | UNKNOWN_KIND, dir_fd=directory)
    except OSError as error:
        if error.errno in _LINK:
            raise DestinationInvalid("it is a symbolic link") from None
        raise
    finally:
        os.close(directory)


def _md5(descriptor: int, start: int, end: int) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    try:
        while start < end and (data := os.pread(descriptor, min(_PIECE, end - start), start)):
            digest.update(data)
            start += len(data)
    finally:
        os.close(descriptor)
    return digest.digest()


def _identity(state: os.stat_result) -> Source:
    return Source(state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
