"""Transactions: isolation of each, grouping, request ids, tokens, the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.limits import REQUEST_ID_RETENTION
from bgcopyd.jobs.principal import Principal, Scope
from bgcopyd.queue.storage import Request, Store, StoreUnavailable, Tx
from tests.support.store_values import (
    ANNA,
    BERT,
    NOW,
    STEADY,
    add,
    change,
    creating,
    new_file,
    new_job,
    new_request,
    new_token,
)

pytest_plugins = ["tests.support.store_kinds"]


class Refused(Exception):
    pass


async def test_a_refusal_undoes_itself_alone(store: Store) -> None:
    """All in one group: those that are refused after writing, and those that are not."""
    jobs = [new_job(state=JobState.QUEUED) for _ in range(30)]

    def refused(job: Job) -> None:
        def create(tx: Tx) -> None:
            creating(job, new_file(job))(tx)
            tx.insert_request(new_request(job, job.job_id))
            assert tx.live_jobs(ANNA) > 0
            raise Refused(job.job_id)

        return create  # type: ignore[return-value] # the caller only hands it on

    work = [
        store.transact(refused(job) if place % 3 == 0 else creating(job, new_file(job)))  # type: ignore[arg-type,func-returns-value]
        for place, job in enumerate(jobs)
    ]
    results = await asyncio.gather(*work, return_exceptions=True)
    for place, (job, result) in enumerate(zip(jobs, results, strict=True)):
        if place % 3 == 0:
            assert isinstance(result, Refused)
            assert result.args == (job.job_id,)
            assert await store.job(job.job_id) is None
            assert await store.files(job.job_id) == []
        else:
            assert result == await store.job(job.job_id)
            assert await store.files(job.job_id) == [new_file(job)]
    assert await store.transact(lambda tx: tx.live_jobs(ANNA)) == 20
    assert (await store.position()).newest == 20
    numbers = [job.change_seq for job in (await store.changes(0)).jobs]
    assert numbers == list(range(1, 21))


async def test_a_refusal_before_writing_leaves_the_others_alone(store: Store) -> None:
    def refused(tx: Tx) -> None:
        assert tx.job(job.job_id) is None
        raise Refused

    job = new_job()
    results = await asyncio.gather(store.transact(refused), add(store, job), return_exceptions=True)
    assert isinstance(results[0], Refused)
    assert results[1] == await store.job(job.job_id)


async def test_requests_of_one_group_see_one_another_in_order(store: Store) -> None:
    job = await add(store, new_job())

    def count(tx: Tx) -> Job:
        known = tx.job(job.job_id)
        assert known is not None
        return tx.update_job(replace(known, error_count=known.error_count + 1))

    done = await asyncio.gather(*[store.transact(count) for _ in range(50)])
    assert [one.error_count for one in done] == list(range(1, 51))
    last = await store.job(job.job_id)
    assert last is not None
    assert (last.error_count, last.revision) == (50, 51)


async def test_a_change_that_nobody_waits_for_is_seen_when_it_has_run(store: Store) -> None:
    job = new_job()
    added = await store.transact(creating(job), durable=False)
    assert await store.job(job.job_id) == added


async def test_an_abandoned_request_harms_nobody(store: Store) -> None:
    abandoned = asyncio.ensure_future(add(store, new_job()))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    job = await add(store, new_job())
    assert await store.job(job.job_id) == job


async def test_live_jobs_count_those_that_are_not_final(store: Store) -> None:
    one = await add(store, new_job())
    two = await add(store, new_job(state=JobState.QUEUED))
    await add(store, new_job(state=JobState.CANCELLED))

    async def live(owner: str) -> int:
        return await store.transact(lambda tx: tx.live_jobs(owner))

    assert (await live(ANNA), await live(BERT)) == (2, 0)
    await change(store, one.job_id, state=JobState.ACKNOWLEDGED)
    assert await live(ANNA) == 1
    await change(store, two.job_id, owner=BERT)
    assert (await live(ANNA), await live(BERT)) == (0, 1)
    await store.transact(lambda tx: tx.delete_job(two.job_id))
    assert await live(BERT) == 0


async def test_request_ids_are_unique_per_creator(store: Store) -> None:
    job, other = await add(store, new_job()), await add(store, new_job(BERT))
    first = replace(new_request(job), first_index=7)
    assert await store.transact(lambda tx: tx.insert_request(first)) is None
    await store.transact(lambda tx: tx.insert_request(new_request(other)))

    def read(tx: Tx) -> list[Request | None]:
        return [tx.request(ANNA, "r1"), tx.request(BERT, "r1"), tx.request(ANNA, "r2")]

    assert await store.transact(read) == [first, new_request(other), None]
    again = replace(new_request(other), creator=ANNA)
    assert await store.transact(lambda tx: tx.insert_request(again)) == first
    assert await store.transact(read) == [first, new_request(other), None]


@pytest.mark.parametrize("how", ["delete", "expire"])
async def test_request_ids_outlive_their_job_for_a_day(store: Store, how: str) -> None:
    job = await add(store, new_job(state=JobState.CANCELLED, due=STEADY))
    await store.transact(lambda tx: tx.insert_request(new_request(job)))
    await store.transact(lambda tx: tx.expire(STEADY - 0.5))

    async def known() -> bool:
        return await store.transact(lambda tx: tx.request(ANNA, "r1")) is not None

    if how == "delete":
        await store.transact(lambda tx: tx.delete_job(job.job_id))
    assert await known()
    assert await store.transact(lambda tx: tx.expire(STEADY)) == (how == "expire")
    almost = STEADY + REQUEST_ID_RETENTION - 1
    await store.transact(lambda tx: tx.expire(almost))
    assert await known()
    await store.transact(lambda tx: tx.expire(almost + 1))
    assert not await known()


async def test_a_request_that_expires_by_itself(store: Store) -> None:
    job = await add(store, new_job())
    request = replace(new_request(job), expires=STEADY)
    await store.transact(lambda tx: tx.insert_request(request))
    assert await store.transact(lambda tx: tx.request(ANNA, "r1")) == request
    await store.transact(lambda tx: tx.expire(STEADY))
    assert await store.transact(lambda tx: tx.request(ANNA, "r1")) is None


async def test_tokens(store: Store) -> None:
    one, two = new_token(1), new_token(2, expire_time=NOW)
    for token in (one, two):
        await store.transact(lambda tx, token=token: tx.insert_token(token))  # type: ignore[misc] # a default pins the value
    assert await store.token(one.digest) == one
    assert await store.token(b"\x09" * 32) is None
    assert await store.tokens() == [one, two]
    assert await store.transact(lambda tx: tx.revoke_token("t1")) is True
    assert await store.token(one.digest) == replace(one, revoked=True)
    assert await store.transact(lambda tx: tx.revoke_token("none")) is False


async def test_rights_and_last_use_of_a_token(store: Store) -> None:
    taker = Principal(ANNA, frozenset({Scope.READ, Scope.TAKE_OWNERSHIP}), frozenset({"a", "b"}))
    token = replace(new_token(1), principal=taker)
    await store.transact(lambda tx: tx.insert_token(token))
    assert await store.token(token.digest) == token
    await store.transact(lambda tx: tx.mark_token("t1", NOW))
    assert await store.token(token.digest) == replace(token, last_use_time=NOW)
    await store.transact(lambda tx: tx.mark_token("none", NOW))
    assert await store.tokens() == [replace(token, last_use_time=NOW)]


async def test_close_finishes_what_was_handed_in(store: Store) -> None:
    jobs = [new_job() for _ in range(20)]
    work = [asyncio.ensure_future(add(store, job)) for job in jobs]
    await asyncio.sleep(0)
    await store.close()
    assert [one.seq for one in await asyncio.gather(*work)] == list(range(1, 21))
    with pytest.raises(StoreUnavailable):
        await add(store, new_job())
    await store.close()
