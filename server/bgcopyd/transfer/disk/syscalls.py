"""System calls that the standard library lacks or spoils; knows the platform."""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import sys
import termios

_KEEP_SIZE = 1
_M_TRIM_THRESHOLD = -1
_TRIM_THRESHOLD = 1 << 20
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_NOREPLACE = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_renameat2 = getattr(_libc, "renameat2", None)


def reserve(descriptor: int, offset: int, length: int) -> bool:
    """Reserves space without changing the file's size, where the file system can; whether it could.

    posix_fallocate would write zeros where it cannot, and would hide how much has been written.

    Raises:
        OSError: no room (ENOSPC, EDQUOT), or another error of the disk.
    """
    if _libc is None or length <= 0:
        return False
    arguments = (ctypes.c_int(_KEEP_SIZE), ctypes.c_int64(offset), ctypes.c_int64(length))
    if _libc.fallocate64(descriptor, *arguments) == 0:
        return True
    code = ctypes.get_errno()
    if code not in _UNSUPPORTED:
        raise OSError(code, os.strerror(code))
    return False


def rename_new(old: str, new: str, directory: int) -> None:
    """Renames within a directory, and never replaces anything.

    Where the file system or the C library cannot, the file has both names for a moment.

    Raises:
        FileExistsError: the new name is taken.
        OSError: anything else.
    """
    if _renameat2 is not None:
        names = os.fsencode(old), os.fsencode(new)
        if _renameat2(directory, names[0], directory, names[1], _NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _UNSUPPORTED:
            raise OSError(code, os.strerror(code))
    os.link(old, new, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    os.unlink(old, dir_fd=directory)


def unsent(descriptor: int) -> int:
    """How many bytes a socket holds that its peer has not acknowledged; 0 where nobody can tell."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(descriptor, termios.TIOCOUTQ, count)
    except (OSError, ValueError):
        return 0
    return count[0]


def keep_freed_memory() -> None:
    """Lets glibc keep up to 1 MiB that was freed, for each of its arenas.

    By default it gives back 128 KiB and more at once. The pieces of a body come and go in such
    amounts, and every page of them would be mapped anew each time: 200,000 faults for 1 GiB.
    """
    if _libc is not None and hasattr(_libc, "mallopt"):
        _libc.mallopt(ctypes.c_int(_M_TRIM_THRESHOLD), ctypes.c_int(_TRIM_THRESHOLD))
