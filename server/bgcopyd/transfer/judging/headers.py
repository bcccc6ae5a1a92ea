"""What a server's status line and header fields say (RFC 9110, RFC 9112). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from bgcopyd.jobs.file import Validators

_STATUS_LINE = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?: |\r|\n|$)")
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(r"bytes[ \t]+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE | re.ASCII)
_UNSATISFIED = re.compile(r"bytes[ \t]+\*/(\d{1,18}|\*)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_ETAG_CHARACTERS = 1024
_EMPTY = frozenset({b"\r\n", b"\n", b""})
LONGEST_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A final status and its header fields: names in lower case, values as ISO-8859-1.

    An answer of another protocol than HTTP has the status that HTTP would have given, no version,
    and fields that nobody sent.
    """

    status: int
    version: str
    fields: Mapping[str, tuple[str, ...]]
    protocol: str = "HTTP"

    @property
    def http_status(self) -> int | None:
        """The status, where it is HTTP's own."""
        return self.status if self.version else None

    def value(self, name: str) -> str:
        """The field's value, "" where it is absent; repeated fields are joined (RFC 9110 5.3)."""
        return ", ".join(self.fields.get(name, ()))


@dataclass(frozen=True, slots=True)
class ContentRange:
    """`bytes first-last/total`; both ends belong to it, `total` None is the asterisk."""

    first: int
    last: int
    total: int | None


def parse_answer(lines: Sequence[bytes]) -> Answer | None:
    """The last block of header lines, behind interim answers (1xx); None where there is none.

    What follows its empty line are trailers, which say nothing of the answer.
    """
    start = len(lines) - 1
    while start >= 0 and not lines[start].startswith(b"HTTP/"):
        start -= 1
    match = _STATUS_LINE.match(lines[start]) if start >= 0 else None
    if match is None:
        return None
    fields: dict[str, tuple[str, ...]] = {}
    for line in lines[start + 1 :]:
        if line in _EMPTY:
            break
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            key = name.strip().lower()
            text = value.strip(" \t\r\n")
            fields[key] = (*fields[key], text) if key in fields else (text,)
    return Answer(int(match[2]), match[1].decode(), fields)


def content_range(answer: Answer) -> ContentRange | None:
    """The answer's Content-Range, or None where it is absent, repeated or unreadable."""
    match = _RANGE.fullmatch(answer.value("content-range"))
    if match is None:
        return None
    total = None if match[3] == "*" else int(match[3])
    return ContentRange(int(match[1]), int(match[2]), total)


def unsatisfied_total(answer: Answer) -> int | None:
    """The size that a 416 tells in its Content-Range, if it does."""
    match = _UNSATISFIED.fullmatch(answer.value("content-range"))
    return None if match is None or match[1] == "*" else int(match[1])


def framed_length(answer: Answer) -> int | None:
    """The body's length that Content-Length promises; None without, or where chunks rule it.

    Raises:
        ValueError: the field contradicts itself or is no number.
    """
    if answer.value("transfer-encoding"):
        return None
    values = {part.strip() for part in answer.value("content-length").split(",") if part.strip()}
    if not values:
        return None
    if len(values) > 1 or not all(_NUMBER.fullmatch(value) for value in values):
        raise ValueError("Content-Length")
    return int(values.pop())


def delimited(answer: Answer) -> bool:
    """Whether a body without a length has an end that can be told from a broken connection."""
    return bool(answer.value("transfer-encoding")) or not answer.version.startswith("1")


def encoded(answer: Answer) -> bool:
    """Whether the body is compressed or otherwise encoded."""
    return answer.value("content-encoding").lower() not in {"", "identity"}


def media_type(answer: Answer) -> str:
    """The media type without parameters, in lower case."""
    return answer.value("content-type").partition(";")[0].strip().lower()


@lru_cache(maxsize=1024)
def http_date(text: str) -> datetime | None:
    """An HTTP date, aware, or None."""
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


def validators(answer: Answer) -> Validators:
    """The answer's validators. Last-Modified is strong as RFC 9110 section 8.8.2.2 says.

    One that lies in the future of the answer's Date is none at all.
    """
    etag = answer.value("etag")
    if len(etag) > _ETAG_CHARACTERS or not _ETAG.fullmatch(etag):
        etag = ""
    text = answer.value("last-modified")
    modified = http_date(text) if text and text.isascii() else None
    if modified is None:
        return Validators(etag=etag)
    date = http_date(answer.value("date"))
    if date is None:
        return Validators(etag=etag, last_modified=text)
    try:
        age = (date - modified).total_seconds()
    except OverflowError:
        return Validators(etag=etag)
    if age < 0:
        return Validators(etag=etag)
    return Validators(etag=etag, last_modified=text, last_modified_strong=age >= 1)


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that the server asks to wait (a number or a date), at most a day.

    A date is compared with the server's own clock; with ours, which says `now`, only where it does
    not tell.
    """
    text = answer.value("retry-after")
    if _NUMBER.fullmatch(text):
        return min(float(text), LONGEST_RETRY_AFTER)
    moment = http_date(text) if text else None
    if moment is None:
        return None
    sent = http_date(answer.value("date")) or now
    return min(max((moment - sent).total_seconds(), 0.0), LONGEST_RETRY_AFTER)
