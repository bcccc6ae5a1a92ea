"""Exit codes of `bgcopyd`, out of sysexits.h, so that a unit's Restart= can tell them apart."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """How a command ended."""

    OK = 0
    USAGE = 64
    DAMAGED = 65
    NOT_FOUND = 66
    INTERNAL = 70
    CANNOT_CREATE = 73
    IO_ERROR = 74
    IN_USE = 75
    CONFIGURATION = 78
    INTERRUPTED = 130


class CommandError(Exception):
    """A command that cannot do what was asked: one sentence with the way out, and its code."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
