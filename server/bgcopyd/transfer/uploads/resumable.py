"""Uploads that resume: tus 1.0 and draft-ietf-httpbis-resumable-upload, which differ in words.

A POST creates the upload, a PATCH appends to it, and a HEAD tells how much of it is there wherever
that is not known: after an interruption, a lost answer, or a 409.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bgcopyd.jobs.http_options import HttpHeader
from bgcopyd.jobs.upload import Upload, UploadProtocol
from bgcopyd.transfer import failures
from bgcopyd.transfer.judging import redirects
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.redirects import RedirectRefused
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.dialogue import Ask, Done, Go, Heard, Note, Step, Wordless

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
# What an answer may say that has no more to do with this upload than the one before it.
_ATTEMPTS = 3
_SESSION_CHARACTERS = 8192
_GONE = frozenset({404, 410})
# Tus allows it as an answer to HEAD where there is no such upload.
_HIDDEN = _GONE | {403}
_CONFLICT = 409
_OTHER_VERSION = 412
# The draft's versions say what they speak by this number: -04 and -05 are 6.
INTEROP_VERSION = b"Upload-Draft-Interop-Version: 6"
TUS_VERSION = b"Tus-Resumable: 1.0.0"


@dataclass(frozen=True, slots=True)
class Words:
    """How a protocol says it: fields of every request, of a creation and of what appends."""

    name: str
    every: bytes
    create: tuple[bytes, ...]
    append: tuple[bytes, ...]
    says_complete: bool


def words_of(protocol: UploadProtocol, path: str, headers: Sequence[HttpHeader]) -> Words:
    """The words of a protocol for an upload of this file, with the job's own header fields."""
    if protocol is UploadProtocol.TUS:
        return Words(
            "tus 1.0",
            TUS_VERSION,
            _metadata(path, headers),
            (b"Content-Type: application/offset+octet-stream",),
            says_complete=False,
        )
    return Words(
        "the resumable upload draft",
        INTEROP_VERSION,
        (b"Upload-Complete: ?0",),
        (b"Content-Type: application/partial-upload", b"Upload-Complete: ?1"),
        says_complete=True,
    )


def _metadata(path: str, headers: Sequence[HttpHeader]) -> tuple[bytes, ...]:
    """The file's name and type, where the job does not say something of its own."""
    given = {header.name.lower(): header.value for header in headers if not header.secret}
    if any(header.name.lower() == "upload-metadata" for header in headers):
        return ()
    values = {"filename": path.rpartition("/")[2], "filetype": given.get("content-type", "")}
    pairs = [
        f"{key} {base64.b64encode(value.encode()).decode()}"
        for key, value in values.items()
        if value
    ]
    return (f"Upload-Metadata: {','.join(pairs)}".encode(),)


class Resumable(Wordless):
    """One upload in one of the protocols, from its creation or from where it was left."""

    def __init__(self, words: Words, upload: Upload, url: str, redirects_allowed: int) -> None:
        assert upload.source is not None
        self._words = words
        self._upload = upload
        self._url = url
        self._redirects = redirects_allowed
        self._size = upload.source.size
        self._offset: int | None = None
        self._asked = ""
        self._wasted = 0

    def ask(self) -> Ask:
        """Creates the upload, asks how much of it is there, or appends the rest."""
        words, session = self._words, self._upload.session
        if not session:
            self._asked = "POST"
            length = b"Upload-Length: %d" % self._size
            return Ask("POST", self._url, (words.every, length, *words.create), start=self._size)
        if self._offset is None:
            self._asked = "HEAD"
            return Ask("HEAD", session, (words.every,))
        self._asked = "PATCH"
        offset = b"Upload-Offset: %d" % self._offset
        return Ask("PATCH", session, (words.every, offset, *words.append), start=self._offset)

    def answered(self, heard: Heard) -> Step | None:
        """What an answer means."""
        answer, host, reached = heard.answer, heard.host, heard.reached
        if answer.status == _OTHER_VERSION:
            return upload_failures.protocol_mismatch(self._words.name, host)
        if self._asked == "POST":
            return self._created(answer, host)
        if answer.status in (_HIDDEN if self._asked == "HEAD" else _GONE):
            return self._gone()
        if self._asked == "HEAD":
            return self._told(answer, host)
        return self._appended(answer, host, reached)

    def _created(self, answer: Answer, host: str) -> Step | None:
        if answer.status >= 400:
            return None
        location = answer.value("location")
        if answer.status != 201 or not location:
            return upload_failures.protocol_mismatch(self._words.name, host)
        try:
            session = redirects.follow(self._url, location, set(), self._redirects)
        except RedirectRefused as refused:
            return failures.redirect_refused(str(refused), host)
        if len(session) > _SESSION_CHARACTERS:
            return upload_failures.invalid_answer("a place of an upload that is no URL", host)
        self._upload = dataclasses.replace(self._upload, session=session)
        # An empty file is there with its creation: that is asked for.
        self._offset = 0 if self._size else None
        return Note(self._upload)

    def _gone(self) -> Step | None:
        """The server has forgotten the upload: it begins anew, where that makes sense."""
        if self._waste():
            return None
        self._upload = dataclasses.replace(self._upload, session="")
        self._offset = None
        return Note(self._upload, known=0)

    def _told(self, answer: Answer, host: str) -> Step | None:
        if answer.status >= 400:
            return None
        offset = _number(answer, "upload-offset")
        length = _number(answer, "upload-length")
        if length not in {None, self._size}:
            return self._gone() or upload_failures.invalid_answer("another file's length", host)
        complete = answer.value("upload-complete") == "?1" if self._words.says_complete else None
        if offset is None or offset > self._size or (complete and offset != self._size):
            return upload_failures.invalid_answer("no offset that can be right", host)
        if offset == self._size and complete is not False:
            return Done()
        self._offset = offset
        return Go(offset)

    def _appended(self, answer: Answer, host: str, reached: int) -> Step | None:
        asked = self._offset or 0
        self._offset = None
        if answer.status == _CONFLICT:
            return None if self._waste() else Go()
        return None if answer.status >= 400 else self._took(answer, host, asked, reached)

    def _took(self, answer: Answer, host: str, asked: int, reached: int) -> Step:
        offset = _number(answer, "upload-offset")
        open_yet = self._words.says_complete and answer.value("upload-complete") == "?0"
        if not answer.value("upload-offset"):
            ended = self._words.says_complete and reached == self._size and not open_yet
            return Done() if ended else self._look_again(host)
        if offset is None or not asked <= offset <= reached:
            return upload_failures.invalid_answer("an offset that cannot be right", host)
        if offset == self._size and not open_yet:
            return Done()
        if offset == asked and self._waste():
            return upload_failures.answered_early(host)
        self._offset = offset
        return Go(offset)

    def _look_again(self, host: str) -> Step:
        """Asks how much is there, where an answer did not tell."""
        return upload_failures.answered_early(host) if self._waste() else Go()

    def _waste(self) -> bool:
        """Counts what led to nothing; whether it was too much of it for one attempt."""
        self._wasted += 1
        return self._wasted > _ATTEMPTS


def _number(answer: Answer, name: str) -> int | None:
    text = answer.value(name)
    return int(text) if _NUMBER.fullmatch(text) else None
