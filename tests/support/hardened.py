"""A daemon under what its unit takes away and a process can take from itself."""

from __future__ import annotations

import ctypes
import os
import sys

from tests.support.daemon import DaemonProcess

# Linux's prctl(2).
_SET_NO_NEW_PRIVS = 38
_SET_MDWE = 65  # since 6.3


class HardenedDaemon(DaemonProcess):
    """Runs with NoNewPrivileges= and MemoryDenyWriteExecute=, from the first instruction on."""

    def arguments(self) -> list[str]:
        """The command, begun by this module."""
        return [sys.executable, "-m", "tests.support.hardened", *super().arguments()]


def restrict() -> bool:
    """Takes the rights from this process; False where the kernel does not know them."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    done = (prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), prctl(_SET_MDWE, 1, 0, 0, 0))
    return done == (0, 0)


def can_restrict() -> bool:
    """Whether the kernel knows them; asked of a child."""
    child = os.fork()
    if child == 0:
        os._exit(0 if restrict() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if __name__ == "__main__":
    if not restrict():
        sys.exit("the kernel does not know PR_SET_MDWE")
    os.execv(sys.argv[1], sys.argv[1:])
