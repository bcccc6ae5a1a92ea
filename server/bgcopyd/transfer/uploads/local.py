"""What an upload has on this machine: the file that it reads, and the answer that it may keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgcopyd.jobs.upload import Upload
from bgcopyd.queue.transfers import PLAIN, Transfer
from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.destination import DestinationInvalid
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.reply import LIMIT, Reply
from bgcopyd.transfer.uploads.source import SourceFile

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume


class Local:
    """Both files of one attempt. What fails is answered as what the transfer fails with.

    Attributes:
        reply: where the answer goes; None where none is kept.
    """

    def __init__(self, transfer: Transfer, volume: Volume) -> None:
        self.reply: Reply | None = None
        self._transfer = transfer
        self._volume = volume
        self._source: SourceFile | None = None

    @property
    def source(self) -> SourceFile:
        """The open source."""
        assert self._source is not None
        return self._source

    def prepare(self, upload: Upload) -> Failure | None:
        """Opens both: where the answer cannot be kept, nothing is sent."""
        try:
            self._source = self._open()
        except (DestinationInvalid, OSError) as error:
            return self._unreadable(error, upload)
        if upload.source is not None and upload.source != self._source.identity:
            return upload_failures.changed(self._transfer.root)
        transfer = self._transfer
        place = (transfer.job_id, transfer.root, upload.reply)
        try:
            if upload.reply:
                held = self._volume.directories.parent_of(*place)
                room = self._volume.room_of((transfer.job_id, transfer.index))
                style = self._volume.options.root_styles.get(transfer.root, PLAIN)
                self.reply = Reply(*held, transfer.partial_name, room, style)
        except (DestinationInvalid, OSError) as error:
            return self.unwritable(error)
        return None

    def _open(self) -> SourceFile:
        root = self._volume.directory(self._transfer.root)
        if root is None:
            raise DestinationInvalid("there is no such root")
        return SourceFile(root, self._transfer.path, self._transfer.root)

    def _unreadable(self, error: DestinationInvalid | OSError, upload: Upload) -> Failure:
        root = self._transfer.root
        if isinstance(error, DestinationInvalid):
            return upload_failures.source_invalid(str(error), root)
        if upload.source is not None and upload_failures.is_missing(error):
            return upload_failures.changed(root)
        return upload_failures.of_os_error(error, root)

    def unwritable(self, error: DestinationInvalid | OSError) -> Failure:
        """Why the answer cannot be kept."""
        root = self._transfer.root
        if isinstance(error, DestinationInvalid):
            return failures.destination_invalid(str(error), root)
        return failures.of_os_error(error, root)

    def keep(self, reply: Reply, data: bytes, host: str) -> Failure | None:
        """Takes a piece of the answer."""
        try:
            taken = reply.take(data)
        except OSError as error:
            return self.unwritable(error)
        return None if taken else upload_failures.reply_too_large(host, LIMIT)

    def changed(self, *, at_end: bool = False) -> Failure | None:
        """What is wrong with the source by now; at the end also whether it has its name."""
        try:
            same = self.source.in_place() if at_end else self.source.unchanged()
        except OSError as error:
            return upload_failures.of_os_error(error, self._transfer.root)
        # Nobody can say which of its bytes the server has.
        return None if same else upload_failures.changed(self._transfer.root)

    def close(self) -> None:
        """Closes both."""
        if self._source is not None:
            self._source.close()
        if self.reply is not None:
            self.reply.close()
