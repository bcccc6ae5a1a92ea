"""The store beside another process that writes to the same database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bgcopyd.store.connection import BUSY_TIMEOUT, DATABASE
from bgcopyd.store.sqlite import SQLiteStore
from bgcopyd.store.tokens import add_token, revoke_token
from tests.support.store_values import creating, new_job, new_token


async def test_a_brief_transaction_waits_for_another_process_without_the_loop(
    tmp_path: Path,
) -> None:
    store = await SQLiteStore.open(tmp_path)
    job, later = new_job(), new_job()
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        waiting = asyncio.ensure_future(store.transact(creating(job), brief=True))
        assert await store.files(job.job_id) == []
        assert not waiting.done()
        # The loop was not held for as long as a thread would wait for the other.
        assert time.monotonic() - begun < BUSY_TIMEOUT
        other.execute("COMMIT")
    assert await waiting == await store.job(job.job_id)
    added = await store.transact(creating(later), brief=True)
    assert added.seq == (await waiting).seq + 1
    await store.close()


async def test_a_token_that_another_process_changes_is_seen_at_once(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    one, two = new_token(1), new_token(2)
    add_token(tmp_path, one)
    assert await store.token(two.digest) is None
    for _ in range(2):
        assert await store.token(one.digest) == one
    add_token(tmp_path, two)
    assert await store.token(two.digest) == two
    revoke_token(tmp_path, one.token_id)
    assert await store.token(one.digest) == replace(one, revoked=True)
    assert await store.token(two.digest) == two
    await store.close()


async def test_a_token_that_the_store_itself_changes_is_seen_at_once(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    one = new_token(1)
    await store.transact(lambda tx: tx.insert_token(one))
    assert await store.token(one.digest) == one
    await store.transact(lambda tx: tx.revoke_token(one.token_id), brief=True)
    assert await store.token(one.digest) == replace(one, revoked=True)
    await store.close()
