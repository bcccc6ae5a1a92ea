"""A real daemon under an operator: the command, kill -9, and what the log says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import bgcopy
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess

MakeDaemon = Callable[..., DaemonProcess]


async def test_limits_of_the_command_survive_kill_9(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(flags=["--files-per-job", "7"])
    await daemon.start()
    command = Command(daemon.directory, daemon.target)
    done = await command("policy", "set", "jobs_per_machine=1", "max_bytes_per_second=1M")
    assert done.code == 0, done.err
    await daemon.kill()
    await daemon.start()
    shown = await command("policy", "get", "--json")
    assert (shown.json["jobs_per_machine"], shown.json["files_per_job"]) == (1, 7)
    assert shown.json["max_bytes_per_second"] == 1 << 20
    async with bgcopy.AsyncClient(daemon.target) as client:
        await client.create_job("one")
        with pytest.raises(bgcopy.ResourceExhausted) as caught:
            await client.create_job("two")
    assert caught.value.quotas[0].subject == "jobs_per_machine"
    assert caught.value.quotas[0].description == "limit 1, value 1"
    refused = await command("policy", "set", "jobs_per_machine=0")
    assert (refused.code, "policy.jobs_per_machine" in refused.err) == (2, True)


async def test_tokens_of_both_commands_are_one_list(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(tcp=True)
    await daemon.start()
    command = Command(daemon.directory, daemon.target)
    made = await command("token", "create", "--principal", "anna", "--expires", "1d")
    token = made.out.split()[-1]
    await daemon.token("bert")
    async with bgcopy.AsyncClient(daemon.tcp_target, token=token) as client:
        assert (await client.get_server_info()).caller.principal == "user:anna"
    listed = json.loads((await daemon.command("token", "list", "--json")).stdout)
    assert [one["principal"] for one in listed] == ["user:anna", "user:bert"]
    shown = await command("token", "list", "--json")
    assert [one["token_id"] for one in shown.json] == [one["token_id"] for one in listed]
    revoked = await command("token", "revoke", listed[0]["token_id"])
    assert revoked.code == 0
    async with bgcopy.AsyncClient(daemon.tcp_target, token=token) as client:
        with pytest.raises(bgcopy.Unauthenticated):
            await client.get_server_info()
    assert listed[0]["token_id"] in daemon.log
    assert token not in daemon.log


async def test_a_drained_daemon_starts_its_jobs_after_a_restart(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon()
    await daemon.start()
    command = Command(daemon.directory, daemon.target)
    assert (await command("drain")).code == 0
    refused = await command("add", "http://127.0.0.1:9/x", "--root", "default")
    assert (refused.code, "draining" in refused.err) == (3, True)
    status = await command("status")
    assert "draining:" in status.out
    await daemon.terminate()
    await daemon.start()
    status = await command("status", "--json")
    assert not status.json["stats"]["draining"]
    assert status.json["stats"]["memory_bytes"] > 0
