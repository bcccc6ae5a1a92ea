"""What an owner may keep, and what a volume keeps free: judged before each write."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.space import Space
from bgcopyd.queue.transfers import Failed, Finished, Stopped, TransferOptions
from bgcopyd.transfer.disk import room
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire

A = random.Random(1).randbytes(2_000_000)
STRONG = Validators(etag='"a"')


class Limit:
    """What each owner may keep; may be changed at any time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.space = Space(lambda: self.count)


@asynccontextmanager
async def limited(root: Path, limit: Limit, **options: Any) -> AsyncIterator[Fetching]:
    async with fetching(root, space=limit.space, **options) as fetcher:
        yield fetcher


def told(request: Request, wire: Wire) -> None:
    """Of known size."""
    if request.start:
        wire.part(A, request.start, ETag='"a"')
    else:
        wire.answer(200, A, ETag='"a"')


def untold(_: Request, wire: Wire) -> None:
    """Of a size that nobody knows before the end."""
    wire.head(200, Transfer_Encoding="chunked", ETag='"a"')
    for start in range(0, len(A), 50_000):
        wire.chunk(A[start : start + 50_000])
    wire.chunk(b"")


def owned(owner: str) -> TransferOptions:
    return TransferOptions(owner=owner)


def over(event: object) -> Failed:
    assert isinstance(event, Failed), event
    error = event.error
    assert (error.reason, error.transient) == (Reason.SPACE_QUOTA_EXCEEDED, True)
    assert error.context is ErrorContext.LOCAL_FILE
    assert "bytes_per_owner" in error.message
    return event


def on_disk(fetcher: Fetching) -> int:
    return sum(path.stat().st_size for path in fetcher.root.rglob("*") if path.is_file())


async def test_a_file_of_known_size_is_not_begun(tmp_path: Path) -> None:
    limit = Limit(len(A) - 1)
    async with limited(tmp_path / "data", limit) as fetcher:
        with HostileServer(told) as server:
            over(await fetcher.fetch(f"{server.url}/a"))
            assert on_disk(fetcher) == 0
            limit.count += 1
            fetcher.events.clear()
            assert isinstance(await fetcher.fetch(f"{server.url}/a"), Finished)


async def test_a_file_of_unknown_size_stops_at_the_limit(tmp_path: Path) -> None:
    limit = Limit(1_000_000)
    async with limited(tmp_path / "data", limit) as fetcher:
        with HostileServer(untold) as server:
            event = over(await fetcher.fetch(f"{server.url}/a"))
            assert 0 < event.claimed <= on_disk(fetcher) <= limit.count


async def test_files_at_once_stay_below_it_together(tmp_path: Path) -> None:
    limit = Limit(3_000_000)
    async with limited(tmp_path / "data", limit) as fetcher:
        with HostileServer(untold) as server:
            for index in range(4):
                fetcher.start(
                    f"{server.url}/a", index=index, path=f"f{index}", job_id=f"j{index}",
                    options=owned("anna"),
                )  # fmt: skip
            others = fetcher.start(
                f"{server.url}/a", index=9, path="b", job_id="b", options=owned("bert")
            )
            ends = [await fetcher.end(index) for index in range(4)]
            assert not any(isinstance(end, Stopped) for end in ends)
            assert isinstance(await fetcher.end(others.index), Finished)
    failed = [over(event) for event in ends if isinstance(event, Failed)]
    assert len(failed) >= 2
    kept = sum(end.size if isinstance(end, Finished) else end.claimed for end in ends)
    assert kept <= limit.count
    assert on_disk(fetcher) - len(A) <= limit.count


async def test_what_is_there_already_counts(tmp_path: Path) -> None:
    limit = Limit(len(A))
    async with limited(tmp_path / "data", limit) as fetcher:
        with HostileServer(told) as server:
            known = {"have": A[:500_000], "size": len(A), "validators": STRONG}
            assert isinstance(await fetcher.fetch(f"{server.url}/a", **known), Finished)
            over(await fetcher.fetch(f"{server.url}/a", index=1, path="b"))


async def test_a_file_that_begins_anew_gives_back_what_it_had(tmp_path: Path) -> None:
    limit = Limit(len(A))

    def another(_: Request, wire: Wire) -> None:
        wire.answer(200, A[::-1], ETag='"b"')

    async with limited(tmp_path / "data", limit) as fetcher:
        with HostileServer(another) as server:
            event = await fetcher.fetch(
                f"{server.url}/a", have=A[:1_500_000], size=len(A), validators=STRONG
            )
            assert isinstance(event, Finished), event


class Disk:
    """A volume as large as a test wants, of which only what is written here takes something."""

    def __init__(self, folder: Path, free: int) -> None:
        self.folder = folder
        self.free = free

    def state(self, _: int) -> SimpleNamespace:
        used = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        return SimpleNamespace(f_bavail=self.free - used, f_frsize=1)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk(tmp_path / "data", 1_500_000)
    faked = SimpleNamespace(fstatvfs=made.state, fstat=os.fstat, strerror=os.strerror)
    monkeypatch.setattr(room, "os", faked)
    return made


async def test_so_much_is_left_free(tmp_path: Path, disk: Disk) -> None:
    floor = {"free_space_floor": 1_000_000, "allocate_from": 1 << 40}
    async with fetching(tmp_path / "data", **floor) as fetcher:
        with HostileServer(untold) as server:
            event = await fetcher.fetch(f"{server.url}/a")
            assert isinstance(event, Failed), event
            assert (event.error.reason, event.error.transient) == (Reason.DISK_FULL, True)
            assert "free_space_floor" in event.error.message
            assert 0 < on_disk(fetcher) <= 500_000
            disk.free = 4_000_000
            fetcher.events.clear()
            assert isinstance(await fetcher.fetch(f"{server.url}/a"), Finished)


async def test_what_cannot_fit_is_not_begun(tmp_path: Path, disk: Disk) -> None:
    async with fetching(tmp_path / "data", free_space_floor=1) as fetcher:
        with HostileServer(told) as server:
            event = await fetcher.fetch(f"{server.url}/a")
            assert isinstance(event, Failed), event
            assert event.error.reason is Reason.DISK_FULL
            assert on_disk(fetcher) == 0
            disk.free = len(A) + 1
            fetcher.events.clear()
            assert isinstance(await fetcher.fetch(f"{server.url}/a"), Finished)


async def test_files_at_once_leave_it_free_together(tmp_path: Path, disk: Disk) -> None:
    disk.free = 5_000_000
    floor = {"free_space_floor": 2_000_000, "allocate_from": 1 << 40}
    async with fetching(tmp_path / "data", **floor) as fetcher:
        with HostileServer(untold) as server:
            for index in range(4):
                fetcher.start(f"{server.url}/a", index=index, path=f"f{index}")
            ends = await asyncio.gather(*(fetcher.end(index) for index in range(4)))
    assert any(isinstance(event, Failed) for event in ends)
    assert on_disk(fetcher) <= 3_000_000
