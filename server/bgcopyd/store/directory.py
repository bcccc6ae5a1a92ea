"""The state directory: private, held by one daemon, on a local file system."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bgcopyd.store.connection import DATABASE
from bgcopyd.store.errors import NetworkFilesystem, StateDirectoryError, StateDirectoryLocked

LOCK = "lock"

# f_type of statfs(2); file systems on which flock or fsync may mean nothing.
NETWORK_FILESYSTEMS: dict[int, str] = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x564C: "NCP",
    0x5346414F: "AFS",
    0x6B414653: "kAFS",
    0x73757245: "Coda",
    0x01021997: "9P",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
    0x19830326: "BeeGFS",
}
_STATFS_BYTES = 256


def filesystem_type(path: Path) -> int | None:
    """f_type of the file system that a path lies on; None where it cannot be told."""
    try:
        statfs = ctypes.CDLL(None, use_errno=True).statfs
    except (AttributeError, OSError):
        return None
    # struct statfs begins with f_type, a long, on every Linux; the rest is not looked at.
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    if statfs(os.fsencode(path), buffer) != 0:
        return None
    return ctypes.c_long.from_buffer(buffer).value & 0xFFFFFFFF


def refuse_network(path: Path) -> None:
    """Judges the file system of a directory.

    Raises:
        NetworkFilesystem: it is one of the network.
    """
    name = NETWORK_FILESYSTEMS.get(filesystem_type(path) or 0)
    if name is not None:
        raise NetworkFilesystem(
            f"the state directory {path} lies on a network file system ({name}), where locks and "
            "syncs cannot be trusted; choose a local directory with --state-dir"
        )


def make_private(path: Path) -> None:
    """Makes the directory where it is absent, for its user alone, and judges it.

    Raises:
        StateDirectoryError: it cannot be made, is no directory, or lies on the network.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise StateDirectoryError(
            f"the state directory {path} cannot be made: {problem.strerror}"
        ) from None
    refuse_network(path)


class StateDirectory:
    """Holds a state directory for one process; `with StateDirectory(path): ...`.

    The lock is an exclusive flock: the kernel frees it when the process ends, however it ends.

    Raises:
        StateDirectoryLocked: another process holds it.
        NetworkFilesystem: it lies on a network file system.
        StateDirectoryError: it cannot be made or used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        make_private(path)
        self._lock = self._open()
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._holder()
            os.close(self._lock)
            raise StateDirectoryLocked(
                f"another bgcopyd{holder} uses the state directory {path}; stop it first, or "
                "choose another directory with --state-dir"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _open(self) -> int:
        try:
            return os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StateDirectoryError(
                f"the state directory {self.path} cannot be used: {problem.strerror}"
            ) from None

    def _holder(self) -> str:
        """The holder's process id, as it has written it."""
        with contextlib.suppress(ValueError, OSError):
            return f" (process {int(os.pread(self._lock, 20, 0))})"
        return ""

    def close(self) -> None:
        """Lets go of the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def size_on_disk(state_dir: Path) -> int:
    """Bytes of the database with what belongs to it, without backups."""
    return sum(path.stat().st_size for path in state_dir.glob(f"{DATABASE}*"))
