"""What a transfer is doing."""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """What a download is doing; SHARED leaves all that is missing to its helpers."""

    WAITING = enum.auto()
    ASKING = enum.auto()
    SHARED = enum.auto()
    RESTING = enum.auto()
    SETTLING = enum.auto()
    ENDED = enum.auto()
