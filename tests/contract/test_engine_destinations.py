"""Where an engine writes, and where it refuses to; how files get their names."""

from __future__ import annotations

import errno
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Claimed, Failed, Finished, Partial, Placement, Style
from bgcopyd.transfer.disk.files import LocalFiles
from tests.support import placing
from tests.support.fetching import fetching
from tests.support.http_hostile import HostileServer, Request, Wire

pytest_plugins = ["tests.support.beneath"]
pytestmark = pytest.mark.usefixtures("way")

A = random.Random(1).randbytes(10_000)
B = random.Random(2).randbytes(10_000)


def serve(_: Request, wire: Wire) -> None:
    wire.answer(200, A)


async def refused(directory: Path, path: str, **fields: object) -> Failed:
    async with fetching(directory) as fetcher:
        with HostileServer(serve) as server:
            event = await fetcher.fetch(f"{server.url}/x", path=path, **fields)
    assert isinstance(event, Failed), event
    assert event.error.reason is Reason.DESTINATION_INVALID
    assert not event.error.transient
    return event


@pytest.mark.parametrize("path", ["../out", "a/../../out", "/etc/out", "a//b", "a/./b", "", "a\0b"])
async def test_no_path_leaves_its_root(tmp_path: Path, path: str) -> None:
    await refused(tmp_path / "data", path, partial_name=".part")
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["../part", "a/part", "..", "."])
async def test_no_partial_name_leaves_its_directory(tmp_path: Path, name: str) -> None:
    await refused(tmp_path / "data", "file", partial_name=name)


async def test_no_such_root(tmp_path: Path) -> None:
    await refused(tmp_path / "data", "file", root="other")


async def test_links_below_the_root_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "data"
    root.mkdir()
    (root / "link").symlink_to(outside)
    await refused(root, "link/file", partial_name=".part")
    await refused(root, "link/deep/file", partial_name=".part")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("kind", ["link", "dangling", "directory", "fifo", "socket"])
@pytest.mark.parametrize("which", ["file", ".file.part"])
async def test_only_regular_files_are_written(tmp_path: Path, kind: str, which: str) -> None:
    root, victim = tmp_path / "data", tmp_path / "victim"
    root.mkdir()
    victim.write_bytes(b"mine")
    place = root / which
    match kind:
        case "link":
            place.symlink_to(victim)
        case "dangling":
            place.symlink_to(tmp_path / "nowhere")
        case "directory":
            place.mkdir()
        case "fifo":
            os.mkfifo(place)
        case "socket":
            os.mknod(place, 0o140600)
    await refused(root, "file")
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


async def test_a_partial_file_with_two_names_is_refused(tmp_path: Path) -> None:
    root, victim = tmp_path / "data", tmp_path / "victim"
    root.mkdir()
    victim.write_bytes(b"mine")
    os.link(victim, root / ".file.part")
    await refused(root, "file")
    assert victim.read_bytes() == b"mine"


async def test_a_target_with_other_names_is_refused(tmp_path: Path) -> None:
    root, victim = tmp_path / "data", tmp_path / "victim"
    root.mkdir()
    victim.write_bytes(b"mine")
    os.link(victim, root / "file")
    event = await refused(root, "file")
    assert "hard links" in event.error.message
    assert victim.read_bytes() == b"mine"


async def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "data").symlink_to(real)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(serve) as server:
            event = await fetcher.fetch(f"{server.url}/x", path="new/dir/file")
        assert isinstance(event, Finished)
        assert await fetcher.placed(event, "new/dir/file") == A
    state = (real / "new/dir/file").stat()
    mask = os.umask(0)
    os.umask(mask)
    assert state.st_mode & 0o777 == 0o666 & ~mask
    assert (state.st_dev, state.st_ino) == (event.device, event.inode)


async def test_a_file_in_the_place_of_a_directory(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "dir").write_bytes(b"mine")
    await refused(root, "dir/file", partial_name=".part")


# A new beginning while the store still holds an old claim.


def changed(request: Request, wire: Wire) -> None:
    """Another version, cut after half of it the first time."""
    if request.number:
        wire.part(A, request.start or 0, ETag='"a"')
        return
    wire.head(200, Content_Length=len(B), ETag='"b"')
    wire.send(B[:9_000])
    wire.close()


async def test_an_old_claim_never_stands_for_new_bytes(tmp_path: Path) -> None:
    old = {"size": len(A), "validators": Validators(etag='"a"'), "claimed": 5_000}
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(changed) as server:
            event = await fetcher.fetch(f"{server.url}/x", **{**old, "have": A[:5_000]})
            assert isinstance(event, Failed)
            assert event.claimed == 9_000
            assert fetcher.all(Claimed)[0].claimed == 0
            # The store has missed all of that, and the server has gone back to the old version.
            fetcher.events.clear()
            again = await fetcher.fetch(f"{server.url}/x", **old)
        assert isinstance(again, Finished)
        assert await fetcher.placed(again) == A


async def test_without_extended_attributes_the_queue_hears_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", unsupported)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(changed) as server:
            event = await fetcher.fetch(
                f"{server.url}/x",
                have=A[:5_000],
                size=len(A),
                validators=Validators(etag='"a"'),
            )
        assert isinstance(event, Failed)
        assert (event.claimed, event.error.transient) == (0, True)
        assert fetcher.partial().read_bytes() == b""


# Names at the end.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def partial(directory: Path, name: str = "file", content: bytes = A, **fields: object) -> Placement:
    return placing.partial(directory, name, content, **fields)


async def place(root: Path, *placements: Placement) -> list[str]:
    return [placed.problem for placed in await placing.place(root, *placements)]


async def test_place_replaces_and_may_be_repeated(root: Path) -> None:
    (root / "file").write_bytes(b"old")
    modified = datetime(2020, 1, 2, tzinfo=UTC)
    placement = partial(root, modified=modified)
    for _ in range(3):
        assert await place(root, placement) == [""]
        assert (root / "file").read_bytes() == A
        assert [entry.name for entry in root.iterdir()] == ["file"]
    assert (root / "file").stat().st_mtime == modified.timestamp()


async def test_place_after_a_crash_between_renames(root: Path) -> None:
    first, second = partial(root, "one"), partial(root, "two", B, index=1)
    (root / ".one.part").rename(root / "one")
    assert await place(root, first, second) == ["", ""]
    assert (root / "one").read_bytes() == A
    assert (root / "two").read_bytes() == B


async def test_a_future_time_is_clamped(root: Path) -> None:
    assert await place(root, partial(root, modified=datetime(2999, 1, 1, tzinfo=UTC))) == [""]
    assert (root / "file").stat().st_mtime <= datetime.now(UTC).timestamp()


@pytest.mark.parametrize("kind", ["hard link", "link", "fifo", "socket", "directory"])
async def test_what_has_come_to_the_name_meanwhile_is_left_alone(root: Path, kind: str) -> None:
    victim, target = root.parent / "victim", root / "file"
    victim.write_bytes(b"mine")
    placement = partial(root)
    match kind:
        case "hard link":
            os.link(victim, target)
        case "link":
            target.symlink_to(victim)
        case "fifo":
            os.mkfifo(target)
        case "socket":
            os.mknod(target, 0o140600)
        case "directory":
            target.mkdir()
    [problem] = await place(root, placement)
    assert "hard links" in problem if kind == "hard link" else "no regular file" in problem
    assert victim.read_bytes() == b"mine"
    assert (root / ".file.part").read_bytes() == A


async def test_place_knows_its_own_files(root: Path) -> None:
    placement = partial(root)
    (root / ".file.part").rename(root / "kept")
    (root / ".file.part").write_bytes(B)
    [problem] = await place(root, placement)
    assert "replaced" in problem
    (root / ".file.part").unlink()
    [problem] = await place(root, placement)
    assert "gone" in problem
    assert not (root / "file").exists()


async def test_one_failure_does_not_stop_the_others(root: Path) -> None:
    (root / "taken").mkdir()
    bad, good = partial(root, "taken"), partial(root, "good", index=1)
    problems = await place(root, bad, good, partial(root, "x", root="other", index=2))
    assert [bool(problem) for problem in problems] == [True, False, True]
    assert (root / "good").read_bytes() == A


async def test_2000_placements_sync_the_directory_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    placements = [partial(root, f"f{index}", b"x", index=index) for index in range(2_000)]
    assert set(await place(root, *placements)) == {""}
    assert len(synced) == 1
    assert len(list(root.iterdir())) == 2_000


async def test_a_failed_directory_sync_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    [problem] = await place(root, partial(root))
    assert "Input/output error" in problem


async def test_discard(root: Path) -> None:
    partial(root)
    (root / "dir").mkdir()
    files = LocalFiles({"data": root})
    try:
        known = [Partial("data", "file", ".file.part"), Partial("data", "no/such", ".x")]
        assert await files.discard(known) == []
        [problem] = await files.discard([Partial("data", "file", "dir")])
    finally:
        files.close()
    assert problem
    assert [entry.name for entry in root.iterdir()] == ["dir"]


@pytest.mark.parametrize(("mode", "above"), [(0o640, 0o750), (0o600, 0o700), (0o664, 0o775)])
async def test_new_files_have_the_mode_and_group_of_their_root(
    tmp_path: Path, mode: int, above: int
) -> None:
    style = Style(os.getegid(), mode)
    async with fetching(tmp_path / "data", root_styles={"data": style}) as fetcher:
        (fetcher.root / "old").mkdir(mode=0o701)
        with HostileServer(serve) as server:
            event = await fetcher.fetch(f"{server.url}/x", path="old/new/deep/file")
            assert isinstance(event, Finished), event
            await fetcher.placed(event, "old/new/deep/file")
        states = {name: (fetcher.root / name).stat() for name in ("old/new", "old/new/deep")}
        assert {state.st_mode & 0o7777 for state in states.values()} == {above}
        assert (fetcher.root / "old").stat().st_mode & 0o777 == 0o701
        file = (fetcher.root / "old/new/deep/file").stat()
        assert (file.st_mode & 0o7777, file.st_gid) == (mode, os.getegid())


@pytest.mark.gives_away
async def test_another_group(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data", root_styles={"data": Style(12_345)}) as fetcher:
        with HostileServer(serve) as server:
            assert isinstance(await fetcher.fetch(f"{server.url}/x", path="new/file"), Finished)
        assert (fetcher.root / "new").stat().st_gid == 12_345
        assert fetcher.partial("new/file").stat().st_gid == 12_345
