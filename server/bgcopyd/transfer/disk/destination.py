"""Directories below a root, reached component by component, never through a symbolic link."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bgcopyd.queue.transfers import PLAIN, Style
from bgcopyd.transfer.disk import syscalls

# How a file is opened whose kind is not known yet.
UNKNOWN_KIND = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_STYLES: Mapping[str, Style] = MappingProxyType({})
_NOT_PLAIN = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EXDEV})


class DestinationInvalid(Exception):
    """The destination is not a plain file in plain directories under its root."""


def components(path: str) -> list[str]:
    """The names that a relative path consists of.

    Raises:
        DestinationInvalid: the path is absolute or holds a name that is not one.
    """
    parts = path.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise DestinationInvalid("the path is not a plain relative one")
    return parts


def plain_name(name: str) -> str:
    """A partial file's name, which is no path.

    Raises:
        DestinationInvalid: it is one.
    """
    if len(components(name)) != 1:
        raise DestinationInvalid("the partial file's name is a path")
    return name


def open_directory(root: str, names: list[str], *, create: Style | None = None) -> int:
    """A descriptor (O_PATH) of the directory; missing ones are made where `create` says how.

    Raises:
        DestinationInvalid: a component is no directory, or a symbolic link.
        OSError: anything else.
    """
    held = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if not names:
        return held
    try:
        if syscalls.OPENS_BENEATH:
            # What is missing is made step by step.
            with _missing(may_be=create is not None), _plain_only():
                return syscalls.open_beneath(held, "/".join(names), _WALK)
        return _walk(held, names, create=create)
    finally:
        os.close(held)


def _walk(root: int, names: list[str], *, create: Style | None) -> int:
    """A descriptor of the directory, reached one name after the other; the root's stays open."""
    current = os.dup(root)
    try:
        for name in names:
            below = _step(current, name, create=create)
            os.close(current)
            current = below
    except BaseException:
        os.close(current)
        raise
    return current


def _missing(*, may_be: bool) -> contextlib.AbstractContextManager[None]:
    return contextlib.suppress(FileNotFoundError) if may_be else contextlib.nullcontext()


@contextlib.contextmanager
def _plain_only() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_PLAIN:
            raise DestinationInvalid("a directory of it is a link or no directory") from None
        raise


def readable(directory: int) -> int:
    """A descriptor of a held directory that can be listed and synced."""
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)


def _step(directory: int, name: str, *, create: Style | None) -> int:
    with _missing(may_be=create is not None), _plain_only():
        return os.open(name, _WALK, dir_fd=directory)
    style = create or PLAIN
    try:
        os.mkdir(name, 0o777 if style.mode is None else 0o700, dir_fd=directory)
    except FileExistsError:
        return _step(directory, name, create=None)
    made = _step(directory, name, create=None)
    try:
        if style != PLAIN:
            _dress(made, style)
    except OSError:
        os.close(made)
        raise
    return made


def _dress(directory: int, style: Style) -> None:
    """Gives a new directory what its files are given; who may read them may enter."""
    held = readable(directory)
    try:
        mode = None if style.mode is None else style.mode | 0o300 | (style.mode & 0o444) >> 2
        style_file(held, Style(style.group, mode))
    finally:
        os.close(held)


def style_file(descriptor: int, style: Style) -> None:
    """Gives a new file its group and mode."""
    if style.group is not None:
        os.fchown(descriptor, -1, style.group)
    if style.mode is not None:
        os.fchmod(descriptor, style.mode)


def plain_target(directory: int, name: str) -> os.stat_result | None:
    """The state of what stands at the target's name: a regular file of one name, or nothing (None).

    Raises:
        DestinationInvalid: it is something else.
    """
    try:
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(state.st_mode):
        raise DestinationInvalid("something that is no regular file has the name")
    if state.st_nlink > 1:
        raise DestinationInvalid("the file of that name has other names (hard links)")
    return state


class Directories:
    """Held descriptors of directories that jobs write to; one thread's own, bounded.

    Missing directories are created where `create` says so, below some roots in another style.
    """

    def __init__(
        self,
        roots: Mapping[str, str],
        *,
        create: bool,
        styles: Mapping[str, Style] = _NO_STYLES,
        limit: int = 64,
    ) -> None:
        self._roots = roots
        self._create = create
        self._styles = styles
        self._limit = limit
        self._held: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def parent_of(self, job_id: str, root: str, path: str) -> tuple[int, str]:
        """The directory of a destination and the name in it.

        The descriptor stays ours; it is good until the next call.
        """
        parent, _, name = path.rpartition("/")
        key = (job_id, root, parent)
        held = self._held.get(key)
        if held is None:
            names = components(path)
            if root not in self._roots:
                raise DestinationInvalid("there is no such root")
            style = self._styles.get(root, PLAIN) if self._create else None
            held = open_directory(self._roots[root], names[:-1], create=style)
            self._held[key] = held
            if len(self._held) > self._limit:
                os.close(self._held.popitem(last=False)[1])
        else:
            components(name)
            self._held.move_to_end(key)
        return held, name

    def release(self, job_id: str) -> None:
        """Closes what is held for a job."""
        for key in [key for key in self._held if key[0] == job_id]:
            os.close(self._held.pop(key))

    def close(self) -> None:
        """Closes everything."""
        while self._held:
            os.close(self._held.popitem()[1])
