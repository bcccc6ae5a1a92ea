"""Somebody swaps directories and links below a root all the time: nothing lands outside of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bgcopyd.queue.transfers import Finished, Placement
from bgcopyd.transfer.disk.files import LocalFiles
from tests.support.fetching import fetching
from tests.support.http_hostile import HostileServer

pytest_plugins = ["tests.support.beneath"]
pytestmark = pytest.mark.usefixtures("way")

CONTENT = b"what was fetched"
ROUNDS, AT_ONCE = 12, 20
# As a program: exchanges pairs of names (renameat2 with RENAME_EXCHANGE) until it is killed.
SWAPPER = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
pairs = [tuple(map(os.fsencode, pair.split("="))) for pair in sys.argv[2:]]
held = os.open(sys.argv[1], os.O_RDONLY)
first = os.open(pairs[0][0], os.O_RDONLY, dir_fd=held)
print("ready", flush=True)
while True:
    libc.renameat2(held, pairs[0][0], held, pairs[0][1], 2)
    libc.renameat2(first, pairs[1][0], first, pairs[1][1], 2)
"""


@asynccontextmanager
async def swapping(root: Path) -> AsyncIterator[None]:
    """`dir` is a directory now and a link to outside then, and so is `sub` in it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SWAPPER, root, "dir=twin", "sub=other", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A place that looks like the directory, with a file that is somebody's."""
    made = tmp_path / "outside"
    for place in (made, made / "sub", made / "other"):
        place.mkdir()
        (place / "mine").write_bytes(b"mine")
    return made


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    made = tmp_path / "data"
    (made / "dir" / "sub").mkdir(parents=True)
    (made / "twin").symlink_to(outside)
    (made / "dir" / "other").symlink_to(outside)
    return made


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_nothing_lands_outside(root: Path, outside: Path) -> None:
    before = everything(outside)
    files = LocalFiles({"data": root})
    landed = 0
    with HostileServer(lambda _, wire: wire.answer(200, CONTENT)) as server:
        async with fetching(root) as fetcher, swapping(root):
            for start in range(0, ROUNDS * AT_ONCE, AT_ONCE):
                indexes = range(start, start + AT_ONCE)
                for index in indexes:
                    fetcher.start(
                        f"{server.url}/a", index=index, path=path_of(index), job_id=f"j{index}",
                        partial_name=f".part{index}",
                    )  # fmt: skip
                ends = [await fetcher.end(index) for index in indexes]
                done = await files.place([placed(end) for end in ends if isinstance(end, Finished)])
                landed += sum(not one.problem for one in done)
                fetcher.events.clear()
    files.close()
    assert everything(outside) == before
    assert not [path for path in outside.rglob("*") if path.name.startswith("new")]
    # What has its name, and could not be synced since the way there had changed, counts as failed.
    names = [name for _, _, names in os.walk(root) for name in names]
    assert sum(name.startswith("f") for name in names) >= landed


def placed(end: Finished) -> Placement:
    assert end.device is not None
    assert end.inode is not None
    name = f".part{end.index}"
    return Placement(end.index, "data", path_of(end.index), name, end.device, end.inode)


def path_of(index: int) -> str:
    return f"dir/sub/new{index}/f" if index % 3 == 0 else f"dir/sub/f{index}"
