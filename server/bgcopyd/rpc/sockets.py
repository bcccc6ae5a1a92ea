"""Where Unix sockets lie: nobody else enters a private one's directory or alters a shared one's."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Protocol

from bgcopyd.config.listeners import IDENTITY_SUFFIX

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Listener(Exception):
    """A listener that could not be opened."""


class Peers(Protocol):
    """What tells users of this machine who they are, beside each shared socket."""

    def bind(self, path: Path) -> None:
        """Makes a socket; nobody is answered yet."""

    async def start(self) -> None:
        """Answers."""

    async def stop(self) -> None:
        """Answers nobody any more."""


def identity_path(path: Path) -> Path:
    """The socket beside a shared one."""
    return path.with_name(path.name + IDENTITY_SUFFIX)


def make_way(path: Path, *, shared: bool) -> None:
    """Creates the socket's directory and removes a dead daemon's sockets.

    The state directory's lock has proven that no daemon of this queue is alive.

    Raises:
        Listener: the directory cannot be had, or is not fit for a shared socket.
    """
    try:
        path.parent.mkdir(mode=0o755 if shared else 0o700, parents=True, exist_ok=True)
        mode = path.parent.stat().st_mode
        for old in (path, identity_path(path)):
            if old.is_socket():
                old.unlink()
    except OSError as error:
        raise Listener(f"cannot listen on unix:{path}: {error.strerror}") from None
    if shared and not mode & stat.S_IXOTH:
        raise Listener(
            f"cannot share unix:{path}: others cannot enter {path.parent}; run "
            f"'chmod o+x {path.parent}', or choose another directory"
        )
    if shared and mode & _OTHERS_WRITE:
        raise Listener(
            f"cannot share unix:{path}: others can write to {path.parent} and put a socket of "
            "theirs there; choose a directory that only its owner can write to"
        )
