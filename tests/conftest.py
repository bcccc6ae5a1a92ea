"""What all levels of tests share: a daemon to talk to, and honesty about what did not run."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.daemon import SYSTEM_PYCURL, DaemonProcess
from tests.support.disks import can_become_others, can_give_away, can_mount
from tests.support.hardened import can_restrict
from tests.support.network import has_ipv6

# What tests compare with or run on, and the Debian packages that bring it.
_PACKAGES = {
    "nginx": "package nginx",
    "aria2c": "package aria2",
    "curl": "package curl",
    "go": "package golang-go",
    "microsocks": "package microsocks",
    "openssl": "package openssl",
    "systemd-analyze": "package systemd",
    "tinyproxy": "package tinyproxy",
    SYSTEM_PYCURL.name: "packages libcurl4-openssl-dev, gcc and python3-dev",
}
# A machine that is busy with other work is no defect of a property.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_MARK = "not run: needs "
# No package brings these; the machine's owner may have forbidden them.
_IMPOSSIBLE = f"{_MARK}of the machine "
_ABILITIES: dict[str, tuple[Callable[[], bool], str]] = {
    "mounts": (can_mount, "that this user may mount file systems in a name space of his own"),
    "ipv6": (has_ipv6, "an IPv6 address"),
    "as_root": (lambda: os.geteuid() == 0, "that this user is root"),
    "mdwe": (can_restrict, "a kernel of 6.3 or newer (PR_SET_MDWE)"),
    "users": (can_become_others, "that this user may run programs as others"),
    "gives_away": (can_give_away, "that files may be given away"),
}
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "needs(*names): runs only where these commands, or what `make test` builds, are there",
    )
    config.addinivalue_line("markers", "mounts: runs only where file systems can be mounted")
    config.addinivalue_line("markers", "ipv6: runs only where IPv6 is")
    config.addinivalue_line("markers", "as_root: runs only as root")
    config.addinivalue_line("markers", "mdwe: runs only where the kernel knows PR_SET_MDWE")
    config.addinivalue_line("markers", "gives_away: runs only where files may be given away")
    config.addinivalue_line("markers", "users: runs only where programs can be run as others")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if not _present(name):
                pytest.skip(f"{_MARK}{name} (Debian {_PACKAGES[name]})")
    for ability, (there, what) in _ABILITIES.items():
        if item.get_closest_marker(ability) and not there():
            pytest.skip(f"{_IMPOSSIBLE}{what}")


def _present(name: str) -> bool:
    if name == SYSTEM_PYCURL.name:
        return (SYSTEM_PYCURL / ".setup").exists()
    return shutil.which(name, path=_PATH) is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if _IMPOSSIBLE not in str(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason}, and REQUIRE_ALL=1 allows no gaps"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    gaps: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if _MARK in reason:
            gaps[reason.partition(_MARK)[2]] += 1
    if not gaps:
        return
    terminalreporter.section("not run for want of something of the system")
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
