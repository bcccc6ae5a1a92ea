"""The server's answer to an upload, kept in a hidden file until the job is completed."""

from __future__ import annotations

from bgcopyd.queue.transfers import Style
from bgcopyd.transfer.disk.partial import PartialFile
from bgcopyd.transfer.disk.room import Room

# What is kept of an answer at most; who says more has not been asked for a file.
LIMIT = 64 << 20


class Reply:
    """Takes an answer's body, once what was there before is forgotten.

    Raises:
        DestinationInvalid: where it belongs there is no place for a plain file.
        OSError: the disk does not take it.
    """

    def __init__(
        self, directory: int, name: str, partial_name: str, room: Room, style: Style
    ) -> None:
        self._file = PartialFile.open(directory, partial_name, name, room, style)
        self.size = 0
        self.device, self.inode = self._file.device, self._file.inode

    def take(self, data: bytes) -> bool:
        """Writes a piece; False where it is more than is kept."""
        if self.size + len(data) > LIMIT:
            return False
        self._file.write([data], self.size)
        self.size += len(data)
        return True

    def forget(self) -> None:
        """Drops what is there: it belongs to another answer."""
        self._file.begin_anew(claimed=False)
        self.size = 0

    def sync(self) -> None:
        """Returns once all of it is on disk."""
        self._file.sync()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
