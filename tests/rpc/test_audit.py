"""What calls leave in the audit log."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, identity_pb2
from bgcopyd.jobs.principal import Scope
from bgcopyd.rpc import auditing
from tests.support.rpc_admin import begin, change
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import create, created, spec, updated, verb
from tests.support.rpc_status import refusal

# What is written for each entry, beside its own facts.
COMMON = {"time", "event", "principal", "peer", "outcome"}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(audit_log=tmp_path / "audit") as one:
        yield one


async def entries(home: House) -> list[dict[str, Any]]:
    """All entries so far: the file's, once its writer has caught up."""
    path = home.settings.audit_log
    assert path is not None
    mark = uuid.uuid4().hex
    home.daemon.audit.record(mark, "", "", "ok")
    while mark not in (text := await asyncio.to_thread(path.read_text)):
        pass
    found = [json.loads(line) for line in text.splitlines()]
    return [one for one in found if "." in one["event"]]


def told(entry: dict[str, Any]) -> tuple[str, str, str, dict[str, Any]]:
    facts = {name: value for name, value in entry.items() if name not in COMMON}
    return entry["event"], entry["principal"], entry["outcome"], facts


async def test_the_life_of_a_job(home: House) -> None:
    anna = await home.user("anna")
    job = await created(anna, spec())
    only = {"job_id": job.job_id}
    await updated(anna, job.job_id, description="x")
    await anna.call(
        "SetCredentials",
        pb.SetCredentialsRequest(
            job_id=job.job_id,
            target=http_pb2.AUTH_TARGET_SERVER,
            scheme=http_pb2.AUTH_SCHEME_BASIC,
            user_name="planted",
            password="planted",
        ),
    )
    root = await home.user("root", admin=True)
    await verb(root, "TakeOwnership", job.job_id)
    await verb(root, "CancelJob", job.job_id)
    await verb(root, "DeleteJob", job.job_id)
    found = await entries(home)
    login = {"target": "AUTH_TARGET_SERVER", "scheme": "AUTH_SCHEME_BASIC"}
    ended = {"owner": "user:root", "state": "CANCELLED", "error": None}
    assert [told(one) for one in found] == [
        ("job.created", "user:anna", "ok", only),
        ("job.changed", "user:anna", "ok", {**only, "properties": ["description"]}),
        ("credentials.set", "user:anna", "ok", {**only, **login}),
        ("job.taken", "user:root", "ok", only),
        ("job.ended", "daemon", "ok", {**only, **ended}),
        ("job.cancelled", "user:root", "ok", only),
        ("job.deleted", "user:root", "ok", only),
    ]
    assert {one["peer"].partition(":")[0] for one in found} == {"ipv4", ""}
    assert "planted" not in json.dumps(found)


async def test_what_ends_by_itself(home: House) -> None:
    job = await created(home.local, spec(), start=True, auto_complete=True)
    home.engine.finish(await home.engine.next(), 10)
    while len(found := await entries(home)) < 2:
        pass
    event, principal, outcome, facts = told(found[1])
    assert (event, principal, outcome) == ("job.ended", "daemon", "ok")
    assert (facts["job_id"], facts["state"]) == (job.job_id, "ACKNOWLEDGED")
    assert found[0]["peer"].startswith("unix:")


async def test_refused_attempts(home: House) -> None:
    job = await created(home.local, spec())
    anna = await home.user("anna")
    await refusal(verb(anna, "CancelJob", job.job_id))
    await refusal(anna.call("GetJob", pb.GetJobRequest(job_id=job.job_id)))
    watch = pb.WatchJobsRequest(filter=pb.JobFilter(all_owners=True))
    await refusal(anna.call("WatchJobs", watch).read())
    await refusal(home.caller(tcp=True).call("ListJobs", pb.ListJobsRequest()))
    await refusal(home.caller("bgc_planted").call("CreateJob", create()))
    await refusal(begin(anna, "UpdatePolicy", change(files_per_job=7)))
    reader = await home.user("reader", scopes=[Scope.READ])
    await refusal(verb(reader, "CancelJob", job.job_id))
    # No attempt at anything forbidden.
    await refusal(home.local.call("GetJob", pb.GetJobRequest(job_id="x")))
    found = await entries(home)
    assert [told(one) for one in found[1:]] == [
        ("job.cancelled", "user:anna", "NOT_JOB_OWNER", {"job_id": job.job_id}),
        ("call.refused", "user:anna", "NOT_JOB_OWNER", {"call": "GetJob"}),
        ("call.refused", "user:anna", "ADMIN_REQUIRED", {"call": "WatchJobs"}),
        ("call.refused", "", "CREDENTIAL_MISSING", {"call": "ListJobs"}),
        ("call.refused", "", "CREDENTIAL_INVALID", {"call": "CreateJob"}),
        ("policy.changed", "user:anna", "ADMIN_REQUIRED", {"limits": ["files_per_job"]}),
        ("call.refused", "user:reader", "SCOPE_REQUIRED", {"call": "CancelJob"}),
    ]
    assert all(one["peer"] for one in found)
    assert "planted" not in json.dumps(found)


async def test_what_administrators_do(home: House) -> None:
    await begin(home.local, "UpdatePolicy", change(files_per_job=7))
    made = await begin(
        home.local,
        "CreateToken",
        principal_name="bert",
        scopes=[identity_pb2.SCOPE_READ],
        roots=["default"],
    )
    await begin(home.local, "RevokeToken", token_id=made.info.token_id)
    await begin(home.local, "DrainServer")
    await begin(home.local, "DrainServer", undo=True)
    assert [(told(one)[0], told(one)[3]) for one in await entries(home)] == [
        ("policy.changed", {"limits": ["files_per_job"]}),
        (
            "token.created",
            {
                "token_id": made.info.token_id,
                "stands_for": "bert",
                "admin": False,
                "scopes": ["SCOPE_READ"],
                "roots": ["default"],
            },
        ),
        ("token.revoked", {"token_id": made.info.token_id}),
        ("server.drained", {"undo": False}),
        ("server.drained", {"undo": True}),
    ]
    assert home.settings.audit_log is not None
    assert made.token not in home.settings.audit_log.read_text()


async def test_webhooks(home: House) -> None:
    request = pb.CreateWebhookRequest(url="http://127.0.0.1:9/p?planted")
    made = await home.local.call("CreateWebhook", request)
    name = made.webhook.webhook_id
    fresh = await home.local.call(
        "UpdateWebhook", pb.UpdateWebhookRequest(webhook_id=name, new_secret=True, disabled=True)
    )
    await home.local.call("DeleteWebhook", pb.DeleteWebhookRequest(webhook_id=name))
    found = await entries(home)
    changes = {"disabled": True, "new_key": True, "previous_key_dropped": False}
    assert [(told(one)[0], told(one)[3]) for one in found] == [
        (
            "webhook.created",
            {"webhook_id": name, "url": "http://127.0.0.1:9/p?***", "all_owners": False},
        ),
        ("webhook.changed", {"webhook_id": name, **changes}),
        ("webhook.deleted", {"webhook_id": name}),
    ]
    text = json.dumps(found)
    assert not [one for one in ("planted", made.secret, fresh.secret) if one in text]


async def test_a_flood_of_refusals_is_counted(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "_REFUSALS_A_SECOND", 3)
    nobody = home.caller(tcp=True)
    for _ in range(20):
        await refusal(nobody.call("ListJobs", pb.ListJobsRequest()))
    home.clock.passed += 1.5
    await refusal(nobody.call("ListJobs", pb.ListJobsRequest()))
    found = await entries(home)
    omitted = sum(one.get("omitted", 0) for one in found)
    assert omitted + sum("call" in one for one in found) == 21
    assert omitted > 0


async def test_an_answer_that_nobody_waits_for_is_audited_all_the_same(home: House) -> None:
    call = home.local.call("CreateJob", create(spec()))
    while not (await home.local.call("ListJobs", pb.ListJobsRequest())).jobs:
        pass
    call.cancel()
    while not (found := await entries(home)):
        pass
    assert told(found[0])[:3] == ("job.created", home_id(home), "ok")


def home_id(home: House) -> str:
    return f"local:{home.settings.state_dir.stat().st_uid}"
