"""Reading what is on disk of a file while it is fetched, and after."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Validators
from bgcopyd.queue.transfers import FileGone
from bgcopyd.transfer.disk.partial import PartialFile
from bgcopyd.transfer.disk.reading import LocalReader
from bgcopyd.transfer.judging.spans import Spans
from tests.support.placing import unbounded

A = random.Random(1).randbytes(1_000_000)
PIECE = 64 << 10


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data" / "dir").mkdir(parents=True)
    return tmp_path / "data"


@pytest.fixture
async def reader(root: Path) -> AsyncIterator[LocalReader]:
    one = LocalReader({"data": root})
    yield one
    one.close()


def reading(reader: LocalReader, **fields: Any) -> Any:
    known = {"completed": False, "offset": 0, "length": len(A), **fields}
    path, partial_name = known.pop("path", "dir/file"), known.pop("partial_name", ".part")
    return reader.read(known.pop("root", "data"), path, partial_name, **known)


async def pieces(reader: LocalReader, **fields: Any) -> list[bytes]:
    return [piece async for piece in reading(reader, **fields)]


def no_descriptor_of(path: Path) -> bool:
    return not any(link.resolve() == path for link in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("completed", [False, True])
@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, len(A)), (0, 1), (7, PIECE), (300_000, 400_000), (len(A) - 1, 1), (5, 0)],
)
async def test_exactly_the_bytes_that_were_asked_for(
    root: Path, reader: LocalReader, offset: int, length: int, *, completed: bool
) -> None:
    (root / "dir" / ("file" if completed else ".part")).write_bytes(A)
    got = await pieces(reader, completed=completed, offset=offset, length=length)
    assert b"".join(got) == A[offset : offset + length]
    assert all(0 < len(piece) <= PIECE for piece in got)


@pytest.mark.parametrize("kind", ["absent", "link", "directory", "fifo", "linked directory"])
async def test_only_plain_files_are_read(
    root: Path, tmp_path: Path, reader: LocalReader, kind: str
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / ".part").write_bytes(A)
    place = root / "dir" / ".part"
    match kind:
        case "link":
            place.symlink_to(secret / ".part")
        case "directory":
            place.mkdir()
        case "fifo":
            os.mkfifo(place)
        case "linked directory":
            (root / "dir").rmdir()
            (root / "dir").symlink_to(secret)
    with pytest.raises((FileGone, OSError)):
        await pieces(reader)


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "../secret"},
        {"path": "/etc/passwd", "completed": True},
        {"partial_name": "../../secret"},
        {"root": "other"},
    ],
)
async def test_nothing_outside_of_a_root_is_read(
    root: Path, tmp_path: Path, reader: LocalReader, fields: dict[str, Any]
) -> None:
    (tmp_path / "secret").write_bytes(A)
    with pytest.raises(FileGone):
        await pieces(reader, **fields)


async def test_a_file_that_gets_its_name_meanwhile_is_read_to_its_end(
    root: Path, reader: LocalReader
) -> None:
    (root / "dir" / ".part").write_bytes(A)
    async with aclosing(reading(reader)) as stream:
        got = [await anext(stream)]
        (root / "dir" / ".part").rename(root / "dir" / "file")
        got += [piece async for piece in stream]
    assert b"".join(got) == A


async def test_another_file_of_the_name_is_noticed(root: Path, reader: LocalReader) -> None:
    (root / "dir" / "file").write_bytes(A)
    state = (root / "dir" / "file").stat()
    known = (state.st_dev, state.st_ino)
    assert len(await pieces(reader, completed=True, identity=known)) == len(A) // PIECE + 1
    with pytest.raises(FileGone, match="another file"):
        await pieces(reader, completed=True, identity=(known[0], known[1] + 1))


@pytest.mark.parametrize("change", ["shortened", "replaced", "deleted", "begun anew"])
async def test_a_change_in_the_middle_is_noticed(
    root: Path, reader: LocalReader, change: str
) -> None:
    place = root / "dir" / ".part"
    place.write_bytes(A)
    async with aclosing(reading(reader)) as stream:
        await anext(stream)
        match change:
            case "shortened":
                os.truncate(place, len(A) - 1)
            case "replaced":
                (root / "new").write_bytes(A)
                (root / "new").rename(place)
            case "deleted":
                place.unlink()
            case "begun anew":
                begin_anew(place)
        with pytest.raises(FileGone):
            [piece async for piece in stream]


def begin_anew(place: Path) -> None:
    """As a transfer does it that finds another version, and is quick."""
    held = os.open(place.parent, os.O_RDONLY)
    try:
        file = PartialFile.open(held, place.name, "file", unbounded())
    finally:
        os.close(held)
    file.begin_anew(claimed=True)
    file.write([A[::-1]], 0)
    file.note(Spans(((0, len(A)),)), Validators(etag='"b"'))
    file.close()


async def test_whoever_leaves_early_leaves_nothing_open(
    root: Path, reader: LocalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = threading.Event()
    place = root / "dir" / ".part"
    place.write_bytes(A)
    close = os.close

    def spy(descriptor: int) -> None:
        close(descriptor)
        if threading.current_thread().name.startswith("reading"):
            closed.set()

    async with aclosing(reading(reader)) as stream:
        await anext(stream)
        assert not no_descriptor_of(place)
        monkeypatch.setattr(os, "close", spy)
    assert closed.wait(10)
    assert no_descriptor_of(place)


async def test_the_disks_own_errors_come_through(
    root: Path, reader: LocalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    (root / "dir" / ".part").write_bytes(A)
    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(OSError, match="Input/output"):
        await pieces(reader)
