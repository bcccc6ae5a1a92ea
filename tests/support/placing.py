"""Partial files that wait for their names, for tests of what happens at a job's end."""

from __future__ import annotations

from pathlib import Path

from bgcopyd.queue.transfers import Placed, Placement
from bgcopyd.transfer.disk.files import LocalFiles


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
