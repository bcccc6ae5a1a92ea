"""Stopping, claiming, limits and volumes that stall."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Validators
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Failed,
    Finished,
    Limits,
    Received,
    Stopped,
)
from bgcopyd.transfer.disk.keeper import Keeper
from bgcopyd.transfer.disk.mounts import MountTable
from bgcopyd.transfer.disk.partial import PartialFile
from tests.support.fetching import END, fetching
from tests.support.http_hostile import HostileServer, Request, Wire

A = random.Random(1).randbytes(1_000_000)


def trickle(request: Request, wire: Wire) -> None:
    """Half of the file, then silence."""
    start = request.start or 0
    if start:
        wire.part(A, start, ETag='"a"')
        return
    wire.head(200, Content_Length=len(A), ETag='"a"')
    wire.send(A[:500_000])
    wire.hang()


async def test_stop_in_the_middle_claims_what_has_come(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(trickle) as server:
            fetcher.start(f"{server.url}/file")
            await fetcher.until(
                lambda: next((e for e in fetcher.all(Received) if e.received == 500_000), None)
            )
            fetcher.engine.stop("job")
            event = await fetcher.end()
            assert isinstance(event, Stopped)
            assert (event.claimed, event.size) == (500_000, len(A))
            assert event.validators == Validators(etag='"a"')
            assert fetcher.partial().read_bytes() == A[:500_000]
            assert not _open(fetcher.partial())
            fetcher.events.clear()
            again = await fetcher.fetch(
                f"{server.url}/file",
                claimed=event.claimed,
                size=event.size,
                validators=event.validators,
            )
        assert isinstance(again, Finished)
        assert await fetcher.placed(again) == A
        assert server.requests[-1].start == 500_000


def _open(path: Path) -> bool:
    return any(link.resolve() == path for link in Path("/proc/self/fd").iterdir())


async def test_stop_before_an_answer_and_while_waiting(tmp_path: Path) -> None:
    asked = threading.Event()

    def handler(_: Request, wire: Wire) -> None:
        asked.set()
        wire.hang()

    async with fetching(tmp_path / "data", connections_per_host=1) as fetcher:
        with HostileServer(handler) as server:
            for index in range(5):
                fetcher.start(f"{server.url}/{index}", index=index, path=f"f{index}")
            assert await asyncio.to_thread(asked.wait, 10)
            fetcher.engine.stop("job")
            events = [await fetcher.end(index) for index in range(5)]
    assert [type(event) for event in events] == [Stopped] * 5
    assert sum(isinstance(event, END) for event in fetcher.events) == 5
    assert not list(fetcher.root.iterdir())


async def test_close_ends_every_transfer_once(tmp_path: Path) -> None:
    with HostileServer(trickle) as server:
        async with fetching(tmp_path / "data") as fetcher:
            for index in range(20):
                fetcher.start(f"{server.url}/{index}", index=index, path=f"f{index}")
            await fetcher.first(Connected)
        ends = [event for event in fetcher.events if isinstance(event, END)]
        assert sorted(event.index for event in ends) == list(range(20))
        with pytest.raises(RuntimeError):
            fetcher.engine.start([])


async def test_claims_come_behind_fdatasync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = PartialFile.sync

    def spy(self: PartialFile) -> None:
        size = os.fstat(self._descriptor).st_size
        sync(self)
        synced.append(size)

    monkeypatch.setattr(PartialFile, "sync", spy)
    pieces = threading.Semaphore(0)

    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A))
        for offset in range(0, len(A), 100_000):
            wire.send(A[offset : offset + 100_000])
            pieces.acquire(timeout=10)

    async with fetching(tmp_path / "data", claim_interval=0.0, claim_bytes=1) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file")
            for number in range(1, 10):
                await fetcher.until(
                    lambda number=number: next(  # type: ignore[misc]  # a default binds the value
                        (e for e in fetcher.all(Claimed) if e.claimed >= number * 100_000), None
                    )
                )
                pieces.release()
            pieces.release()
            event = await fetcher.end()
    assert isinstance(event, Finished)
    claims = [event.claimed for event in fetcher.all(Claimed)]
    assert claims == sorted(claims)
    assert len(synced) >= len(claims)
    for claim in claims:
        assert any(claim <= size for size in synced)


async def test_much_that_is_new_is_claimed_before_its_time(tmp_path: Path) -> None:
    """Whatever a second brings: a crash costs no more than that, and a sync."""
    options = {"claim_interval": 3600.0, "claim_bytes": 1, "claim_most": 250_000}
    go = threading.Event()

    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A))
        wire.send(A[:249_999])
        go.wait(10)
        wire.send(A[249_999:300_000])
        wire.hang()

    async with fetching(tmp_path / "data", **options) as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file")
            await fetcher.until(
                lambda: next((e for e in fetcher.all(Received) if e.received == 249_999), None)
            )
            assert not fetcher.all(Claimed)
            go.set()
            assert (await fetcher.first(Claimed)).claimed >= 250_000


async def test_a_failed_sync_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: PartialFile) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(PartialFile, "sync", broken)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
            event = await fetcher.fetch(f"{server.url}/file")
    assert isinstance(event, Failed)
    assert (event.error.reason, event.claimed, event.error.transient) == (
        Reason.DISK_ERROR,
        0,
        True,
    )


async def test_a_sync_that_fails_while_the_file_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing, ending = threading.Event(), threading.Event()
    sync, settle = PartialFile.sync, Keeper.settle

    def first_fails(self: PartialFile) -> None:
        if syncing.is_set():
            sync(self)
            return
        syncing.set()
        ending.wait(10)
        raise OSError(5, "Input/output error")

    def settle_and_tell(self: Keeper, *arguments: Any) -> None:
        settle(self, *arguments)
        ending.set()

    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A))
        wire.send(A[:500_000])
        syncing.wait(10)
        wire.send(A[500_000:])

    monkeypatch.setattr(PartialFile, "sync", first_fails)
    monkeypatch.setattr(Keeper, "settle", settle_and_tell)
    async with fetching(tmp_path / "data", claim_interval=0.0, claim_bytes=1) as fetcher:
        with HostileServer(handler) as server:
            event = await fetcher.fetch(f"{server.url}/file")
    assert isinstance(event, Failed)
    assert (event.claimed, event.error.reason) == (0, Reason.DISK_ERROR)
    assert sum(isinstance(event, END) for event in fetcher.events) == 1


@pytest.mark.parametrize("rest", [len(A) - 50_000, 1, 0], ids=["more", "the last byte", "stop"])
async def test_a_partial_file_that_is_shortened_meanwhile(tmp_path: Path, rest: int) -> None:
    """What is written behind would leave a hole, which nobody sees later."""
    gate, have = threading.Event(), 50_000
    content = A[: have + rest] if rest else A

    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(len(content))
        fields = {"Content_Range": f"bytes {start}-{end - 1}/{end}"} if start else {}
        wire.head(206 if start else 200, Content_Length=end - start, ETag='"a"', **fields)
        if not request.number:
            wire.send(content[:have])
            gate.wait(10)
            start = have
        wire.send(content[start:])

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            url = f"{server.url}/file"
            fetcher.start(url)
            await fetcher.until(
                lambda: next((e for e in fetcher.all(Received) if e.received == have), None)
            )
            os.truncate(fetcher.partial(), 1000)
            if rest:
                gate.set()
            else:
                fetcher.engine.stop("job")
            event = await fetcher.end()
            # Before, what comes would be a race with the stop: a write sees that the file is short.
            gate.set()
            assert isinstance(event, Failed if rest else Stopped)
            if isinstance(event, Failed):
                assert (event.error.reason, event.error.transient) == (Reason.DISK_ERROR, True)
                assert "somebody has shortened the partial file" in event.error.message
            assert event.claimed == 0
            fetcher.events.clear()
            again = await fetcher.fetch(url, claimed=event.claimed, validators=event.validators)
            assert isinstance(again, Finished)
            assert await fetcher.placed(again) == content


async def test_43_disk_full_keeps_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = PartialFile.write

    def full(self: PartialFile, pieces: list[bytes], offset: int) -> None:
        if offset + sum(map(len, pieces)) > 600_000:
            raise OSError(28, "No space left on device")
        write(self, pieces, offset)

    def handler(request: Request, wire: Wire) -> None:
        if request.start:
            wire.part(A, request.start, ETag='"a"')
            return
        wire.head(200, Content_Length=len(A), ETag='"a"')
        wire.send(A[:400_000])
        gate.wait(10)
        wire.send(A[400_000:])

    gate = threading.Event()
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            with monkeypatch.context() as patched:
                patched.setattr(PartialFile, "write", full)
                fetcher.start(f"{server.url}/file")
                await fetcher.until(
                    lambda: next((e for e in fetcher.all(Received) if e.received == 400_000), None)
                )
                gate.set()
                event = await fetcher.end()
            assert isinstance(event, Failed)
            assert (event.error.reason, event.error.transient) == (Reason.DISK_FULL, True)
            assert event.claimed >= 400_000
            fetcher.events.clear()
            again = await fetcher.fetch(
                f"{server.url}/file",
                claimed=event.claimed,
                size=event.size,
                validators=event.validators,
            )
        assert isinstance(again, Finished)
        assert await fetcher.placed(again) == A


async def test_a_stalled_volume_stalls_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, stalled = threading.Event(), threading.Event()
    write = PartialFile.write

    def stalling(self: PartialFile, pieces: list[bytes], offset: int) -> None:
        if threading.current_thread().name == "volume-slow":
            stalled.set()
            released.wait(20)
        write(self, pieces, offset)

    def volume_of(_: MountTable, path: str) -> str:
        return "slow" if "/slow" in path else "quick"

    monkeypatch.setattr(PartialFile, "write", stalling)
    monkeypatch.setattr(MountTable, "volume_of", volume_of)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, A)) as server:
            fetcher.start(f"{server.url}/slow", index=0, path="slow", job_id="slow")
            assert await asyncio.to_thread(stalled.wait, 10)
            for index in range(1, 4):
                assert isinstance(
                    await fetcher.fetch(f"{server.url}/quick", index=index, path=f"q{index}"),
                    Finished,
                )
            assert not fetcher.all(Finished, 0)
            released.set()
            assert isinstance(await fetcher.end(0), Finished)


@pytest.mark.parametrize(("rate", "size"), [(1 << 20, 2 << 20), (64 << 10, 128 << 10)])
async def test_rate_limits_hold_on_average(tmp_path: Path, rate: int, size: int) -> None:
    content = random.Random(3).randbytes(size)
    loop = asyncio.get_running_loop()
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, content)) as server:
            began = loop.time()
            event = await fetcher.fetch(f"{server.url}/file", rate=rate)
            took = loop.time() - began
    assert isinstance(event, Finished)
    # A lower bound only: a busy machine may be slower, a limit must never be exceeded.
    assert size / took <= rate * 1.12
    steps = [event.received for event in fetcher.all(Received)]
    bursts = [after - before for before, after in itertools.pairwise(steps)]
    assert max(bursts) <= max(rate // 2, 70_000)


async def test_a_limit_can_be_lifted(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(1 << 20)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, content)) as server:
            fetcher.start(f"{server.url}/file", rate=10_000)
            await fetcher.first(Received)
            fetcher.engine.set_rate("job", 0)
            assert isinstance(await fetcher.end(), Finished)


async def test_a_limit_can_be_set_and_lifted_again(tmp_path: Path) -> None:
    gate = threading.Event()

    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Content_Length=len(A))
        wire.send(A[:1_000])
        gate.wait(10)
        wire.send(A[1_000:])

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            fetcher.start(f"{server.url}/file")
            await fetcher.first(Received)
            # What comes now is worth hours of this limit.
            fetcher.engine.set_rate("job", 10)
            gate.set()
            await fetcher.until(
                lambda: next((e for e in fetcher.all(Received) if e.received > 1_000), None)
            )
            fetcher.engine.set_rate("job", 0)
            assert isinstance(await fetcher.end(), Finished)


async def test_the_limit_of_all_can_be_set_and_lifted(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(1 << 20)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, content)) as server:
            fetcher.engine.set_limits(Limits(machine=10_000))
            fetcher.start(f"{server.url}/file")
            arrived = await fetcher.first(Received)
            # Without the limit all of it comes at once.
            assert arrived.received < len(content)
            fetcher.engine.set_limits(Limits())
            assert isinstance(await fetcher.end(), Finished)


async def test_a_defect_ends_one_transfer_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = PartialFile.write

    def defective(self: PartialFile, pieces: list[bytes], offset: int) -> None:
        if b"".join(pieces) == b"poison":
            raise ZeroDivisionError
        write(self, pieces, offset)

    def handler(request: Request, wire: Wire) -> None:
        wire.answer(200, b"poison" if request.target.startswith("/bad") else A)

    monkeypatch.setattr(PartialFile, "write", defective)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            bad = await fetcher.fetch(f"{server.url}/bad?planted", path="bad")
            good = await fetcher.fetch(f"{server.url}/good", index=1, path="good")
    assert isinstance(bad, Failed)
    assert (bad.error.reason, bad.claimed) == (Reason.INTERNAL, 0)
    assert isinstance(good, Finished)
    assert "ZeroDivisionError" in caplog.text
    assert "planted" not in caplog.text


async def test_silence_within_a_body(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data", idle_timeout=0.1) as fetcher:
        with HostileServer(trickle) as server:
            event = await fetcher.fetch(f"{server.url}/file")
    assert isinstance(event, Failed)
    assert (event.error.reason, event.claimed) == (Reason.TIMEOUT, 500_000)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX: "])
async def test_40_silence_before_the_answer(tmp_path: Path, begun: bytes) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.send(begun)
        wire.hang()

    async with fetching(tmp_path / "data", connect_timeout=0.1, header_timeout=0.1) as fetcher:
        with HostileServer(handler) as server:
            event = await fetcher.fetch(f"{server.url}/file")
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.TIMEOUT


async def test_nobody_listens_and_no_such_name(tmp_path: Path) -> None:
    with HostileServer(trickle) as server:
        gone = server.url
    async with fetching(tmp_path / "data") as fetcher:
        event = await fetcher.fetch(f"{gone}/file?planted=1")
        assert isinstance(event, Failed)
        assert event.error.reason is Reason.CONNECT_FAILED
        other = await fetcher.fetch("http://nowhere.invalid/file?planted=1", index=1)
        assert isinstance(other, Failed)
        assert other.error.reason is Reason.NAME_NOT_RESOLVED
        for failure in (event, other):
            assert failure.error.transient
            assert "planted" not in failure.error.message


async def test_many_small_files_share_connections(tmp_path: Path) -> None:
    connections: set[int] = set()

    def handler(_: Request, wire: Wire) -> None:
        connections.add(id(wire))
        wire.answer(200, A[:5_000])

    async with fetching(tmp_path / "data", connections_per_host=4) as fetcher:
        with HostileServer(handler) as server:
            for index in range(200):
                fetcher.start(f"{server.url}/{index}", index=index, path=f"dir/f{index}")
            events: list[Any] = [await fetcher.end(index) for index in range(200)]
    assert all(isinstance(event, Finished) for event in events)
    assert len(connections) <= 4
