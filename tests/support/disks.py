"""Daemons on disks of their own: small ones that can be filled and made read-only, and bounds."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.daemon import DaemonProcess

_UNSHARE = ("unshare", "--map-root-user", "--mount", "--")


@functools.cache
def can_mount() -> bool:
    """Whether this user may mount file systems in a name space of his own."""
    command = [*_UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@functools.cache
def can_become_others() -> bool:
    """Whether this user may run programs as others."""
    try:
        return subprocess.run(["true"], user=24_101, check=False).returncode == 0
    except PermissionError:
        return False


def can_give_away() -> bool:
    """Whether this user may give files to others."""
    with tempfile.NamedTemporaryFile() as file:
        try:
            os.chown(file.name, 24_101, 24_101)
        except PermissionError:
            return False
    return True


class BoundedDaemon(DaemonProcess):
    """A daemon whose process a shell has made ready; `script` goes on with "$@"."""

    def __init__(self, script: str, **options: Any) -> None:
        super().__init__(**options)
        self._script = script

    def prefix(self) -> Sequence[str]:
        """What runs the shell."""
        return ()

    def arguments(self) -> list[str]:
        script = f'{self._script} && exec "$@"'
        return [*self.prefix(), "sh", "-c", script, str(self.root_dir), *super().arguments()]


class SmallDiskDaemon(BoundedDaemon):
    """A daemon whose default root is a file system of `size` bytes that nobody else sees."""

    def __init__(self, size: int, *, read_only: bool = False, **options: Any) -> None:
        mode = ",ro" if read_only else ""
        super().__init__(f'mount -t tmpfs -o size={size}{mode} none "$0"', **options)

    def prefix(self) -> Sequence[str]:
        return _UNSHARE

    @property
    def disk(self) -> Path:
        """The root as the daemon sees it."""
        return Path(f"/proc/{self.pid}/root{self.root_dir}")

    def remount(self, mode: str) -> None:
        """Makes the disk read-only ("ro") or writable ("rw")."""
        command = ["nsenter", "--target", str(self.pid), "--user", "--mount", "--"]
        command += ["mount", "-o", f"remount,{mode}", str(self.root_dir)]
        subprocess.run(command, check=True, capture_output=True)


def descriptors(pid: int | str = "self") -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a path for each would cost much
