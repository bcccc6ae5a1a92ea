"""Limits of a machine, an owner and a host, over real transfers on several volumes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from pathlib import Path

import pytest

from bgcopyd.queue.transfers import Finished, Limits, Received, TransferOptions
from bgcopyd.transfer.disk.mounts import MountTable
from tests.support.fetching import fetching
from tests.support.http_hostile import HostileServer, Request, Wire

RATE = 128 << 10
PART = random.Random(2).randbytes(RATE // 4)


def part(_: Request, wire: Wire) -> None:
    wire.answer(200, PART)


@pytest.fixture
def _volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume for each directory."""
    monkeypatch.setattr(MountTable, "volume_of", lambda _, path: Path(path).parent.name)


@pytest.mark.usefixtures("_volumes")
@pytest.mark.parametrize("scope", ["machine", "owner", "host"])
async def test_a_limit_holds_over_volumes_and_jobs(tmp_path: Path, scope: str) -> None:
    """Files that are there at once: what bounds them is the limit alone."""
    loop = asyncio.get_running_loop()
    places = list(itertools.product("ab", range(4)))
    async with fetching(tmp_path / "data") as fetcher:
        fetcher.engine.set_limits(Limits(**{scope: RATE}))
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(HostileServer(part)) for _ in "12"]
            for volume in "ab":
                (fetcher.root / volume).mkdir()
            began = loop.time()
            for index, (volume, number) in enumerate(places):
                server = servers[0 if scope == "host" else number % 2]
                owner = "anna" if scope == "owner" else f"owner {number}"
                fetcher.start(
                    f"{server.url}/{index}",
                    index=index,
                    job_id=f"job {index}",
                    path=f"{volume}/{number}",
                    options=TransferOptions(owner=owner),
                )
            for index in range(len(places)):
                assert isinstance(await fetcher.end(index), Finished)
            took = loop.time() - began
    # A lower bound only: a busy machine may be slower, a limit must never be exceeded. What the
    # last turns are short of is for those who come later.
    due = len(places) * (len(PART) - RATE // 16)
    assert due / took <= RATE * 1.12


@pytest.mark.usefixtures("_volumes")
async def test_many_small_files_are_held_too(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    small = PART[: RATE // 64]
    async with fetching(tmp_path / "data", connections_per_host=4) as fetcher:
        fetcher.engine.set_limits(Limits(host=RATE))
        with HostileServer(lambda _, wire: wire.answer(200, small)) as server:
            began = loop.time()
            for index in range(128):
                fetcher.start(f"{server.url}/{index}", index=index, path=f"f{index}")
            for index in range(128):
                assert isinstance(await fetcher.end(index), Finished)
            took = loop.time() - began
    assert 124 * len(small) / took <= RATE * 1.12


async def test_limits_change_while_bytes_flow(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(4 << 20)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, content)) as server:
            fetcher.engine.set_limits(Limits(owner=1))
            fetcher.start(f"{server.url}/file", options=TransferOptions(owner="anna"))
            arrived = await fetcher.first(Received)
            # A byte a second: what has come now is all that comes.
            assert arrived.received < len(content) // 4
            fetcher.engine.set_limits(Limits(owner=1, host=1, machine=1))
            fetcher.engine.set_limits(Limits(host=1 << 30))
            assert isinstance(await fetcher.end(), Finished)


async def test_an_owner_at_his_limit_leaves_the_others_alone(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(1 << 19)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(lambda _, wire: wire.answer(200, content)) as server:
            fetcher.engine.set_limits(Limits(owner=1 << 18))
            anna, bert = TransferOptions(owner="anna"), TransferOptions(owner="bert")
            for index in range(4):
                fetcher.start(f"{server.url}/{index}", index=index, path=f"f{index}", options=anna)
            fetcher.start(f"{server.url}/b", index=9, path="b", job_id="b", options=bert)
            # 2 s of his limit, beside 8 s of hers.
            assert isinstance(await fetcher.end(9), Finished)
            assert not any(fetcher.all(Finished, index) for index in range(4))
            fetcher.engine.set_limits(Limits())
            for index in range(4):
                assert isinstance(await fetcher.end(index), Finished)
