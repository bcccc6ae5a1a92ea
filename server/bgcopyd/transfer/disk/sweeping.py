"""Partial files that no job wants any more."""

from __future__ import annotations

import os
import re
import stat

from bgcopyd.jobs.roots import PARTIAL_PREFIX
from bgcopyd.transfer.disk.destination import (
    DestinationInvalid,
    components,
    open_directory,
    readable,
)

_PARTIAL = re.compile(
    re.escape(PARTIAL_PREFIX) + r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,9})"
)


def partial_files(root: str, directory: str) -> dict[tuple[str, int], str]:
    """The partial files in a directory below a root, by job id and file index of their names."""
    found: dict[tuple[str, int], str] = {}
    held = _open(root, directory)
    if held is None:
        return found
    try:
        with os.scandir(held) as entries:
            for entry in entries:
                match = _PARTIAL.fullmatch(entry.name)
                if match is not None:
                    found[match[1], int(match[2])] = entry.name
    finally:
        os.close(held)
    return found


def delete(root: str, directory: str, names: list[str]) -> int:
    """Deletes those of the names that are plain files of ours; returns how many."""
    held = _open(root, directory)
    if held is None:
        return 0
    try:
        return sum(_delete(held, name) for name in names)
    finally:
        os.close(held)


def _delete(directory: int, name: str) -> bool:
    try:
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid():
            return False
        os.unlink(name, dir_fd=directory)
    except OSError:
        return False
    return True


def _open(root: str, directory: str) -> int | None:
    """A descriptor that can be listed; None where the directory is none, or not for us."""
    try:
        names = components(directory) if directory else []
        held = open_directory(root, names)
    except (OSError, DestinationInvalid):
        return None
    try:
        return readable(held)
    except OSError:
        return None
    finally:
        os.close(held)
