"""What all benchmarks share: how much to measure, where, and at which processes to look."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_PACKAGES = {"aria2c": "aria2", "sync": "coreutils"}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. `directory` lies on the disk that the files are written to."""

    directory: Path
    cache: Path
    rounds: int = 5
    seconds: float = 3.0
    big_file: int = 1 << 30
    small_files: int = 2000
    small_file: int = 64 << 10
    stored_jobs: int = 1_000_000
    watchers: tuple[int, ...] = (200, 1000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took: seconds on the clock, and of processors (user and system)."""

    wall: float
    cpu: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu)


def command(name: str) -> str | None:
    """Where a peer is installed."""
    return shutil.which(name, path=_PATH)


def absent(name: str) -> str:
    """What is said of a peer that is not there."""
    return f"{name} is not installed (Debian package {_PACKAGES.get(name, name)}): not compared"


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process and its children so far."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    alive = sum(sum(child.cpu_times()[:2]) for child in process.children(recursive=True))
    return float(times.user + times.system + times.children_user + times.children_system + alive)


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    return float(psutil.Process(pid).memory_info().rss) / (1 << 20)


async def run(arguments: Sequence[str], *, cwd: Path) -> Cost:
    """Runs a command to its end; what it took, start of the process included.

    Raises:
        RuntimeError: it failed.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, _run, list(arguments), cwd)


def _run(arguments: list[str], cwd: Path) -> Cost:
    begun = time.perf_counter()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
        program = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(cwd), *arguments]
        pid = os.posix_spawn(program[0], program, os.environ, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
    finally:
        os.close(null)
    if status != 0:
        raise RuntimeError(f"{arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", name, *arguments]
