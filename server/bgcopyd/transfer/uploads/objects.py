"""Uploads to an S3 store: one PUT, or an upload in parts that is put together at the end.

Each part goes with its MD5, so that the store itself sees whether it has arrived as it was. What
the store lists counts for more than what was written down here: a part is not sent again where both
agree on it, or where its ETag is the MD5 of what would be sent.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from collections.abc import Callable
from urllib.parse import quote
from xml.sax.saxutils import escape

from bgcopyd.jobs.upload import Upload, object_field
from bgcopyd.queue.transfers import Transfer
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads import s3_answers
from bgcopyd.transfer.uploads.dialogue import Ask, Dialogue, Done, Go, Heard, Note, Step, Weigh
from bgcopyd.transfer.uploads.s3_answers import PARTS, Part, Unreadable

LARGEST_PART = 5 << 30
_UNIT = 1 << 20
_ATTEMPTS = 3
_SHORT = 64 << 10
_MD5 = re.compile(r"[0-9a-f]{32}")
_GONE = "NoSuchUpload"
_PARTS_DIFFER = frozenset({"InvalidPart", "InvalidPartOrder"})
_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def part_bytes(size: int, least: int) -> int:
    """How large the parts of a file are, so that there are not too many of them."""
    needed = -(-size // PARTS)
    return max(least, -(-needed // _UNIT) * _UNIT) if needed > least else least


def store_dialogue(transfer: Transfer, least: int) -> Dialogue:
    """The dialogue of an upload to a store; what is no larger than a part goes in one piece."""
    assert transfer.upload is not None
    assert transfer.upload.source is not None
    fields = tuple(
        f"{header.name}: {header.value}".encode("latin-1")
        for header in transfer.options.http.headers
        if object_field(header.name)
    )
    size = transfer.upload.source.size
    if size <= least:
        return OnePut(transfer.url, size, fields)
    return Multipart(transfer.url, transfer.upload, fields, part_bytes(size, least))


def aborting(url: str, session: str) -> Ask:
    """What drops the parts that a store has of an upload."""
    return Ask("DELETE", f"{url}?uploadId={quote(session, safe='')}", text=b"", hears=_SHORT)


class OnePut:
    """PutObject: a request that the store takes as a whole or not at all."""

    def __init__(self, url: str, size: int, fields: tuple[bytes, ...]) -> None:
        self._url = url
        self._size = size
        self._fields = fields
        self._digest: bytes | None = None

    def ask(self) -> Ask | Weigh:
        """The one request, once its digest is known."""
        if self._digest is None:
            return Weigh(0, self._size)
        fields = (_md5_field(self._digest), *self._fields)
        return Ask("PUT", self._url, fields, start=0, hears=_SHORT)

    def weighed(self, digest: bytes) -> None:
        """Takes it down."""
        self._digest = digest

    def broken(self, failure: Failure) -> Step:
        """The next attempt sends it again."""
        return failure

    def answered(self, heard: Heard) -> Step | None:
        """Done where the status says so and everything was sent."""
        if heard.answer.status != 200:
            return _refused(heard)
        whole = heard.reached == self._size
        return Done() if whole else upload_failures.answered_early(heard.host)


class Multipart:
    """One upload in parts, from its creation or from where it was left."""

    def __init__(self, url: str, upload: Upload, fields: tuple[bytes, ...], part: int) -> None:
        assert upload.source is not None
        self._url = url
        self._upload = upload
        self._fields = fields
        self._size = upload.source.size
        self._part = part
        self._count = -(-self._size // part)
        self._digest: bytes | None = None
        self._listed: dict[int, Part] = {}
        self._wasted = 0
        # Behind which part the list is asked for; None where it is known.
        self._behind = 0 if upload.session else None
        self._vanished = False
        self._meaning: Callable[[Heard], Step | None] = self._created

    # Requests.

    def ask(self) -> Ask | Weigh:
        """Begins, asks what is there, sends the next part, or has the parts put together."""
        if not self._upload.session:
            return self._request(self._created, "POST", "uploads=", self._fields)
        if self._vanished:
            self._meaning = self._looked
            return Ask("HEAD", self._url)
        if self._behind is not None:
            pages = f"max-parts=1000&part-number-marker={self._behind}"
            return self._request(self._told, "GET", f"{pages}&{self._session}", ())
        if len(self._upload.parts) == self._count:
            return self._request(self._put_together, "POST", self._session, (), self._list)
        return self._next_part()

    def _request(
        self,
        meaning: Callable[[Heard], Step | None],
        method: str,
        query: str,
        fields: tuple[bytes, ...],
        text: bytes = b"",
    ) -> Ask:
        self._meaning = meaning
        hears = s3_answers.LONGEST
        return Ask(method, f"{self._url}?{query}", fields, text=text, hears=hears)

    def _next_part(self) -> Ask | Weigh:
        number = len(self._upload.parts) + 1
        part = self._range(number)
        if self._digest is None:
            return Weigh(part.start, part.stop)
        self._meaning = self._took
        url = f"{self._url}?partNumber={number}&{self._session}"
        fields = (_md5_field(self._digest),)
        return Ask("PUT", url, fields, start=part.start, end=part.stop, hears=_SHORT)

    def _range(self, number: int) -> range:
        start = (number - 1) * self._part
        return range(start, min(start + self._part, self._size))

    @property
    def _session(self) -> str:
        return f"uploadId={quote(self._upload.session, safe='')}"

    @property
    def _list(self) -> bytes:
        """The parts that the object is made of."""
        parts = (
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{escape(etag)}"</ETag></Part>'
            for number, etag in enumerate(self._upload.parts, 1)
        )
        name = "CompleteMultipartUpload"
        return f'<{name} xmlns="{_SPACE}">{"".join(parts)}</{name}>'.encode()

    def weighed(self, digest: bytes) -> None:
        """The next part has this digest; the store may have it already."""
        number = len(self._upload.parts) + 1
        there = self._listed.get(number)
        if there == Part(digest.hex(), len(self._range(number))):
            self._add(digest.hex())
        else:
            self._digest = digest

    def _add(self, etag: str) -> None:
        self._digest = None
        self._upload = dataclasses.replace(self._upload, parts=(*self._upload.parts, etag))

    @property
    def _known(self) -> int:
        return min(len(self._upload.parts) * self._part, self._size)

    # Answers.

    def broken(self, failure: Failure) -> Step:
        """The next attempt asks what is there."""
        return failure

    def answered(self, heard: Heard) -> Step | None:
        """What an answer means."""
        try:
            return self._meaning(heard)
        except Unreadable as problem:
            return upload_failures.invalid_answer(str(problem), heard.host)

    def _created(self, heard: Heard) -> Step | None:
        if heard.answer.status != 200:
            return _refused(heard)
        session = s3_answers.upload_id(heard.text)
        self._upload = dataclasses.replace(self._upload, session=session, parts=())
        self._listed.clear()
        return Note(self._upload)

    def _told(self, heard: Heard) -> Step | None:
        if heard.answer.status != 200:
            return self._gone(heard) if _is_gone(heard) else _refused(heard)
        page = s3_answers.parts_of(heard.text, self._behind or 0)
        self._listed.update(page.parts)
        self._behind = page.following
        if page.following is None:
            self._keep()
        return Go(self._known)

    def _keep(self) -> None:
        """Keeps of what was written down what the store has as well."""
        kept: list[str] = []
        for number, etag in enumerate(self._upload.parts[: self._count], 1):
            if self._listed.get(number) != Part(etag, len(self._range(number))):
                break
            kept.append(etag)
        self._upload = dataclasses.replace(self._upload, parts=tuple(kept))

    def _took(self, heard: Heard) -> Step | None:
        if heard.answer.status != 200:
            return self._gone(heard) if _is_gone(heard) else _refused(heard)
        if heard.reached != self._range(len(self._upload.parts) + 1).stop:
            return upload_failures.answered_early(heard.host)
        self._add(s3_answers.etag_of(heard.answer.value("etag")))
        return Note(self._upload, self._known)

    def _put_together(self, heard: Heard) -> Step | None:
        if heard.answer.status == 200 and s3_answers.is_completed(heard.text):
            return Done()
        if _is_gone(heard):
            return self._gone(heard)
        if s3_answers.error_code(heard.text) in _PARTS_DIFFER and not self._waste():
            self._listed.clear()
            self._behind = 0
            return Go()
        return _refused(heard)

    def _gone(self, heard: Heard) -> Step:
        """The store has forgotten the upload, perhaps since the object is there."""
        if len(self._upload.parts) == self._count and not self._vanished:
            self._vanished = True
            return Go()
        return self._anew(heard)

    def _looked(self, heard: Heard) -> Step | None:
        answer = heard.answer
        if answer.status >= 400 and answer.status not in {403, 404}:
            return None
        same = answer.value("content-length") == str(self._size)
        if answer.status == 200 and same and answer.value("etag").strip('"') == self._whole_etag:
            return Done()
        return self._anew(heard)

    @property
    def _whole_etag(self) -> str | None:
        """What stores that have MD5s for ETags make of those of the parts."""
        if not all(_MD5.fullmatch(etag) for etag in self._upload.parts):
            return None
        joined = b"".join(bytes.fromhex(etag) for etag in self._upload.parts)
        digest = hashlib.md5(joined, usedforsecurity=False).hexdigest()
        return f"{digest}-{self._count}"

    def _anew(self, heard: Heard) -> Step:
        if self._waste():
            return upload_failures.invalid_answer("that it does not know the upload", heard.host)
        self._upload = dataclasses.replace(self._upload, session="", parts=())
        self._behind = self._digest = None
        self._vanished = False
        return Note(self._upload, known=0)

    def _waste(self) -> bool:
        """Counts what led to nothing; whether it was too much of it for one attempt."""
        self._wasted += 1
        return self._wasted > _ATTEMPTS


def _is_gone(heard: Heard) -> bool:
    return s3_answers.error_code(heard.text) == _GONE


def _refused(heard: Heard) -> Failure:
    """The failure that an answer means which is not what was asked for."""
    code = s3_answers.error_code(heard.text)
    return upload_failures.of_store(heard.answer.status, code, heard.host, heard.pause)


def _md5_field(digest: bytes) -> bytes:
    return b"Content-MD5: " + base64.b64encode(digest)
