"""What `get` and `add` are asked to fetch: URLs and the files they become."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from bgcopy import Digest, FileSpec
from bgcopy.cli import metalink
from bgcopy.cli.lists import Entry

FILE_SYSTEM_ROOT = "fs"

# One request holds at most 4 MiB; this leaves room for everything but the files.
_BATCH_BYTES = 3 << 20
_BYTES_BESIDE = 128


@dataclass(frozen=True)
class Destination:
    """Where the user wants files: -o, -d and --root."""

    output: str | None
    directory: str | None
    root: str | None

    def of(self, entry: Entry, digests: Sequence[Digest]) -> FileSpec:
        """The file that an entry of a list becomes; it must have these digests too."""
        spec = self.spec(entry.url, self.output or entry.path or None)
        both = tuple(dict.fromkeys((*entry.digests, *digests)))
        return dataclasses.replace(spec, mirrors=entry.mirrors, digests=both, size=entry.size)

    def spec(self, url: str, name: str | None) -> FileSpec:
        """The file that a URL becomes.

        Without --root the daemon gets the real path of the directory under the root `fs`, which is
        the user's own file system; with it a path relative to that root.
        """
        path = Path(self.directory or "") / (name or name_of(url))
        if self.root is not None:
            return FileSpec(_text(url), _text(str(path)), root=self.root)
        if (name or "").endswith("/") or path.is_dir():
            raise click.UsageError(f"{str(path)!r} is a directory; use -d to put the file into it")
        real = path.parent.resolve() / path.name
        return FileSpec(_text(url), _text(str(real)), root=FILE_SYSTEM_ROOT)


def _named(word: str) -> list[Entry]:
    """The files that a word of the command line names: a URL, or a Metalink file of several."""
    if "://" in word or not word.lower().endswith(metalink.ENDINGS):
        return [Entry(word)]
    return metalink.read(bytes_of(word, metalink.LARGEST + 1), word)


def name_of(url: str) -> str:
    """The last segment of the URL's path, as `curl -O` takes it; never a way out of a directory.

    Raises:
        click.UsageError: the URL has none that can be a file's name.
    """
    try:
        name = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        raise click.UsageError("the URL is malformed") from None
    if name in {"", ".", ".."} or not name.isprintable():
        raise click.UsageError("the URL ends without a file's name; give one with -o")
    return name


def collect(
    urls: Sequence[str],
    input_file: str | None,
    destination: Destination,
    digests: Sequence[Digest],
) -> list[FileSpec]:
    """All files of one command.

    Raises:
        click.UsageError: the options contradict one another, or two files would be one.
    """
    listed = list(_listed(input_file)) if input_file else []
    if not urls and not listed:
        raise click.UsageError("give a URL, or a list of them with -i")
    named = [entry for word in urls for entry in _named(word)]
    several = len(named) + len(listed) > 1
    if several and destination.output is not None:
        raise click.UsageError("-o names one file, but there are several URLs; use -d")
    if several and digests:
        raise click.UsageError("--checksum is of one file, but there are several URLs")
    specs = [destination.of(entry, digests) for entry in named]
    specs += [destination.spec(url, name) for url, name in listed]
    refuse_twins(specs)
    return specs


def batches(specs: Sequence[FileSpec]) -> Iterator[list[FileSpec]]:
    """The files in portions that fit into a request."""
    batch: list[FileSpec] = []
    room = _BATCH_BYTES
    for spec in specs:
        needed = sum(len(text.encode()) for text in (spec.url, spec.path, *spec.mirrors))
        needed += _BYTES_BESIDE * (1 + len(spec.digests))
        if batch and needed > room:
            yield batch
            batch, room = [], _BATCH_BYTES
        batch.append(spec)
        room -= needed
    yield batch


def _listed(input_file: str) -> Iterator[tuple[str, str | None]]:
    """URLs of a list, each with the file's name where the line has one."""
    for line in lines_of(input_file):
        text = line.strip()
        if text and not text.startswith("#"):
            url, *name = text.split(maxsplit=1)
            yield url, name[0] if name else None


def lines_of(input_file: str) -> Iterable[str]:
    """The lines of a list; `-` is stdin.

    Raises:
        click.UsageError: it cannot be read.
    """
    return text_of(bytes_of(input_file), input_file).splitlines()


def bytes_of(source: str, most: int = -1) -> bytes:
    """What a file holds, or the first bytes of it; `-` is stdin.

    Raises:
        click.UsageError: it cannot be read.
    """
    try:
        if source == "-":
            return sys.stdin.buffer.read()
        with Path(source).open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror or 'cannot be read'}") from None


def text_of(data: bytes, source: str) -> str:
    """A list as text.

    Raises:
        click.UsageError: it is none.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{source}: is no text in UTF-8") from None


def refuse_twins(specs: Sequence[FileSpec]) -> None:
    """Refuses files that would be written to one place.

    Raises:
        click.UsageError: two would be.
    """
    seen: set[str] = set()
    for spec in specs:
        if spec.path in seen:
            raise click.UsageError(
                f"two URLs would be written to {spec.path!r}; fetch them into other directories"
            )
        seen.add(spec.path)


def _text(value: str) -> str:
    """A value that can travel: the API's strings are UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"{os.fsencode(value)!r} is no text in UTF-8") from None
    return value
