"""What S3 stores answer in XML. It is not trusted: no declarations, bounded, plain values alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

# A page of 1,000 parts, with more in each than any store is known to tell.
LONGEST = 1 << 20
PARTS = 10_000
_DEPTH = 8
_ELEMENTS = 50_000
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
_ID = re.compile(r"[\x21-\x7e]{1,1024}")
_ETAG = re.compile(r'"?([\x21\x23-\x7e]{1,128})"?')
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)


class Unreadable(Exception):
    """An answer that is none of those that S3 has."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that a store has; its ETag is without quotes."""

    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the parts by number; behind `following` there are more, None for no more."""

    parts: dict[int, Part]
    following: int | None


def etag_of(text: str) -> str:
    """An ETag without its quotes.

    Raises:
        Unreadable: it is none.
    """
    return _one(_ETAG, text, 1)


def error_code(text: bytes) -> str:
    """The code of an error; an empty string where there is none."""
    try:
        return _one(_CODE, dict(_elements(text)).get("Error/Code", ""))
    except Unreadable:
        return ""


def upload_id(text: bytes) -> str:
    """What a store calls an upload that it has begun.

    Raises:
        Unreadable: it does not say.
    """
    return _one(_ID, dict(_elements(text)).get("InitiateMultipartUploadResult/UploadId", ""))


def is_completed(text: bytes) -> bool:
    """Whether an object has come of its parts.

    Raises:
        Unreadable: nobody can tell.
    """
    return any(name.startswith("CompleteMultipartUploadResult") for name, _ in _elements(text))


def parts_of(text: bytes, behind: int) -> Page:
    """The parts that a store tells of, behind a number.

    Raises:
        Unreadable: they cannot be as it says.
    """
    parts: dict[int, Part] = {}
    part: dict[str, str] = {}
    following, more, ended = 0, False, ""
    for path, value in _elements(text):
        root, _, name = path.partition("/")
        ended = root
        match name:
            case "Part":
                number = _whole(part.get("PartNumber", ""))
                parts[number] = Part(etag_of(part.get("ETag", "")), _whole(part.get("Size", "")))
                part = {}
            case "NextPartNumberMarker":
                following = _whole(value or "0")
            case "IsTruncated":
                more = value == "true"
            case _ if name.startswith("Part/"):
                part[name.removeprefix("Part/")] = value
    # Its last word differs between stores.
    if not ended.startswith("ListParts"):
        raise Unreadable("no list of parts")
    if more and not behind < following <= PARTS:
        raise Unreadable("a list without an end")
    return Page(parts, following if more else None)


def _one(pattern: re.Pattern[str], text: str, group: int = 0) -> str:
    match = pattern.fullmatch(text)
    if match is None:
        raise Unreadable("no such value")
    return match[group]


def _whole(text: str) -> int:
    return int(_one(_NUMBER, text))


def _elements(text: bytes) -> list[tuple[str, str]]:
    """The elements in the order of their ends: path without name spaces, and text."""
    found: list[tuple[str, str]] = []
    path: list[str] = []
    pieces: list[str] = []

    def begin(name: str, _: object) -> None:
        path.append(name.rpartition(":")[2])
        pieces.clear()
        if len(path) > _DEPTH or len(found) > _ELEMENTS:
            raise Unreadable("too much of it")

    def end(_: str) -> None:
        found.append(("/".join(path), "".join(pieces).strip()))
        path.pop()
        pieces.clear()

    def declared(*_: object) -> None:
        raise Unreadable("a document type declaration")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = pieces.append
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError, ValueError):
        raise Unreadable("no XML") from None
    return found
