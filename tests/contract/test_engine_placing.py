"""How files get their names where the names are taken, and that a crash changes nothing of it."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bgcopyd.jobs.options import OverwritePolicy
from bgcopyd.queue.transfers import Placed, Placement
from bgcopyd.transfer.disk import placing as subject
from bgcopyd.transfer.disk import syscalls
from tests.support.placing import partial, place

pytest_plugins = ["tests.support.beneath"]
pytestmark = pytest.mark.usefixtures("way")

NEW, OLD = b"new content", b"old content"
EARLY, LATE = datetime(2020, 1, 2, tzinfo=UTC), datetime(2021, 1, 2, tzinfo=UTC)
POLICIES = list(OverwritePolicy)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture(params=["renameat2", "link", "refused"])
def renaming(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With renameat2, without it, and on a file system that does not know its flag."""

    def refuse(*_: object) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1

    if request.param == "link":
        monkeypatch.setattr(syscalls, "_renameat2", None)
    if request.param == "refused":
        monkeypatch.setattr(syscalls, "_renameat2", refuse)
    return str(request.param)


def names(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
async def test_a_free_name_is_taken_under_every_policy(
    root: Path, policy: OverwritePolicy, renaming: str
) -> None:
    placement = partial(root, "file", NEW, overwrite=policy, modified=EARLY)
    for _ in range(3):
        assert await place(root, placement) == [Placed(0)]
        assert names(root) == {"file": NEW}
    assert (root / "file").stat().st_nlink == 1
    assert (root / "file").stat().st_mtime == EARLY.timestamp()


async def test_fail_leaves_both_and_may_be_repeated(root: Path, renaming: str) -> None:
    (root / "file").write_bytes(OLD)
    placement = partial(root, "file", NEW, overwrite=OverwritePolicy.FAIL)
    for _ in range(2):
        [placed] = await place(root, placement)
        assert placed.exists
        assert "File exists" in placed.problem
        assert names(root) == {"file": OLD, ".file.part": NEW}
    (root / "file").unlink()
    assert await place(root, placement) == [Placed(0)]


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("name.ext", ["name (1).ext", "name (2).ext"]),
        ("name", ["name (1)", "name (2)"]),
        ("a.tar.gz", ["a.tar (1).gz", "a.tar (2).gz"]),
        ("name (1).ext", ["name (1) (1).ext", "name (1) (2).ext"]),
        ("\u00e4" * 127, ["\u00e4" * 125 + " (1)", "\u00e4" * 125 + " (2)"]),
    ],
)
async def test_rename_takes_the_next_free_name(root: Path, name: str, choices: list[str]) -> None:
    (root / name).write_bytes(OLD)
    for choice in choices:
        placement = partial(root, "part", NEW, path=name, overwrite=OverwritePolicy.RENAME)
        for _ in range(2):
            assert await place(root, placement) == [Placed(0, path=choice)]
    assert names(root) == {name: OLD, **dict.fromkeys(choices, NEW)}


async def test_rename_knows_the_name_that_it_gave(root: Path, renaming: str) -> None:
    (root / "dir").mkdir()
    (root / "dir" / "file").write_bytes(OLD)
    policy = OverwritePolicy.RENAME
    first = partial(root / "dir", "file", NEW, path="dir/file", overwrite=policy)
    assert await place(root, first) == [Placed(0, path="dir/file (1)")]
    # The names before it are free again: it keeps the one it has.
    (root / "dir" / "file").unlink()
    assert await place(root, first) == [Placed(0, path="dir/file (1)")]
    assert names(root / "dir") == {"file (1)": NEW}


async def test_rename_passes_over_whatever_has_the_name(root: Path, tmp_path: Path) -> None:
    (root / "file").mkdir()
    (root / "file (1)").symlink_to(tmp_path / "nowhere")
    placement = partial(root, "file", NEW, overwrite=OverwritePolicy.RENAME)
    assert await place(root, placement) == [Placed(0, path="file (2)")]
    assert not (tmp_path / "nowhere").exists()


async def test_rename_does_not_take_a_stranger_for_its_own(root: Path) -> None:
    placement = partial(root, "file", NEW, overwrite=OverwritePolicy.RENAME)
    (root / ".file.part").rename(root / "elsewhere")
    [placed] = await place(root, placement)
    assert "gone" in placed.problem
    assert names(root) == {"elsewhere": NEW}


async def test_rename_gives_up_some_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_LAST_NUMBER", 2)
    for name in ("file", "file (1)", "file (2)"):
        (root / name).write_bytes(OLD)
    [placed] = await place(root, partial(root, "file", NEW, overwrite=OverwritePolicy.RENAME))
    assert "too many" in placed.problem


@pytest.mark.parametrize(
    ("ours", "theirs", "kept"), [(LATE, EARLY, False), (EARLY, LATE, True), (EARLY, EARLY, True)]
)
async def test_if_newer_goes_by_the_time(
    root: Path, ours: datetime, theirs: datetime, *, kept: bool
) -> None:
    (root / "file").write_bytes(OLD)
    os.utime(root / "file", (theirs.timestamp(), theirs.timestamp()))
    policy = OverwritePolicy.IF_NEWER
    placement = partial(root, "file", NEW, overwrite=policy, modified=ours)
    for _ in range(2):
        assert await place(root, placement) == [Placed(0, kept=kept)]
        assert (root / "file").read_bytes() == (OLD if kept else NEW)
    # Ours stays for whoever stores the decision, so that a repeated call decides alike.
    assert (root / ".file.part").exists() is kept


@pytest.mark.parametrize(
    "theirs", [NEW, OLD, NEW + b".", b"", NEW[:-1] + b"x"], ids=["equal", *"abcd"]
)
async def test_if_different_goes_by_the_content(root: Path, theirs: bytes) -> None:
    (root / "file").write_bytes(theirs)
    inode = (root / "file").stat().st_ino
    placement = partial(root, "file", NEW, overwrite=OverwritePolicy.IF_DIFFERENT)
    for _ in range(2):
        assert await place(root, placement) == [Placed(0, kept=theirs == NEW)]
        assert (root / "file").read_bytes() == NEW
    assert ((root / "file").stat().st_ino == inode) is (theirs == NEW)


async def test_large_contents_that_differ_at_the_end(root: Path) -> None:
    content = bytes(1_000_000)
    (root / "file").write_bytes(content[:-1] + b"x")
    placement = partial(root, "file", content, overwrite=OverwritePolicy.IF_DIFFERENT)
    assert await place(root, placement) == [Placed(0)]
    assert (root / "file").read_bytes() == content


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
async def test_no_link_is_followed(root: Path, tmp_path: Path, policy: OverwritePolicy) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(OLD)
    (root / "file").symlink_to(victim)
    [placed] = await place(root, partial(root, "file", NEW, overwrite=policy))
    assert victim.read_bytes() == OLD
    assert (root / "file").is_symlink()
    assert bool(placed.problem) is (policy is not OverwritePolicy.RENAME)


@pytest.mark.parametrize("policy", [OverwritePolicy.FAIL, OverwritePolicy.RENAME])
async def test_a_crash_between_link_and_unlink(
    root: Path, monkeypatch: pytest.MonkeyPatch, policy: OverwritePolicy
) -> None:
    monkeypatch.setattr(syscalls, "_renameat2", None)
    if policy is OverwritePolicy.RENAME:
        (root / "file").write_bytes(OLD)
    given = "file" if policy is OverwritePolicy.FAIL else "file (1)"
    placement = partial(root, "file", NEW, overwrite=policy)
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", _crash)
        [placed] = await place(root, placement)
        assert placed.problem
    assert (root / given).stat().st_nlink == 2
    [placed] = await place(root, placement)
    assert (placed.problem, placed.path) == ("", "" if given == "file" else given)
    assert (root / given).stat().st_nlink == 1
    assert not (root / ".file.part").exists()


def _crash(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "crashed here")


def _appears(target: Path) -> Callable[..., os.stat_result | None]:
    """Somebody else takes the name between the look and the rename."""

    def look(directory: int, name: str) -> None:
        if not target.exists():
            target.write_bytes(OLD)

    return look


@pytest.mark.parametrize("policy", [OverwritePolicy.FAIL, OverwritePolicy.IF_NEWER])
async def test_a_name_that_is_taken_at_the_last_moment(
    root: Path, monkeypatch: pytest.MonkeyPatch, policy: OverwritePolicy, renaming: str
) -> None:
    monkeypatch.setattr(subject, "plain_target", _appears(root / "file"))
    placement = partial(root, "file", NEW, overwrite=policy, modified=EARLY)
    [placed] = await place(root, placement)
    assert placed.exists is (policy is OverwritePolicy.FAIL)
    assert placed.kept is (policy is OverwritePolicy.IF_NEWER)
    assert names(root) == {"file": OLD, ".file.part": NEW}


async def test_many_that_want_one_name_at_once(root: Path, renaming: str) -> None:
    wanted: list[Placement] = [
        partial(root, f"p{index}", b"%d" % index, path="file", overwrite=OverwritePolicy.RENAME)
        for index in range(40)
    ]
    done = await asyncio.gather(*[place(root, placement) for placement in wanted])
    got = {placed.path or "file" for [placed] in done}
    assert len(got) == 40
    assert set(names(root)) == got
    assert sorted(map(int, names(root).values())) == list(range(40))


async def test_many_directories_are_not_all_held_open(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    rename = os.rename

    def spy(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        opened.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", spy)
    placements = []
    for index in range(200):
        directory = root / str(index)
        directory.mkdir()
        found = partial(directory, "file", NEW, index=index, path=f"{index}/file")
        placements.append(found)
    # Each directory is come to twice, the second time long after the first.
    more = [
        partial(root / str(index), "other", NEW, index=200 + index, path=f"{index}/other")
        for index in range(200)
    ]
    placed = await place(root, *placements, *more)
    assert placed == [Placed(index) for index in range(400)]
    assert all((root / f"{index}/other").read_bytes() == NEW for index in range(200))
    assert max(opened) - min(opened) < 100
    held = [link for link in Path("/proc/self/fd").iterdir() if link.resolve().is_relative_to(root)]
    assert not held
