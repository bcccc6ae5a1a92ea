from __future__ import annotations

import os
import resource
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgcopyd.notify import notify, watchdog_interval
from bgcopyd.platform import raise_file_limit, sync_data


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(5)
        yield channel


def test_path_name(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="bgcopy-") as directory:
        path = str(Path(directory) / "notify")
        manager.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        assert notify("READY=1", "STATUS=listening on unix:/x")
        assert manager.recv(4096) == b"READY=1\nSTATUS=listening on unix:/x"


def test_abstract_name(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"bgcopy-{secrets.token_hex(8)}"
    manager.bind(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    assert notify("STOPPING=1")
    assert manager.recv(4096) == b"STOPPING=1"


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1"])
def test_no_manager(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify("READY=1")


def test_manager_that_is_gone_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "x"))
    assert not notify("READY=1")
    assert "service manager cannot be told" in caplog.text


@pytest.mark.parametrize(
    ("microseconds", "process", "interval"),
    [
        ("30000000", "", 15.0),
        ("30000000", "ours", 15.0),
        ("30000000", "1", None),
        ("", "", None),
        ("0", "", None),
        ("x", "", None),
    ],
)
def test_watchdog(
    microseconds: str, process: str, interval: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    # Asked for here: a process id in a parameter would name the test differently in each worker.
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if process == "ours" else process)
    assert watchdog_interval() == interval


def test_file_limit_is_lifted_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = min(256, soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard))
    try:
        assert raise_file_limit() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_sync_needs_an_open_file(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        descriptor = file.fileno()
        sync_data(descriptor)
    with pytest.raises(OSError, match="descriptor"):
        sync_data(descriptor)
