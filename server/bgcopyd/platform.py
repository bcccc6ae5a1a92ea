"""What differs between operating systems. Linux is tested; macOS is written for, not claimed."""

from __future__ import annotations

import functools
import os
import resource
import sys
import time
from pathlib import Path

if sys.platform == "darwin":
    import fcntl

    def sync_data(descriptor: int) -> None:
        """Brings a file's bytes to the disk; fsync of macOS stops at the drive's cache."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

else:

    def sync_data(descriptor: int) -> None:
        """Brings a file's bytes, and the size they need, to the disk."""
        os.fdatasync(descriptor)


def raise_file_limit() -> int:
    """Lifts the soft limit of open files to the hard one and returns what holds now.

    Every transfer needs a socket and a file; shells hand down 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            # macOS calls its hard limit infinite and then refuses it.
            return soft
    return hard


def resident_memory() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def uptime() -> float:
    """Seconds since the machine was started; those in which it slept count, where Linux tells."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@functools.cache
def boot_id() -> str:
    """Names this start of the machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
