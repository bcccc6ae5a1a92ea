"""A database of an older daemon is brought up to date with all that is in it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.job import JobState, Progress
from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.jobs.principal import ALL_SCOPES, OWNER_SCOPES, Principal
from bgcopyd.queue.storage import DestinationTaken, Token, Tombstone, Tx
from bgcopyd.store import schema
from bgcopyd.store.connection import APPLICATION_ID, DATABASE
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.maintenance import check, restore
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import (
    ANNA,
    BERT,
    add,
    change,
    full_file,
    full_options,
    new_attempt,
    new_file,
    new_id,
    new_job,
    update_of,
)

LATER = ("options", "removed_to", "extra", "report", "filled", "requested", "validation_state")
STATES = tuple(JobState)
JOB: dict[str, Any] = {
    "owner": ANNA,
    "creator": BERT,
    "files": 2,
    "display_name": "old",
    "description": "",
    "labels": '{"team": "x"}',
    "type": 1,
    "priority": 3,
    "etag": "a-1",
    "revision": 4,
    "queue_seq": 0,
    "claim_id": "",
    "minimum_retry_delay": 600.0,
    "no_progress_timeout": 1209600.0,
    "max_bytes_per_second": 0,
    "auto_complete": 0,
    "completing": 0,
    "cleanup": 0,
    "error": None,
    "error_count": 0,
    "retries": 0,
    "stalled": 0.0,
    "create_time": 1,
    "modification_time": 1,
}
FILE: dict[str, Any] = {
    "url": "http://a/",
    "root": "default",
    "path": "x",
    "live": 1,
    "digests": None,
    "partial_name": "",
    "claimed": 5,
    "size": 10,
    "etag": "",
    "last_modified": "",
    "last_modified_strong": 0,
    "transferred": 0,
    "completed": 0,
}


def insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", [*values.values()])


def key_of(seq: int) -> bytes:
    return bytes.fromhex(new_id(seq).replace("-", ""))


def first_schema(path: Path) -> None:
    """Makes a database as the first daemon made it: a job of each state, with two files each."""
    number, statements = schema.migrations()[0]
    assert number == 1
    assert not any(name in statements for name in LATER)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(statements)
        for seq, state in enumerate(STATES, 1):
            own = {"seq": seq, "change_seq": seq, "id": key_of(seq), "state": int(state)}
            insert(db, "job", JOB | own)
            for index in (0, 1):
                place = {"key": (seq << 24) + index, "destination": f"/srv/{seq}-{index}"}
                insert(db, "file", FILE | place)
        db.execute("INSERT INTO progress VALUES (1, 10, 20, 2, 0)")
        db.execute("INSERT INTO request VALUES (?, 'r1', x'01', ?, 0, NULL)", (BERT, key_of(1)))
        db.execute("INSERT INTO tombstone VALUES (77, ?, ?)", (key_of(70), BERT))
        db.execute("INSERT INTO token VALUES ('t1', x'02', ?, 0, 1, NULL, 0)", (ANNA,))
        db.execute("INSERT INTO token VALUES ('t2', x'03', ?, 1, 1, NULL, 1)", (BERT,))
        db.execute(f"PRAGMA user_version = {number}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("INSERT INTO meta VALUES ('schema', ?)", (number,))
        db.commit()


async def assert_all_there(store: SQLiteStore) -> None:
    """What the first daemon had written is there, at the defaults of what it did not know."""
    for seq, state in enumerate(STATES, 1):
        job = await store.job(new_id(seq))
        assert job is not None
        assert (job.state, job.owner, job.creator, job.revision) == (state, ANNA, BERT, 4)
        assert job.labels == {"team": "x"}
        assert job.options is DEFAULT_OPTIONS
        untouched = Progress(bytes_total=None, files_total=2)
        assert job.progress == (Progress(10, 20, 2, 0) if seq == 1 else untouched)
        for index, file in enumerate(await store.files(job.job_id)):
            assert file.spec.destination == f"/srv/{seq}-{index}"
            bare = new_file(job, index, claimed=5, size=10)
            assert update_of(file) == update_of(bare)
            assert (file.spec.ranges, file.spec.mirrors) == ((), ())
        assert await store.attempts(job.job_id, file_index=None, before=None, limit=9) == []
    assert (await store.changes(9)).tombstones == (Tombstone(new_id(70), BERT, 77, False),)
    assert await store.counts() == dict.fromkeys(JobState, 1)
    made = datetime.fromtimestamp(1e-6, UTC)
    assert await store.tokens() == [
        Token("t1", b"\x02", Principal(ANNA, OWNER_SCOPES), made),
        Token("t2", b"\x03", Principal(BERT, ALL_SCOPES), made, revoked=True),
    ]

    def read(tx: Tx) -> list[object]:
        request = tx.request(BERT, "r1")
        return [request and request.job_id, tx.live_jobs(None), tx.policy()]

    assert await store.transact(read) == [new_id(1), 7, {}]


async def test_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    first_schema(tmp_path / DATABASE)
    for _ in range(2):
        store = await SQLiteStore.open(tmp_path)
        await assert_all_there(store)
        await store.close()
        assert check(tmp_path) == []


async def test_times_of_day_become_moments(tmp_path: Path) -> None:
    first_schema(tmp_path / DATABASE)
    soon = (int(time.time()) + 1000) * 1_000_000
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        db.execute("UPDATE job SET next_attempt_time = ? WHERE state = 6", (soon,))
        db.execute("UPDATE job SET expire_time = ? WHERE state = 8", (soon,))
        db.execute("UPDATE job SET expire_time = 1 WHERE state = 9")
        db.execute("UPDATE request SET expires = ?", (soon,))
        db.execute("INSERT INTO request VALUES (?, 'r2', x'01', x'99', 0, -1)", (BERT,))
        db.commit()
    store = await SQLiteStore.open(tmp_path)
    dues = {}
    for seq, state in enumerate(STATES, 1):
        job = await store.job(new_id(seq))
        assert job is not None
        assert abs((job.active_time - datetime.now(UTC)).total_seconds()) < 60
        assert (job.active, job.download_time, job.deadline_due) == (0.0, 0.0, None)
        if job.due is not None:
            dues[state] = job.due
    assert dues.pop(JobState.CANCELLED) == 0
    assert dues.pop(JobState.CONNECTING) == dues.pop(JobState.TRANSFERRING) == 90 * 86_400
    assert set(dues) == {JobState.TRANSIENT_ERROR, JobState.ACKNOWLEDGED}
    assert all(990 < due <= 1000 for due in dues.values())
    request = await store.transact(lambda tx: tx.request(BERT, "r1"))
    assert request is not None
    assert request.expires is not None
    assert 990 < request.expires <= 1000
    assert await store.transact(lambda tx: tx.next_moment(1.0)) == -1.0
    await store.close()


async def test_old_rows_take_all_that_is_new(tmp_path: Path) -> None:
    first_schema(tmp_path / DATABASE)
    store = await SQLiteStore.open(tmp_path)
    job = await change(store, new_id(1), options=full_options())
    full = full_file(job, 0)

    def work(tx: Tx) -> int:
        tx.set_spec(job.job_id, 0, full.spec)
        tx.update_files(job.job_id, [update_of(full)])
        tx.remove_files(job.job_id, [1])
        tx.insert_attempts(job.job_id, [new_attempt()])
        tx.put_secrets(job.job_id, {"a": b"1"})
        return tx.next_index(job.job_id)

    assert await store.transact(work) == 2
    await store.close()
    store = await SQLiteStore.open(tmp_path)
    assert await store.job(job.job_id) == job
    (file,) = await store.files(job.job_id)
    assert update_of(file) == update_of(full)
    assert (file.spec.mirrors, file.spec.ranges) == (full.spec.mirrors, full.spec.ranges)
    (attempt,) = await store.attempts(job.job_id, file_index=None, before=None, limit=9)
    assert attempt.attempt_id == 1
    rival = new_job()
    taken = new_file(rival, 0, "2-0")
    assert taken.spec.destination == "/srv/2-0"
    with pytest.raises(DestinationTaken):
        await add(store, rival, taken)
    await store.close()


async def test_an_old_backup_is_restored_into_today(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    first_schema(old)
    state = tmp_path / "state"
    with StateDirectory(state):
        await (await SQLiteStore.open(state)).close()
    assert restore(state, old) == old
    store = await SQLiteStore.open(state)
    await assert_all_there(store)
    await store.close()
