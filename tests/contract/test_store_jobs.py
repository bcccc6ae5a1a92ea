"""Jobs, files, progress and destinations come back as they went in."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bgcopyd.jobs.file import File, FileRange
from bgcopyd.jobs.job import Job, JobState, Progress
from bgcopyd.queue.storage import DestinationTaken, FileTotals, Store, Tx
from tests.support.store_values import (
    ANNA,
    BERT,
    STEADY,
    add,
    change,
    full_file,
    full_job,
    new_file,
    new_id,
    new_job,
    update_of,
)

pytest_plugins = ["tests.support.store_kinds"]


async def test_a_full_job_comes_back_whole(store: Store) -> None:
    job = full_job()
    plain = new_job()
    # Worked out for whoever looks: inactivity_time, turn_reason.
    given = {"type", "owner", "job_id", "create_time", "modification_time", "etag"}
    counted = {"revision", "seq", "change_seq", "queue_seq", "turn_reason", "inactivity_time"}
    for one in fields(Job):
        if one.name not in given | counted:
            assert getattr(job, one.name) != getattr(plain, one.name), one.name
    added = await add(store, job)
    assert added == replace(job, seq=1, change_seq=1, queue_seq=1, revision=1)
    assert await store.job(job.job_id) == added
    assert await store.transact(lambda tx: tx.job(job.job_id)) == added


async def test_a_plain_job_comes_back_whole(store: Store) -> None:
    job = new_job()
    added = await add(store, job)
    assert added == replace(job, seq=1, change_seq=1, revision=1)
    assert await store.job(job.job_id) == added


@pytest.mark.parametrize(
    "job_id",
    ["", "x", new_id(1), "0" * 36, new_id((1 << 31) + 0xA).upper(), new_id(0).replace("-", "")],
)
async def test_unknown_ids_are_none(store: Store, job_id: str) -> None:
    for number in (0, (1 << 31) + 0xA):
        await add(store, new_job(job_id=new_id(number)))
    assert await store.job(job_id) is None
    assert await store.transact(lambda tx: tx.job(job_id)) is None


async def test_the_same_id_twice_is_refused(store: Store) -> None:
    job = await add(store, new_job())
    with pytest.raises(Exception):  # noqa: B017 - a defect of the caller; each store has its own
        await add(store, replace(new_job(), job_id=job.job_id))
    assert await store.job(job.job_id) == job
    assert (await store.position()).newest == 1


async def test_update_replaces_all_but_identity_and_progress(store: Store) -> None:
    job = await add(store, replace(new_job(), progress=Progress(1, 2, 3, 0)))
    other = replace(full_job(BERT), job_id=job.job_id, creator="user:mallory", seq=99, revision=77)
    updated = await store.transact(lambda tx: tx.update_job(other))
    assert updated == replace(
        other,
        creator=ANNA,
        seq=job.seq,
        progress=job.progress,
        change_seq=2,
        revision=2,
        queue_seq=2,
    )
    assert await store.job(job.job_id) == updated


async def test_update_of_an_absent_job_is_an_error(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.transact(lambda tx: tx.update_job(new_job()))


async def test_requeue_takes_a_new_place_and_nothing_else_does(store: Store) -> None:
    job = await add(store, new_job(state=JobState.QUEUED))
    await add(store, new_job())
    kept = await change(store, job.job_id, state=JobState.CONNECTING)
    assert kept.queue_seq == 1
    kept = await change(store, job.job_id, state=JobState.QUEUED)
    assert kept.queue_seq == 1
    moved = await change(store, job.job_id, requeue=True)
    assert moved.queue_seq == moved.change_seq == 5


async def test_each_call_sees_the_changes_before_it(store: Store) -> None:
    job = new_job()

    def work(tx: Tx) -> list[object]:
        seen: list[object] = [tx.job(job.job_id)]
        added = tx.insert_job(job)
        seen.append(tx.job(job.job_id) == added)
        tx.insert_files(job.job_id, [new_file(job)])
        seen.append(len(tx.files(job.job_id)))
        renamed = tx.update_job(replace(added, display_name="other"))
        seen.append(tx.job(job.job_id) == renamed)
        tx.set_progress(job.job_id, Progress(5, 6, 1, 0, bytes_per_second=7))
        seen.append(tx.job(job.job_id) == replace(renamed, progress=Progress(5, 6, 1, 0)))
        seen.append(tx.live_jobs(ANNA))
        tx.delete_job(job.job_id)
        return [*seen, tx.job(job.job_id), tx.live_jobs(ANNA)]

    assert await store.transact(work) == [None, True, 1, True, True, 1, None, 0]
    assert await store.job(job.job_id) is None


async def test_progress_is_no_change(store: Store) -> None:
    job = await add(store, new_job())
    for progress in (Progress(1, None, 2, 0), Progress(4, 5, 2, 1)):
        await store.transact(lambda tx, p=progress: tx.set_progress(job.job_id, p))  # type: ignore[misc] # a default pins the value
        assert await store.job(job.job_id) == replace(job, progress=progress)
    assert (await store.position()).newest == job.change_seq


async def test_files_come_back_whole_and_in_order(store: Store) -> None:
    job = new_job()
    given = [full_file(job, 2), new_file(job, 0), new_file(job, 7)]
    await add(store, job, *given)
    neighbour = new_job()
    await add(store, neighbour, new_file(neighbour))
    expected = [given[1], given[0], given[2]]
    assert await store.files(job.job_id) == expected
    assert await store.files(job.job_id, after=0, limit=1) == [given[0]]
    assert await store.files(job.job_id, after=7) == []
    assert await store.files(new_id()) == []

    def read(tx: Tx) -> tuple[list[File], list[File]]:
        return tx.files(job.job_id, after=1), tx.next_files(job.job_id, after=-1, limit=5)

    assert await store.transact(read) == (expected[1:], [given[1], given[2]])


async def test_updates_of_files_write_what_they_hold(store: Store) -> None:
    job = new_job()
    await add(store, job, new_file(job, 0), new_file(job, 1))
    full = full_file(job, 1)
    await store.transact(lambda tx: tx.update_files(job.job_id, [update_of(full)]))
    first, second = await store.files(job.job_id)
    assert first == new_file(job, 0)
    assert second == replace(full, spec=new_file(job, 1).spec)
    assert (await store.position()).newest == 1


async def test_totals_are_sums(store: Store) -> None:
    job = new_job()
    files = [
        new_file(job, 0, claimed=5, size=5, transferred=True),
        new_file(job, 1, claimed=3, size=9),
        new_file(job, 2, claimed=1, filled=(FileRange(3, 4), FileRange(9, 1))),
    ]
    await add(store, job, *files)
    totals = await store.transact(lambda tx: tx.totals(job.job_id))
    assert totals == FileTotals(3, 1, 14, 14, 1)
    empty = await add(store, new_job())
    nothing = await store.transact(lambda tx: tx.totals(empty.job_id))
    assert nothing == FileTotals(0, 0, 0, 0, 0)


async def test_a_destination_has_one_live_job(store: Store) -> None:
    holder = new_job()
    await add(store, holder, new_file(holder, 0, "x"))
    rival = new_job(BERT)
    files = [new_file(rival, 0, "a"), new_file(rival, 1, "x"), new_file(rival, 2, "b")]
    with pytest.raises(DestinationTaken) as refused:
        await add(store, rival, *files)
    assert refused.value.position == 1
    assert await store.job(rival.job_id) is None
    # Nothing of the refused attempt stays: its other destinations are free.
    await add(store, rival, files[0], files[2])


async def test_a_job_cannot_take_its_own_destination_twice(store: Store) -> None:
    job = new_job()
    with pytest.raises(DestinationTaken) as refused:
        await add(store, job, new_file(job, 0, "x"), new_file(job, 1, "x"))
    assert refused.value.position == 1


async def test_whoever_handles_a_taken_destination_finds_no_half(store: Store) -> None:
    holder, rival = new_job(), new_job()
    await add(store, holder, new_file(holder, 0, "x"))

    def create(tx: Tx) -> list[File]:
        tx.insert_job(rival)
        with pytest.raises(DestinationTaken):
            tx.insert_files(rival.job_id, [new_file(rival, 0, "a"), new_file(rival, 1, "x")])
        return tx.files(rival.job_id)

    assert await store.transact(create) == []
    assert await store.files(rival.job_id) == []


@pytest.mark.parametrize("how", ["release", "delete", "expire"])
async def test_a_destination_is_free_again(store: Store, how: str) -> None:
    job = new_job(state=JobState.ACKNOWLEDGED, due=STEADY)
    file = new_file(job, 0, "x")
    await add(store, job, file)
    ways = {
        "release": lambda tx: tx.release_destinations(job.job_id),
        "delete": lambda tx: tx.delete_job(job.job_id),
        "expire": lambda tx: tx.expire(STEADY),
    }
    await store.transact(ways[how])
    if how == "release":
        assert await store.files(job.job_id) == [file]
    successor = new_job()
    await add(store, successor, new_file(successor, 0, "x"))


async def test_a_deleted_job_takes_its_files_along(store: Store) -> None:
    job = new_job()
    await add(store, job, new_file(job, 0), new_file(job, 1))
    await store.transact(lambda tx: tx.delete_job(job.job_id))
    assert await store.files(job.job_id) == []
    again = replace(job, display_name="reborn")
    await add(store, again)
    assert await store.files(job.job_id) == []
