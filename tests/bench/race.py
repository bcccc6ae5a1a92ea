"""Engines that do the same work in turns, each until its files are on disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trustme

import bgcopy
from tests.bench.report import Measure, Result, ratios
from tests.bench.setup import Cost, Scale, absent, command, cpu_seconds
from tests.bench.web import Web, nginx
from tests.support.daemon import DaemonProcess

DAEMON = "bgcopy"

Engine = Callable[[Path], Awaitable[Cost]]


@dataclass
class Race:
    """Engines that do the same work in turns, each into a fresh directory."""

    directory: Path
    engines: Mapping[str, Engine]
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    async def run(self, rounds: int) -> None:
        """All engines once per round, in an order that turns."""
        self.costs = {name: [] for name in self.engines}
        names = list(self.engines)
        for number in range(rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                place = self.directory / f"{number}-{name.partition(' ')[0]}"
                place.mkdir()
                # What an earlier engine has left to the kernel is not this one's work.
                await asyncio.to_thread(os.sync)
                self.costs[name].append(await self.engines[name](place))
                await asyncio.to_thread(shutil.rmtree, place)

    def walls(self, name: str) -> list[float]:
        """Seconds per round; empty where the engine did not run."""
        return [cost.wall for cost in self.costs.get(name, [])]

    def cpus(self, name: str) -> list[float]:
        """Processor seconds per round."""
        return [cost.cpu for cost in self.costs.get(name, [])]

    def tell(self, result: Result) -> None:
        """Notes what each engine took."""
        for name in self.engines:
            result.measures.append(Measure(f"{name}: wall", "s", self.walls(name)))
            result.measures.append(Measure(f"{name}: processor", "s", self.cpus(name)))

    def against(self, name: str, *, cpu: bool = False) -> list[float]:
        """The daemon's figure over a peer's, per round."""
        of = self.cpus if cpu else self.walls
        return ratios(of(DAEMON), of(name)) if name in self.costs else []


async def by_daemon(
    daemon: DaemonProcess,
    client: bgcopy.AsyncClient,
    files: list[bgcopy.FileSpec],
    ca_bundle: str = "",
) -> Cost:
    """One job until it is ACKNOWLEDGED: every file on disk under its name."""
    cpu, begun = cpu_seconds(daemon.pid), time.perf_counter()
    job = await client.create_job(
        "bench", files, start=True, auto_complete=True, ca_bundle=ca_bundle
    )
    await job.wait()
    wall = time.perf_counter() - begun
    return Cost(wall, cpu_seconds(daemon.pid) - cpu)


@dataclass(frozen=True, slots=True)
class Stage:
    """A web server, a daemon, and a place for the files."""

    web: Web
    daemon: DaemonProcess
    client: bgcopy.AsyncClient
    place: Path


@contextlib.asynccontextmanager
async def staged(
    scale: Scale,
    name: str,
    result: Result,
    *,
    authority: trustme.CA | None = None,
    flags: Sequence[str] = (),
    more: str = "",
) -> AsyncIterator[Stage | None]:
    """A stage of its own in a directory of this name, or None where nginx is missing.

    Args:
        authority: certifies the web server, which then speaks TLS.
        flags: of the daemon.
        more: further configuration of the web server.
    """
    if command("nginx") is None:
        result.notes.append(absent("nginx"))
        yield None
        return
    directory = scale.directory / name
    place = directory / "out"
    place.mkdir(parents=True)
    async with (
        nginx(directory, more, authority=authority) as web,
        DaemonProcess(directory / "daemon", flags=flags) as daemon,
        bgcopy.AsyncClient(daemon.target) as client,
    ):
        try:
            yield Stage(web, daemon, client, place)
        finally:
            shutil.rmtree(place)
            shutil.rmtree(web.files)


def present(result: Result, engines: Mapping[str, Engine]) -> dict[str, Engine]:
    """The engines that are installed; the others are named in the result."""
    found = {}
    for name, engine in engines.items():
        program = name.partition(" ")[0]
        if program == DAEMON or command(program) is not None:
            found[name] = engine
        else:
            result.notes.append(absent(program))
    return found
