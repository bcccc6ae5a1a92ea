"""WatchJobs on the wire: snapshot, changes, tokens, removals, heartbeats, quotas, the end."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from itertools import pairwise
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.queue.watch import PENDING
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, new_id, spec, verb
from tests.support.rpc_status import Refused, decode, refusal
from tests.support.rpc_watch import watching

DELETED = pb.JOB_REMOVED_REASON_DELETED
NO_MATCH = pb.JOB_REMOVED_REASON_NO_MATCH
QUEUED = job_pb2.JOB_STATE_QUEUED
SUSPENDED = job_pb2.JOB_STATE_SUSPENDED
CANCELLED = job_pb2.JOB_STATE_CANCELLED
TRANSFERRING = job_pb2.JOB_STATE_TRANSFERRING


async def refused_watch(caller: Any, request: pb.WatchJobsRequest) -> Refused:
    """How a watch that must be refused ended."""
    return await refusal(caller.call("WatchJobs", request).read())


async def test_an_empty_queue(home: House) -> None:
    async with watching(home.local) as reader:
        assert await reader.snapshot() == []
        assert reader.token


async def test_snapshot_then_changes_in_order(home: House) -> None:
    jobs = [await created(home.local) for _ in range(3)]
    ended = await created(home.local)
    await verb(home.local, "CancelJob", ended.job_id)
    async with watching(home.local) as reader:
        snapshot = await reader.snapshot()
        assert [job.job_id for job in snapshot] == [job.job_id for job in reversed(jobs)]
        assert snapshot == list(reversed(jobs))
        fresh = await created(home.local, spec())
        assert await reader.changed() == fresh
        cancelled = (await verb(home.local, "CancelJob", fresh.job_id)).job
        revisions = [fresh.revision]
        while revisions[-1] < cancelled.revision:
            job = await reader.changed()
            assert job.job_id == fresh.job_id
            revisions.append(job.revision)
        assert revisions == sorted(set(revisions))
        assert job == cancelled  # a watch follows a job into its end
        await verb(home.local, "DeleteJob", fresh.job_id)
        assert await reader.removed() == (fresh.job_id, DELETED)


async def test_a_large_snapshot_is_whole(home: House) -> None:
    made = {(await created(home.local)).job_id for _ in range(450)}
    async with watching(home.local) as reader:
        seen = [job.job_id for job in await reader.snapshot()]
    assert len(seen) == 450
    assert set(seen) == made


async def test_a_token_goes_on_without_a_gap(home: House) -> None:
    kept = await created(home.local)
    gone = await created(home.local)
    await verb(home.local, "CancelJob", gone.job_id)
    async with watching(home.local) as reader:
        await reader.snapshot()
        token = reader.token
    missed = [await created(home.local) for _ in range(300)]
    await verb(home.local, "DeleteJob", gone.job_id)
    final = (await verb(home.local, "CancelJob", kept.job_id)).job
    wanted = {job.job_id: job for job in (*missed, final)}
    async with watching(home.local, resume_token=token) as reader:
        seen: dict[str, job_pb2.Job] = {}
        removed: set[tuple[str, int]] = set()
        while seen != wanted or not removed:
            message = await reader.event()
            assert message.resume_token
            if message.WhichOneof("event") == "job_removed":
                removed.add((message.job_removed.job_id, message.job_removed.reason))
            else:
                job = message.job_changed
                assert job.revision > seen.get(job.job_id, job_pb2.Job()).revision
                seen[job.job_id] = job
        assert removed == {(gone.job_id, DELETED)}
        # And from there on as any other.
        assert await created(home.local) == await reader.changed()


async def test_every_token_of_a_watch_is_good(home: House) -> None:
    async with watching(home.local) as reader:
        await reader.snapshot()
        first, second = await created(home.local), await created(home.local)
        assert await reader.changed() == first
        between = reader.token
        assert await reader.changed() == second
        end = reader.token
    async with watching(home.local, resume_token=between) as reader:
        assert await reader.changed() == second
    async with watching(home.local, resume_token=end) as reader:
        third = await created(home.local)
        assert await reader.changed() == third


async def test_the_token_of_a_list(home: House) -> None:
    await created(home.local)
    page = await home.local.call("ListJobs", pb.ListJobsRequest())
    later = await created(home.local)
    async with watching(home.local, resume_token=page.resume_token) as reader:
        assert await reader.changed() == later


async def test_tokens_survive_a_new_start_but_not_another_store(home: House) -> None:
    page = await home.local.call("ListJobs", pb.ListJobsRequest())
    async with house() as other:
        request = pb.WatchJobsRequest(resume_token=page.resume_token)
        refused = await refused_watch(other.local, request)
        assert refused.code is grpc.StatusCode.OUT_OF_RANGE
        assert refused.reason == "RESUME_TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "make",
    [
        lambda _position, _store: "garbled",
        lambda _position, _store: "\u00fc",
        lambda _position, _store: "A" * 10_000,
        lambda position, _store: f"{position}",
        lambda position, store: f"{int(position) + 1}:{store}",
        lambda _position, store: f"{10**30}:{store}",
        lambda _position, store: f"-1:{store}",
        lambda _position, store: f"x:{store}",
        lambda _position, store: f"{'9' * 5000}:{store}",
    ],
)
async def test_bad_tokens(home: House, make: Any) -> None:
    page = await home.local.call("ListJobs", pb.ListJobsRequest())
    good = base64.urlsafe_b64decode(page.resume_token + "=" * (-len(page.resume_token) % 4))
    position, _, store = good.decode().partition(":")
    text = make(position, store)
    encoded = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for token in (encoded, text):
        refused = await refused_watch(home.local, pb.WatchJobsRequest(resume_token=token))
        assert refused.code is grpc.StatusCode.OUT_OF_RANGE
        assert refused.reason == "RESUME_TOKEN_EXPIRED"


async def test_a_token_older_than_the_history() -> None:
    async with house(history=1) as home:
        page = await home.local.call("ListJobs", pb.ListJobsRequest())
        for _ in range(3):
            job = await created(home.local)
            await verb(home.local, "CancelJob", job.job_id)
            await verb(home.local, "DeleteJob", job.job_id)
        await home.daemon.housekeeping.round()
        request = pb.WatchJobsRequest(resume_token=page.resume_token)
        refused = await refused_watch(home.local, request)
        assert refused.reason == "RESUME_TOKEN_EXPIRED"
        async with watching(home.local) as reader:
            await reader.snapshot()


async def test_by_id(home: House) -> None:
    wanted, other = await created(home.local), await created(home.local)
    async with watching(home.local, job_ids=[wanted.job_id.upper()]) as reader:
        assert await reader.snapshot() == [wanted]
        await verb(home.local, "CancelJob", other.job_id)
        cancelled = (await verb(home.local, "CancelJob", wanted.job_id)).job
        while (job := await reader.changed()).revision < cancelled.revision:
            assert job.job_id == wanted.job_id
        assert job == cancelled
        await verb(home.local, "DeleteJob", other.job_id)
        await verb(home.local, "DeleteJob", wanted.job_id)
        assert await reader.removed() == (wanted.job_id, DELETED)


async def test_a_job_that_does_not_match_any_more(home: House) -> None:
    job = await created(home.local, spec())
    async with watching(home.local, states=[SUSPENDED]) as reader:
        assert await reader.snapshot() == [job]
        await verb(home.local, "CancelJob", job.job_id)
        assert await reader.removed() == (job.job_id, NO_MATCH)


async def test_other_owners_are_not_there(home: House) -> None:
    anna, bert = await home.user("anna"), await home.user("bert")
    secret = await created(bert)
    everything = watching(home.local, all_owners=True)
    async with (
        watching(anna) as hers,
        watching(anna, job_ids=[secret.job_id]) as guess,
        everything as all_of_it,
    ):
        assert await hers.snapshot() == []
        assert await guess.snapshot() == []
        assert await all_of_it.snapshot() == [secret]
        await verb(bert, "CancelJob", secret.job_id)
        await verb(bert, "DeleteJob", secret.job_id)
        own = await created(anna)
        assert await hers.changed() == own
        while (await all_of_it.event()).job_changed != own:
            pass
    async with watching(anna, job_ids=[secret.job_id], heartbeat=1.0) as guess:
        assert await guess.snapshot() == []
        assert (await guess.next()).WhichOneof("event") == "heartbeat"


async def test_a_resume_tells_nothing_of_other_owners(home: House) -> None:
    anna, bert = await home.user("anna"), await home.user("bert")
    page = await anna.call("ListJobs", pb.ListJobsRequest())
    gone = await created(bert)
    await verb(bert, "CancelJob", gone.job_id)
    await verb(bert, "DeleteJob", gone.job_id)
    await created(bert)
    own = await created(anna)
    async with watching(anna, resume_token=page.resume_token) as reader:
        assert await reader.changed() == own


async def test_heartbeats_carry_the_position(home: House) -> None:
    bert = await home.user("bert")
    async with watching(home.local, heartbeat=1.0) as reader:
        await reader.snapshot()
        before = reader.token
        await created(bert)  # moves the position, but is not this watch's
        beat = await reader.next()
        assert beat.WhichOneof("event") == "heartbeat"
        assert beat.resume_token not in {"", before}
        own = await created(home.local)
        assert await reader.changed() == own
    async with watching(home.local, resume_token=beat.resume_token) as reader:
        assert await reader.changed() == own


@pytest.mark.parametrize(
    ("field", "duration"),
    [
        ("progress_interval", Duration(nanos=99_000_000)),
        ("progress_interval", Duration(seconds=3601)),
        ("progress_interval", Duration(seconds=-1)),
        ("heartbeat_interval", Duration(nanos=999_000_000)),
        ("heartbeat_interval", Duration(seconds=301)),
        ("heartbeat_interval", Duration()),
    ],
)
async def test_bad_intervals(home: House, field: str, duration: Duration) -> None:
    request = pb.WatchJobsRequest(**{field: duration})  # type: ignore[arg-type] # by name
    refused = await refused_watch(home.local, request)
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", [field])


async def test_bad_filters(home: House) -> None:
    wanted = pb.JobFilter(job_ids=["x"], job_id_prefix="xyz", states=[0, 77])  # type: ignore[list-item] # unknown ones
    refused = await refused_watch(home.local, pb.WatchJobsRequest(filter=wanted))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    fields = ["filter.job_ids[0]", "filter.job_id_prefix", "filter.states[0]", "filter.states[1]"]
    assert refused.fields == fields
    many = pb.JobFilter(job_ids=[new_id()] * 1001)
    refused = await refused_watch(home.local, pb.WatchJobsRequest(filter=many))
    assert refused.fields == ["filter.job_ids"]


async def first_of(home: House) -> pb.WatchJobsResponse | None:
    """What a new watch says first; None where it is one too many."""
    call = home.local.call("WatchJobs", pb.WatchJobsRequest())
    refused: Refused | None = None
    try:
        message: pb.WatchJobsResponse = await call.read()
    except grpc.aio.AioRpcError as error:
        refused = decode(error)
    if refused is not None:
        assert refused.reason == "WATCH_QUOTA_EXCEEDED"
        return None
    call.cancel()
    return message


async def test_watches_are_counted_per_caller() -> None:
    async with house(watches_per_owner=2) as home:
        anna = await home.user("anna")
        async with watching(home.local) as one, watching(home.local) as two:
            await one.snapshot()
            await two.snapshot()
            refused = await refused_watch(home.local, pb.WatchJobsRequest())
            assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert refused.reason == "WATCH_QUOTA_EXCEEDED"
            violation = refused.detail(details_pb2.QuotaFailure).violations[0]
            assert violation.subject == "watches_per_owner"
            async with watching(anna) as hers:
                await hers.snapshot()
        async with asyncio.timeout(10):
            while (await first_of(home)) is None:
                pass


async def test_progress_comes_once_per_interval(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    one = await home.engine.next()
    home.engine.connect(one, 1000)
    async with watching(home.local, progress=0.5, heartbeat=1.0) as reader:
        await reader.snapshot()
        revision = 0
        told: list[tuple[float, int]] = []
        loop = asyncio.get_running_loop()
        received = 0
        while len(told) < 4:
            received += 10
            home.engine.receive(one, received)
            try:
                async with asyncio.timeout(0.05):
                    message = await asyncio.shield(read := asyncio.ensure_future(reader.next()))
            except TimeoutError:
                while not read.done():
                    received += 10
                    home.engine.receive(one, received)
                    await asyncio.wait([read], timeout=0.05)
                message = await read
            changed = message.job_changed
            assert changed.job_id == job.job_id
            assert changed.revision >= revision
            if changed.revision == revision:
                assert not message.resume_token  # progress moves no position
                told.append((loop.time(), changed.progress.bytes_transferred))
            revision = changed.revision
    times = [when for when, _ in told]
    assert all(later - sooner > 0.4 for sooner, later in pairwise(times[1:]))
    counts = [count for _, count in told]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert (await home.store.job(job.job_id)).progress.bytes_transferred == 0  # type: ignore[union-attr] # it is there


async def test_a_reader_that_never_reads_harms_nobody(home: House) -> None:
    big = {f"k{number}": "v" * 256 for number in range(64)}
    job = await created(home.local, spec(), labels=big)
    async with watching(home.caller()) as lazy, watching(home.local) as reader:
        await lazy.next()
        await reader.snapshot()
        made = set()
        for number in range(600):
            made.add((await created(home.local, labels=big, display_name=f"{number}")).job_id)
            await reader.changed()
        # What waits for the lazy one is bounded: beyond that the store is read again.
        assert max(len(watch._pending) for watch in home.daemon.feed._watches) <= PENDING
        final = (await verb(home.local, "CancelJob", job.job_id)).job
        newest: dict[str, int] = {}
        while not made <= set(newest) or newest.get(job.job_id, 0) < final.revision:
            message = await lazy.event()
            if message.WhichOneof("event") == "job_changed":
                changed = message.job_changed
                assert changed.revision > newest.get(changed.job_id, 0)
                newest[changed.job_id] = changed.revision


async def test_drain_ends_watches(home: House) -> None:
    async with watching(home.local) as reader:
        await reader.snapshot()
        home.daemon.feed.close()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await reader.next()
        refused = decode(raised.value)
        assert refused.code is grpc.StatusCode.UNAVAILABLE
        assert refused.reason == "DRAINING"
        delay = refused.detail(details_pb2.RetryInfo).retry_delay
        assert delay.ToTimedelta() == timedelta(seconds=1)
