"""What all levels of tests share: a daemon to talk to, and honesty about what did not run."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.daemon import DaemonProcess

# Commands that tests compare with, and the Debian package that brings each.
_PACKAGES = {"nginx": "nginx", "aria2c": "aria2", "curl": "curl", "go": "golang-go"}
_MARK = "not run: needs "
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*commands): runs only where these commands are installed"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for command in marker.args:
            if shutil.which(command, path=_PATH) is None:
                _absent(command)


def _absent(command: str) -> None:
    text = f"{_MARK}{command} (Debian package {_PACKAGES[command]})"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{text}, and REQUIRE_ALL=1 allows no gaps", pytrace=False)
    pytest.skip(text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    gaps: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if _MARK in reason:
            gaps[reason.partition(_MARK)[2]] += 1
    if not gaps:
        return
    terminalreporter.section("not run for want of a system package")
    for gap, count in sorted(gaps.items()):
        terminalreporter.line(f"{count} test{'s' * (count > 1)}: needs {gap}")


@pytest.fixture
async def make_daemon() -> AsyncIterator[Callable[..., DaemonProcess]]:
    """Makes daemons (arguments as DaemonProcess); none outlives the test."""
    made: list[DaemonProcess] = []

    def make(**options: Any) -> DaemonProcess:
        made.append(DaemonProcess(**options))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def daemon(make_daemon: Callable[..., DaemonProcess]) -> DaemonProcess:
    """A daemon that is ready, on a Unix socket and a loopback port."""
    return await make_daemon(tcp=True).start()
