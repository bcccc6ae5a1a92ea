"""How a finished partial file gets its name under each overwrite policy.

Nothing is remembered between calls: what an earlier call has done is known from the device and
inode of the files, so that a call that a crash cut short is simply repeated.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from types import MappingProxyType

from bgcopyd.jobs.limits import PATH_COMPONENT_BYTES
from bgcopyd.jobs.options import OverwritePolicy
from bgcopyd.queue.transfers import Placed, Placement
from bgcopyd.transfer.disk import syscalls
from bgcopyd.transfer.disk.destination import (
    UNKNOWN_KIND,
    DestinationInvalid,
    plain_name,
    plain_target,
    readable,
)

_LAST_NUMBER = 9_999
_NUMBERED = re.compile(r" \((\d{1,4})\)")
_PIECE = 256 << 10
_READ = os.O_RDONLY | UNKNOWN_KIND


def place(directory: int, name: str, placement: Placement, now: datetime) -> Placed:
    """Gives one file its name in the directory, which the caller syncs.

    Raises:
        FileExistsError: the name is taken, and the policy is to fail.
        DestinationInvalid, OSError: it cannot be done.
    """
    expected = (placement.device, placement.inode)
    rename = placement.overwrite is OverwritePolicy.RENAME
    target = _state(directory, name)
    if target is not None and _identity(target) == expected:
        _drop_second_name(directory, placement, target)
        return Placed(placement.index)
    if not rename:
        plain_target(directory, name)
    ours = _state(directory, plain_name(placement.partial_name))
    if rename and (ours is None or ours.st_nlink > 1):
        given = _given_name(directory, name, expected)
        if given is not None:
            _drop_second_name(directory, placement, given[1])
            return Placed(placement.index, path=_beside(placement.path, given[0]))
    if ours is None:
        raise DestinationInvalid("the partial file is gone; transfer the file again")
    if _identity(ours) != expected or not stat.S_ISREG(ours.st_mode):
        raise DestinationInvalid("the partial file was replaced; transfer the file again")
    _set_time(directory, placement, now)
    return _POLICIES[placement.overwrite](directory, name, placement)


def numbered(name: str, number: int) -> str:
    """The number-th choice of a name: "name (1).ext"; 0 is the name itself."""
    if not number:
        return name
    path = PurePosixPath(name)
    ending = f" ({number}){path.suffix}"
    room = max(PATH_COMPONENT_BYTES - len(os.fsencode(ending)), 0)
    return os.fsencode(path.stem)[:room].decode("utf-8", "ignore") + ending


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _state(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _beside(path: str, name: str) -> str:
    parent, slash, _ = path.rpartition("/")
    return f"{parent}{slash}{name}"


def _drop_second_name(directory: int, placement: Placement, state: os.stat_result) -> None:
    """Ends what a crash between link() and unlink() left: two names of one file."""
    if state.st_nlink > 1:
        ours = _state(directory, placement.partial_name)
        if ours is not None and _identity(ours) == _identity(state):
            os.unlink(placement.partial_name, dir_fd=directory)


def _given_name(
    directory: int, name: str, expected: tuple[int, int]
) -> tuple[str, os.stat_result] | None:
    """The name that an earlier call has given to a file, with its state."""
    held = readable(directory)
    try:
        with os.scandir(held) as entries:
            for entry in entries:
                if entry.inode() != expected[1] or not _is_choice(entry.name, name):
                    continue
                state = entry.stat(follow_symlinks=False)
                if _identity(state) == expected and stat.S_ISREG(state.st_mode):
                    return entry.name, state
    finally:
        os.close(held)
    return None


def _is_choice(found: str, name: str) -> bool:
    return any(numbered(name, int(match[1])) == found for match in _NUMBERED.finditer(found))


def _set_time(directory: int, placement: Placement, now: datetime) -> None:
    if placement.modified is None:
        return
    modified = min(placement.modified, now).astimezone(UTC).timestamp()
    # A time that the file system cannot hold is no reason to withhold the file.
    with contextlib.suppress(OSError, OverflowError):
        os.utime(
            placement.partial_name, (modified, modified), dir_fd=directory, follow_symlinks=False
        )


def _replace(directory: int, name: str, placement: Placement) -> Placed:
    os.rename(placement.partial_name, name, src_dir_fd=directory, dst_dir_fd=directory)
    return Placed(placement.index)


def _fail(directory: int, name: str, placement: Placement) -> Placed:
    syscalls.rename_new(placement.partial_name, name, directory)
    return Placed(placement.index)


def _rename(directory: int, name: str, placement: Placement) -> Placed:
    for number in range(_LAST_NUMBER + 1):
        choice = numbered(name, number)
        try:
            syscalls.rename_new(placement.partial_name, choice, directory)
        except FileExistsError:
            continue
        return Placed(placement.index, path=_beside(placement.path, choice) if number else "")
    raise DestinationInvalid("too many files of this name are there already")


def _replace_where(
    wanted: Callable[[int, str, str], bool],
) -> Callable[[int, str, Placement], Placed]:
    """Replaces a target where `wanted` says so; otherwise ours stays for the caller to discard."""

    def apply(directory: int, name: str, placement: Placement) -> Placed:
        with contextlib.suppress(FileExistsError):
            if plain_target(directory, name) is None:
                return _fail(directory, name, placement)
        if wanted(directory, placement.partial_name, name):
            return _replace(directory, name, placement)
        return Placed(placement.index, kept=True)

    return apply


def _newer(directory: int, ours: str, target: str) -> bool:
    times = [
        os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime_ns
        for name in (ours, target)
    ]
    return times[0] > times[1]


def _different(directory: int, ours: str, target: str) -> bool:
    with (
        open(ours, "rb", 0, opener=_opener(directory)) as one,
        open(target, "rb", 0, opener=_opener(directory)) as other,
    ):
        if os.fstat(one.fileno()).st_size != os.fstat(other.fileno()).st_size:
            return True
        while piece := one.read(_PIECE):
            # Short reads come at the end of a file only, or where one of them is cut meanwhile.
            if piece != other.read(_PIECE):
                return True
    return False


def _opener(directory: int) -> Callable[[str, int], int]:
    return lambda name, _: os.open(name, _READ, dir_fd=directory)


_POLICIES: Mapping[OverwritePolicy, Callable[[int, str, Placement], Placed]] = MappingProxyType(
    {
        OverwritePolicy.REPLACE: _replace,
        OverwritePolicy.FAIL: _fail,
        OverwritePolicy.RENAME: _rename,
        OverwritePolicy.IF_NEWER: _replace_where(_newer),
        OverwritePolicy.IF_DIFFERENT: _replace_where(_different),
    }
)
