"""SetCredentials, RemoveCredentials, secret headers and TakeOwnership."""

from __future__ import annotations

import dataclasses
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, job_pb2
from bgcopyd.jobs.http_options import AuthScheme, AuthTarget, Credentials, CredentialsKey
from bgcopyd.store.keys import FILE
from tests.support.rpc_house import Caller, House, house
from tests.support.rpc_requests import URL, create, created, got, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived, watching

BASIC: dict[str, Any] = {"target": 1, "scheme": 1, "user_name": "anna", "password": "hidden word"}
BEARER: dict[str, Any] = {"target": 1, "scheme": 6, "password": "hidden-token"}
HEADER = http_pb2.HttpHeader(name="X-Key", value="hidden header", secret=True)
PLAIN = http_pb2.HttpHeader(name="X-Plain", value="seen")
LOGIN = Credentials(CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC), "anna", "hidden word")


async def set_on(caller: Caller, job_id: str, **fields: Any) -> job_pb2.Job:
    request = pb.SetCredentialsRequest(job_id=job_id, **fields)
    job: job_pb2.Job = (await caller.call("SetCredentials", request)).job
    return job


async def remove(caller: Caller, job_id: str, **fields: Any) -> job_pb2.Job:
    request = pb.RemoveCredentialsRequest(job_id=job_id, **fields)
    job: job_pb2.Job = (await caller.call("RemoveCredentials", request)).job
    return job


async def take(caller: Caller, job_id: str, **fields: Any) -> job_pb2.Job:
    request = pb.TakeOwnershipRequest(job_id=job_id, **fields)
    job: job_pb2.Job = (await caller.call("TakeOwnership", request)).job
    return job


async def update(caller: Caller, job_id: str, *paths: str, **values: Any) -> job_pb2.Job:
    request = pb.UpdateJobRequest(
        job_id=job_id, job=job_pb2.Job(**values), update_mask=FieldMask(paths=paths)
    )
    job: job_pb2.Job = (await caller.call("UpdateJob", request)).job
    return job


def keys(job: job_pb2.Job) -> list[tuple[int, int]]:
    return [(key.target, key.scheme) for key in job.credentials]


async def stored(home: House, job_id: str) -> set[str]:
    return set(await home.store.transact(lambda tx: tx.secrets(job_id)))


async def test_credentials_come_and_go(home: House) -> None:
    before = await created(home.local, spec())
    job = await set_on(home.local, before.job_id, **BEARER)
    job = await set_on(home.local, job.job_id, **BASIC, etag=job.etag)
    assert keys(job) == [(1, 1), (1, 6)]
    assert "hidden" not in str(job)
    assert len({before.etag, job.etag}) == 2
    assert await stored(home, job.job_id) == {
        "credentials/SERVER/BASIC",
        "credentials/SERVER/BEARER",
    }
    job = await remove(home.local, job.job_id, target=1, scheme=1)
    assert keys(job) == [(1, 6)]
    assert await stored(home, job.job_id) == {"credentials/SERVER/BEARER"}
    again = await remove(home.local, job.job_id, target=1, scheme=1)
    assert (again.etag, again.revision) == (job.etag, job.revision)


@pytest.mark.parametrize(
    ("fields", "code", "reason", "at_fault"),
    [
        ({**BASIC, "target": 0}, "INVALID_ARGUMENT", "AUTH_TARGET_INVALID", ["target"]),
        ({**BASIC, "scheme": 5}, "INVALID_ARGUMENT", "AUTH_SCHEME_INVALID", ["scheme"]),
        ({**BEARER, "target": 2}, "INVALID_ARGUMENT", "AUTH_SCHEME_INVALID", ["scheme"]),
        (
            {**BASIC, "user_name": "u" * 301},
            "INVALID_ARGUMENT",
            "USER_NAME_TOO_LARGE",
            ["user_name"],
        ),
        (
            {**BASIC, "password": "x" * 65_536},
            "INVALID_ARGUMENT",
            "PASSWORD_TOO_LARGE",
            ["password"],
        ),
        ({**BASIC, "password": "hidden\n"}, "INVALID_ARGUMENT", "INVALID_REQUEST", ["password"]),
        ({"target": 1, "scheme": 4}, "UNIMPLEMENTED", "NOT_SUPPORTED", ["user_name"]),
        ({**BASIC, "scheme": 3}, "UNIMPLEMENTED", "NOT_SUPPORTED", ["scheme"]),
    ],
)
async def test_bad_credentials(
    home: House, fields: dict[str, Any], code: str, reason: str, at_fault: list[str]
) -> None:
    job = await created(home.local, spec())
    request = pb.SetCredentialsRequest(job_id=job.job_id, **fields)
    refused = await refusal(home.local.call("SetCredentials", request))
    assert (refused.code, refused.reason) == (grpc.StatusCode[code], reason)
    assert refused.fields == at_fault
    assert "hidden" not in str(refused.status)
    assert await got(home.local, job.job_id) == job


@pytest.mark.parametrize("rpc", ["SetCredentials", "RemoveCredentials", "TakeOwnership"])
async def test_etags_and_ends(home: House, rpc: str) -> None:
    body = {"SetCredentials": BASIC, "RemoveCredentials": {"target": 1, "scheme": 1}}.get(rpc, {})
    job = await created(home.local, spec())
    request = getattr(pb, f"{rpc}Request")(job_id=job.job_id, etag="other", **body)
    assert (await refusal(home.local.call(rpc, request))).reason == "ETAG_MISMATCH"
    await verb(home.local, "CancelJob", job.job_id)
    request.etag = ""
    refused = await refusal(home.local.call(rpc, request))
    assert (refused.reason, refused.info.metadata["state"]) == ("INVALID_STATE", "CANCELLED")


async def test_a_job_that_has_ended_keeps_no_secret(home: House) -> None:
    job = await created(home.local, spec(), custom_headers=[HEADER, PLAIN])
    await set_on(home.local, job.job_id, **BASIC)
    await verb(home.local, "CancelJob", job.job_id)
    assert await stored(home, job.job_id) == set()
    ended = await got(home.local, job.job_id)
    assert keys(ended) == []
    assert [(one.name, one.value) for one in ended.custom_headers] == [
        ("X-Key", ""),
        ("X-Plain", "seen"),
    ]


async def test_a_run_gets_what_was_sealed_and_goes_on_with_what_is_new(home: House) -> None:
    job = await created(home.local, spec(), custom_headers=[HEADER])
    assert job.custom_headers[0].value == ""
    await set_on(home.local, job.job_id, **BASIC)
    await verb(home.local, "ResumeJob", job.job_id)
    first = await home.engine.next()
    assert first.options.credentials == (LOGIN,)
    assert [header.value for header in first.options.http.headers] == ["hidden header"]
    assert "hidden" not in repr(first)
    await set_on(home.local, job.job_id, **{**BASIC, "password": "other"})
    second = await home.engine.next()
    assert second.options.credentials == (dataclasses.replace(LOGIN, password="other"),)
    changed = http_pb2.HttpHeader(name="X-Key", value="hidden too", secret=True)
    job = await update(home.local, job.job_id, "custom_headers", custom_headers=[PLAIN, changed])
    assert [header.value for header in job.custom_headers] == ["seen", ""]
    third = await home.engine.next()
    assert [header.value for header in third.options.http.headers] == ["seen", "hidden too"]
    assert await stored(home, job.job_id) == {"header/1", "credentials/SERVER/BASIC"}
    await remove(home.local, job.job_id, target=1, scheme=1)
    assert (await home.engine.next()).options.credentials == ()


async def test_a_repeated_create_with_other_secrets_is_the_same_request(home: House) -> None:
    request = create(spec(), custom_headers=[HEADER])
    request.request_id = "7f0c1f2e-7c1f-4a54-9d0c-2f6a3f2b7c11"
    first = (await home.local.call("CreateJob", request)).job
    request.job.custom_headers[0].value = "hidden otherwise"
    assert (await home.local.call("CreateJob", request)).job.job_id == first.job_id


async def test_a_lost_key_stops_the_job_and_a_new_secret_mends_it(home: House) -> None:
    job = await created(home.local, spec())
    await set_on(home.local, job.job_id, **BASIC)
    (home.settings.state_dir / FILE).unlink()
    await home.crash()
    await verb(home.local, "ResumeJob", job.job_id)
    failed = await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ERROR)
    assert failed.error.reason == 125
    assert "BASIC login for the server" in failed.error.message
    assert home.engine.started == 0
    await set_on(home.local, job.job_id, **BASIC)
    await verb(home.local, "ResumeJob", job.job_id)
    assert (await home.engine.next()).options.credentials == (LOGIN,)


async def test_an_administrator_cannot_lead_secrets_elsewhere(home: House) -> None:
    anna = await home.user("anna")
    job = await created(anna, spec())
    root = home.local
    elsewhere = pb.ReplaceRemotePrefixRequest(
        job_id=job.job_id, old_prefix=URL, new_prefix="http://h"
    )
    calls = {
        "UpdateFile": pb.UpdateFileRequest(job_id=job.job_id, remote_url="http://127.0.0.1:9/x"),
        "ReplaceRemotePrefix": elsewhere,
        "AddFiles": pb.AddFilesRequest(job_id=job.job_id, files=[spec()]),
        "UpdateJob": pb.UpdateJobRequest(
            job_id=job.job_id,
            job=job_pb2.Job(proxy=http_pb2.ProxySettings(usage=http_pb2.PROXY_USAGE_NO_PROXY)),
            update_mask=FieldMask(paths=["proxy"]),
        ),
    }
    for rpc, request in calls.items():
        await root.call(rpc, request)
    await set_on(anna, job.job_id, **BASIC)
    for rpc, request in calls.items():
        assert (await refusal(root.call(rpc, request))).reason == "NOT_JOB_OWNER"
    await update(root, job.job_id, "description", description="by an administrator")
    headers = pb.UpdateJobRequest(
        job_id=job.job_id,
        job=job_pb2.Job(custom_headers=[PLAIN]),
        update_mask=FieldMask(paths=["custom_headers"]),
    )
    await remove(anna, job.job_id, target=1, scheme=1)
    assert (await refusal(root.call("UpdateJob", headers))).reason == "NOT_JOB_OWNER"


async def test_taking_a_running_job(home: House) -> None:
    anna = await home.user("anna")
    job = await created(anna, spec(), custom_headers=[HEADER, PLAIN])
    await set_on(anna, job.job_id, **BASIC)
    await verb(anna, "ResumeJob", job.job_id)
    first = await home.engine.next()
    async with watching(anna) as watch:
        await watch.snapshot()
        taken = await take(home.local, job.job_id)
        assert first not in home.engine.active.values()
        while (message := await watch.event()).WhichOneof("event") != "job_removed":
            assert message.job_changed.owner == "user:anna"
        assert message.job_removed.job_id == job.job_id
    me = (await home.local.call("GetServerInfo", pb.GetServerInfoRequest())).caller.principal
    assert (taken.owner, keys(taken)) == (me, [])
    assert [header.name for header in taken.custom_headers] == ["X-Plain"]
    assert await stored(home, job.job_id) == set()
    second = await home.engine.next()
    assert second.options.owner == me
    assert second.options.credentials == ()
    assert [header.name for header in second.options.http.headers] == ["X-Plain"]
    again = await take(home.local, job.job_id)
    assert again.etag == taken.etag
    assert (
        await refusal(anna.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
    ).reason == "NOT_JOB_OWNER"


async def test_taking_moves_the_quota() -> None:
    async with house(jobs_per_owner=1) as home:
        anna = await home.user("anna")
        job = await created(anna)
        assert (await refusal(anna.call("CreateJob", create()))).reason == "JOB_QUOTA_EXCEEDED"
        await take(home.local, job.job_id)
        await created(anna)
