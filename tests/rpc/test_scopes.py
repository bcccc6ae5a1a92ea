"""What a credential is good for: scopes, roots, last use; every RPC against every scope."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2 as health_stub
from grpc_health.v1 import health_pb2_grpc

from bgcopy.v1 import admin_service_pb2, identity_pb2, job_pb2
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.principal import ALL_SCOPES, Scope
from bgcopyd.queue import authorizer
from bgcopyd.queue.authorizer import SERVICES, Need
from tests.support.rpc_admin import begin
from tests.support.rpc_house import Caller, House, house
from tests.support.rpc_requests import create, created, new_id, spec, verb
from tests.support.rpc_status import decode, refusal

METHODS: list[MethodDescriptor] = [
    *pb.DESCRIPTOR.services_by_name["BackgroundCopyManager"].methods,
    *admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"].methods,
]
health_pb2: Any = health_stub  # its typing stubs are older
LACKING = (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_REQUIRED")
INFO = pb.GetServerInfoRequest()


def need_of(method: MethodDescriptor) -> Need:
    return SERVICES[method.containing_service.name][method.name]


async def heard(caller: Caller, method: MethodDescriptor) -> tuple[grpc.StatusCode, str]:
    """Code and reason of a call with an empty request, but for a job's id that nobody has."""
    module = admin_service_pb2 if method.containing_service.name == "AdminService" else pb
    request = getattr(module, method.input_type.name)()
    if "job_id" in method.input_type.fields_by_name:
        request.job_id = new_id()
    call = (
        begin(caller, method.name, request)
        if module is admin_service_pb2
        else caller.call(method.name, request)
    )
    try:
        if method.server_streaming:
            await call.read()
            call.cancel()
        else:
            await call
    except grpc.aio.AioRpcError as error:
        refused = decode(error)
        return refused.code, refused.reason
    return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("scope", Scope, ids=lambda scope: scope.word)
async def test_every_call_needs_its_scope_and_nothing_else_will_do(
    home: House, scope: Scope
) -> None:
    lacking = await home.user("all-but", scopes=ALL_SCOPES - {scope})
    alone = await home.user("alone", scopes={scope})
    for method in METHODS:
        needed = need_of(method).scope
        refused = await heard(lacking, method)
        assert (refused == LACKING) == (needed is scope), (method.name, refused)
        refused = await heard(alone, method)
        assert (refused == LACKING) == (needed not in {None, scope}), (method.name, refused)


async def test_the_refusal_names_the_scope(home: House) -> None:
    reader = await home.user("reader", scopes={Scope.READ})
    refused = await refusal(reader.call("CreateJob", create()))
    assert "the scope 'write'" in refused.message
    assert refused.info.metadata["scope"] == "write"
    page = await reader.call("ListJobs", pb.ListJobsRequest())
    assert not page.jobs


async def test_what_has_no_row_is_not_served() -> None:
    rows = {name: need for name, need in authorizer.PERMISSIONS.items() if name != "GetJob"}
    table = {**SERVICES, "BackgroundCopyManager": rows, "Health": {}}
    health = health_pb2.HealthCheckRequest()
    with mock.patch("bgcopyd.rpc.server.SERVICES", table):
        async with house() as home:
            refused = await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id=new_id())))
            assert refused.code is grpc.StatusCode.UNIMPLEMENTED
            stub: Any = health_pb2_grpc.HealthStub(home.local.channel)
            refused = await refusal(stub.Check(health, timeout=30))
            assert refused.code is grpc.StatusCode.UNIMPLEMENTED


async def test_health_is_open_to_all_and_nothing_else_is(home: House) -> None:
    nobody = home.caller(tcp=True)
    stub: Any = health_pb2_grpc.HealthStub(nobody.channel)
    assert (await stub.Check(health_pb2.HealthCheckRequest(), timeout=30)).status == 1
    refused = await refusal(stub.List(health_pb2.HealthListRequest(), timeout=30))
    assert refused.code is grpc.StatusCode.UNIMPLEMENTED
    watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=30)
    assert (await watch.read()).status == 1
    watch.cancel()
    for method in METHODS:
        assert (await heard(nobody, method))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_one_who_may_take_jobs_and_is_no_administrator(home: House) -> None:
    owner = await home.user("owner")
    taker = await home.user("taker", scopes={Scope.READ, Scope.WRITE, Scope.TAKE_OWNERSHIP})
    job = await created(owner, spec())
    foreign = await refusal(taker.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
    assert foreign.reason == "NOT_JOB_OWNER"
    request = pb.TakeOwnershipRequest(job_id=job.job_id)
    lacking = await home.user("root", scopes=ALL_SCOPES - {Scope.TAKE_OWNERSHIP})
    assert (await refusal(lacking.call("TakeOwnership", request))).reason == "SCOPE_REQUIRED"
    assert (await taker.call("TakeOwnership", request)).job.owner == "user:taker"
    assert await verb(taker, "CancelJob", job.job_id)


async def test_a_token_is_good_for_its_roots_alone(tmp_path: Path) -> None:
    home_dir, other = tmp_path / "home", tmp_path / "other"
    for directory in (home_dir, other):
        directory.mkdir()
    async with house(roots={"default": home_dir, "other": other}) as two:
        anna, narrow = await two.user("anna"), await two.user("anna", roots=frozenset({"other"}))
        root = await two.user("root", admin=True, roots=frozenset({"other"}))
        for caller in (narrow, root):
            assert list((await caller.call("GetServerInfo", INFO)).roots) == ["other"]
            for path, name in ((f"{home_dir}/x", "default"), ("x", "default"), ("x", "")):
                refused = await refusal(caller.call("CreateJob", fetching(path, name)))
                assert refused.reason in {"PATH_NOT_ALLOWED", "PATH_INVALID"}, (path, name)
        assert list((await anna.call("GetServerInfo", INFO)).roots) == ["default", "other"]
        assert (await narrow.call("CreateJob", fetching(f"{other}/x"))).job.job_id
        job = await created(anna, spec())
        reading = narrow.call("ReadFile", pb.ReadFileRequest(job_id=job.job_id))
        refused = await refusal(reading.read())
        assert (refused.reason, "'default'" in refused.message) == ("PATH_NOT_ALLOWED", True)


def fetching(path: str, root: str = "") -> pb.CreateJobRequest:
    request = create()
    request.files.append(
        job_pb2.FileSpec(remote_url="http://127.0.0.1/", local_path=path, root=root)
    )
    return request


async def made(caller: Caller, **fields: Any) -> admin_service_pb2.CreateTokenResponse:
    request = {"principal_name": "anna", **fields}
    response: admin_service_pb2.CreateTokenResponse = await begin(caller, "CreateToken", **request)
    return response


READ, WRITE = identity_pb2.SCOPE_READ, identity_pb2.SCOPE_WRITE
ADMIN, TAKE = identity_pb2.SCOPE_ADMIN, identity_pb2.SCOPE_TAKE_OWNERSHIP


@pytest.mark.parametrize(
    ("fields", "scopes"),
    [
        ({}, [READ, WRITE]),
        ({"admin": True}, [READ, WRITE, ADMIN, TAKE]),
        ({"scopes": [READ]}, [READ]),
        ({"scopes": [WRITE, READ, READ], "admin": True}, [READ, WRITE, ADMIN]),
        ({"scopes": [TAKE, WRITE]}, [WRITE, TAKE]),
    ],
)
async def test_what_a_token_is_made_for(
    home: House, fields: dict[str, Any], scopes: list[int]
) -> None:
    token = await made(home.local, **fields, roots=["default"])
    assert list(token.info.scopes) == scopes
    assert list(token.info.roots) == ["default"]
    assert token.info.admin == (ADMIN in scopes)
    bearer = home.caller(token.token, tcp=True)
    info = await bearer.call("GetServerInfo", INFO)
    assert (list(info.caller.scopes), list(info.roots)) == (scopes, ["default"])


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"scopes": [0]}, "scopes[0]"),
        ({"scopes": [READ, 99]}, "scopes[1]"),
        ({"scopes": [READ] * 1000}, "scopes"),
        ({"roots": ["nowhere"]}, "roots"),
        ({"roots": ["fs"]}, "roots"),
        ({"roots": ["default", "../x"]}, "roots[1]"),
        ({"roots": [f"r{number}" for number in range(1000)]}, "roots"),
    ],
)
async def test_rights_that_no_token_has(home: House, fields: dict[str, Any], at_fault: str) -> None:
    request = {"principal_name": "anna", **fields}
    refused = await refusal(begin(home.local, "CreateToken", **request))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", [at_fault])
    assert not await home.store.tokens()


async def test_nobody_gives_what_he_has_not(home: House) -> None:
    scopes = {Scope.READ, Scope.WRITE, Scope.ADMIN}
    narrow = await home.user("narrow", scopes=scopes, roots=frozenset({"default"}))
    for fields, reason, at_fault in (
        ({"admin": True}, "SCOPE_REQUIRED", "scopes"),
        ({"scopes": [TAKE]}, "SCOPE_REQUIRED", "scopes"),
        ({}, "PATH_NOT_ALLOWED", "roots"),
        ({"scopes": [ADMIN], "roots": ["default", "fs"]}, "PATH_NOT_ALLOWED", "roots"),
    ):
        request: dict[str, Any] = {"principal_name": "x", **fields}
        refused = await refusal(begin(narrow, "CreateToken", **request))
        assert refused.code is grpc.StatusCode.PERMISSION_DENIED
        assert (refused.reason, refused.fields) == (reason, [at_fault])
    assert (await made(narrow, roots=["default"])).token


async def test_the_last_use_is_told_at_once_and_written_seldom(home: House) -> None:
    token = await made(home.local)
    anna = home.caller(token.token, tcp=True)

    async def told() -> admin_service_pb2.TokenInfo:
        page = await begin(home.local, "ListTokens")
        info: admin_service_pb2.TokenInfo = page.tokens[0]
        return info

    assert not (await told()).HasField("last_use_time")
    before = (await home.store.position()).newest
    for _ in range(3):
        await anna.call("GetServerInfo", INFO)
    first = (await told()).last_use_time
    assert first.seconds
    assert (await home.store.tokens())[0].last_use_time is None
    await home.daemon.housekeeping.round()
    assert (await told()).last_use_time == first
    assert (await home.store.tokens())[0].last_use_time is not None
    assert (await home.store.position()).newest == before
    home.clock.ahead = timedelta(hours=1)
    await anna.call("GetServerInfo", INFO)
    assert (await told()).last_use_time.seconds >= first.seconds + 3600


async def test_a_watch_ends_with_its_credential(home: House) -> None:
    token = await made(home.local)
    anna = home.caller(token.token, tcp=True)
    watch = anna.call("WatchJobs", pb.WatchJobsRequest())
    await watch.read()
    await begin(home.local, "RevokeToken", token_id=token.info.token_id)
    await created(await home.user("anna"))
    refused = await refusal(watch.read())
    assert refused.reason == "CREDENTIAL_INVALID"
