"""Webhooks of a real daemon: the command line, kill -9, and the change of keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.receiver import receiving

MakeDaemon = Callable[..., DaemonProcess]


def _file(request: Request, wire: Wire) -> None:
    del request
    wire.answer(200, b"whole")


@pytest.mark.timeout(120)
async def test_kill_9_between_the_change_and_its_delivery(
    make_daemon: MakeDaemon, tmp_path: Path
) -> None:
    daemon = await make_daemon().start()
    bgcopy = Command(tmp_path, daemon.target)
    async with receiving() as server:
        # The first attempt hangs: the change is committed, the message is not delivered.
        server.answers.append(None)
        url = f"{server.url}/?key=hidden"
        made = await bgcopy("webhook", "add", url, "--state", "transferred", "--json")
        assert made.code == 0, made.err
        with HostileServer(_file) as origin:
            got = await bgcopy("add", f"{origin.url}/f", "--root", "default", "--json")
            assert got.code == 0, got.err
            first = await server.next()
        await daemon.restart()
        again = await server.next()
        assert (again.id, again.body) == (first.id, first.body)
        event = again.verified(made.json["secret"])
        assert event["type"] == "io.bgcopy.v1.job.transferred"
        assert again.target == "/?key=hidden"
    assert "hidden" not in daemon.log


@pytest.mark.timeout(180)
async def test_the_commands(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    daemon = await make_daemon(flags=("--log-level", "debug")).start()
    bgcopy = Command(tmp_path, daemon.target)
    async with receiving() as server:
        none = await bgcopy("webhook", "ls")
        assert (none.code, "No webhooks" in none.err) == (0, True)
        secret = tmp_path / "secret"
        secret.write_text("whsec_" + "QUJD" * 8 + "\n")
        made = await bgcopy(
            "webhook", "add", server.url, "--state", "cancelled", "--description", "ops",
            "--secret-file", str(secret),
        )  # fmt: skip
        assert (made.code, made.out) == (0, secret.read_text())
        (row,) = (await bgcopy("webhook", "ls", "--json")).json
        assert (row["states"], row["description"]) == (["CANCELLED"], "ops")
        assert server.url in (await bgcopy("webhook", "ls")).out
        name = row["webhook_id"]
        tested = await bgcopy("webhook", "test", name)
        assert (tested.code, "HTTP status 204" in tested.err) == (0, True)
        (await server.next()).verified(secret.read_text().strip())
        for status, code in ((404, 13), (503, 14)):
            server.answer(status)
            assert (await bgcopy("webhook", "test", name)).code == code
        log = await bgcopy("webhook", "log", name)
        assert log.out.splitlines()[0].endswith("WHY")
        assert log.out.count("webhook.test") == 3
        assert len((await bgcopy("webhook", "log", name, "-n", "2", "--json")).json) == 2
        fresh = await bgcopy("webhook", "set", name, "--new-secret", "--json")
        assert (fresh.json["signing_keys"], fresh.json["secret"][:6]) == (2, "whsec_")
        off = await bgcopy("webhook", "set", name, "--disable", "--drop-old-secret")
        assert (off.code, off.out, "is disabled" in off.err) == (0, "", True)
        assert (await bgcopy("webhook", "set", name)).code == 2
    assert (await bgcopy("webhook", "test", name)).code == 6
    # Sealed anew, and still to be opened.
    await daemon.terminate()
    rotated = await daemon.command("secrets", "rotate")
    assert (rotated.code, "1 secret" in rotated.stdout) == (0, True), rotated
    pruned = await daemon.command("secrets", "prune")
    assert pruned.code == 0, pruned.stderr
    await daemon.start()
    async with receiving() as server:
        other = await bgcopy("webhook", "add", server.url, "--json")
        assert (await bgcopy("webhook", "test", other.json["webhook_id"])).code == 0
    assert "No connection" in (await bgcopy("webhook", "test", name)).err
    assert (await bgcopy("webhook", "rm", name, other.json["webhook_id"])).code == 0
    gone = await bgcopy("webhook", "rm", name, "--json")
    assert (gone.code, gone.error["exit_code"]) == (5, 5)
    assert "whsec_" not in daemon.log
