"""What transfers have done since the daemon started."""

from __future__ import annotations

from collections.abc import Iterable

from bgcopyd.jobs.file import File, FileRange
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Event,
    Failed,
    Finished,
    Noted,
    Received,
    Stopped,
)


class Statistics:
    """Counters that the runs feed with the events of their transfers."""

    def __init__(self) -> None:
        self.bytes_received = 0
        self.attempts_finished = 0
        self.attempts_failed = 0
        self._positions: dict[tuple[str, int], int] = {}

    def hear(self, event: Event, file: File) -> None:
        """Counts an event; `file` is as it was before it."""
        if isinstance(event, Connected | Noted):
            return
        key = (event.claim_id, event.index)
        position = self._positions.get(key, _present(file.claimed, file.filled))
        reached = _reached(event)
        if isinstance(event, Received):
            # Less than before: the remote file has changed, and its transfer has begun anew.
            self._receive(file, reached - (position if reached >= position else 0))
            self._positions[key] = reached
            return
        self._receive(file, max(0, reached - position))
        self._positions[key] = max(position, reached)
        if isinstance(event, Finished | Failed | Stopped):
            del self._positions[key]
            self.attempts_finished += isinstance(event, Finished)
            self.attempts_failed += isinstance(event, Failed)

    def _receive(self, file: File, count: int) -> None:
        # What an upload sends is no byte that was received.
        if file.upload is None:
            self.bytes_received += count


def _reached(event: Received | Claimed | Finished | Failed | Stopped) -> int:
    """How much of the file is there; claims lag behind what has arrived."""
    if isinstance(event, Received):
        return event.received
    if isinstance(event, Finished):
        return event.size
    return _present(event.claimed, event.filled)


def _present(claimed: int, filled: Iterable[FileRange]) -> int:
    return claimed + sum(part.length or 0 for part in filled)
