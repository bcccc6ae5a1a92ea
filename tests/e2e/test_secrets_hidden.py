"""Secrets go to the server and nowhere else: not to disk, log, error or answer."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, job_pb2
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.rpc_house import Caller
from tests.support.rpc_requests import create
from tests.support.rpc_status import refusal

MakeDaemon = Callable[..., DaemonProcess]

HEADER, PASSWORD, BEARER = "planted-in-a-header", "planted-as-password", "planted-as-bearer"
BASIC = b64encode(f"anna:{PASSWORD}".encode()).decode()
PLANTED = [text.encode() for text in (HEADER, PASSWORD, BEARER, BASIC)]
LOGINS: tuple[dict[str, Any], ...] = (
    {"scheme": http_pb2.AUTH_SCHEME_BASIC, "user_name": "anna", "password": PASSWORD},
    {"scheme": http_pb2.AUTH_SCHEME_BEARER, "password": BEARER},
)
AT_REST = {
    job_pb2.JOB_STATE_ERROR,
    job_pb2.JOB_STATE_TRANSIENT_ERROR,
    job_pb2.JOB_STATE_TRANSFERRED,
}


def _echo(request: Request) -> str:
    """All that the server was told, read as well as a server can."""
    kind, _, login = request.fields.get("authorization", "").partition(" ")
    read = b64decode(login).decode() if kind == "Basic" else login
    return f"{request.fields.get('x-key', '')} {login} {read.rpartition(':')[2]}"


def _talk(request: Request, wire: Wire) -> None:
    """Fails in the way that the path says, with all that it was told in every text."""
    echo = _echo(request)
    told = {"X_Echo": echo, "ETag": f'"{echo}"', "Content_Type": f"x/{echo}"}
    kind = request.target.partition("?")[0].strip("/")
    place = echo.replace(" ", "-")
    if kind.isdigit():
        wire.connection.sendall(
            f"HTTP/1.1 {kind} {echo}\r\nContent-Length: 0\r\nX-Echo: {echo}\r\n"
            f"WWW-Authenticate: Basic realm={echo}\r\n\r\n".encode()
        )
    elif kind == "redirect":
        wire.answer(302, b"", Location=f"/{place}/whole?{place}")
    elif kind == "nowhere":
        wire.answer(302, b"", Location=f"gopher://{place}/")
    elif kind == "length":
        wire.answer(200, b"", **{**told, "Content_Length": echo})
    elif kind == "garbage":
        wire.send(f"{echo}\r\n{echo}\r\n\r\n".encode())
        wire.close()
    elif kind == "reset":
        wire.reset()
    elif kind == "short":
        wire.head(200, Content_Length=1000, **told)
        wire.send(echo.encode())
        wire.close()
    else:
        wire.answer(200, b"whole", **told)


STATUSES = ("401", "403", "404", "407", "500", "503")
PATHS = (*STATUSES, "redirect", "nowhere", "length", "garbage", "reset", "short", "whole")


class Ear:
    """Keeps everything that the daemon has answered."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.heard: list[str] = []
        self.rested: set[int] = set()

    async def ask(self, rpc: str, request: Message) -> Any:
        response = await self._caller.call(rpc, request)
        self.heard.append(str(response) + repr(response.SerializeToString()))
        return response

    async def refused(self, rpc: str, request: Message) -> None:
        refused = await refusal(self._caller.call(rpc, request))
        self.heard.append(f"{refused}")

    async def at_rest(self, job_id: str) -> None:
        """Listens until the job has come to a stop."""
        request = pb.WatchJobsRequest(filter=pb.JobFilter(job_ids=[job_id]), file_events=True)
        call = self._caller.call("WatchJobs", request)
        try:
            while True:
                message = await call.read()
                self.heard.append(str(message))
                if message.job_changed.state in AT_REST:
                    self.rested.add(message.job_changed.state)
                    return
        finally:
            call.cancel()

    async def run(self, url: str, login: dict[str, Any]) -> None:
        """One job with everything secret that there is, and all questions about it."""
        header = http_pb2.HttpHeader(name="X-Key", value=HEADER, secret=True)
        path = f"{url.rpartition('/')[2]}-{login['scheme']}"
        file = job_pb2.FileSpec(remote_url=url, local_path=path)
        wanted = create(file, custom_headers=[header], redirect_policy=2)
        job_id = (await self.ask("CreateJob", wanted)).job.job_id
        await self.ask(
            "SetCredentials",
            pb.SetCredentialsRequest(job_id=job_id, target=http_pb2.AUTH_TARGET_SERVER, **login),
        )
        await self.ask("ResumeJob", pb.ResumeJobRequest(job_id=job_id))
        await self.at_rest(job_id)
        for rpc in ("GetJob", "ListFiles", "ListAttempts"):
            await self.ask(rpc, getattr(pb, f"{rpc}Request")(job_id=job_id))
        headers = job_pb2.Job(custom_headers=[header])
        mask = FieldMask(paths=["custom_headers"])
        await self.ask(
            "UpdateJob", pb.UpdateJobRequest(job_id=job_id, job=headers, update_mask=mask)
        )
        wrong = {**login, "user_name": "colon:" + PASSWORD}
        await self.refused(
            "SetCredentials",
            pb.SetCredentialsRequest(job_id=job_id, target=http_pb2.AUTH_TARGET_SERVER, **wrong),
        )
        bad = http_pb2.HttpHeader(name="Host", value=HEADER, secret=True)
        headers = job_pb2.Job(custom_headers=[bad])
        await self.refused(
            "UpdateJob", pb.UpdateJobRequest(job_id=job_id, job=headers, update_mask=mask)
        )


def _planted(daemon: DaemonProcess) -> list[str]:
    """Where in all that the daemon has written something planted is found."""
    files = [path for path in daemon.state_dir.rglob("*") if path.is_file()]
    assert {"queue.db", "queue.db-wal", "secrets.key"} <= {path.name for path in files}
    assert any("backups" in path.parts for path in files)
    return [
        f"{text.decode()} in {path.name}"
        for path in (*files, daemon.log_path)
        for text in PLANTED
        if text in path.read_bytes()
    ]


@pytest.mark.timeout(120)
async def test_planted_secrets_are_found_nowhere(make_daemon: MakeDaemon) -> None:
    daemon = await make_daemon(flags=("--log-level", "debug")).start()
    caller = Caller(daemon.target)
    ear = Ear(caller)
    with HostileServer(_talk) as server:
        urls = [f"{server.url}/{path}" for path in PATHS]
        await asyncio.gather(*[ear.run(url, login) for url in urls for login in LOGINS])
        told = [request.fields for request in server.requests]
        assert {HEADER} == {fields["x-key"] for fields in told if "x-key" in fields}
        sent = {fields.get("authorization") for fields in told}
        assert {f"Basic {BASIC}", f"Bearer {BEARER}"} <= sent
    everything = pb.ListJobsRequest(page_size=1000)
    listed = await ear.ask("ListJobs", everything)
    assert len(listed.jobs) == len(PATHS) * len(LOGINS)
    assert ear.rested == AT_REST
    saved = await daemon.command("store", "backup")
    assert saved.code == 0, saved.stderr
    await caller.close()
    await daemon.kill()
    assert _planted(daemon) == []
    heard = "\n".join(ear.heard)
    assert [text for text in PLANTED if text.decode() in heard] == []
    await daemon.start()
    await daemon.terminate()
    rotated = await daemon.command("secrets", "rotate")
    assert rotated.code == 0, rotated.stderr
    assert f"{2 * len(PATHS) * len(LOGINS)} secrets" in rotated.stdout


async def test_a_key_that_others_may_read_is_refused(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    daemon.state_dir.mkdir(parents=True)
    key = daemon.state_dir / "secrets.key"
    key.write_text(b64encode(bytes(32)).decode())
    key.chmod(0o644)
    await daemon.spawn()
    assert await daemon.wait() == 78
    assert f"chmod 600 {key}" in daemon.log


async def test_keys_do_not_change_under_a_running_daemon(daemon: DaemonProcess) -> None:
    before = (daemon.state_dir / "secrets.key").read_bytes()
    for command in ("rotate", "prune"):
        done = await daemon.command("secrets", command)
        assert done.code == 75, done.stderr
        assert "stop it first" in done.stderr
    assert (daemon.state_dir / "secrets.key").read_bytes() == before
