"""How the daemon starts, refuses to start, and tells its manager."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import bgcopy
from tests.support.daemon import DaemonProcess, run_bgcopyd

USAGE, DAMAGED, IN_USE, CONFIGURATION = 64, 65, 75, 78

MakeDaemon = Callable[..., DaemonProcess]


async def test_ready_names_every_listener_with_its_bound_port(daemon: DaemonProcess) -> None:
    assert daemon.status.startswith("listening on ")
    assert daemon.target in daemon.targets
    host, _, port = daemon.tcp_target.rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0
    assert daemon.tcp_target in daemon.log
    async with bgcopy.AsyncClient(daemon.target) as client:
        info = await client.get_server_info()
    assert info.caller.principal == f"local:{os.geteuid()}"
    assert info.caller.admin


async def test_state_and_socket_are_the_users_own(daemon: DaemonProcess) -> None:
    assert permissions(daemon.state_dir) == 0o700
    assert permissions(daemon.socket_path) == 0o600
    databases = [path for path in daemon.state_dir.rglob("*") if is_database(path)]
    assert databases
    assert {permissions(path) for path in databases} == {0o600}


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_second_daemon_on_the_same_state_is_refused(
    daemon: DaemonProcess, make_daemon: MakeDaemon
) -> None:
    second = make_daemon(directory=daemon.directory)
    async with asyncio.timeout(30):
        await second.spawn()
        assert await second.wait() == IN_USE
    assert str(daemon.state_dir) in second.log
    assert "Traceback" not in second.log
    async with bgcopy.AsyncClient(daemon.target) as client:
        await client.get_server_info()


async def test_second_daemon_on_the_same_socket_is_refused(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    done = await run_bgcopyd(
        "serve", "--state-dir", str(tmp_path / "other"), "--listen", daemon.target, home=tmp_path
    )
    assert done.code == IN_USE, done.stderr
    assert str(daemon.socket_path) in done.stderr
    assert "Traceback" not in done.stderr
    async with bgcopy.AsyncClient(daemon.target) as client:
        await client.get_server_info()


async def test_sigkill_leaves_nothing_that_stops_the_next_start(daemon: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(daemon.target) as client:
        job = await client.create_job("survivor")
    await daemon.restart()
    async with bgcopy.AsyncClient(daemon.target) as client:
        assert (await client.get_job(job.job_id)).display_name == "survivor"


async def test_plaintext_beyond_loopback_is_refused(tmp_path: Path) -> None:
    done = await run_bgcopyd(
        "serve", "--state-dir", str(tmp_path / "s"), "--listen", "tcp://0.0.0.0:0", home=tmp_path
    )
    assert done.code == CONFIGURATION
    assert "plain text beyond this machine" in done.stderr
    assert not (tmp_path / "s").exists()


async def test_all_configuration_errors_at_once(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('backgroundjobs = 3\nretention = "soon"\n')
    done = await run_bgcopyd(
        "serve", "--config", str(file), "--root", "fs=/", home=tmp_path,
        environment={"BGCOPY_LISTENN": "x"},
    )  # fmt: skip
    assert done.code == CONFIGURATION
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("bgcopyd: ") for line in lines)
    assert done.stdout == ""


async def test_port_that_is_taken_is_said(daemon: DaemonProcess, tmp_path: Path) -> None:
    done = await run_bgcopyd(
        "serve", "--state-dir", str(tmp_path / "s"), "--listen", f"tcp://{daemon.tcp_target}",
        home=tmp_path,
    )  # fmt: skip
    assert done.code not in {0, 70}, done.stderr
    assert daemon.tcp_target in done.stderr
    assert "Traceback" not in done.stderr


async def test_damaged_queue_is_left_alone(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    await daemon.start()
    async with bgcopy.AsyncClient(daemon.target) as client:
        for number in range(50):
            await client.create_job(f"job {number}")
    assert await daemon.terminate() == 0
    (queue,) = [path for path in daemon.state_dir.iterdir() if is_database(path)]
    damage(queue)
    before = queue.read_bytes()
    async with asyncio.timeout(30):
        await daemon.spawn()
        assert await daemon.wait() == DAMAGED
    assert queue.read_bytes() == before
    assert "bgcopyd store" in daemon.log
    assert "Traceback" not in daemon.log
    checked = await daemon.command("store", "check")
    assert checked.code == DAMAGED, checked.stdout + checked.stderr
    accepted = await daemon.command("store", "accept-empty")
    assert accepted.code == 0, accepted.stderr
    assert before in {path.read_bytes() for path in daemon.state_dir.rglob("*") if path.is_file()}
    await daemon.start()


def is_database(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"


def damage(path: Path) -> None:
    """Every page but the first is overwritten."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


async def test_sigterm_drains_and_ends_with_zero(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(flags=["--shutdown-grace", "5s"])
    await daemon.start()
    async with bgcopy.AsyncClient(daemon.target) as client, client.watch_jobs() as events:
        # An open watch must not hold the daemon for its whole grace.
        await anext(events)
        async with asyncio.timeout(15):
            assert await daemon.terminate() == 0
    assert "Traceback" not in daemon.log


async def test_sigint_ends_it_too(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    await daemon.start()
    os.kill(daemon.pid, signal.SIGINT)
    async with asyncio.timeout(15):
        assert await daemon.wait() == 0


async def test_idle_daemon_ends_by_itself(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(flags=["--exit-when-idle", "0.2"])
    await daemon.start()
    async with asyncio.timeout(30):
        assert await daemon.wait() == 0
