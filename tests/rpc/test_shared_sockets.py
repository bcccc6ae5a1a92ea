"""A Unix socket for every user of the machine: who they are, and how the library learns it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest
from pydantic import ValidationError

import bgcopy
from bgcopy._local import SUFFIX
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.callers import peers
from bgcopyd.callers.peers import LocalTokens, PeerSockets
from bgcopyd.config import Settings
from bgcopyd.config.listeners import IDENTITY_SUFFIX
from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.rpc.server import RpcServer
from bgcopyd.rpc.sockets import Listener
from tests.support.clocks import FakeClock
from tests.support.rpc_house import House, house
from tests.support.rpc_status import refusal

INFO = pb.GetServerInfoRequest()
ME = f"local:{os.getuid()}"


async def line(home: House) -> dict[str, Any]:
    """What the socket says to who connects."""
    reader, writer = await asyncio.open_unix_connection(f"{home.directory}/s{IDENTITY_SUFFIX}")
    said = await reader.read()
    writer.close()
    assert said.endswith(b"\n")
    answer: dict[str, Any] = json.loads(said)
    return answer


def test_client_and_server_mean_the_same_socket() -> None:
    assert SUFFIX == IDENTITY_SUFFIX


async def test_the_socket_alone_makes_nobody_known() -> None:
    async with house(open_socket=True) as home:
        refused = await refusal(home.local.call("GetServerInfo", INFO))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "CREDENTIAL_MISSING",
        )
        assert "'.id'" in refused.message
        for name in ("s", f"s{IDENTITY_SUFFIX}"):
            assert stat.S_IMODE((home.directory / name).stat().st_mode) == 0o666
        said = await line(home)
        assert (said["principal"], 0 < said["expires_in"] <= 3600) == (ME, True)
        told = (await home.caller(said["token"]).call("GetServerInfo", INFO)).caller
        assert (told.principal, told.admin) == (ME, True)
        assert (await line(home))["token"] == said["token"]
        assert not await home.store.tokens()
        elsewhere = home.caller(said["token"], tcp=True)
        assert (await refusal(elsewhere.call("GetServerInfo", INFO))).reason == "CREDENTIAL_INVALID"
        bad = await refusal(home.caller("bgl_bad").call("GetServerInfo", INFO))
        assert bad.reason == "CREDENTIAL_INVALID"


async def test_the_library_fetches_and_renews_by_itself() -> None:
    async with house(open_socket=True) as home, bgcopy.AsyncClient(home.unix) as client:
        assert (await client.get_server_info()).caller.principal == ME
        home.clock.passed += 3601
        assert (await client.get_server_info()).caller.principal == ME
        job = await client.create_job("a job")
        async with job.watch() as changes:
            await anext(changes)
            await home.crash()
            await client.suspend_job(job.job_id)
            await client.cancel_job(job.job_id)
            async for info in changes:
                if info.state is bgcopy.JobState.CANCELLED:
                    break


async def test_a_users_token_is_not_taken_for_another() -> None:
    """What is refused with a token of one's own stays refused."""
    async with (
        house(open_socket=True) as home,
        bgcopy.AsyncClient(home.unix, token="bgc_x") as client,
    ):
        with pytest.raises(bgcopy.CredentialInvalid):
            await client.get_server_info()


def tokens(clock: FakeClock) -> LocalTokens:
    return LocalTokens(
        lambda owner: Principal(owner, ALL_SCOPES) if owner == "local:7" else Principal(owner),
        clock,
    )


def test_tokens_of_users_are_short_lived_and_few() -> None:
    clock = FakeClock()
    local = tokens(clock)
    text, token, seconds = local.issue(4242)
    assert (token.principal, seconds) == (Principal("local:4242"), peers.LIFETIME)
    assert local.issue(7)[1].principal.admin
    assert local.find(token.digest) is token
    clock.true += peers.LIFETIME / 2 + 1
    assert local.issue(4242)[0] != text
    assert local.find(token.digest) is token
    clock.true += peers.LIFETIME / 2
    assert local.find(token.digest) is None
    for _ in range(1000):
        clock.true += peers.LIFETIME / 2 + 1
        local.issue(4242)
    assert len(local._by_digest) <= 3
    assert len(local._by_uid) == 1


def test_a_user_without_a_name_here_is_nobody() -> None:
    with mock.patch.object(peers, "_overflow_uid", return_value=65534):
        sockets = PeerSockets(tokens(FakeClock()))
    assert "token" not in sockets.answer(65534)
    assert "bearer token" in str(sockets.answer(65534)["error"])
    assert sockets.answer(1)["principal"] == "local:1"


async def test_the_library_tells_why_a_user_is_nobody() -> None:
    error = {"error": "your user id has no meaning"}
    with mock.patch.object(PeerSockets, "answer", return_value=error):
        async with house(open_socket=True) as home, bgcopy.AsyncClient(home.unix) as client:
            with pytest.raises(bgcopy.CredentialMissing, match="no meaning"):
                await client.get_server_info()


async def test_those_who_never_read_disturb_nobody() -> None:
    async with house(open_socket=True) as home:
        silent = [socket.socket(socket.AF_UNIX) for _ in range(200)]
        try:
            for one in silent:
                one.setblocking(False)
                await asyncio.get_running_loop().sock_connect(
                    one, f"{home.directory}/s{IDENTITY_SUFFIX}"
                )
            assert (await line(home))["principal"] == ME
        finally:
            for one in silent:
                one.close()


@pytest.mark.parametrize(
    ("mode", "problem"), [(0o700, "chmod o\\+x"), (0o1777, "others can write")]
)
async def test_directories_that_cannot_be_shared(mode: int, problem: str) -> None:
    with tempfile.TemporaryDirectory(prefix="bgcopy-") as directory:
        path = Path(directory) / "s"
        path.parent.chmod(mode)
        sockets = PeerSockets(tokens(FakeClock()))
        server = RpcServer(
            mock.Mock(), mock.MagicMock(), [f"unix:{path}?mode=shared"], None, sockets
        )
        with pytest.raises(Listener, match=problem):
            server.bind()


def test_sockets_are_shared_all_or_none() -> None:
    with pytest.raises(ValidationError, match="all or none"):
        Settings(listen=("unix:/a", "unix:/b?mode=shared"))  # type: ignore[arg-type] # parsed
