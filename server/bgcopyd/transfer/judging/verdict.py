"""Whether the bytes that follow an answer's headers may be written, and where. Pure.

libcurl reports success for answers that would make a wrong file (a 200 in answer to a range, a 206
from another offset, a multipart body), so each answer is judged here before a byte is written.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.transfer.judging import headers
from bgcopyd.transfer.judging.headers import Answer, ContentRange

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})


class Rung(enum.IntEnum):
    """How a request makes sure that its answer continues the file on disk.

    WHOLE and OPENING continue nothing: all of the file, or a part with which it begins.
    """

    WHOLE = 0
    IF_RANGE = 1
    PLAIN = 2
    OVERLAP = 3
    OPENING = 4


class Match(enum.Enum):
    """What two sets of validators say: the same bytes, others, nothing, or one ETag per node."""

    SAME = enum.auto()
    DIFFERENT = enum.auto()
    UNKNOWN = enum.auto()
    TWIN = enum.auto()


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, in offsets of the remote file: `have` is the next byte that is wanted.

    The first byte asked for is `offset`, which is earlier where bytes are to be compared; those
    from `floor` on are on disk. `end` None is as far as the file goes. A `part` is never the whole
    file, and the whole file would do instead where it `streams`. `held` says that something is on
    disk, `foreign` that it came from another source, `vouched` that it was compared with this one
    before.
    """

    rung: Rung
    have: int
    offset: int
    size: int | None
    validators: Validators
    floor: int = 0
    end: int | None = None
    part: bool = False
    streams: bool = True
    held: bool = False
    foreign: bool = False
    vouched: bool = False

    def end_of(self, found: ContentRange) -> int:
        """Where what is of use of an answer's range ends."""
        return found.last + 1 if self.end is None else min(found.last + 1, self.end)

    def fields(self) -> list[bytes]:
        """The request's header fields."""
        fields = [b"Accept-Encoding: identity"]
        if self.rung is not Rung.WHOLE:
            last = b"" if self.end is None else b"%d" % (self.end - 1)
            fields.append(b"Range: bytes=%d-%b" % (self.offset, last))
        if self.rung is Rung.IF_RANGE:
            known = self.validators
            value = known.etag if strong_etag(known) else known.last_modified
            fields.append(b"If-Range: " + value.encode("latin-1"))
        return fields


@dataclass(frozen=True, slots=True)
class Accept:
    """Write the body from `start`; it ends before `end` (None: where the answer ends).

    Bytes below the ask's `have` are compared with the disk. `fresh` says that all there is on disk
    is dropped first, `changed` that the remote file is another than before, `stream` that all of it
    comes where parts were asked for.
    """

    start: int
    end: int | None
    size: int | None
    validators: Validators
    proof: Verification
    fresh: bool = False
    changed: bool = False
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Descend:
    """Ask again on this rung; a 416 may have told the `size`."""

    rung: Rung
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """The remote file is another one: ask for all of it."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The answer contradicts itself or the request: once more, then the whole file."""

    problem: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The answer cannot be the file; what is on disk is kept."""

    problem: str
    page: bool = False


@dataclass(frozen=True, slots=True)
class Outside:
    """What was asked for does not lie in the file."""


@dataclass(frozen=True, slots=True)
class Rangeless:
    """The whole file comes where only parts are of use."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """The file is elsewhere."""

    location: str


@dataclass(frozen=True, slots=True)
class Status:
    """A status that is an error."""

    status: int


@dataclass(frozen=True, slots=True)
class Unexpected:
    """A status below 400 that means nothing here."""

    status: int


Verdict = (
    Accept
    | Descend
    | Restart
    | Reject
    | Refuse
    | Outside
    | Rangeless
    | Redirect
    | Status
    | Unexpected
)


def strong_etag(known: Validators) -> bool:
    """Whether there is an ETag that proves equal bytes."""
    return bool(known.etag) and not known.etag.startswith("W/")


def weakened(known: Validators) -> Validators:
    """The same validators, fit to see a change but not to vouch for the bytes.

    A file that was joined by an overlap keeps these, so that a later attempt does not take the
    whole of it for validated.
    """
    etag = f"W/{known.etag}" if strong_etag(known) else known.etag
    return Validators(etag=etag, last_modified=known.last_modified)


def compare(known: Validators, size: int | None, new: Validators, total: int | None) -> Match:
    """Compares what was known of the file with what an answer says of it."""
    equal_dates = known.last_modified == new.last_modified
    strong_dates = known.last_modified_strong and new.last_modified_strong
    if known.etag and new.etag:
        if known.etag.removeprefix("W/") == new.etag.removeprefix("W/"):
            both = strong_etag(known) and strong_etag(new)
            return Match.SAME if both else Match.UNKNOWN
        twin = strong_dates and equal_dates and size is not None and size == total
        return Match.TWIN if twin else Match.DIFFERENT
    if strong_dates:
        return Match.SAME if equal_dates else Match.DIFFERENT
    return Match.UNKNOWN


def judge(ask: Ask, answer: Answer, *, page_expected: bool = False, empty: bool = False) -> Verdict:
    """Judges an answer.

    Args:
        ask: what was asked for.
        answer: what the headers say.
        page_expected: the URL asks for a web page.
        empty: the answer has ended without a body.
    """
    if answer.status == 200:
        return _whole(ask, answer, page_expected=page_expected, empty=empty)
    if answer.status == 206:
        found = _range_of(answer)
        if isinstance(found, Reject):
            return found
        return _JUDGES.get(ask.rung, _part)(ask, found, headers.validators(answer))
    if answer.status == 416 and ask.rung is not Rung.WHOLE:
        return _unsatisfiable(ask, answer)
    if answer.status in REDIRECTS and answer.value("location"):
        return Redirect(answer.value("location"))
    return Status(answer.status) if answer.status >= 400 else Unexpected(answer.status)


# Where If-Range brought the whole of a file that is the same all the same.
_AFTER_WHOLE = {Match.SAME: Rung.PLAIN, Match.TWIN: Rung.OVERLAP}


def _whole(ask: Ask, answer: Answer, *, page_expected: bool, empty: bool) -> Verdict:
    try:
        length = headers.framed_length(answer)
    except ValueError:
        return _CONTRADICTION
    if (length == 0 or (length is None and empty)) and (ask.size or ask.held):
        return Refuse("an empty answer for a file that is not empty")
    new = headers.validators(answer)
    match = compare(ask.validators, ask.size, new, length)
    differs = match is Match.DIFFERENT or (
        ask.size is not None and length is not None and length != ask.size
    )
    if ask.held and differs and not page_expected and _is_page(answer, new):
        return Refuse("a web page instead of the file", page=True)
    if ask.rung is Rung.IF_RANGE and not differs and match in _AFTER_WHOLE:
        return Descend(_AFTER_WHOLE[match])
    # If-Range answered with everything means that the validator no longer holds.
    changed = ask.held and (differs or ask.rung is Rung.IF_RANGE)
    if not ask.streams:
        return Restart() if changed else Rangeless()
    proof = Verification.VALIDATOR
    return Accept(0, length, length, new, proof, fresh=True, changed=changed, stream=ask.part)


def rangeless(ask: Ask) -> Verdict:
    """Where a server has said that it sends its files only whole."""
    return Descend(Rung.WHOLE) if ask.streams else Rangeless()


def _is_page(answer: Answer, new: Validators) -> bool:
    return headers.media_type(answer) in PAGE_TYPES and not new.etag


_CONTRADICTION = Reject("a Content-Length that contradicts itself")


def _range_of(answer: Answer) -> ContentRange | Reject:  # noqa: PLR0911 - a line per way to be wrong
    """The single range that a 206 brings, where its headers agree on one."""
    if headers.media_type(answer) == "multipart/byteranges":
        return Reject("several ranges in one answer")
    if headers.encoded(answer):
        return Reject("a range of an encoded body")
    found = headers.content_range(answer)
    if found is None:
        return Reject("no readable Content-Range")
    if found.last < found.first or (found.total is not None and found.last >= found.total):
        return Reject("a Content-Range that cannot be")
    try:
        length = headers.framed_length(answer)
    except ValueError:
        return _CONTRADICTION
    if length is not None and length != found.last - found.first + 1:
        return Reject("a Content-Length that is not the range's")
    return found


def _part_of_whole(ask: Ask, found: ContentRange, new: Validators) -> Verdict:
    if found.first != 0 or found.total is None or found.last != found.total - 1:
        return Reject("a part of the file where all of it was asked for")
    proof = Verification.VALIDATOR
    return Accept(0, found.total, found.total, new, proof, fresh=True, stream=ask.part)


def _opening(ask: Ask, found: ContentRange, new: Validators) -> Verdict:
    """The first part of a file of which nothing is kept: only what was asked for counts."""
    if found.first != ask.offset:
        return Reject("another range than was asked for")
    if found.total is None and ask.end is None:
        return Reject("no total size")
    end, proof = ask.end_of(found), Verification.VALIDATOR
    return Accept(found.first, end, found.total, new, proof, fresh=True)


def _part(ask: Ask, found: ContentRange, new: Validators) -> Verdict:  # noqa: PLR0911 - the rule
    match = compare(ask.validators, ask.size, new, found.total)
    if match is Match.DIFFERENT and not (ask.foreign and ask.size and ask.size == found.total):
        return Restart()
    if found.total is not None and (found.total < ask.have or ask.size not in {None, found.total}):
        return Reject("another size of the same version") if match is Match.SAME else Restart()
    if found.total is None and match is not Match.SAME:
        return Reject("no total size and no validator that would make up for it")
    earlier = found.first < ask.offset
    if found.first > ask.offset or found.first < ask.floor or (earlier and match is not Match.SAME):
        return Reject("another range than was asked for")
    end = ask.end_of(found)
    if end <= ask.have and end not in {found.total, ask.end, ask.size}:
        return Reject("a range without a new byte")
    if match is not Match.SAME and ask.rung is not Rung.OVERLAP and not ask.vouched:
        return Descend(Rung.OVERLAP)
    size = found.total if found.total is not None else ask.size
    if match is Match.SAME:
        return Accept(found.first, end, size, new, Verification.VALIDATOR)
    kept = new if new != Validators() else ask.validators
    return Accept(found.first, end, size, weakened(kept), Verification.OVERLAP)


_JUDGES = {Rung.WHOLE: _part_of_whole, Rung.OPENING: _opening}


def _unsatisfiable(ask: Ask, answer: Answer) -> Verdict:
    total = headers.unsatisfied_total(answer)
    if ask.part:
        return _outside(ask, total)
    if total is not None and total < ask.have:
        return Restart()
    if ask.rung is not Rung.OVERLAP and total in {None, ask.have}:
        return Descend(Rung.OVERLAP, total)
    return Descend(Rung.WHOLE)


def _outside(ask: Ask, total: int | None) -> Verdict:
    # Perhaps what is here goes to the end of the file already.
    may_be_all = ask.end is None and ask.floor < ask.have and total in {None, ask.have}
    if may_be_all and ask.rung is not Rung.OVERLAP:
        return Descend(Rung.OVERLAP, total)
    if total is not None:
        if ask.held and ask.size not in {None, total}:
            return Restart()
        if ask.offset < total and (ask.end is None or ask.end <= total):
            return Reject("a refusal of a range that lies in the file")
    return Outside()
