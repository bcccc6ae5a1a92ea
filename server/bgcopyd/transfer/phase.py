"""What a transfer is doing."""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """What a transfer is doing.

    SHARED leaves all that is missing to a download's helpers. NOTING and DIGESTING are an upload's:
    it waits for the queue, or reads what it is about to send.
    """

    WAITING = enum.auto()
    ASKING = enum.auto()
    SHARED = enum.auto()
    RESTING = enum.auto()
    NOTING = enum.auto()
    DIGESTING = enum.auto()
    SETTLING = enum.auto()
    ENDED = enum.auto()
