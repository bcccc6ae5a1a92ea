"""What a transfer is doing."""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """What a download is doing."""

    WAITING = enum.auto()
    ASKING = enum.auto()
    RESTING = enum.auto()
    SETTLING = enum.auto()
    ENDED = enum.auto()
