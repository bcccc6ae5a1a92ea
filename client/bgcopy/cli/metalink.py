"""Metalink files: version 4 (RFC 5854) and its forerunner 3. What they say is not trusted.

Of each file its name, size, digests and http(s) URLs are taken, the best ones first. Names are
reduced to a safe one without directories. Documents with a document type, where entities are
declared, are refused, and so is what is large.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote, urlsplit
from xml.parsers import expat

import click

from bgcopy import Digest
from bgcopy.cli.lists import Entry
from bgcopy.cli.names import safe_name
from bgcopy.cli.options import DIGESTS

ENDINGS = (".meta4", ".metalink")
LARGEST = 8 << 20
_DEPTH = 32
_FILES = 10_000
_URLS = 17
_URL_CHARACTERS = 2200
_SPACES = {"urn:ietf:params:xml:ns:metalink": 4, "http://www.metalinker.org/": 3}
# What stands where, by version: the elements' names from the document's root on.
_FILE = {4: "metalink/file", 3: "metalink/files/file"}
_HASH = {4: "hash", 3: "verification/hash"}
_URL = {4: "url", 3: "resources/url"}
_LAST = 999_999
_SCHEMES = ("http", "https")


def read(data: bytes, source: str) -> list[Entry]:
    """The files of a Metalink document.

    Raises:
        click.UsageError: it is none, or says what cannot be; the message names the line.
    """
    if len(data) > LARGEST:
        raise click.UsageError(f"{source}: is larger than the {LARGEST >> 20} MiB of a Metalink")
    return _Reading(source).entries(data)


@dataclass
class _File:
    """A file of the document, as it comes together."""

    name: str
    line: int
    size: int | None = None
    digests: dict[str, Digest] = field(default_factory=dict)
    urls: list[tuple[int, str]] = field(default_factory=list)


class _Reading:
    """One pass through a document."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._version = 0
        self._path: list[str] = []
        self._attributes: Mapping[str, str] = {}
        self._text: list[str] = []
        self._files: list[_File] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def entries(self, data: bytes) -> list[Entry]:
        """What the document holds."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            problem = expat.errors.messages.get(error.code, "malformed")
            self._refuse(f"is no XML: {problem}", error.lineno)
        except (LookupError, ValueError):
            # An encoding that nobody knows, or that is none of text.
            self._refuse("is in no encoding that is known here")
        if not self._files:
            self._refuse("has no files")
        return [self._entry(one) for one in self._files]

    def _refuse(self, problem: str, line: int | None = None) -> NoReturn:
        number = self._parser.CurrentLineNumber if line is None else line
        raise click.UsageError(f"{self._source}: line {number}: {problem}")

    # What the parser calls.

    def _doctype(self, *_: object) -> None:
        self._refuse("has a document type declaration, which no Metalink needs")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        if not self._path:
            self._version = _SPACES.get(space, 0)
            if name != "metalink" or not self._version:
                self._refuse("is no Metalink document of version 3 or 4")
        if len(self._path) >= _DEPTH:
            self._refuse(f"has elements in more than {_DEPTH} others")
        # Elements of other name spaces are extensions, and nothing in them is meant here.
        known = _SPACES.get(space) == self._version
        self._path.append(name if known else "-")
        self._attributes, self._text = attributes, []
        if self._here == _FILE[self._version]:
            self._begin(attributes.get("name", ""))

    def _begin(self, name: str) -> None:
        if len(self._files) == _FILES:
            self._refuse(f"has more than {_FILES} files")
        safe = safe_name(name)
        if not safe:
            self._refuse(f"has a file with the name {name[:64]!r}, which is none")
        self._files.append(_File(safe, self._parser.CurrentLineNumber))

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _end(self, _: str) -> None:
        root = f"{_FILE[self._version]}/"
        if self._here.startswith(root):
            take = self._takers.get(self._here.removeprefix(root))
            if take is not None:
                take(self._files[-1], "".join(self._text).strip())
        self._path.pop()
        self._text = []

    # What is taken.

    @property
    def _here(self) -> str:
        return "/".join(self._path)

    @property
    def _takers(self) -> Mapping[str, Callable[[_File, str], None]]:
        return {
            "size": self._size,
            _HASH[self._version]: self._digest,
            _URL[self._version]: self._url,
        }

    def _size(self, file: _File, text: str) -> None:
        if not re.fullmatch(r"[0-9]{1,18}", text):
            self._refuse(f"has the size {text[:32]!r}, which is no number of bytes")
        if file.size not in {None, int(text)}:
            self._refuse(f"has two different sizes for {file.name!r}")
        file.size = int(text)

    def _digest(self, file: _File, text: str) -> None:
        kind = self._attributes.get("type", "").lower().replace("-", "")
        algorithm = DIGESTS.get(kind)
        if algorithm is None:
            return
        try:
            digest = Digest(algorithm, text)
        except ValueError as problem:
            self._refuse(f"has a wrong digest: {problem}")
        if file.digests.setdefault(kind, digest) != digest:
            self._refuse(f"has two different digests of {algorithm.name} for {file.name!r}")

    def _url(self, file: _File, text: str) -> None:
        url = quote(text, safe="!#$%&'()*+,/:;=?@[]~")
        if _usable(url):
            file.urls.append((self._rank(), url))

    def _rank(self) -> int:
        """The smaller the better: a priority, or a preference of a hundred in version 3."""
        name = "priority" if self._version == 4 else "preference"
        text = self._attributes.get(name, "")
        if not re.fullmatch(r"[0-9]{1,6}", text):
            return _LAST
        return int(text) if self._version == 4 else _LAST - int(text)

    def _entry(self, file: _File) -> Entry:
        ranked = sorted(file.urls, key=lambda one: one[0])
        urls = list(dict.fromkeys(url for _, url in ranked))[:_URLS]
        if not urls:
            self._refuse(f"has no http or https URL for {file.name!r}", file.line)
        digests = tuple(file.digests[kind] for kind in DIGESTS if kind in file.digests)
        return Entry(urls[0], file.name, "", digests, tuple(urls[1:]), size=file.size)


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    plain = parts.scheme in _SCHEMES and bool(host) and "@" not in parts.netloc
    return plain and len(url) <= _URL_CHARACTERS
