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
# glibc has no function for openat2(2), whose number is the same on all machines but Alpha.
_OPENAT2 = 437
# RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH.
_BENEATH = 0x02 | 0x04 | 0x08
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


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(directory: int, path: str, flags: int) -> int:
    """Opens a path below a directory; the kernel follows no link and never leaves the directory.

    Raises:
        OSError: ELOOP or EXDEV where it would have to, or anything else.
    """
    assert _libc is not None
    how = _OpenHow(flags, 0, _BENEATH)
    while True:
        descriptor = _libc.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(directory),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if descriptor >= 0:
            return int(descriptor)
        code = ctypes.get_errno()
        # A rename on the way is no reason to fail (openat2(2)).
        if code not in {errno.EAGAIN, errno.EINTR}:
            raise OSError(code, os.strerror(code))


def _opens_beneath() -> bool:
    """Whether the kernel can, and nothing between it and us forbids that."""
    if _libc is None:
        return False
    held = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_beneath(held, ".", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    finally:
        os.close(held)
    return True


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


OPENS_BENEATH = _opens_beneath()
