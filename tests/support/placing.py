"""Partial files that wait for their names, for tests of what happens at a job's end."""

from __future__ import annotations

import time
from pathlib import Path

from bgcopyd.queue.space import Space
from bgcopyd.queue.transfers import Placed, Placement
from bgcopyd.transfer.disk.files import LocalFiles
from bgcopyd.transfer.disk.room import Floor, Room


def unbounded() -> Room:
    """Room for as much as there is."""
    return Room(Space(), Floor(0, time.monotonic), ("", 0))


def partial(directory: Path, name: str, content: bytes, **fields: object) -> Placement:
    """A finished partial file in the root "data", and how it is to be placed."""
    path = directory / f".{name}.part"
    path.write_bytes(content)
    state = path.stat()
    known: dict[str, object] = {
        "index": 0,
        "root": "data",
        "path": name,
        "partial_name": path.name,
        "device": state.st_dev,
        "inode": state.st_ino,
    }
    return Placement(**{**known, **fields})  # type: ignore[arg-type]  # fields of any type


async def place(root: Path, *placements: Placement) -> list[Placed]:
    """Carries placements out."""
    files = LocalFiles({"data": root})
    try:
        return await files.place(placements)
    finally:
        files.close()
