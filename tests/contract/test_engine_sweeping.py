"""Partial files that nobody wants any more go; nothing else does."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection
from pathlib import Path

import pytest

from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.queue.ledger import partial_name
from bgcopyd.queue.storage import Leftover
from bgcopyd.transfer.disk.files import LocalFiles

DEAD, LIVE = (str(uuid.UUID(int=number)) for number in (0xABC, 0xDEF))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data" / "a" / "b").mkdir(parents=True)
    return tmp_path / "data"


def name_of(job_id: str, index: int = 0) -> str:
    return partial_name(File(job_id, index, FileSpec("http://h/x", "data", "x", "/x")))


class Unwanted:
    """All but the partial files of the job that lives; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[frozenset[Leftover]] = []

    async def __call__(self, leftovers: frozenset[Leftover]) -> Collection[Leftover]:
        self.asked.append(leftovers)
        return {one for one in leftovers if one[0] != LIVE}


async def swept(root: Path, *directories: str, unwanted: Unwanted | None = None) -> int:
    files = LocalFiles({"data": root})
    try:
        return await files.sweep([("data", name) for name in directories], unwanted or Unwanted())
    finally:
        files.close()


async def test_partial_files_of_dead_jobs_go(root: Path) -> None:
    for directory in (root, root / "a", root / "a" / "b"):
        for job_id in (DEAD, LIVE):
            (directory / name_of(job_id)).touch()
            (directory / name_of(job_id, 17)).touch()
    unwanted = Unwanted()
    assert await swept(root, "", "a", "a", "no/such", unwanted=unwanted) == 4
    assert unwanted.asked == [frozenset((job, index) for job in (DEAD, LIVE) for index in (0, 17))]
    left = sorted(path.name for path in root.rglob(".*") if path.parent.name != "b")
    assert left == sorted([name_of(LIVE), name_of(LIVE, 17)] * 2)
    assert (root / "a" / "b" / name_of(DEAD)).exists()


@pytest.mark.parametrize(
    "name",
    [
        f".bgcopy-{DEAD}",
        f".bgcopy-{DEAD}-",
        f".bgcopy-{DEAD}-x",
        f".bgcopy-{DEAD}-0.bak",
        f".bgcopy-{DEAD.upper()}-0",
        f"bgcopy-{DEAD}-0",
        f"x.bgcopy-{DEAD}-0",
        ".bgcopy-notes-0",
        f".bgcopy-{DEAD}-0\n",
    ],
)
async def test_no_other_name_is_touched(root: Path, name: str) -> None:
    (root / name).write_bytes(b"mine")
    assert await swept(root, "") == 0
    assert (root / name).read_bytes() == b"mine"


async def test_only_plain_files_of_ours_go(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (root / name_of(DEAD, 0)).symlink_to(victim)
    (root / name_of(DEAD, 1)).mkdir()
    os.mkfifo(root / name_of(DEAD, 2))
    assert await swept(root, "") == 0
    (root / name_of(DEAD, 3)).touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert await swept(root, "") == 0
    assert victim.read_bytes() == b"mine"
    assert len(list(root.glob(".bgcopy*"))) == 4


@pytest.mark.parametrize("directory", ["../outside", "link", "a/../../outside", "/etc"])
async def test_no_directory_outside_of_the_root_is_swept(
    root: Path, tmp_path: Path, directory: str
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / name_of(DEAD)).touch()
    (root / "link").symlink_to(tmp_path / "outside")
    assert await swept(root, directory) == 0
    assert (tmp_path / "outside" / name_of(DEAD)).exists()


async def test_an_unknown_root_is_nothing_to_sweep(root: Path) -> None:
    files = LocalFiles({"data": root})
    try:
        assert await files.sweep([("other", "")], Unwanted()) == 0
    finally:
        files.close()


async def test_a_job_that_begins_meanwhile_is_safe(root: Path) -> None:
    (root / name_of(DEAD)).touch()

    class Begins(Unwanted):
        async def __call__(self, leftovers: frozenset[Leftover]) -> Collection[Leftover]:
            (root / name_of(str(uuid.uuid4()))).touch()
            return leftovers

    assert await swept(root, "", unwanted=Begins()) == 1
    assert len(list(root.glob(".bgcopy*"))) == 1
