"""Where the daemon's socket and state lie by default (XDG Base Directory Specification 0.8).

The daemon's configuration and the client read the same two functions, so that they meet. Both are
called, never evaluated at import, and are the only code of the library that looks at the
environment: the specification defines the directories by it.
"""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "bgcopy"
_SOCKET = "bgcopyd.sock"


def default_state_dir() -> Path:
    """Directory of the daemon's state.

    `$XDG_STATE_HOME/bgcopy`; without the variable `/var/lib/bgcopy` for root and
    `~/.local/state/bgcopy` for everybody else.
    """
    configured = _xdg("XDG_STATE_HOME")
    if configured is not None:
        return configured / _NAME
    if os.geteuid() == 0:
        return Path("/var/lib") / _NAME
    return Path.home() / ".local" / "state" / _NAME


def default_socket() -> Path:
    """Path of the daemon's Unix socket.

    `$XDG_RUNTIME_DIR/bgcopy/bgcopyd.sock`; without the variable `/run/bgcopy/bgcopyd.sock` for
    root and `bgcopyd.sock` in the state directory for everybody else.
    """
    configured = _xdg("XDG_RUNTIME_DIR")
    if configured is not None:
        return configured / _NAME / _SOCKET
    if os.geteuid() == 0:
        return Path("/run") / _NAME / _SOCKET
    return default_state_dir() / _SOCKET


def _xdg(variable: str) -> Path | None:
    """The variable's directory; the specification says to ignore relative ones."""
    value = os.environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else None  # noqa: PTH117 - a str, before it is a Path
