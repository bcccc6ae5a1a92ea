"""The part of a source file that one request carries, at the pace that the limits allow."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.syscalls import unsent
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.source import SourceFile
from bgcopyd.transfer.wire.handles import Handle

if TYPE_CHECKING:
    from bgcopyd.transfer.network.buckets import Payer
    from bgcopyd.transfer.network.pacer import Pacer
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
_PAUSE: int = pycurl.READFUNC_PAUSE
_ABORT: int = pycurl.READFUNC_ABORT
_SOUGHT: int = pycurl.SEEKFUNC_OK
_CANNOT: int = pycurl.SEEKFUNC_CANTSEEK


class Body:
    """Feeds libcurl from a part of the source.

    Attributes:
        start: where it begins.
        end: the offset behind it.
        length: how many bytes it has.
        position: the offset behind what libcurl has taken.
        moved: when libcurl or the network last took some.
        broken: why it was broken off.
    """

    def __init__(
        self, source: SourceFile, part: range, payer: Payer, pacer: Pacer, volume: Volume
    ) -> None:
        self.start, self.end, self.length = part.start, part.stop, len(part)
        self.position = part.start
        self.moved = volume.now()
        self.broken: Failure | None = None
        self.handle: Handle | None = None
        self._source = source
        self._payer = payer
        self._pacer = pacer
        self._volume = volume
        self._unsent = 0

    @property
    def whole(self) -> bool:
        """Whether libcurl has taken all of it."""
        return self.position == self.end

    @property
    def sent(self) -> int:
        """The offset behind what the network has taken."""
        return max(self.start, self.position - self._unsent)

    # Inside libcurl's callbacks.

    def read(self, count: int) -> bytes | int:
        """The next piece."""
        if self._pacer.paused:
            return _PAUSE
        try:
            return self._read(count)
        except OSError as error:
            self.broken = upload_failures.of_os_error(error, self._source.root)
        except Exception:  # noqa: BLE001 - libcurl could only print it
            _log.exception("an upload of job %s failed", self._payer.job_id)
            self.broken = failures.internal("reading")
        return _ABORT

    def _read(self, count: int) -> bytes | int:
        piece = self._volume.rates.piece(self._payer) or count
        wanted = min(count, piece, self.end - self.position)
        data = self._source.read(self.position, wanted)
        if wanted and not data:
            self.broken = upload_failures.changed(self._source.root)
            return _ABORT
        self.position += len(data)
        self.moved = self._volume.now()
        self._pacer.received(len(data))
        return data

    def seek(self, offset: int, origin: int) -> int:
        """Goes to an offset of the body."""
        if origin != os.SEEK_SET or not 0 <= offset <= self.length:
            return _CANNOT
        self.position = self.start + offset
        return _SOUGHT

    # Outside of them.

    def look(self, now: float) -> None:
        """Notices what the network has taken since it was last looked at."""
        left = 0 if self.handle is None else unsent(self.handle.curl.getinfo(pycurl.ACTIVESOCKET))
        if left != self._unsent or self._pacer.paused:
            self._unsent, self.moved = left, now


class Words:
    """A body of a protocol's own words."""

    def __init__(self, text: bytes) -> None:
        self.length = len(text)
        self._text = memoryview(text)
        self._position = 0

    def read(self, count: int) -> bytes:
        """The next piece."""
        piece = bytes(self._text[self._position : self._position + count])
        self._position += len(piece)
        return piece

    def seek(self, offset: int, origin: int) -> int:
        """Goes to an offset of it."""
        if origin != os.SEEK_SET or not 0 <= offset <= self.length:
            return _CANNOT
        self._position = offset
        return _SOUGHT
