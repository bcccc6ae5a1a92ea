"""What `get` and `add` are asked to fetch: URLs and the files they become."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from bgcopy import Digest, FileSpec

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

    def spec(self, url: str, name: str | None, digests: Sequence[Digest] = ()) -> FileSpec:
        """The file that a URL becomes.

        Without --root the daemon gets the real path of the directory under the root `fs`, which is
        the user's own file system; with it a path relative to that root.
        """
        path = Path(self.directory or "") / (name or name_of(url))
        if self.root is not None:
            return FileSpec(_text(url), _text(str(path)), None, self.root, digests=digests)
        if (name or "").endswith("/") or path.is_dir():
            raise click.UsageError(f"{str(path)!r} is a directory; use -d to put the file into it")
        real = path.parent.resolve() / path.name
        return FileSpec(_text(url), _text(str(real)), None, FILE_SYSTEM_ROOT, digests=digests)


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
    several = len(urls) + len(listed) > 1
    if several and destination.output is not None:
        raise click.UsageError("-o names one file, but there are several URLs; use -d")
    if several and digests:
        raise click.UsageError("--checksum is of one file, but there are several URLs")
    specs = [destination.spec(url, destination.output, digests) for url in urls]
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
    if input_file == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(input_file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise click.UsageError(f"{input_file}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{input_file}: is no text in UTF-8") from None


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
