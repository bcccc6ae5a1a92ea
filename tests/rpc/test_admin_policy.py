"""GetPolicy and UpdatePolicy: what is refused, and that what is taken holds at once and stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import POLICY_FIELDS, Policy
from bgcopyd.queue.transfers import Limits
from tests.support.rpc_admin import begin, change, changed, only, policy, stats
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import watching

QUEUED = job_pb2.JOB_STATE_QUEUED
CONNECTING = job_pb2.JOB_STATE_CONNECTING
ROAMING = job_pb2.COST_STATE_ROAMING
COUNTS = [name for name, row in POLICY_FIELDS.items() if row.kind is int]
SPANS = [name for name, row in POLICY_FIELDS.items() if row.kind is float]


def other(name: str) -> Any:
    """A good value that is no default."""
    row = POLICY_FIELDS[name]
    if row.kind is CostState:
        return ROAMING
    if row.kind is str:
        return "Mon-08:00,512K 12:30,off"
    return 77 if row.kind is int else Duration(seconds=7200, nanos=500_000_000)


async def test_the_policy_is_told_whole() -> None:
    async with house(jobs_per_owner=7, retention=60.0, network_cost="near-cap") as home:
        told = await policy(home.local)
        assert {field.name for field, _ in told.ListFields()} == {"etag", *POLICY_FIELDS}
        assert told.jobs_per_owner == 7
        assert told.jobs_per_machine == Policy().jobs_per_machine
        assert told.retention == Duration(seconds=60)
        assert told.network_cost == job_pb2.COST_STATE_NEAR_CAP
        assert told.max_bytes_per_second == 0


@pytest.mark.parametrize("name", POLICY_FIELDS)
async def test_a_field_changes_alone_and_goes_back(home: House, name: str) -> None:
    before = await policy(home.local)
    after = await changed(home.local, **only(name, other(name)))
    assert getattr(after, name) == other(name) != getattr(before, name)
    assert after.etag != before.etag
    expected = pb.Policy()
    expected.CopyFrom(before)
    expected.ClearField(name)  # type: ignore[arg-type] # a name of the table
    expected.MergeFrom(pb.Policy(etag=after.etag, **only(name, other(name))))
    assert after == expected == await policy(home.local)
    assert await changed(home.local, name) == before


@pytest.mark.parametrize("name", COUNTS)
async def test_bounds_of_counts(home: House, name: str) -> None:
    row = POLICY_FIELDS[name]
    for good in (row.lowest, row.highest):
        assert getattr(await changed(home.local, **only(name, int(good))), name) == good
    bad = [int(row.lowest) - 1, int(row.highest) + 1]
    kind = pb.Policy.DESCRIPTOR.fields_by_name[name]
    largest = (1 << 31) - 1 if kind.type == kind.TYPE_INT32 else (1 << 63) - 1
    for value in [one for one in (*bad, -largest) if -largest <= one <= largest]:
        refused = await refusal(begin(home.local, "UpdatePolicy", change(**only(name, value))))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
        )
        assert refused.fields == [f"policy.{name}"]
        assert str(int(row.lowest)) in refused.message
        assert getattr(await policy(home.local), name) == row.highest


@pytest.mark.parametrize("name", SPANS)
async def test_bounds_of_spans(home: House, name: str) -> None:
    row = POLICY_FIELDS[name]
    before = await policy(home.local)
    below, above = int(row.lowest) - 1, int(row.highest) + 1
    for seconds in (below, above, -(10**11), 10**12):
        request = change(**only(name, Duration(seconds=seconds)))
        refused = await refusal(begin(home.local, "UpdatePolicy", request))
        assert (refused.reason, refused.fields) == ("INVALID_REQUEST", [f"policy.{name}"])
    assert await policy(home.local) == before
    for seconds in (int(row.lowest), int(row.highest)):
        after = await changed(home.local, **only(name, Duration(seconds=seconds)))
        assert getattr(after, name) == Duration(seconds=seconds)


async def test_costs(home: House) -> None:
    assert (await changed(home.local, network_cost=ROAMING)).network_cost == ROAMING
    for number in (-1, 9, 1 << 20):
        request = change(network_cost=number)
        refused = await refusal(begin(home.local, "UpdatePolicy", request))
        assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["policy.network_cost"])
    free = await changed(home.local, network_cost=job_pb2.COST_STATE_UNSPECIFIED)
    assert free.network_cost == job_pb2.COST_STATE_UNRESTRICTED


@pytest.mark.parametrize(
    ("paths", "reason", "word"),
    [
        ([], "INVALID_REQUEST", "empty"),
        (["nonsense"], "UNKNOWN_PROPERTY", "nonsense"),
        (["files_per_job", "Files_per_job"], "UNKNOWN_PROPERTY", "Files_per_job"),
        (["*"], "UNKNOWN_PROPERTY", "*"),
        (["retention.seconds"], "UNKNOWN_PROPERTY", "retention.seconds"),
        (["x" * 100_000], "UNKNOWN_PROPERTY", "xxx"),
        (["etag"], "READ_ONLY_PROPERTY", "etag"),
    ],
)
async def test_masks(home: House, paths: list[str], reason: str, word: str) -> None:
    before = await policy(home.local)
    request = pb.UpdatePolicyRequest(
        policy=pb.Policy(files_per_job=3), update_mask=FieldMask(paths=paths)
    )
    refused = await refusal(begin(home.local, "UpdatePolicy", request))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert refused.fields == ["update_mask"]
    assert word in refused.message
    assert await policy(home.local) == before


async def test_everything_wrong_is_told_at_once(home: House) -> None:
    request = change("nonsense", files_per_job=0, retention=Duration(seconds=-1))
    refused = await refusal(begin(home.local, "UpdatePolicy", request))
    assert set(refused.fields) == {"policy.files_per_job", "policy.retention", "update_mask"}


async def test_values_that_the_mask_does_not_name_are_left_alone(home: House) -> None:
    request = change(files_per_job=9)
    request.policy.jobs_per_owner = -5
    after = (await begin(home.local, "UpdatePolicy", request)).policy
    assert (after.files_per_job, after.jobs_per_owner) == (9, Policy().jobs_per_owner)


async def test_etags(home: House) -> None:
    first = await policy(home.local)
    second = await changed(home.local, etag=first.etag, files_per_job=5)
    refused = await refusal(
        begin(home.local, "UpdatePolicy", change(etag=first.etag, files_per_job=6))
    )
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "POLICY_ETAG_MISMATCH")
    assert await policy(home.local) == second
    same = await changed(home.local, etag=second.etag, files_per_job=5)
    assert same == second


async def test_of_two_at_once_with_one_etag_one_wins(home: House) -> None:
    etag = (await policy(home.local)).etag
    calls = [
        begin(home.local, "UpdatePolicy", change(etag=etag, files_per_job=number))
        for number in (5, 6)
    ]
    done = await asyncio.gather(*calls, return_exceptions=True)
    (lost,) = [one for one in done if isinstance(one, grpc.aio.AioRpcError)]
    assert lost.code() is grpc.StatusCode.ABORTED


async def test_what_was_changed_outlives_a_crash_and_the_settings_show_through() -> None:
    async with house(files_per_job=50, background_jobs=3) as home:
        after = await changed(
            home.local, files_per_job=9, network_cost=ROAMING, retention=Duration(seconds=90)
        )
        await changed(home.local, background_jobs=1)
        after = await changed(home.local, "background_jobs")
        await home.crash()
        assert await policy(home.local) == after
        assert (after.files_per_job, after.background_jobs) == (9, 3)
        back = await changed(home.local, "files_per_job")
        assert back.files_per_job == 50


async def test_files_and_jobs_at_once(home: House) -> None:
    anna = await home.user("anna")
    await changed(home.local, files_per_job=1, jobs_per_owner=1)
    info = await anna.call("GetServerInfo", manager_pb2.GetServerInfoRequest())
    assert (info.limits.files_per_job, info.limits.jobs_per_owner) == (1, 1)
    refused = await refusal(anna.call("CreateJob", _two_files()))
    assert refused.reason == "FILE_QUOTA_EXCEEDED"
    job = await created(anna, spec())
    refused = await refusal(anna.call("CreateJob", _one_file()))
    assert refused.reason == "JOB_QUOTA_EXCEEDED"
    assert refused.detail(details_pb2.QuotaFailure) == details_pb2.QuotaFailure(
        violations=[
            details_pb2.QuotaFailure.Violation(
                subject="jobs_per_owner", description="limit 1, value 1"
            )
        ]
    )
    # What is there beyond a new limit stays.
    await changed(home.local, jobs_per_owner=2)
    await created(anna, spec())
    await changed(home.local, jobs_per_owner=1)
    assert (await got(anna, job.job_id)).state == job_pb2.JOB_STATE_SUSPENDED
    # As in BITS, administrators are not counted.
    await created(home.local, spec())
    await created(home.local, spec())


async def test_jobs_of_the_machine(home: House) -> None:
    anna = await home.user("anna")
    await created(anna, spec())
    job = await created(home.local, spec())
    await changed(home.local, jobs_per_machine=2)
    for caller in (anna, home.local):
        refused = await refusal(caller.call("CreateJob", _one_file()))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "MACHINE_JOB_QUOTA_EXCEEDED",
        )
        (violation,) = refused.detail(details_pb2.QuotaFailure).violations
        assert (violation.subject, violation.description) == (
            "jobs_per_machine",
            "limit 2, value 2",
        )
    await verb(home.local, "CancelJob", job.job_id)
    await created(anna, spec())


async def test_a_repeated_create_is_no_new_job(home: House) -> None:
    request = _one_file()
    request.request_id = "11111111-2222-4333-8444-555555555555"
    first = await home.local.call("CreateJob", request)
    await changed(home.local, jobs_per_machine=1)
    assert (await home.local.call("CreateJob", request)).job.job_id == first.job.job_id


async def test_watches_at_once(home: House) -> None:
    await changed(home.local, watches_per_owner=1)
    async with watching(home.local):
        call = home.local.call("WatchJobs", manager_pb2.WatchJobsRequest())
        refused = await refusal(call.read())
        assert refused.reason == "WATCH_QUOTA_EXCEEDED"
        await changed(home.local, watches_per_owner=2)
        async with watching(home.local):
            pass


async def test_background_jobs_at_once_up_and_down() -> None:
    async with house(background_jobs=1) as home:
        jobs = [await created(home.local, spec(), start=True) for _ in range(3)]
        first = await home.engine.next()
        await changed(home.local, background_jobs=3)
        others = await home.engine.take(2)
        assert {one.job_id for one in (first, *others)} == {job.job_id for job in jobs}
        await changed(home.local, background_jobs=1)
        # Foreground jobs are not counted.
        urgent = await created(
            home.local, spec(), start=True, priority=job_pb2.JOB_PRIORITY_FOREGROUND
        )
        await home.engine.next()
        states: list[Any] = []
        while states.count(QUEUED) != 2:
            states = [(await got(home.local, job.job_id)).state for job in jobs]
        assert (await got(home.local, urgent.job_id)).state == CONNECTING
        await changed(home.local, "background_jobs", background_jobs=1)


async def test_limits_of_rates_at_once_and_after_a_crash() -> None:
    async with house(max_bytes_per_second=1000) as home:
        assert home.engine.limits == [Limits(machine=1000)]
        await changed(home.local, max_bytes_per_second=5)
        assert home.engine.limits[1:] == [Limits(machine=5)]
        await changed(home.local, files_per_job=5)
        assert len(home.engine.limits) == 2
        await home.crash()
        assert home.engine.limits == [Limits(machine=1000), Limits(machine=5)]
        await changed(home.local, max_bytes_per_second=0)
        assert home.engine.limits[2:] == [Limits()]
        await changed(home.local, "max_bytes_per_second")
        assert home.engine.limits[3:] == [Limits(machine=1000)]
        await changed(home.local, max_bytes_per_second_per_owner=7, max_bytes_per_second_per_host=9)
        assert home.engine.limits[4:] == [Limits(machine=1000, owner=7, host=9)]


async def test_a_timetable_at_once_and_the_limit_of_the_moment(home: House) -> None:
    assert (await stats(home.local)).max_bytes_per_second == 0
    await changed(home.local, rate_timetable="00:00,700")
    assert home.engine.limits[-1] == Limits(machine=700)
    assert (await stats(home.local)).max_bytes_per_second == 700
    await changed(home.local, max_bytes_per_second=600)
    assert (await stats(home.local)).max_bytes_per_second == 600
    await changed(home.local, rate_timetable="off", max_bytes_per_second=800)
    assert (await stats(home.local)).max_bytes_per_second == 800


@pytest.mark.parametrize("text", ["x", "25:00,1M", "08:00,fast", "Mon-8,1M", "\x00", "1" * 100_000])
async def test_what_is_no_timetable(home: House, text: str) -> None:
    refused = await refusal(begin(home.local, "UpdatePolicy", change(rate_timetable=text)))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["policy.rate_timetable"])
    assert len(refused.message) < 500
    assert (await policy(home.local)).rate_timetable == ""


async def test_retention_at_once(home: House) -> None:
    await changed(home.local, retention=Duration(seconds=60))
    job = await created(home.local, spec())
    before = home.clock.now()
    await verb(home.local, "CancelJob", job.job_id)
    expiry = (await got(home.local, job.job_id)).expire_time.ToDatetime(UTC)
    assert timedelta(seconds=59) < expiry - before < timedelta(seconds=90)


async def test_whoever_listens_hears_of_a_cost_before_the_answer(home: House) -> None:
    heard: list[tuple[CostState, CostState]] = []
    home.daemon.policies.on_change(
        lambda before, after: heard.append((before.network_cost, after.network_cost))
    )
    await changed(home.local, network_cost=ROAMING)
    assert heard == [(CostState.UNRESTRICTED, CostState.ROAMING)]
    await changed(home.local, network_cost=ROAMING)
    assert len(heard) == 1


def _one_file() -> manager_pb2.CreateJobRequest:
    return manager_pb2.CreateJobRequest(job=job_pb2.Job(display_name="a job"), files=[spec()])


def _two_files() -> manager_pb2.CreateJobRequest:
    job = job_pb2.Job(display_name="a job")
    return manager_pb2.CreateJobRequest(job=job, files=[spec(), spec()])
