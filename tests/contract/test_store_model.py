"""Options, changes of files, attempts, secrets and the policy come back as they went in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bgcopyd.jobs.attempt import AttemptOutcome
from bgcopyd.jobs.http_options import HttpHeader, HttpOptions
from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.limits import ATTEMPTS_PER_JOB
from bgcopyd.jobs.options import DEFAULT_OPTIONS, JobOptions
from bgcopyd.queue.storage import DestinationTaken, Store, Tx
from bgcopyd.store.connection import DATABASE
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.store_values import (
    ANNA,
    BERT,
    ERROR,
    STEADY,
    add,
    change,
    full_file,
    full_options,
    new_attempt,
    new_file,
    new_id,
    new_job,
    new_request,
)

pytest_plugins = ["tests.support.store_kinds"]


def test_full_options_leave_nothing_at_its_default() -> None:
    full, plain = full_options(), JobOptions()
    for one in fields(JobOptions):
        assert getattr(full, one.name) != getattr(plain, one.name), one.name
    for one in fields(HttpOptions):
        assert getattr(full.http, one.name) != getattr(plain.http, one.name), one.name


@pytest.mark.parametrize("name", [one.name for one in fields(JobOptions)])
async def test_each_option_comes_back_alone(store: Store, name: str) -> None:
    options = JobOptions(**{name: getattr(full_options(), name)})
    job = await add(store, new_job(options=options))
    found = await store.job(job.job_id)
    assert found is not None
    assert found.options == options


async def test_default_options_are_one_object(store: Store) -> None:
    job = await add(store, new_job(options=JobOptions()))
    found = await store.job(job.job_id)
    assert found is not None
    assert found.options == DEFAULT_OPTIONS
    await change(store, job.job_id, options=full_options())
    back = await change(store, job.job_id, options=DEFAULT_OPTIONS)
    assert (await store.job(job.job_id)) == back


async def test_the_value_of_a_secret_header_is_never_written(tmp_path: Path) -> None:
    store = await SQLiteStore.open(tmp_path)
    http = HttpOptions(headers=(HttpHeader("X-Key", "hush-hush", True),))
    job = await add(store, new_job(options=JobOptions(http=http)))
    found = await store.job(job.job_id)
    await store.close()
    assert found is not None
    assert found.options.http.headers == (HttpHeader("X-Key", "", True),)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"hush-hush" not in written
    assert b"X-Key" in written


async def test_a_file_gets_another_source_and_keeps_its_place(store: Store) -> None:
    job = await add(store, new_job(), new_file(new_job(), 0, "a"))
    spec = replace(full_file(job).spec, destination="/elsewhere", path="elsewhere", root="other")
    await store.transact(lambda tx: tx.set_spec(job.job_id, 0, spec))
    (file,) = await store.files(job.job_id)
    assert (file.spec.url, file.spec.mirrors, file.spec.ranges) == (
        spec.url,
        spec.mirrors,
        spec.ranges,
    )
    assert (file.spec.root, file.spec.path, file.spec.destination) == ("default", "a", "/srv/a")


async def test_a_file_that_got_another_name(store: Store) -> None:
    job = await add(store, new_job(), new_file(new_job(), 0, "a"))
    await store.transact(lambda tx: tx.rename_file(job.job_id, 0, "a (1)"))
    (file,) = await store.files(job.job_id)
    assert file.spec.path == "a (1)"


async def test_removed_files_free_their_place_and_never_lend_their_index(store: Store) -> None:
    job = new_job()
    job = await add(store, job, *(new_file(job, index, f"f{index}") for index in range(3)))

    def remove(tx: Tx) -> int:
        tx.remove_files(job.job_id, [1, 2])
        return tx.next_index(job.job_id)

    assert await store.transact(remove) == 3
    assert [file.index for file in await store.files(job.job_id)] == [0]
    totals = await store.transact(lambda tx: tx.totals(job.job_id))
    assert totals.files == 1
    await add(store, new_job(), new_file(job, 0, "f1"))
    with pytest.raises(DestinationTaken):
        await add(store, new_job(), new_file(job, 0, "f0"))
    # The last one is gone, and an index that was never given takes none away.
    await store.transact(lambda tx: tx.remove_files(job.job_id, [0, 77]))
    assert await store.files(job.job_id) == []
    assert await store.transact(lambda tx: tx.next_index(job.job_id)) == 3
    await store.transact(lambda tx: tx.remove_files(job.job_id, []))
    assert await store.transact(lambda tx: tx.next_index(job.job_id)) == 3
    fresh = await add(store, new_job())
    assert await store.transact(lambda tx: tx.next_index(fresh.job_id)) == 0


async def test_attempts_come_back_newest_first(store: Store) -> None:
    job, other = await add(store, new_job()), await add(store, new_job())
    failed = new_attempt(
        1,
        outcome=AttemptOutcome.FAILED,
        url="http://a/",
        address="127.0.0.1:80",
        protocol="HTTP/2",
        http_status=404,
        received=1 << 40,
        error=ERROR,
    )
    await store.transact(lambda tx: tx.insert_attempts(job.job_id, [new_attempt(0), failed]))
    await store.transact(lambda tx: tx.insert_attempts(other.job_id, [new_attempt(0)]))
    await store.transact(lambda tx: tx.insert_attempts(job.job_id, [new_attempt(0)]))
    found = await store.attempts(job.job_id, file_index=None, before=None, limit=9)
    assert [one.file_index for one in found] == [0, 1, 0]
    assert replace(found[1], attempt_id=0) == failed
    numbers = [one.attempt_id for one in found]
    # Counted within the job: it tells nothing of the other's attempt in between.
    assert numbers == [3, 2, 1]
    page = await store.attempts(job.job_id, file_index=None, before=numbers[0], limit=1)
    assert page == found[1:2]
    only = await store.attempts(job.job_id, file_index=0, before=None, limit=9)
    assert only == [found[0], found[2]]


async def test_only_the_newest_attempts_are_kept(store: Store) -> None:
    job, other = await add(store, new_job()), await add(store, new_job())
    await store.transact(lambda tx: tx.insert_attempts(other.job_id, [new_attempt(5)]))
    many = [new_attempt(index) for index in range(ATTEMPTS_PER_JOB + 3)]
    await store.transact(lambda tx: tx.insert_attempts(job.job_id, many))
    found = await store.attempts(job.job_id, file_index=None, before=None, limit=2000)
    assert [one.file_index for one in found] == list(range(ATTEMPTS_PER_JOB + 2, 2, -1))
    assert found[0].attempt_id == ATTEMPTS_PER_JOB + 3
    await store.transact(lambda tx: tx.insert_attempts(job.job_id, [new_attempt(9)]))
    moved = await store.attempts(job.job_id, file_index=None, before=None, limit=2000)
    assert [one.attempt_id for one in moved] == list(range(ATTEMPTS_PER_JOB + 4, 4, -1))
    assert await store.attempts(other.job_id, file_index=None, before=None, limit=9)
    assert await store.attempts(new_id(), file_index=None, before=None, limit=9) == []


async def test_secrets(store: Store) -> None:
    job, other = await add(store, new_job()), await add(store, new_job())
    await store.transact(lambda tx: tx.put_secrets(job.job_id, {"a": b"1", "b": b"2"}))
    await store.transact(lambda tx: tx.put_secrets(job.job_id, {"b": b"\0\xff"}))
    assert await store.transact(lambda tx: tx.secrets(job.job_id)) == {"a": b"1", "b": b"\0\xff"}
    assert await store.transact(lambda tx: tx.secrets(other.job_id)) == {}
    await store.transact(lambda tx: tx.drop_secrets(job.job_id, ["a", "nothing"]))
    assert await store.transact(lambda tx: tx.secrets(job.job_id)) == {"b": b"\0\xff"}


def equip(job: Job) -> Callable[[Tx], None]:
    """Gives a job what belongs to it."""

    def work(tx: Tx) -> None:
        tx.insert_files(job.job_id, [new_file(job, 0), new_file(job, 1)])
        tx.remove_files(job.job_id, [1])
        tx.put_secrets(job.job_id, {"a": b"1"})
        tx.insert_attempts(job.job_id, [new_attempt(0), new_attempt(1)])

    return work


HOW: dict[str, Callable[[Tx, str], object]] = {
    "delete": lambda tx, job_id: tx.delete_job(job_id),
    "expire": lambda tx, _: tx.expire(STEADY),
}


@pytest.mark.parametrize("how", HOW)
async def test_what_belongs_to_a_job_goes_with_it(store: Store, how: str) -> None:
    job = await add(store, new_job(state=JobState.CANCELLED, due=STEADY))
    await store.transact(equip(job))
    await store.transact(lambda tx: HOW[how](tx, job.job_id))
    assert await store.attempts(job.job_id, file_index=None, before=None, limit=9) == []
    again = await add(store, replace(new_job(), job_id=job.job_id))
    assert await store.attempts(again.job_id, file_index=None, before=None, limit=9) == []
    assert await store.transact(lambda tx: tx.secrets(again.job_id)) == {}
    assert await store.transact(lambda tx: tx.next_index(again.job_id)) == 0


@pytest.mark.parametrize("how", HOW)
async def test_nothing_of_a_job_stays_on_disk(tmp_path: Path, how: str) -> None:
    store = await SQLiteStore.open(tmp_path)
    job = await add(store, new_job(state=JobState.CANCELLED, due=STEADY))
    await store.transact(equip(job))
    await store.transact(lambda tx: HOW[how](tx, job.job_id))
    await store.close()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        for table in ("job", "file", "secret", "attempt", "progress"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


async def test_what_belongs_to_a_job_goes_to_its_new_owner(store: Store) -> None:
    job = await add(store, new_job(ANNA, options=full_options()))
    await store.transact(equip(job))
    await store.transact(lambda tx: tx.insert_request(new_request(job)))
    taken = await change(store, job.job_id, owner=BERT)
    assert taken == replace(job, owner=BERT, revision=2, change_seq=2)
    assert await store.job(job.job_id) == taken

    def read(tx: Tx) -> list[object]:
        return [
            tx.secrets(job.job_id),
            tx.request(ANNA, "r1"),
            tx.request(BERT, "r1"),
            tx.next_index(job.job_id),
            [tx.live_jobs(who) for who in (ANNA, BERT, None)],
        ]

    expected = [{"a": b"1"}, new_request(job), None, 2, [0, 1, 1]]
    assert await store.transact(read) == expected
    assert len(await store.attempts(job.job_id, file_index=None, before=None, limit=9)) == 2
    assert len(await store.files(job.job_id)) == 1
    # The request id follows the job's life, whoever owns it.
    await change(store, job.job_id, state=JobState.CANCELLED)
    await store.transact(lambda tx: tx.delete_job(job.job_id))
    stones = (await store.changes(0)).tombstones
    assert [(stone.owner, stone.owner_changed) for stone in stones] == [(ANNA, True), (BERT, False)]
    assert await store.transact(lambda tx: tx.request(ANNA, "r1")) == new_request(job)
    assert await store.transact(lambda tx: [tx.live_jobs(who) for who in (BERT, None)]) == [0, 0]


async def test_a_refusal_undoes_all_of_it(store: Store) -> None:
    job = await add(store, new_job())
    await store.transact(equip(job))

    def refused(tx: Tx) -> None:
        tx.update_job(replace(job, owner=BERT, options=full_options()))
        tx.remove_files(job.job_id, [0])
        tx.insert_attempts(job.job_id, [new_attempt(7)])
        tx.put_secrets(job.job_id, {"a": b"2", "b": b"3"})
        tx.set_policy({"x": 1})
        assert tx.live_jobs(BERT) == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(refused)
    assert await store.job(job.job_id) == job
    assert [file.index for file in await store.files(job.job_id)] == [0]
    assert len(await store.attempts(job.job_id, file_index=None, before=None, limit=9)) == 2

    def read(tx: Tx) -> list[object]:
        lives = [tx.live_jobs(who) for who in (ANNA, BERT, None)]
        return [tx.secrets(job.job_id), tx.policy(), lives]

    assert await store.transact(read) == [{"a": b"1"}, {}, [1, 0, 1]]


async def test_the_policy(store: Store) -> None:
    assert await store.transact(lambda tx: tx.policy()) == {}
    await store.transact(lambda tx: tx.set_policy({"jobs_per_owner": 5, "retention": 1.5}))
    await store.transact(lambda tx: tx.set_policy({"jobs_per_owner": 6}))
    assert await store.transact(lambda tx: tx.policy()) == {"jobs_per_owner": 6}


async def test_counts_by_state_and_owner(store: Store) -> None:
    for state in (JobState.QUEUED, JobState.QUEUED, JobState.ERROR, JobState.CANCELLED):
        await add(store, new_job(state=state))
    await add(store, new_job(BERT, state=JobState.ACKNOWLEDGED))
    await add(store, new_job(BERT))
    counts = await store.counts()
    assert set(counts) == set(JobState)
    assert {state: count for state, count in counts.items() if count} == {
        JobState.QUEUED: 2,
        JobState.ERROR: 1,
        JobState.CANCELLED: 1,
        JobState.ACKNOWLEDGED: 1,
        JobState.SUSPENDED: 1,
    }
    lives = await store.transact(lambda tx: [tx.live_jobs(who) for who in (ANNA, BERT, None)])
    assert lives == [3, 1, 4]
