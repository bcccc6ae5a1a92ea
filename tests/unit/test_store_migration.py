"""A database of an older daemon is brought up to date with all that is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bgcopyd.jobs.options import DEFAULT_OPTIONS
from bgcopyd.store import schema
from bgcopyd.store.connection import APPLICATION_ID, DATABASE
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import add, new_file, new_job

LATER = ("options", "removed_to", "extra", "report", "filled", "requested", "validation_state")


def first_schema(directory: Path) -> None:
    """Makes a database as the first daemon made it, with a job and a file in it."""
    number, statements = schema.migrations()[0]
    assert number == 1
    with closing(sqlite3.connect(directory / DATABASE)) as db:
        assert not any(name in statements for name in LATER)
        db.executescript(statements)
        db.execute(
            "INSERT INTO job VALUES (1, x'00112233445566778899aabbccddeeff', 'user:anna', "
            "'user:anna', 1, 'old', '', NULL, 1, 4, 3, 'a-1', 1, 1, 0, '', 600.0, 1209600.0, 0, "
            "0, 0, 0, NULL, 0, 0, 0.0, 1, 1, NULL, NULL, NULL)"
        )
        db.execute(
            "INSERT INTO file (key, url, root, path, destination, live, partial_name, claimed, "
            "etag, last_modified, last_modified_strong, transferred, completed) VALUES "
            "(1 << 24, 'http://a/', 'default', 'x', '/srv/x', 1, '', 5, '', '', 0, 0, 0)"
        )
        db.execute(
            "INSERT INTO tombstone VALUES (2, x'000102030405060708090a0b0c0d0e0f', 'user:bert')"
        )
        db.execute(f"PRAGMA user_version = {number}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("INSERT INTO meta VALUES ('schema', ?)", (number,))
        db.commit()


async def test_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    first_schema(tmp_path)
    store = await SQLiteStore.open(tmp_path)
    try:
        job = await store.job("00112233-4455-6677-8899-aabbccddeeff")
        assert job is not None
        assert (job.display_name, job.options) == ("old", DEFAULT_OPTIONS)
        (file,) = await store.files(job.job_id)
        assert (file.claimed, file.spec.ranges, file.validation_state) == (5, (), None)
        changes = await store.changes(1)
        assert [stone.owner_changed for stone in changes.tombstones] == [False]
        more = new_job()
        await add(store, more, new_file(more))
        assert await store.transact(lambda tx: tx.next_index(job.job_id)) == 1
    finally:
        await store.close()
