"""Every RPC, called by the owner, an administrator, somebody else and nobody."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.queue.authorizer import PERMISSIONS, Permission
from tests.support.rpc_house import Caller, House
from tests.support.rpc_requests import URL, create, created, new_id, spec, verb
from tests.support.rpc_status import decode, refusal

SERVICE = pb.DESCRIPTOR.services_by_name["BackgroundCopyManager"]
RPCS = [method.name for method in SERVICE.methods]
# What a request needs beside the job's id to be a good one.
BODIES: dict[str, dict[str, Any]] = {
    "CreateJob": {"job": job_pb2.Job(display_name="a job")},
    "AddFiles": {"files": [job_pb2.FileSpec(remote_url=URL, local_path="added")]},
    "UpdateJob": {
        "job": job_pb2.Job(description="new"),
        "update_mask": FieldMask(paths=["description"]),
    },
    "UpdateFile": {"remote_url": f"{URL}/elsewhere"},
    "RemoveFiles": {"file_indexes": [0]},
    "ReplaceRemotePrefix": {"old_prefix": URL, "new_prefix": f"{URL}/elsewhere"},
    "RequestFileRanges": {"ranges": [job_pb2.FileRange(offset=0, length=1)]},
    "SetCredentials": {"target": 1, "scheme": 1, "user_name": "u", "password": "p"},
    "RemoveCredentials": {"target": 1, "scheme": 1},
    "ProbeUrl": {"remote_url": "http://127.0.0.1:9/"},
    "GetErrorDescription": {"hresult": "0x80D02003"},
    "CreateWebhook": {"url": "http://127.0.0.1:9/"},
}
# And what makes it a bad one, where anything can.
BAD: dict[str, dict[str, Any]] = {
    "AddFiles": {"files": [job_pb2.FileSpec()], "request_id": "bad"},
    "ListFiles": {"page_size": -1, "page_token": "bad"},
    "ListAttempts": {"page_size": -1, "page_token": "bad"},
    "UpdateJob": {"update_mask": FieldMask(paths=["nonsense"])},
    "UpdateFile": {"file_index": -1},
    "RemoveFiles": {},
    "ReplaceRemotePrefix": {},
    "RequestFileRanges": {"file_index": -1},
    "ReadFile": {"offset": -1},
    "SetCredentials": {"target": 9},
    "RemoveCredentials": {"scheme": 9},
    "ListDeliveries": {"page_size": -1, "page_token": "bad"},
    **{f"{name}Job": {"etag": "bad"} for name in
       ("Suspend", "Resume", "Complete", "Cancel", "Delete")},
}  # fmt: skip

OK = (grpc.StatusCode.OK, "")
FOREIGN = (grpc.StatusCode.PERMISSION_DENIED, "NOT_JOB_OWNER")
NO_WEBHOOK = (grpc.StatusCode.NOT_FOUND, "WEBHOOK_NOT_FOUND")
NO_ADMIN = (grpc.StatusCode.PERMISSION_DENIED, "ADMIN_REQUIRED")
# What the job's owner, an administrator and somebody else are answered.
MAY = {
    Permission.IDENTIFIED: (OK, OK, OK),
    Permission.OWN_JOB: (OK, OK, FOREIGN),
    Permission.OWNER: (OK, FOREIGN, FOREIGN),
    Permission.TAKER: (NO_ADMIN, OK, NO_ADMIN),
    Permission.OWN_WEBHOOK: (OK, OK, NO_WEBHOOK),
}


def request_of(rpc: str, job_id: str, webhook_id: str = "", **fields: Any) -> Any:
    message = getattr(pb, f"{rpc}Request")(**fields)
    if "job_id" in message.DESCRIPTOR.fields_by_name:
        message.job_id = job_id
    if "webhook_id" in message.DESCRIPTOR.fields_by_name:
        message.webhook_id = webhook_id
    return message


async def made_webhook(caller: Caller) -> str:
    request = pb.CreateWebhookRequest(url="http://127.0.0.1:9/")
    made: str = (await caller.call("CreateWebhook", request)).webhook.webhook_id
    return made


async def outcome(caller: Caller, rpc: str, request: Any) -> tuple[grpc.StatusCode, str]:
    """Code and reason of a call; a stream is read to its first message."""
    call = caller.call(rpc, request)
    try:
        if SERVICE.methods_by_name[rpc].server_streaming:
            await call.read()
            call.cancel()
        else:
            await call
    except grpc.aio.AioRpcError as error:
        refused = decode(error)
        return refused.code, refused.reason
    return grpc.StatusCode.OK, ""


def test_the_table_names_every_rpc() -> None:
    assert set(PERMISSIONS) == set(RPCS)
    for method in SERVICE.methods:
        names_a_job = "job_id" in method.input_type.fields_by_name
        names_a_webhook = "webhook_id" in method.input_type.fields_by_name
        need = PERMISSIONS[method.name].permission
        assert (need is Permission.OWN_WEBHOOK) == names_a_webhook
        assert (need is not Permission.IDENTIFIED) == (names_a_job or names_a_webhook)


# What those who may call hear of where nothing but the permission is at stake.
NOT_READY = (grpc.StatusCode.FAILED_PRECONDITION, "FILE_NOT_READY")
ALLOWED = {"ReadFile": {"owner": NOT_READY, "admin": NOT_READY}}


@pytest.mark.parametrize("rpc", RPCS)
async def test_who_may_call(home: House, rpc: str) -> None:
    callers = {
        "owner": await home.user("owner"),
        "admin": await home.user("admin", admin=True),
        "other": await home.user("other"),
        "nobody": home.caller(tcp=True),
    }
    seen = {}
    for name, caller in callers.items():
        job = await created(callers["owner"], spec())
        if rpc == "DeleteJob":
            await verb(callers["owner"], "CancelJob", job.job_id)
        body = dict(BODIES.get(rpc, {}))
        if rpc == "CompleteJob":
            body["allow_partial"] = True
        if rpc == "AddFiles":
            body["files"] = [spec()]
        webhook_id = await made_webhook(callers["owner"])
        request = request_of(rpc, job.job_id, webhook_id, **body)
        seen[name] = await outcome(caller, rpc, request)
    owner, admin, other = MAY[PERMISSIONS[rpc].permission]
    assert seen == {
        "owner": owner,
        "admin": admin,
        "other": other,
        **ALLOWED.get(rpc, {}),
        "nobody": (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_MISSING"),
    }


@pytest.mark.parametrize("rpc", sorted(BAD))
async def test_permission_is_judged_before_the_rest(home: House, rpc: str) -> None:
    job = await created(home.local, spec())
    anna = await home.user("anna")
    bad = request_of(rpc, job.job_id, await made_webhook(home.local), **BAD[rpc])
    denied = NO_WEBHOOK if PERMISSIONS[rpc].permission is Permission.OWN_WEBHOOK else FOREIGN
    assert await outcome(anna, rpc, bad) == denied
    assert (await outcome(home.local, rpc, bad))[0] not in {grpc.StatusCode.OK, denied[0]}
    missing = request_of(rpc, new_id(), "nothing", **BAD[rpc])
    unknown = NO_WEBHOOK if denied == NO_WEBHOOK else (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert await outcome(anna, rpc, missing) == unknown


@pytest.mark.parametrize("rpc", [rpc for rpc, need in PERMISSIONS.items()
                                 if need.permission is not Permission.IDENTIFIED])  # fmt: skip
async def test_unknown_fields_are_judged_after_permission(home: House, rpc: str) -> None:
    job = await created(home.local, spec())
    anna = await home.user("anna")
    webhook_id = await made_webhook(home.local)
    raw = request_of(rpc, job.job_id, webhook_id, **BODIES.get(rpc, {})).SerializeToString()
    newer = getattr(pb, f"{rpc}Request").FromString(raw + b"\xf8\x3f\x01")  # field 1023
    assert await outcome(anna, rpc, newer) == MAY[PERMISSIONS[rpc].permission][2]
    call = home.local.call(rpc, newer)
    streams = SERVICE.methods_by_name[rpc].server_streaming
    refused = await refusal(call.read() if streams else call)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED")
    assert refused.fields == ["request[1023]"]


@pytest.mark.parametrize(
    "rpc",
    [
        "CreateJob",
        "ListJobs",
        "GetErrorDescription",
        "GetServerInfo",
        "CreateWebhook",
        "ListWebhooks",
    ],
)
async def test_unknown_fields_elsewhere(home: House, rpc: str) -> None:
    raw = request_of(rpc, "", **BODIES.get(rpc, {})).SerializeToString()
    newer = getattr(pb, f"{rpc}Request").FromString(raw + b"\xf8\x3f\x01")
    refused = await refusal(home.local.call(rpc, newer))
    assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", ["request[1023]"])


@pytest.mark.parametrize("rpc", ["ListJobs", "WatchJobs"])
async def test_all_owners_needs_an_administrator(home: House, rpc: str) -> None:
    anna = await home.user("anna")
    request = request_of(rpc, "", filter=pb.JobFilter(all_owners=True))
    denied = (grpc.StatusCode.PERMISSION_DENIED, "ADMIN_REQUIRED")
    assert await outcome(anna, rpc, request) == denied
    request.filter.job_ids.append("bad")
    assert await outcome(anna, rpc, request) == denied
    root = await home.user("root", admin=True)
    del request.filter.job_ids[:]
    assert await outcome(root, rpc, request) == (grpc.StatusCode.OK, "")


async def test_an_administrators_own_list_is_his(home: House) -> None:
    anna = await home.user("anna")
    job = await created(anna)
    page = await home.local.call("ListJobs", pb.ListJobsRequest())
    assert not page.jobs
    request = pb.ListJobsRequest(filter=pb.JobFilter(all_owners=True))
    assert [one.job_id for one in (await home.local.call("ListJobs", request)).jobs] == [job.job_id]


async def test_a_request_of_five_mebibytes_is_bare(home: House) -> None:
    big = create(description="x" * (5 << 20))
    refused = await refusal(home.local.call("CreateJob", big))
    assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused.status is None
