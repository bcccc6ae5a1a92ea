"""GetJob in all its outcomes, as they are on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, job_pb2
from tests.support.rpc_house import Caller, House
from tests.support.rpc_requests import create, created, got, new_id, spec
from tests.support.rpc_status import refusal

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def test_every_field_of_a_new_job(home: House) -> None:
    before = datetime.now(UTC)
    job = await created(
        home.local,
        spec("a"),
        spec("b"),
        display_name="nightly",
        description="line\nline",
        type=job_pb2.JOB_TYPE_DOWNLOAD,
        priority=job_pb2.JOB_PRIORITY_LOW,
        labels={"team": "red"},
        minimum_retry_delay=Duration(seconds=60),
        no_progress_timeout=Duration(seconds=3600),
        max_bytes_per_second=4096,
        auto_complete=True,
    )
    assert await got(home.local, job.job_id) == job
    assert job.etag
    assert job.revision == 1
    assert job.create_time == job.modification_time
    assert before <= job.create_time.ToDatetime(UTC) <= datetime.now(UTC) + timedelta(seconds=1)
    info = await home.local.call("GetServerInfo", pb.GetServerInfoRequest())
    expected = job_pb2.Job(
        job_id=job.job_id,
        etag=job.etag,
        revision=1,
        type=job_pb2.JOB_TYPE_DOWNLOAD,
        state=job_pb2.JOB_STATE_SUSPENDED,
        display_name="nightly",
        description="line\nline",
        priority=job_pb2.JOB_PRIORITY_LOW,
        owner=info.caller.principal,
        labels={"team": "red"},
        progress=job_pb2.JobProgress(files_total=2),
        minimum_retry_delay=Duration(seconds=60),
        no_progress_timeout=Duration(seconds=3600),
        max_bytes_per_second=4096,
        auto_complete=True,
        create_time=job.create_time,
        modification_time=job.create_time,
        maximum_download_time=Duration(seconds=90 * 86_400),
        redirect_policy=http_pb2.REDIRECT_POLICY_ALLOW_SILENT,
        proxy=http_pb2.ProxySettings(usage=http_pb2.PROXY_USAGE_PRECONFIG),
        notifications=job_pb2.NotificationSettings(
            flags=[job_pb2.NOTIFY_FLAG_JOB_TRANSFERRED, job_pb2.NOTIFY_FLAG_JOB_ERROR],
            minimum_interval=Duration(nanos=500_000_000),
        ),
        overwrite_policy=job_pb2.OVERWRITE_POLICY_REPLACE,
        download_time=Duration(),
        inactivity_time=job.inactivity_time,
    )
    assert job == expected
    rest = job.inactivity_time.ToDatetime(UTC) - job.create_time.ToDatetime(UTC)
    assert rest == timedelta(seconds=home.settings.inactivity_timeout)


async def test_defaults(home: House) -> None:
    job = await created(home.local)
    assert job.type == job_pb2.JOB_TYPE_DOWNLOAD
    assert job.priority == job_pb2.JOB_PRIORITY_NORMAL
    assert job.state == job_pb2.JOB_STATE_SUSPENDED
    assert job.minimum_retry_delay == Duration(seconds=600)
    assert job.no_progress_timeout == Duration(seconds=14 * 86_400)
    assert job.progress.bytes_total == 0
    assert job.progress.HasField("bytes_total")


async def test_an_unknown_id(home: House) -> None:
    job_id = new_id()
    refused = await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id=job_id)))
    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert refused.info.domain == "bgcopy.v1"
    assert refused.reason == "JOB_NOT_FOUND"
    assert dict(refused.info.metadata) == {
        "hresult": "0x80D02003",
        "hresult_name": "DO_E_NOT_FOUND",
        "hresult_header_name": "DO_E_JOB_NOT_FOUND",
        "job_id": job_id,
    }
    resource = refused.detail(details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("bgcopy.v1.Job", job_id)


async def test_somebody_elses_job_tells_nothing(home: House) -> None:
    job = await created(home.local, spec("secret-path"), display_name="secret-name")
    anna = await home.user("anna")
    refused = await refusal(anna.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert refused.reason == "NOT_JOB_OWNER"
    assert refused.info.metadata["hresult"] == "0x80070005"
    assert refused.info.metadata["hresult_name"] == "E_ACCESSDENIED"
    assert set(refused.info.metadata) == {"hresult", "hresult_name", "job_id"}
    assert "secret" not in str(refused.status)
    assert job.owner not in str(refused.status)


async def test_an_administrator_reads_everybodys(home: House) -> None:
    anna = await home.user("anna")
    job = await created(anna)
    assert job.owner == "user:anna"
    root = await home.user("root", admin=True)
    assert await got(root, job.job_id) == job


@pytest.mark.parametrize(
    "job_id",
    [
        "",
        "x",
        "00000000",
        "g0000000-0000-4000-8000-000000000000",
        "0000000000004000800000000000000000",
        "00000000-0000-4000-8000-00000000000",
        "00000000-0000-4000-8000-0000000000000",
        "{00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-000000000000}",
        "{{0000000-0000-4000-8000-000000000000}}",
        "urn:uuid:00000000-0000-4000-8000-0000",
        " 00000000-0000-4000-8000-000000000000",
        "0000-00000000-4000-8000-000000000000",
        "00000000-0000-4000-8000-00000000000\u0660",
        "../../../../etc/passwd",
        "0" * 100_000,
    ],
)
async def test_malformed_ids(home: House, job_id: str) -> None:
    refused = await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id=job_id)))
    assert refused.code is INVALID
    assert refused.reason == "INVALID_REQUEST"
    assert refused.fields == ["job_id"]
    assert refused.info.metadata["hresult_name"] == "E_INVALIDARG"


@pytest.mark.parametrize("form", ["{}", "{{{}}}"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
async def test_spellings_of_an_id(home: House, form: str, case: type[str]) -> None:
    job = await created(home.local)
    spelled = form.format(case(job.job_id))
    assert (await got(home.local, spelled)).job_id == job.job_id


async def test_no_credential_on_tcp(home: House) -> None:
    refused = await refusal(home.caller(tcp=True).call("GetJob", pb.GetJobRequest(job_id=new_id())))
    assert refused.code is grpc.StatusCode.UNAUTHENTICATED
    assert refused.reason == "CREDENTIAL_MISSING"


def _with(caller: Caller, *authorization: str) -> Caller:
    caller.metadata = tuple(("authorization", one) for one in authorization)
    return caller


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
@pytest.mark.parametrize(
    "authorization",
    [
        ("Bearer unknown",),
        ("Bearer ",),
        ("Bearer",),
        ("",),
        ("Basic dXNlcjpwYXNz",),
        ("Bearer " + "x" * 4000,),
        ("Bearer a", "Bearer b"),
    ],
)
async def test_bad_credentials_decide(
    home: House, authorization: tuple[str, ...], *, tcp: bool
) -> None:
    # A bad credential never falls back to the socket's own identity.
    caller = _with(home.caller(tcp=tcp), *authorization)
    refused = await refusal(caller.call("GetServerInfo", pb.GetServerInfoRequest()))
    assert refused.code is grpc.StatusCode.UNAUTHENTICATED
    assert refused.reason == "CREDENTIAL_INVALID"
    assert "xxxx" not in str(refused.status)


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_a_revoked_token(home: House, *, tcp: bool) -> None:
    anna = await home.user("anna", tcp=tcp)
    await anna.call("GetServerInfo", pb.GetServerInfoRequest())
    [token] = await home.store.tokens()
    assert await home.store.transact(lambda tx: tx.revoke_token(token.token_id))
    refused = await refusal(anna.call("GetServerInfo", pb.GetServerInfoRequest()))
    assert refused.reason == "CREDENTIAL_INVALID"


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_an_expired_token(home: House, *, tcp: bool) -> None:
    end = home.clock.now() + timedelta(hours=1)
    anna = home.caller(await home.token("anna", expire_time=end), tcp=tcp)
    await anna.call("GetServerInfo", pb.GetServerInfoRequest())
    home.clock.ahead = timedelta(hours=1, seconds=1)
    refused = await refusal(anna.call("GetServerInfo", pb.GetServerInfoRequest()))
    assert refused.code is grpc.StatusCode.UNAUTHENTICATED
    assert refused.reason == "CREDENTIAL_EXPIRED"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_the_scheme_has_no_case(home: House, scheme: str) -> None:
    caller = _with(home.caller(tcp=True), f"{scheme} {await home.token('anna')}")
    info = await caller.call("GetServerInfo", pb.GetServerInfoRequest())
    assert (info.caller.principal, info.caller.admin) == ("user:anna", False)


async def test_finished_jobs_stay_readable(home: House) -> None:
    response = await home.local.call("CreateJob", create())
    done = await home.local.call("CancelJob", pb.CancelJobRequest(job_id=response.job.job_id))
    job = await got(home.local, response.job.job_id)
    assert job.state == job_pb2.JOB_STATE_CANCELLED
    assert job == done.job
    kept = job.expire_time.ToDatetime(UTC) - job.modification_time.ToDatetime(UTC)
    assert kept == timedelta(seconds=home.settings.retention)
    home.clock.passed = kept.total_seconds() + 1
    await home.daemon.timekeeper.round()
    refused = await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
    assert refused.reason == "JOB_NOT_FOUND"
