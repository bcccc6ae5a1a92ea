"""What differs between operating systems. Linux is tested; macOS is written for, not claimed."""

from __future__ import annotations

import os
import resource
import sys

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
