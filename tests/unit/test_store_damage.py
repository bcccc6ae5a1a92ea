"""A damaged database is refused or read right; it never passes for something else."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bgcopyd.jobs.job import Job, JobState
from bgcopyd.queue.storage import JobQuery, Store, StoreUnavailable, Tx
from bgcopyd.store.connection import DATABASE
from bgcopyd.store.errors import SchemaTooNew, StoreDamaged
from bgcopyd.store.maintenance import check
from bgcopyd.store.schema import MARKER, migrations
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import (
    ERROR,
    add,
    full_file,
    full_job,
    new_attempt,
    new_file,
    new_id,
    new_job,
    new_request,
    new_token,
)

PLACES = 1000
JOBS = 120

Content = tuple[object, ...]


async def populate(state_dir: Path) -> None:
    store = await SQLiteStore.open(state_dir)
    for number in range(JOBS):
        job = full_job() if number % 5 == 0 else new_job(state=JobState(1 + number % 9))
        await add(store, job, full_file(job, 3), new_file(job, 5))
        await store.transact(lambda tx, job=job: tx.insert_request(new_request(job, new_id())))  # type: ignore[misc] # a default pins the value
        await store.transact(lambda tx, job=job: _equip(tx, job))  # type: ignore[misc] # a default pins the value
        if number % 10 == 9:
            await store.transact(lambda tx, job=job: tx.delete_job(job.job_id))  # type: ignore[misc] # a default pins the value
    await store.transact(lambda tx: tx.insert_token(new_token()))
    await store.transact(lambda tx: tx.set_policy({"jobs_per_owner": 7}))
    await store.close()


def _equip(tx: Tx, job: Job) -> None:
    tx.put_secrets(job.job_id, {"header:X-Key": bytes(range(64))})
    tx.insert_attempts(job.job_id, [new_attempt(3, url="http://a/", error=ERROR)])


async def content(state_dir: Path) -> Content:
    """All that the port can read."""
    store = await SQLiteStore.open(state_dir)
    try:
        page = await store.jobs(JobQuery(None), before=None, limit=1000)
        files = [await store.files(job.job_id) for job in page.jobs]
        points = [await store.job(job.job_id) for job in page.jobs]
        changes = await store.changes(0, limit=1000)
        attempts = [
            await store.attempts(job.job_id, file_index=None, before=None, limit=9)
            for job in page.jobs
        ]
        running = await store.transact(lambda tx: tx.jobs_in(list(JobState)))
        # A damaged id is found by the order of creation alone.
        secrets = await store.transact(
            lambda tx: [tx.secrets(job.job_id) for job in running if tx.job(job.job_id)]
        )
        return (
            page,
            files,
            points,
            changes,
            attempts,
            running,
            secrets,
            await store.transact(lambda tx: tx.policy()),
            await store.counts(),
            await store.tokens(),
            await store.position(),
        )
    finally:
        await store.close()


def flip(data: bytearray, draw: random.Random) -> None:
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def flip_header(data: bytearray, draw: random.Random) -> None:
    data[draw.randrange(100)] ^= 1 << draw.randrange(8)


def zero(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) // 512) * 512
    data[start : start + 512] = bytes(512)


def noise(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) // 512) * 512
    data[start : start + 512] = draw.randbytes(512)


def truncate(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


DAMAGES = (flip, flip_header, zero, noise, truncate)


def quick_check_finds(path: Path) -> bool:
    db = sqlite3.connect(path)
    try:
        return db.execute("PRAGMA quick_check").fetchall() != [("ok",)]
    except sqlite3.DatabaseError:
        return True
    finally:
        db.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("damage", DAMAGES)
async def test_random_damage(
    tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    await populate(whole)
    expected = await content(whole)
    image = (whole / DATABASE).read_bytes()
    draw = random.Random(damage.__name__)
    refused = 0
    for number in range(PLACES // len(DAMAGES)):
        data = bytearray(image)
        damage(data, draw)
        victim = tmp_path / str(number)
        victim.mkdir()
        shutil.copy(whole / MARKER, victim / MARKER)
        (victim / DATABASE).write_bytes(data)
        try:
            found = await content(victim)
        except (StoreDamaged, LookupError) as problem:
            # LookupError: the index of ids does not find a job that the table holds.
            refused += 1
            # Opening refuses and says what to do, and what was there stays as it was.
            if "bgcopyd store" in str(problem):
                assert len(data) == (victim / DATABASE).stat().st_size
        else:
            if found != expected:
                (victim / DATABASE).write_bytes(data)
                assert not quick_check_finds(victim / DATABASE)
        shutil.rmtree(victim)
    assert refused or damage is flip


async def test_a_damaged_file_is_left_as_it_is(tmp_path: Path) -> None:
    await populate(tmp_path)
    path = tmp_path / DATABASE
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = bytes(4096)
    path.write_bytes(data)
    with pytest.raises(StoreDamaged) as refused:
        await SQLiteStore.open(tmp_path)
    for command in ("check", "restore", "accept-empty"):
        assert f"bgcopyd store {command} --state-dir {tmp_path}" in str(refused.value)
    assert path.read_bytes() == data
    assert check(tmp_path)


@pytest.mark.parametrize("remains", [None, b"", b"not a database at all" * 300])
async def test_a_lost_file_is_no_empty_queue(tmp_path: Path, remains: bytes | None) -> None:
    await populate(tmp_path)
    (tmp_path / DATABASE).unlink()
    if remains is not None:
        (tmp_path / DATABASE).write_bytes(remains)
    with pytest.raises(StoreDamaged, match="accept-empty"):
        await SQLiteStore.open(tmp_path)
    assert (tmp_path / DATABASE).exists() is (remains is not None)
    assert check(tmp_path)


async def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / DATABASE)
    db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(StoreDamaged, match="is not a queue"):
        await SQLiteStore.open(tmp_path)


async def test_a_crash_before_the_first_commit_is_a_first_start(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    await (await SQLiteStore.open(tmp_path)).close()
    (tmp_path / MARKER).unlink()
    await (await SQLiteStore.open(tmp_path)).close()
    assert (tmp_path / MARKER).exists()


async def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    await populate(tmp_path)
    newer = migrations()[-1][0] + 1
    db = sqlite3.connect(tmp_path / DATABASE)
    db.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (newer,))
    db.execute(f"PRAGMA user_version = {newer}")
    db.commit()
    db.close()
    with pytest.raises(SchemaTooNew, match=f"schema {newer}"):
        await SQLiteStore.open(tmp_path)
    assert check(tmp_path) == [f"schema {newer} is newer than this program"]


async def test_damage_that_shows_while_running_is_unavailable(tmp_path: Path) -> None:
    """A row that cannot be decoded, found at run time, is an error of the store and no other."""
    store = await SQLiteStore.open(tmp_path)
    job = await add(store, new_job())
    store._db.execute("UPDATE job SET state = 77")
    with pytest.raises(StoreUnavailable):
        await store.job(job.job_id)
    results = await asyncio.gather(
        store.transact(lambda tx: tx.job(job.job_id)),
        store.jobs(JobQuery(None), before=None, limit=10),
        store.changes(0),
        return_exceptions=True,
    )
    assert all(isinstance(result, StoreUnavailable) for result in results)
    await store.close()


def _job(store: Store, job_id: str) -> Awaitable[object]:
    return store.job(job_id)


def _files(store: Store, job_id: str) -> Awaitable[object]:
    return store.files(job_id)


def _attempts(store: Store, job_id: str) -> Awaitable[object]:
    return store.attempts(job_id, file_index=None, before=None, limit=9)


def _secrets(store: Store, job_id: str) -> Awaitable[object]:
    return store.transact(lambda tx: tx.secrets(job_id))


def _policy(store: Store, _: str) -> Awaitable[object]:
    return store.transact(lambda tx: tx.policy())


# What was never written, by column and by what reads it.
ODDITIES: list[tuple[str, str, object, Callable[[Store, str], Awaitable[object]]]] = [
    *(
        ("job", "options", text, _job)
        for text in (
            "", "nothing", "[]", "7", '"x"', "[" * 100_000, '{"unknown": 1}', '{"http": []}',
            '{"retention": true}', '{"retention": NaN}', '{"retention": "1"}', '{"deadline": "x"}',
            '{"deadline": 1e300}', '{"dynamic_content": 1}', '{"max_download_size": 1.5}',
            '{"max_download_size": true}', '{"cost_policy": [99]}', '{"overwrite_policy": null}',
            '{"http": {"headers": [["X", 1, false]]}}', '{"http": {"headers": [["X", "1", 0]]}}',
            '{"http": {"proxy": [3, "http", []]}}', '{"http": {"proxy": [3, [1], []]}}',
            '{"credentials": [[1]]}', '{"notifications": [[1], "soon"]}', b"\xff", 7,
        )
    ),
    *(
        ("file", column, text, _files)
        for column in ("extra", "report", "filled", "requested")
        for text in ("", "{}x", "7", '["a"]', "[[1, 2, 3]]", '[["a", 1]]', b"\xff", 7)
    ),
    ("file", "extra", "[[], [1]]", _files),
    ("file", "extra", '[[[0, "x"]], []]', _files),
    ("file", "filled", "[[0, 1.5]]", _files),
    ("file", "report", '[[["a", 1]], "", []]', _files),
    ("file", "report", "[[], 5, []]", _files),
    ("file", "report", '[[], "", [["http://a/", "1"]]]', _files),
    ("attempt", "outcome", 9, _attempts),
    ("attempt", "end_time", "soon", _attempts),
    ("attempt", "error", "[1]", _attempts),
    ("secret", "sealed", "a text", _secrets),
    ("secret", "name", b"x", _secrets),
    ("meta", "value", "[]", _policy),
    ("meta", "value", '[["jobs_per_owner", 1]]', _policy),
    ("meta", "value", "{", _policy),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column", "value", "read"), ODDITIES)
async def test_what_was_never_written_is_damage(
    tmp_path: Path,
    table: str,
    column: str,
    value: object,
    read: Callable[[Store, str], Awaitable[object]],
) -> None:
    store = await SQLiteStore.open(tmp_path)
    job = full_job()
    await add(store, job, full_file(job))
    await store.transact(lambda tx: _equip(tx, job))
    await store.transact(lambda tx: tx.set_policy({"jobs_per_owner": 7}))
    await read(store, job.job_id)
    only = " WHERE name = 'policy'" if table == "meta" else ""
    store._db.execute(f"UPDATE {table} SET {column} = ?{only}", (value,))
    store._hot.forget([job.job_id])
    with pytest.raises(StoreDamaged):
        await read(store, job.job_id)
    await store.close()


async def test_a_closed_store_is_unavailable_not_damaged(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    await store.close()
    for read in (store.job(new_id()), store.token(b""), store.position()):
        with pytest.raises(StoreUnavailable, match="is closed"):
            await read
