"""A secret in every place that takes one, and then all that a daemon has ever written or said."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, job_pb2
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.receiver import Receiver, receiving
from tests.support.rpc_admin import begin
from tests.support.rpc_house import Caller
from tests.support.rpc_requests import create
from tests.support.rpc_status import refusal

MakeDaemon = Callable[..., DaemonProcess]

# Each in one place alone, so that what is found tells where it leaked.
PLANTED = {
    name: f"planted{number}in{name}"
    for number, name in enumerate(
        (
            "header", "password", "bearer", "proxypassword", "refusedheader", "refusedpassword",
            "userinfo", "proxyuserinfo", "webhookquery", "refusedwebhooksecret", "s3secret",
            "s3session", "badtoken", "probeheader",
        )
    )
}  # fmt: skip
# What a URL's query holds is a part of the job, shown to its owner; it is in no log nonetheless.
QUERY = "plantedinaquery"
WEBHOOK_KEY = b"planted in a key of a webhook..."
SCHEMES = {
    "password": (http_pb2.AUTH_SCHEME_BASIC, http_pb2.AUTH_TARGET_SERVER, "anna"),
    "bearer": (http_pb2.AUTH_SCHEME_BEARER, http_pb2.AUTH_TARGET_SERVER, ""),
    "proxypassword": (http_pb2.AUTH_SCHEME_BASIC, http_pb2.AUTH_TARGET_PROXY, "anna"),
}
TOLD = (
    job_pb2.JOB_STATE_ERROR,
    job_pb2.JOB_STATE_TRANSFERRED,
    job_pb2.JOB_STATE_ACKNOWLEDGED,
)
AT_REST = {
    job_pb2.JOB_STATE_ERROR,
    job_pb2.JOB_STATE_TRANSIENT_ERROR,
    job_pb2.JOB_STATE_TRANSFERRED,
    job_pb2.JOB_STATE_ACKNOWLEDGED,
}


def _talk(request: Request, wire: Wire) -> None:
    """Says back all that it was told, in a file or in an error, as the path wants."""
    told = " ".join(
        request.fields.get(name, "")
        for name in ("x-key", "authorization", "proxy-authorization", "x-amz-security-token")
    )
    path, _, query = request.target.partition("?")
    place = path.rpartition("/")[2]
    fields = {"X_Echo": f"{told} {query}", "ETag": f'"{told}"'}
    if "proxy-authorization" not in request.fields and place.startswith("proxied"):
        fields["Proxy_Authenticate"] = "Basic realm=x"
        wire.answer(407, b"", **fields)
    elif "authorization" not in request.fields and place.startswith("asked"):
        wire.answer(401, b"", WWW_Authenticate="Basic realm=x", **fields)
    elif place.endswith("bad"):
        wire.answer(403, told.encode(), **fields)
    else:
        wire.answer(200, b"whole", **fields)


class Everything:
    """All that the daemon has answered."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.caller = Caller(target)
        self.heard: list[str] = []
        self.files: list[str] = []

    def hear(self, what: object) -> None:
        raw = what.SerializeToString() if isinstance(what, Message) else b""
        self.heard.append(f"{what!s} {what!r} {raw!r}")

    async def ask(self, rpc: str, request: Message) -> Any:
        response = await self.caller.call(rpc, request)
        self.hear(response)
        return response

    async def refused(self, call: Any) -> None:
        refused = await refusal(call)
        self.hear(refused)
        assert refused.reason

    async def job(self, url: str, path: str, *logins: str, **properties: Any) -> str:
        """Runs a job that has each secret; returns once it has come to a stop."""
        header = http_pb2.HttpHeader(name="X-Key", value=PLANTED["header"], secret=True)
        file = job_pb2.FileSpec(remote_url=url, local_path=path)
        wanted = create(file, custom_headers=[header], auto_complete=True, **properties)
        job_id: str = (await self.ask("CreateJob", wanted)).job.job_id
        for name in logins:
            scheme, target, user = SCHEMES[name]
            login = pb.SetCredentialsRequest(
                job_id=job_id,
                scheme=scheme,
                target=target,
                user_name=user,
                password=PLANTED[name],
            )
            await self.ask("SetCredentials", login)
        watch = pb.WatchJobsRequest(filter=pb.JobFilter(job_ids=[job_id]))
        call = self.caller.call("WatchJobs", watch)
        await self.ask("ResumeJob", pb.ResumeJobRequest(job_id=job_id))
        while True:
            message = await call.read()
            self.hear(message)
            if message.job_changed.state in AT_REST and message.job_changed.revision > 2:
                break
        call.cancel()
        for rpc in ("GetJob", "ListAttempts"):
            await self.ask(rpc, getattr(pb, f"{rpc}Request")(job_id=job_id))
        listed = await self.caller.call("ListFiles", pb.ListFilesRequest(job_id=job_id))
        self.files.append(f"{listed!s} {listed.SerializeToString()!r}")
        return job_id

    async def refusals(self, job_id: str, origin: str) -> None:
        """Secrets in requests that are refused: no error quotes one."""
        call = self.caller.call
        host = origin.removeprefix("http://")
        with_userinfo = f"http://u:{PLANTED['userinfo']}@{host}/x"
        await self.refused(call("CreateJob", create(job_pb2.FileSpec(remote_url=with_userinfo))))
        await self.refused(call("ProbeUrl", pb.ProbeUrlRequest(remote_url=with_userinfo)))
        hook = pb.CreateWebhookRequest(url=with_userinfo)
        await self.refused(call("CreateWebhook", hook))
        proxy = http_pb2.ProxySettings(
            usage=http_pb2.PROXY_USAGE_OVERRIDE,
            proxies=[f"http://u:{PLANTED['proxyuserinfo']}@{host}"],
        )
        await self.refused(call("CreateJob", create(proxy=proxy)))
        bad = http_pb2.HttpHeader(name="Host", value=PLANTED["refusedheader"], secret=True)
        change = pb.UpdateJobRequest(
            job_id=job_id,
            job=job_pb2.Job(custom_headers=[bad]),
            update_mask=FieldMask(paths=["custom_headers"]),
        )
        await self.refused(call("UpdateJob", change))
        login = pb.SetCredentialsRequest(
            job_id=job_id,
            target=http_pb2.AUTH_TARGET_SERVER,
            scheme=http_pb2.AUTH_SCHEME_BASIC,
            user_name="a:b",
            password=PLANTED["refusedpassword"],
        )
        await self.refused(call("SetCredentials", login))
        hook = pb.CreateWebhookRequest(url=origin, secret=PLANTED["refusedwebhooksecret"])
        await self.refused(call("CreateWebhook", hook))
        stranger = Caller(self.target, f"bgc_{PLANTED['badtoken']}")
        await self.refused(stranger.call("ListJobs", pb.ListJobsRequest()))
        await stranger.close()

    async def all_lists(self) -> None:
        hooks = await self.ask("ListWebhooks", pb.ListWebhooksRequest())
        for hook in hooks.webhooks:
            await self.ask("ListDeliveries", pb.ListDeliveriesRequest(webhook_id=hook.webhook_id))
        await self.ask("ListJobs", pb.ListJobsRequest(page_size=1000))
        await self.ask("GetServerInfo", pb.GetServerInfoRequest())
        for rpc in ("GetPolicy", "GetStats", "ListTokens"):
            self.hear(await begin(self.caller, rpc))


async def _webhook(everything: Everything, server: Receiver) -> set[str]:
    """Makes one, has it fail and changes its key; its secrets."""
    given = "whsec_" + b64encode(WEBHOOK_KEY).decode()
    request = pb.CreateWebhookRequest(
        url=f"{server.url}/?{PLANTED['webhookquery']}", secret=given, states=TOLD
    )
    made = await everything.caller.call("CreateWebhook", request)
    everything.hear(made.webhook)
    server.answer(500, PLANTED["webhookquery"].encode())
    test = pb.TestWebhookRequest(webhook_id=made.webhook.webhook_id)
    await everything.ask("TestWebhook", test)
    change = pb.UpdateWebhookRequest(webhook_id=made.webhook.webhook_id, new_secret=True)
    fresh = await everything.caller.call("UpdateWebhook", change)
    everything.hear(fresh.webhook)
    return {given, given.removeprefix("whsec_"), fresh.secret.removeprefix("whsec_")}


def _store(directory: Path, endpoint: str) -> Path:
    path = directory / "s3.toml"
    path.touch(mode=0o600)
    path.write_text(
        f'region = "r"\nendpoint = "{endpoint}"\npath_style = true\nbuckets = ["ours"]\n'
        f'access_key_id = "AKID"\nsecret_access_key = "{PLANTED["s3secret"]}"\n'
        f'session_token = "{PLANTED["s3session"]}"\n'
    )
    return path


@pytest.mark.timeout(180)
async def test_secrets_are_found_nowhere(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    with HostileServer(_talk) as origin:
        audit = tmp_path / "audit"
        store = f"o={_store(tmp_path, origin.url)}"
        schemes = ("--schemes", "http,s3", "--s3-store", store)
        flags = ("--log-level", "debug", "--audit-log", str(audit), *schemes)
        daemon = await make_daemon(flags=flags).start()
        everything = Everything(daemon.target)
        caller = everything.caller
        made = await begin(caller, "CreateToken", principal_name="bert")
        everything.hear(made.info)
        async with receiving() as server, contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(caller.close)
            secrets = {made.token, *await _webhook(everything, server)}
            own = http_pb2.ProxySettings(usage=http_pb2.PROXY_USAGE_OVERRIDE, proxies=[origin.url])
            jobs = await asyncio.gather(
                everything.job(f"{origin.url}/a-good?{QUERY}", "a"),
                everything.job(f"{origin.url}/b-bad?{QUERY}", "b"),
                everything.job(f"{origin.url}/asked-good", "c", "password"),
                everything.job(f"{origin.url}/asked-bad", "d", "password"),
                everything.job(f"{origin.url}/bearer-good", "e", "bearer"),
                everything.job(f"{origin.url}/bearer-bad", "f", "bearer"),
                everything.job("http://far.example/proxied-good", "g", "proxypassword", proxy=own),
                everything.job("http://far.example/proxied-bad", "h", "proxypassword", proxy=own),
                everything.job("s3://ours/good", "i"),
                everything.job("s3://ours/bad", "j"),
            )
            await everything.refusals(jobs[1], origin.url)
            header = http_pb2.HttpHeader(name="X-Key", value=PLANTED["probeheader"], secret=True)
            probe = pb.ProbeUrlRequest(remote_url=f"{origin.url}/bad", custom_headers=[header])
            with contextlib.suppress(Exception):
                await everything.ask("ProbeUrl", probe)
            await everything.all_lists()
            told = [await server.next() for _ in range(1 + len(jobs))]
        sent = "\n".join(str(request.fields) for request in origin.requests)
    assert all(PLANTED[name] in sent for name in ("header", "bearer", "s3session"))
    for name in ("password", "proxypassword"):
        assert b64encode(f"anna:{PLANTED[name]}".encode()).decode() in sent
    exported = await Command(tmp_path, daemon.target)("export", *jobs, "--format", "jsonl")
    assert exported.code == 0, exported.err
    saved = await daemon.command("store", "backup")
    assert saved.code == 0, saved.stderr
    await daemon.terminate()
    await daemon.start()
    await daemon.kill()
    secrets |= {*PLANTED.values(), WEBHOOK_KEY.decode()}
    secrets |= {b64encode(f"anna:{PLANTED[name]}".encode()).decode() for name in SCHEMES}
    state = [path for path in daemon.state_dir.rglob("*") if path.is_file()]
    assert any("backups" in path.parts for path in state)
    places = {str(path): path.read_bytes() for path in (*state, daemon.log_path, audit)}
    places |= {"answers": "\n".join(everything.heard).encode(), "export": exported.out.encode()}
    places["files"] = "\n".join(everything.files).encode()
    places["webhooks"] = b"".join(message.body for message in told)
    found = [
        (place, one) for place, text in places.items() for one in secrets if one.encode() in text
    ]
    assert found == []
    quiet = (str(daemon.log_path), str(audit), "webhooks", "answers")
    assert [place for place in quiet if QUERY.encode() in places[place]] == []
    assert b'"job.created"' in places[str(audit)]
    assert b'"daemon.stopped"' in places[str(audit)]
