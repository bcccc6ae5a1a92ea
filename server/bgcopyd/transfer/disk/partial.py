"""The hidden file beside the target that holds what has arrived."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator

from bgcopyd.jobs.file import Validators
from bgcopyd.platform import sync_data
from bgcopyd.queue.transfers import PLAIN, Style
from bgcopyd.transfer.disk import syscalls
from bgcopyd.transfer.disk.destination import (
    UNKNOWN_KIND,
    DestinationInvalid,
    plain_name,
    plain_target,
    style_file,
)
from bgcopyd.transfer.disk.room import Room
from bgcopyd.transfer.judging.spans import Spans

_FLAGS = os.O_RDWR | UNKNOWN_KIND
_PIECE = 256 << 10
_NOTE = "user.bgcopy.synced"
_SOURCE = "user.bgcopy.source"
# An attribute has to fit into a block of 4 KiB on some file systems.
_NOTED_PARTS = 128
_NO_NOTES = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES})


class CannotNote(Exception):
    """The file system keeps no extended attributes."""


class PartialFile:
    """An open partial file.

    A file that was begun anew although the queue's store still holds an older claim carries a
    note: what of the new content is synced, and under which validators. Without it, a crash
    before the store learns of the new beginning would let old claims stand for new bytes.
    """

    def __init__(self, descriptor: int, state: os.stat_result, room: Room, *, noted: bool) -> None:
        self._descriptor = descriptor
        self.device = state.st_dev
        self.inode = state.st_ino
        self._extent = state.st_size
        self._noted = noted
        self._room = room

    @classmethod
    def open(
        cls, directory: int, name: str, target: str, room: Room, style: Style = PLAIN
    ) -> PartialFile:
        """Opens or creates the partial file of a target.

        Raises:
            DestinationInvalid: the file or what has the target's name is not a plain file.
            OSError: anything else.
        """
        plain_name(name)
        plain_target(directory, target)
        try:
            descriptor = os.open(name, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=directory)
        except FileExistsError:
            return cls._open_old(directory, name, room)
        try:
            style_file(descriptor, style)
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor, os.fstat(descriptor), room, noted=False)

    @classmethod
    def _open_old(cls, directory: int, name: str, room: Room) -> PartialFile:
        try:
            descriptor = os.open(name, _FLAGS, dir_fd=directory)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
                raise DestinationInvalid("the partial file is no regular file") from None
            raise
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
            os.close(descriptor)
            raise DestinationInvalid("the partial file is no regular file with one name")
        return cls(descriptor, state, room, noted=bool(note_of(descriptor)))

    def proven(self, claimed: Spans, validators: Validators) -> Spans:
        """How much of a claim the file bears out; what lies behind it is cut off."""
        state = os.fstat(self._descriptor)
        if self._noted:
            synced, _, mark = note_of(self._descriptor).partition(" ")
            same = mark == _mark(validators)
            claimed = claimed.within(_spans_of(synced)) if same else Spans()
        proven = claimed.up_to(state.st_size)
        if state.st_size > proven.end:
            os.ftruncate(self._descriptor, proven.end)
        self._extent = proven.end
        self._room.holds(proven.count)
        return proven

    def source(self, validators: Validators) -> str:
        """Which source the bytes under these validators came from; "" where that is not known."""
        name, _, mark = _attribute(self._descriptor, _SOURCE).partition(" ")
        return name if mark == _mark(validators) else ""

    def note_source(self, name: str, validators: Validators) -> None:
        """Records which source the bytes under these validators came from, where that can be."""
        with contextlib.suppress(OSError):
            os.setxattr(self._descriptor, _SOURCE, f"{name} {_mark(validators)}".encode())

    def forget_source(self) -> None:
        """Drops that record: the file is whole."""
        with contextlib.suppress(OSError):
            os.removexattr(self._descriptor, _SOURCE)

    def begin_anew(self, *, claimed: bool) -> None:
        """Drops the content; `claimed` says that the store may hold a claim on it.

        Raises:
            CannotNote: the claim must be lowered in the store before new bytes are written. The
                content is dropped all the same.
        """
        if self._extent:
            os.ftruncate(self._descriptor, 0)
            self._extent = 0
        self._room.holds(0)
        if claimed or self._noted:
            self._noted = True
            self.note(Spans(), Validators())

    def note(self, synced: Spans, validators: Validators) -> None:
        """Records what a claim may say from now on, where the file was begun anew.

        Of very many parts it names the first: what it does not name is fetched again.
        """
        if not self._noted:
            return
        text = ",".join(f"{start}-{end}" for start, end in synced.parts[:_NOTED_PARTS])
        try:
            os.setxattr(self._descriptor, _NOTE, f"{text} {_mark(validators)}".encode())
        except OSError as error:
            if error.errno in _NO_NOTES:
                raise CannotNote from None
            raise

    def write(self, pieces: list[bytes], offset: int) -> None:
        """Writes all of the pieces, one behind the other, at the offset."""
        self._look()
        total = sum(map(len, pieces))
        self._room.write(self._descriptor, offset, total)
        written = os.pwritev(self._descriptor, pieces, offset)
        if written < total:
            rest = memoryview(b"".join(pieces))
            while written < total:
                written += os.pwrite(self._descriptor, rest[written:], offset + written)
        self._extent = max(self._extent, offset + total)

    def agrees(self, data: bytes, offset: int) -> bool:
        """Whether the file holds exactly this data at the offset."""
        return os.pread(self._descriptor, len(data), offset) == data

    def reserve(self, offset: int, size: int) -> None:
        """Reserves the space from the offset up to the size."""
        self._room.reserve(self._descriptor, offset, size)
        if syscalls.reserve(self._descriptor, offset, size - offset):
            self._room.reserved(size)

    def sync(self) -> None:
        """Returns once all that was written is on disk."""
        sync_data(self._descriptor)
        self._look()

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """The bytes from start to end; each piece is good until the next one is asked for."""
        with memoryview(bytearray(min(_PIECE, end - start))) as buffer:
            while start < end:
                count = os.preadv(self._descriptor, [buffer[: end - start]], start)
                if not count:
                    raise OSError(errno.EIO, "the partial file is shorter than what was written")
                yield buffer[:count]
                start += count

    def trim(self, size: int) -> None:
        """Cuts the file to its final size."""
        if self._extent > size:
            os.ftruncate(self._descriptor, size)
            self._extent = size

    def _look(self) -> None:
        """Refuses a file that somebody has shortened: what is written behind would leave a hole."""
        written = self._extent
        if os.fstat(self._descriptor).st_size < written:
            raise OSError(errno.EIO, "somebody has shortened the partial file")

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)


def note_of(descriptor: int) -> str:
    """The note, "" where there is none or the file system keeps none."""
    return _attribute(descriptor, _NOTE)


def _spans_of(note: str) -> Spans:
    pairs = (part.partition("-") for part in note.split(",") if part)
    # A note of an older version is a number: how far the content goes.
    return Spans.of(
        (int(start), int(end)) if dash else (0, int(start)) for start, dash, end in pairs
    )


def _attribute(descriptor: int, name: str) -> str:
    try:
        return os.getxattr(descriptor, name).decode("ascii", "replace")
    except OSError:
        return ""


def _mark(validators: Validators) -> str:
    return hashlib.sha256(repr(validators).encode()).hexdigest()[:32]
