"""What was acknowledged is there: after kill -9, and after a disk that was full."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.store.maintenance import check
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import add, new_file, new_job

ROOT = Path(__file__).parents[2]
KILLS = 20


def started(state_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.store_child", str(state_dir), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def assert_present(state_dir: Path, acknowledged: list[str]) -> None:
    store = await SQLiteStore.open(state_dir)
    for job_id in acknowledged:
        job = await store.job(job_id)
        assert job is not None
        assert await store.files(job_id) == [new_file(job)]
    await store.close()
    assert check(state_dir) == []


@pytest.mark.timeout(120)
async def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    draw = random.Random(20)
    acknowledged: list[str] = []
    for _ in range(KILLS):
        with started(tmp_path) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            wanted = draw.randrange(1, 60)
            lines = [child.stdout.readline() for _ in range(wanted)]
            child.kill()
            lines += child.stdout.readlines()
        # The kill may cut the last line short.
        acknowledged += [line.strip() for line in lines if line.endswith("\n")]
    assert len(acknowledged) >= KILLS
    await assert_present(tmp_path, acknowledged)


async def test_a_full_disk_fails_what_it_must_and_nothing_later(tmp_path: Path) -> None:
    with started(tmp_path, str(1 << 20)) as child:
        assert child.stdout is not None
        lines = child.stdout.read().splitlines()
    assert child.returncode == 0
    assert lines[-2] == "full"
    assert lines[-1].endswith(" again")
    assert len(lines) > 20
    store = await SQLiteStore.open(tmp_path)
    newest = (await store.position()).newest
    await store.close()
    # Exactly the acknowledged jobs are there: whoever got an error has changed nothing.
    assert newest == len(lines) - 1
    await assert_present(tmp_path, lines[:-2])


async def test_a_full_database_fails_the_group_and_works_afterwards(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    first = await add(store, new_job())
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    big = new_job(description="x" * 900_000)
    with pytest.raises(StoreUnavailable):
        await add(store, big, new_file(big))
    assert await store.job(big.job_id) is None
    store._db.execute("PRAGMA max_page_count = 1000000")
    position = await store.position()
    added = await add(store, new_job())
    assert added.change_seq == position.newest + 1
    assert await store.job(first.job_id) == first
    await store.close()
    assert check(tmp_path) == []
