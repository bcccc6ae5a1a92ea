"""Backups, restore, beginning anew, and tokens beside a daemon."""

from __future__ import annotations

import asyncio
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bgcopyd.store import maintenance
from bgcopyd.store.backups import KEPT, backups
from bgcopyd.store.connection import DATABASE
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.errors import StateDirectoryLocked, StoreDamaged
from bgcopyd.store.maintenance import NoBackup, accept_empty, backup, check, restore
from bgcopyd.store.sqlite import SQLiteStore
from bgcopyd.store.tokens import add_token, list_tokens, revoke_token
from tests.support.store_values import add, new_file, new_job, new_token


async def test_a_whole_queue_has_no_problems(tmp_path: Path) -> None:
    assert check(tmp_path) == []
    store = await SQLiteStore.open(tmp_path)
    job = new_job()
    await add(store, job, new_file(job))
    assert check(tmp_path) == []
    await store.close()
    assert check(tmp_path) == []


async def test_check_finds_what_the_quick_check_does_not(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    await add(store, new_job())
    store._db.execute("PRAGMA foreign_keys = OFF")
    store._db.execute("INSERT INTO progress VALUES (99, 0, 0, 0, 0)")
    store._db.execute("INSERT INTO secret VALUES (99, 'a', x'00')")
    await store.close()
    assert sorted(check(tmp_path)) == [
        "a row of secret refers to nothing",
        "row 99 of progress refers to nothing",
    ]


async def test_a_backup_beside_a_writer_is_whole_and_three_are_kept(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    made = []
    for _ in range(KEPT + 2):
        await add(store, new_job())
        made.append(await store.backup())
    assert backups(tmp_path) == made[: -KEPT - 1 : -1]
    assert sorted(made[0].parent.iterdir()) == made[-KEPT:]
    assert stat.S_IMODE(made[-1].stat().st_mode) == 0o600
    await store.close()
    assert backup(tmp_path) in backups(tmp_path)


async def test_a_damaged_queue_makes_no_backup_and_keeps_the_old(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    for _ in range(50):
        await add(store, new_job())
    kept = await store.backup()
    await store.close()
    path = tmp_path / DATABASE
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 5] = bytes(4096 * 3)
    path.write_bytes(data)
    with pytest.raises(StoreDamaged):
        backup(tmp_path)
    assert list(kept.parent.iterdir()) == [kept]


async def test_restore_takes_the_newest_whole_backup(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    first = await add(store, new_job())
    whole = await store.backup()
    lost = await add(store, new_job())
    broken = await store.backup()
    before = await store.position()
    await store.close()
    broken.write_bytes(broken.read_bytes()[:5000])
    (tmp_path / DATABASE).write_bytes(b"ruin" * 3000)

    assert restore(tmp_path) == whole
    store = await SQLiteStore.open(tmp_path)
    assert await store.job(first.job_id) == first
    assert await store.job(lost.job_id) is None
    after = await store.position()
    assert after.store_id != before.store_id
    assert after.newest == 1
    await store.close()
    (aside,) = tmp_path.glob("set-aside-*")
    assert (aside / DATABASE).read_bytes() == b"ruin" * 3000
    assert check(tmp_path) == []


async def test_restore_of_a_lost_file_and_of_a_named_backup(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    older = await store.backup()
    await add(store, new_job())
    await store.backup()
    await store.close()
    (tmp_path / DATABASE).unlink()
    assert restore(tmp_path, older) == older
    store = await SQLiteStore.open(tmp_path)
    assert (await store.position()).newest == 0
    await store.close()


async def test_without_a_backup_nothing_is_touched(tmp_path: Path) -> None:
    await (await SQLiteStore.open(tmp_path)).close()
    (tmp_path / DATABASE).write_bytes(b"ruin")
    with pytest.raises(NoBackup, match="no whole backup"):
        restore(tmp_path)
    with pytest.raises(NoBackup, match="is no whole backup"):
        restore(tmp_path, tmp_path / DATABASE)
    assert (tmp_path / DATABASE).read_bytes() == b"ruin"
    assert not list(tmp_path.glob("set-aside-*"))


async def test_accept_empty_moves_aside_and_begins(tmp_path: Path) -> None:
    await (await SQLiteStore.open(tmp_path)).close()
    (tmp_path / DATABASE).write_bytes(b"ruin")
    aside = accept_empty(tmp_path)
    assert aside is not None
    assert (aside / DATABASE).read_bytes() == b"ruin"
    store = await SQLiteStore.open(tmp_path)
    assert (await store.position()).newest == 0
    await store.close()
    (tmp_path / DATABASE).unlink()
    assert accept_empty(tmp_path) is None
    await (await SQLiteStore.open(tmp_path)).close()


async def test_nothing_is_replaced_under_a_daemon(tmp_path: Path) -> None:
    with StateDirectory(tmp_path):
        store = await SQLiteStore.open(tmp_path)
        await store.backup()
        for change in (maintenance.restore, maintenance.accept_empty):
            with pytest.raises(StateDirectoryLocked):
                change(tmp_path)
        await store.close()


def test_tokens_before_the_first_start(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"
    add_token(state, new_token(1))
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert list_tokens(state) == [new_token(1)]
    assert revoke_token(state, "t1") is True
    assert revoke_token(state, "t2") is False
    assert list_tokens(state) == [replace(new_token(1), revoked=True)]


async def test_tokens_beside_a_daemon_hold_at_its_next_call(tmp_path: Path) -> None:
    with StateDirectory(tmp_path):
        store = await SQLiteStore.open(tmp_path)
        token = new_token(1)
        assert await store.token(token.digest) is None
        add_token(tmp_path, token)
        assert await store.token(token.digest) == token
        await add(store, new_job())
        revoke_token(tmp_path, "t1")
        found = await store.token(token.digest)
        assert found is not None
        assert found.revoked
        await store.close()


async def test_another_process_that_leaves_takes_nothing_along(tmp_path: Path) -> None:
    """Its last close must not pass for everybody's: that would delete the log under the daemon."""
    await (await SQLiteStore.open(tmp_path)).close()
    store = await SQLiteStore.open(tmp_path)
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from bgcopyd.store.tokens import list_tokens, revoke_token\n"
        "list_tokens(Path(sys.argv[1]))\nrevoke_token(Path(sys.argv[1]), 't1')"
    )
    token = new_token(1)
    await store.transact(lambda tx: tx.insert_token(token))
    log = (tmp_path / f"{DATABASE}-wal").stat().st_ino
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(tmp_path))
    assert await other.wait() == 0
    assert (tmp_path / f"{DATABASE}-wal").stat().st_ino == log
    assert await store.token(token.digest) == replace(token, revoked=True)
    job = await add(store, new_job())
    await store.close()
    again = await SQLiteStore.open(tmp_path)
    assert await again.job(job.job_id) == job
    await again.close()
