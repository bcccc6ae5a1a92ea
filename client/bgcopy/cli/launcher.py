"""Starts a private daemon for commands that need one and find none."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bgcopy import default_state_dir
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.words import clean

INSTALL = 'pip install "bgcopy[server]"'
IDLE_SECONDS = 10
LOG_NAME = "private-daemon.log"

_PATIENCE = 20.0
# A loser of the race for the socket has ended before the winner listens.
_PATIENCE_WITH_WINNER = 10.0
_PAUSE = 0.05
_LOG_TAIL = 4096
# EX_TEMPFAIL of sysexits.h: bgcopyd's own code for a state directory that another daemon holds.
_IN_USE = 75


def answers(socket_path: str) -> bool:
    """Whether somebody listens on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(socket_path)
        except OSError:
            return False
    return True


def start(socket_path: str, note: Callable[[str], None]) -> None:
    """Start a daemon on the user's own state directory and wait until somebody answers.

    Raises:
        Failure: the daemon is not installed, or does not come up.
    """
    missing = missing_packages()
    if missing:
        raise Failure(
            Exit.UNREACHABLE,
            f"no daemon answers at unix:{socket_path}, and none is installed "
            f"(missing: {', '.join(missing)})",
            f"Install it with: {INSTALL}",
            "UNAVAILABLE",
        )
    log = _log_file()
    note(f"bgcopy: no daemon answers, starting a private one (log: {log})")
    offset = log.stat().st_size if log.exists() else 0
    _await_socket(socket_path, _spawn(log), log, offset)


def missing_packages() -> list[str]:
    """What `bgcopy[server]` needs and this installation lacks."""
    if importlib.util.find_spec("bgcopyd") is None:
        return ["bgcopyd"]
    try:
        requirements = importlib.metadata.requires("bgcopy") or []
    except importlib.metadata.PackageNotFoundError:
        # Run from a source tree: the daemon itself says what it misses.
        return []
    names = [
        match.group()
        for line in requirements
        if re.search(r"""extra\s*==\s*['"]server['"]""", line)
        and (match := re.match(r"[A-Za-z0-9._-]+", line))
    ]
    return [name for name in names if not _installed(name)]


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _log_file() -> Path:
    directory = default_state_dir()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            Exit.DISK,
            f"the state directory {directory} cannot be made: {error.strerror}",
            "Set XDG_STATE_HOME to a directory you may write to.",
        ) from None
    return directory / LOG_NAME


def _spawn(log: Path) -> subprocess.Popen[bytes]:
    """The daemon, in a session of its own so that Ctrl-C here does not reach it."""
    # It is the user's own, also where that is root.
    # -P and the directory: a module that lies where the user stands must not run as the daemon.
    command = [sys.executable, "-P", "-m", "bgcopyd", "serve", "--allow-root"]
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--exit-when-idle", str(IDLE_SECONDS)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(output)


def _await_socket(
    socket_path: str, daemon: subprocess.Popen[bytes], log: Path, offset: int
) -> None:
    give_up = time.monotonic() + _PATIENCE
    ended = False
    while time.monotonic() < give_up:
        if answers(socket_path):
            # It lives on by itself; without this its handle would warn that nobody waited.
            daemon.returncode = daemon.returncode or 0
            return
        if not ended and daemon.poll() is not None:
            ended = True
            give_up = min(give_up, time.monotonic() + _PATIENCE_WITH_WINNER)
            if daemon.returncode != _IN_USE:
                break
        time.sleep(_PAUSE)
    raise Failure(
        Exit.UNREACHABLE,
        f"the private daemon did not come up{_last_words(log, offset)}",
        f"The log {log} says more; `bgcopyd serve` runs one in the foreground.",
        "UNAVAILABLE",
    )


def _last_words(log: Path, offset: int) -> str:
    """The last line that the daemon wrote since it was started."""
    with log.open("rb") as file:
        file.seek(max(offset, log.stat().st_size - _LOG_TAIL))
        lines = file.read().decode(errors="replace").split("\n")
    words = [line.strip() for line in lines if line.strip()]
    return f": {clean(words[-1])}" if words else ""
