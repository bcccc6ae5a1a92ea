"""Telling the service manager, as sd_notify(3) describes it."""

from __future__ import annotations

import logging
import os
import socket

_log = logging.getLogger(__name__)


def notify(*assignments: str) -> bool:
    """Sends assignments ("READY=1", "STATUS=...") to the service manager, if there is one.

    Returns:
        Whether they were handed over. A manager that cannot be reached stops no daemon.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(address)
            channel.sendall("\n".join(assignments).encode())
    except OSError as error:
        _log.warning("the service manager cannot be told %s: %s", assignments, error)
        return False
    return True


def watchdog_interval() -> float | None:
    """Seconds between two "WATCHDOG=1": half of what the manager allows; None when it asks none."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    process = os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(microseconds) / 2e6
