"""Uploads to servers of files: appended under a hidden name, which is changed at the end.

The server is asked how much is there before anything is sent, and once more before the file gets
its name: what it says then is the proof that it has all of it.
"""

from __future__ import annotations

import dataclasses

from bgcopyd.jobs.upload import Upload, UploadProtocol
from bgcopyd.queue.transfers import Transfer
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.dialogue import Ask, Done, Go, Heard, Note, Step, Wordless
from bgcopyd.transfer.uploads.places import hidden_url

LOOK, SEND, NAME, REPLACE, DROP = "LOOK", "SEND", "NAME", "REPLACE", "DROP"
_ATTEMPTS = 3


def dropping(session: str) -> Ask:
    """What deletes the file that is not whole."""
    return Ask(DROP, session, text=b"")


class Filing(Wordless):
    """One file, from its first byte or from where it was left."""

    def __init__(self, transfer: Transfer) -> None:
        assert transfer.upload is not None
        assert transfer.upload.source is not None
        self._url = transfer.url
        self._hidden = hidden_url(transfer.url, transfer.job_id, transfer.index)
        self._upload: Upload = transfer.upload
        self._size = transfer.upload.source.size
        self._next = LOOK
        self._start = 0
        self._sent = 0

    def ask(self) -> Ask:
        """Looks, sends what is missing, or gives the name."""
        if self._next == SEND:
            return Ask(SEND, self._hidden, start=self._start)
        if self._next == LOOK:
            return Ask(LOOK, self._hidden)
        return Ask(self._next, self._hidden, (self._url.encode(),), text=b"")

    def answered(self, heard: Heard) -> Step | None:
        """What an answer means; 404 is no such file, 409 a name that is not given."""
        if self._next == LOOK:
            return self._looked(heard)
        if self._next == SEND:
            self._next = LOOK
            return Go()
        if heard.answer.status < 400:
            return Done()
        if self._next == NAME:
            # What has the name already may stand in the way.
            self._next = REPLACE
            return Go()
        return upload_failures.not_named(heard.host)

    def _looked(self, heard: Heard) -> Step | None:
        there = _size_of(heard)
        if not self._upload.session:
            return self._begin()
        # Some do not tell sizes; that one has taken everything was its last word then.
        silent = there is None and heard.answer.status == 200
        if (self._sent and silent) or (there == self._size and (self._sent or self._size)):
            self._next = NAME
            return Go(self._size)
        self._sent += 1
        if self._sent > _ATTEMPTS:
            return upload_failures.invalid_answer("another size than was sent", heard.host)
        self._start = there if there is not None and there < self._size else 0
        self._next = SEND
        return Go(self._start)

    def _begin(self) -> Step:
        """Nothing is there that could be ours; where it is going to be is written down first."""
        self._next, self._sent = SEND, 1
        self._upload = dataclasses.replace(
            self._upload, session=self._hidden, protocol=UploadProtocol.FILING
        )
        return Note(self._upload)


def _size_of(heard: Heard) -> int | None:
    text = heard.answer.value("content-length")
    return int(text) if heard.answer.status == 200 and text else None
