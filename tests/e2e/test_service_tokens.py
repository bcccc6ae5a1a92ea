"""Tokens before the first start, beside a running daemon, and after their end."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import bgcopy
from tests.support.daemon import DaemonProcess, run_bgcopyd

USAGE, NOT_FOUND = 64, 66

MakeDaemon = Callable[..., DaemonProcess]


async def principal(daemon: DaemonProcess, token: str) -> tuple[str, bool]:
    async with bgcopy.AsyncClient(daemon.tcp_target, token=token) as client:
        caller = (await client.get_server_info()).caller
        return caller.principal, caller.admin


async def test_token_made_before_the_first_start(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(tcp=True)
    token = await daemon.token("anna")
    assert re.fullmatch(r"bgc_[A-Za-z0-9_-]{43}", token)
    await daemon.start()
    assert await principal(daemon, token) == ("user:anna", False)


async def test_token_beside_a_running_daemon_until_it_is_revoked(daemon: DaemonProcess) -> None:
    token = await daemon.token("root", "--admin")
    assert await principal(daemon, token) == ("user:root", True)
    (row,) = json.loads((await daemon.command("token", "list", "--json")).stdout)
    assert (row["principal"], row["admin"], row["state"]) == ("user:root", True, "valid")
    async with bgcopy.AsyncClient(daemon.tcp_target, token=token) as client:
        await client.get_server_info()
        done = await daemon.command("token", "revoke", row["token_id"])
        assert done.code == 0, done.stderr
        with pytest.raises(bgcopy.Unauthenticated):
            await client.get_server_info()
    (row,) = json.loads((await daemon.command("token", "list", "--json")).stdout)
    assert row["state"] == "revoked"


async def test_commands_beside_the_daemon_are_audited(
    make_daemon: MakeDaemon, tmp_path: Path
) -> None:
    audit = tmp_path / "audit"
    daemon = make_daemon()
    told = {"BGCOPY_AUDIT_LOG": str(audit)}
    state = ("--state-dir", str(daemon.state_dir))

    async def run(*arguments: str) -> str:
        done = await run_bgcopyd(*arguments, *state, home=tmp_path, environment=told)
        assert done.code == 0, done.stderr
        return done.stdout

    token = (await run("token", "create", "--principal", "anna", "--scope", "read")).split()[-1]
    (row,) = json.loads(await run("token", "list", "--json"))
    await run("token", "revoke", row["token_id"])
    await run("store", "backup")
    for command in ("rotate", "prune"):
        await run("secrets", command)
    await run("store", "restore")
    await run("store", "accept-empty")
    text = audit.read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert [one["event"] for one in entries] == [
        "token.created", "token.revoked", "keys.rotated", "keys.pruned", "store.restored",
        "store.emptied",
    ]  # fmt: skip
    assert {(one["principal"], one["peer"]) for one in entries} == {
        (f"local:{os.getuid()}", "bgcopyd")
    }
    assert (entries[0]["stands_for"], entries[0]["scopes"]) == ("anna", ["read"])
    assert token not in text
    told["BGCOPY_AUDIT_LOG"] = str(tmp_path / "absent" / "audit")
    arguments = ("token", "create", "--principal", "bert", *state)
    done = await run_bgcopyd(*arguments, home=tmp_path, environment=told)
    assert (done.code, "No entry was left in the audit log" in done.stderr) == (0, True)


@pytest.mark.timeout(180)
async def test_scopes_roots_and_last_use(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(tcp=True)
    token = await daemon.token("anna", "--scope", "read", "--root", "default", "--expires", "30d")
    await daemon.start()
    async with bgcopy.AsyncClient(daemon.tcp_target, token=token) as client:
        caller = (await client.get_server_info()).caller
        assert (caller.admin, caller.scopes) == (False, (bgcopy.Scope.READ,))
        with pytest.raises(bgcopy.ScopeRequired, match="'write'"):
            await client.create_job("a job")
    async with bgcopy.AsyncClient(daemon.target) as admin:
        (info,) = [info async for info in admin.admin.tokens()]
        assert (info.roots, info.last_use_time is not None) == (("default",), True)
    await daemon.terminate()
    (row,) = json.loads((await daemon.command("token", "list", "--json")).stdout)
    assert (row["scopes"], row["roots"]) == (["read"], ["default"])
    assert row["last_use_time"]


async def test_expired_token_is_refused_by_name(daemon: DaemonProcess) -> None:
    token = await daemon.token("anna", "--expires", "0.001")
    with pytest.raises(bgcopy.Unauthenticated) as caught:
        await principal(daemon, token)
    assert caught.value.reason is bgcopy.Reason.CREDENTIAL_EXPIRED


async def test_no_token_on_tcp(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.tcp_target) as client:
        with pytest.raises(bgcopy.Unauthenticated):
            await client.get_server_info()


async def test_a_bad_token_is_no_fall_back_to_the_socket(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target, token="bgc_" + "A" * 43) as client:
        with pytest.raises(bgcopy.Unauthenticated):
            await client.get_server_info()


async def test_the_token_itself_is_nowhere_on_disk(daemon: DaemonProcess) -> None:
    token = await daemon.token("anna")
    await principal(daemon, token)
    listed = await daemon.command("token", "list")
    assert listed.stdout.split()[1:4] == ["valid", "user:anna", "read,write"]
    assert token not in listed.stdout
    await daemon.terminate()
    for path in daemon.directory.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


async def test_unknown_token_id(daemon: DaemonProcess) -> None:
    done = await daemon.command("token", "revoke", "nobody")
    assert done.code == NOT_FOUND
    assert "token list" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "create"),
        ("token", "create", "--principal", "a b"),
        ("token", "create", "--principal", "a", "--expires", "soon"),
        ("token", "create", "--principal", "a", "--expires", "0"),
        ("token", "create", "--principal", "a", "--scope", "everything"),
        ("token", "create", "--principal", "a", "--root", "../x"),
        ("frobnicate",),
        ("serve", "--nonsense"),
    ],
)
async def test_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = await run_bgcopyd(*arguments, home=tmp_path)
    assert done.code == USAGE, done.stderr
    assert "Traceback" not in done.stderr


async def test_version(tmp_path: Path) -> None:
    done = await run_bgcopyd("--version", home=tmp_path)
    assert done.code == 0
    assert re.fullmatch(r"bgcopyd \d+\.\d+\.\d+\S*\n", done.stdout)
