"""The RPCs of webhooks, and messages that arrive at a real server."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2, webhook_pb2
from bgcopyd.jobs import limits, webhook
from tests.support.receiver import Receiver, receiving
from tests.support.rpc_house import Caller, House
from tests.support.rpc_requests import created, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived

SECRET = "whsec_" + "QUJD" * 8


async def make(caller: Caller, url: str, **fields: Any) -> pb.CreateWebhookResponse:
    request = pb.CreateWebhookRequest(url=url, **fields)
    made: pb.CreateWebhookResponse = await caller.call("CreateWebhook", request)
    return made


async def hooks(caller: Caller, **fields: Any) -> list[webhook_pb2.Webhook]:
    response = await caller.call("ListWebhooks", pb.ListWebhooksRequest(**fields))
    return list(response.webhooks)


async def deliveries(caller: Caller, webhook_id: str, **fields: Any) -> list[webhook_pb2.Delivery]:
    request = pb.ListDeliveriesRequest(webhook_id=webhook_id, **fields)
    return list((await caller.call("ListDeliveries", request)).deliveries)


async def update(caller: Caller, webhook_id: str, **fields: Any) -> pb.UpdateWebhookResponse:
    request = pb.UpdateWebhookRequest(webhook_id=webhook_id, **fields)
    after: pb.UpdateWebhookResponse = await caller.call("UpdateWebhook", request)
    return after


async def test_a_job_is_told_of_from_its_end_to_its_name(home: House) -> None:
    async with receiving() as server:
        made = await make(home.local, server.url)
        job = await created(home.local, spec(), start=True)
        home.engine.finish(await home.engine.next(), 10)
        event = (await server.next()).verified(made.secret)
        assert event["type"] == "io.bgcopy.v1.job.transferred"
        assert event["subject"] == event["data"]["job_id"] == job.job_id
        await verb(home.local, "CompleteJob", job.job_id)
        message = await server.next()
        event = message.verified(made.secret)
        assert (event["type"], event["id"]) == ("io.bgcopy.v1.job.acknowledged", message.id)
        assert (event["data"]["files_transferred"], event["data"]["bytes_transferred"]) == (1, 10)
        assert message.headers["content-type"].startswith("application/cloudevents+json")


async def test_what_a_new_webhook_is(home: House) -> None:
    made = await make(home.local, "https://h:8443/p?key=hidden", description="ops", secret=SECRET)
    one = made.webhook
    assert made.secret == SECRET
    assert (one.url, one.description) == ("https://h:8443/p?***", "ops")
    assert [job_pb2.JobState.Name(state) for state in one.states] == [
        "JOB_STATE_ERROR", "JOB_STATE_TRANSFERRED", "JOB_STATE_ACKNOWLEDGED",
        "JOB_STATE_CANCELLED",
    ]  # fmt: skip
    assert (one.disabled, one.signing_keys, one.owner) == (False, 1, made.webhook.owner)
    assert one.create_time.seconds
    (listed,) = await hooks(home.local)
    assert listed == one
    files = [path for path in home.settings.state_dir.rglob("*") if path.is_file()]
    whole = b"".join(path.read_bytes() for path in files)
    assert b"https://h:8443/p?***" in whole
    assert b"hidden" not in whole
    assert b"QUJDQUJD" not in whole


async def test_each_owner_has_his_own(home: House) -> None:
    anna, bert = await home.user("anna"), await home.user("bert")
    async with receiving() as server:
        of_anna = await make(anna, f"{server.url}/anna", states=[9])
        of_bert = await make(bert, f"{server.url}/bert", states=[9])
        of_all = await make(home.local, f"{server.url}/all", states=[9], all_owners=True)
        job = await created(anna)
        await verb(anna, "CancelJob", job.job_id)
        told = [await server.next() for _ in range(2)]
        assert {message.target for message in told} == {"/anna", "/all"}
        assert len({message.id for message in told}) == 1
    assert [one.webhook_id for one in await hooks(anna)] == [of_anna.webhook.webhook_id]
    assert len(await hooks(home.local, all_owners=True)) == 3
    for denied in (
        refusal(make(anna, "http://h/", all_owners=True)),
        refusal(hooks(anna, all_owners=True)),
    ):
        assert (await denied).reason == "ADMIN_REQUIRED"
    refused = await refusal(deliveries(anna, of_bert.webhook.webhook_id))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "WEBHOOK_NOT_FOUND")
    await deliveries(home.local, of_bert.webhook.webhook_id)
    assert of_all.webhook.all_owners


async def test_a_jobs_own_settings_silence_it(home: House) -> None:
    async with receiving() as server:
        await make(home.local, server.url)
        quiet = job_pb2.NotificationSettings(flags=[job_pb2.NOTIFY_FLAG_DISABLE])
        silent = await created(home.local, notifications=quiet)
        loud = await created(home.local)
        for job in (silent, loud):
            await verb(home.local, "CancelJob", job.job_id)
        assert json.loads((await server.next()).body)["subject"] == loud.job_id


async def test_states_of_choice_begin_with_the_first(home: House) -> None:
    async with receiving() as server:
        made = await make(home.local, server.url, states=[4, 1, 2, 1])
        assert list(made.webhook.states) == [4, 1, 2]
        job = await created(home.local, spec())
        await verb(home.local, "ResumeJob", job.job_id)
        kinds = {json.loads((await server.next()).body)["data"]["state"] for _ in range(3)}
        assert kinds == {"SUSPENDED", "QUEUED", "CONNECTING"}


async def test_the_log(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (3600.0, 3600.0))
    async with receiving() as server:
        server.answer(500)
        made = await make(home.local, server.url, states=[9])
        name = made.webhook.webhook_id
        job = await created(home.local)
        await verb(home.local, "CancelJob", job.job_id)
        first = await server.next()
        while (await deliveries(home.local, name))[0].attempts != 1:
            pass
        (entry,) = await deliveries(home.local, name)
        assert (entry.event_id, entry.job_id) == (first.id, job.job_id)
        assert (entry.http_status, entry.attempts) == (500, 1)
        assert "HTTP status 500" in entry.error
        assert entry.next_attempt_time.seconds > entry.create_time.seconds
        assert (await hooks(home.local))[0].pending_deliveries == 1
        home.let_pass(4500)
        home.daemon.dispatcher._wake.set()
        assert (await server.next()).id == first.id
        while (await deliveries(home.local, name))[0].state != webhook_pb2.DELIVERY_STATE_DELIVERED:
            pass
        (entry,) = await deliveries(home.local, name)
        assert (entry.attempts, entry.error, entry.http_status) == (2, "", 204)
        assert not entry.HasField("next_attempt_time")
        for _ in range(3):
            await home.local.call("TestWebhook", pb.TestWebhookRequest(webhook_id=name))
    request = pb.ListDeliveriesRequest(webhook_id=name, page_size=3)
    page = await home.local.call("ListDeliveries", request)
    request.page_token = page.next_page_token
    rest = await home.local.call("ListDeliveries", request)
    assert (len(page.deliveries), len(rest.deliveries), rest.next_page_token) == (3, 1, "")
    assert rest.deliveries[0].event_id == first.id


async def test_tests(home: House) -> None:
    async with receiving() as server:
        made = await make(home.local, server.url)
        name = made.webhook.webhook_id
        request = pb.TestWebhookRequest(webhook_id=name)
        await update(home.local, name, disabled=True)
        done = (await home.local.call("TestWebhook", request)).delivery
        assert (done.state, done.http_status) == (webhook_pb2.DELIVERY_STATE_DELIVERED, 204)
        event = (await server.next()).verified(made.secret)
        assert (event["type"], event["data"]) == ("io.bgcopy.v1.webhook.test", {"webhook_id": name})
        server.answer(404)
        done = (await home.local.call("TestWebhook", request)).delivery
        assert (done.state, done.http_status) == (webhook_pb2.DELIVERY_STATE_GIVEN_UP, 404)
        assert not done.HasField("next_attempt_time")
    assert [one.job_id for one in await deliveries(home.local, name)] == ["", ""]


async def test_secrets_take_over_from_one_another(home: House) -> None:
    async with receiving() as server:
        made = await make(home.local, server.url)
        name = made.webhook.webhook_id
        request = pb.TestWebhookRequest(webhook_id=name)
        after = await update(home.local, name, new_secret=True)
        assert (after.webhook.signing_keys, after.secret != made.secret) == (2, True)
        await home.local.call("TestWebhook", request)
        message = await server.next()
        assert message.verified(made.secret) == message.verified(after.secret)
        third = await update(home.local, name, new_secret=True)
        assert third.webhook.signing_keys == 2
        last = await update(home.local, name, drop_previous_secret=True)
        assert (last.webhook.signing_keys, last.secret) == (1, "")
        await home.local.call("TestWebhook", request)
        message = await server.next()
        message.verified(third.secret)
        for old in (made.secret, after.secret):
            with pytest.raises(Exception, match="No matching signature"):
                message.verified(old)


async def test_disabled_and_gone(home: House) -> None:
    async with receiving() as server:
        made = await make(home.local, server.url, states=[9])
        name = made.webhook.webhook_id
        after = (await update(home.local, name, disabled=True)).webhook
        assert (after.disabled, "UpdateWebhook" in after.disabled_reason) == (True, True)
        job = await created(home.local)
        await verb(home.local, "CancelJob", job.job_id)
        assert await deliveries(home.local, name) == []
        assert not (await update(home.local, name, disabled=False)).webhook.disabled
        server.answer(410)
        job = await created(home.local)
        await verb(home.local, "CancelJob", job.job_id)
        await server.next()
        while not (await hooks(home.local))[0].disabled:
            pass
        assert "410 Gone" in (await hooks(home.local))[0].disabled_reason
        await home.local.call("DeleteWebhook", pb.DeleteWebhookRequest(webhook_id=name))
    assert await hooks(home.local) == []
    assert (await refusal(deliveries(home.local, name))).reason == "WEBHOOK_NOT_FOUND"


async def test_quota_and_pages(home: House) -> None:
    for number in range(limits.WEBHOOKS_PER_OWNER):
        await make(home.local, f"http://h/{number}")
    refused = await refusal(make(home.local, "http://h/"))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "WEBHOOK_QUOTA_EXCEEDED",
    )
    request = pb.ListWebhooksRequest(page_size=limits.WEBHOOKS_PER_OWNER - 1)
    page = await home.local.call("ListWebhooks", request)
    request.page_token = page.next_page_token
    rest = await home.local.call("ListWebhooks", request)
    assert (len(rest.webhooks), rest.next_page_token) == (1, "")
    assert rest.webhooks[0].url == f"http://h/{limits.WEBHOOKS_PER_OWNER - 1}"
    await make(await home.user("anna"), "http://h/")


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "metadata.google.internal"])
async def test_an_address_that_nobody_may_connect_to_is_refused(home: House, host: str) -> None:
    refused = await refusal(make(home.local, f"http://{host}/"))
    assert (refused.reason, refused.fields) == ("ADDRESS_NOT_ALLOWED", ["url"])


async def test_a_crash_between_change_and_delivery_loses_nothing(home: House) -> None:
    async with receiving() as server:
        server.answers.append(None)
        made = await make(home.local, server.url)
        job = await created(home.local, spec(), start=True)
        home.engine.finish(await home.engine.next(), 10)
        await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
        first = await server.next()
        await home.crash()
        again = await server.next()
        assert (again.id, again.body) == (first.id, first.body)
        again.verified(made.secret)


async def test_a_restart_delivers_what_the_receiver_was_not_there_for(home: House) -> None:
    async with receiving() as gone:
        port = int(gone.url.rpartition(":")[2])
    await make(home.local, f"http://127.0.0.1:{port}/", states=[9])
    jobs = [await created(home.local) for _ in range(3)]
    for job in jobs:
        await verb(home.local, "CancelJob", job.job_id)
    await home.crash()
    async with receiving(port) as server:
        home.let_pass(3600)
        home.daemon.dispatcher._wake.set()
        subjects = {json.loads((await server.next()).body)["subject"] for _ in jobs}
    assert subjects == {job.job_id for job in jobs}
    assert isinstance(server, Receiver)
