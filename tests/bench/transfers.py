"""S1 and S5: files through the daemon against curl and aria2c, each until they are on disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import bgcopy
from tests.bench.report import Check, Measure, Result, ratios
from tests.bench.setup import Cost, Scale, absent, command, cpu_seconds, run
from tests.bench.web import Web, fill, nginx
from tests.support.daemon import DaemonProcess

DAEMON, CURL, ARIA2 = "bgcopy", "curl + sync -d", "aria2c + sync -d"
_ARIA2 = (
    "aria2c",
    "--quiet",
    "--no-conf",
    "--auto-file-renaming=false",
    "--allow-overwrite=true",
)

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

    def against(self, name: str, *, cpu: bool = False) -> list[float]:
        """The daemon's figure over a peer's, per round."""
        of = self.cpus if cpu else self.walls
        return ratios(of(DAEMON), of(name)) if name in self.costs else []


async def by_daemon(
    daemon: DaemonProcess, client: bgcopy.AsyncClient, files: list[bgcopy.FileSpec]
) -> Cost:
    """One job until it is ACKNOWLEDGED: every file on disk under its name."""
    cpu, begun = cpu_seconds(daemon.pid), time.perf_counter()
    job = await client.create_job("bench", files, start=True, auto_complete=True)
    await job.wait()
    wall = time.perf_counter() - begun
    return Cost(wall, cpu_seconds(daemon.pid) - cpu)


async def one_big_file(scale: Scale) -> Result:
    """S1."""
    result = Result("S1", f"one file of {scale.big_file >> 20} MiB")
    async with _stage(scale, "s1", result) as stage:
        if stage is None:
            return result
        fill(stage.web.files / "big", scale.big_file)
        url = f"{stage.web.url}/big"

        async def daemon(place: Path) -> Cost:
            spec = bgcopy.FileSpec(url, place / "big", root="fs")
            return await by_daemon(stage.daemon, stage.client, [spec])

        async def curl(place: Path) -> Cost:
            got = await run(["curl", "-s", "-S", "-f", "-o", "big", url], cwd=place)
            return got + await run(["sync", "-d", "big"], cwd=place)

        async def aria2(place: Path) -> Cost:
            flags = ["-x1", "--file-allocation=falloc", "-o", "big", url]
            got = await run([*_ARIA2, *flags], cwd=place)
            return got + await run(["sync", "-d", "big"], cwd=place)

        race = Race(stage.place, _present(result, {DAEMON: daemon, CURL: curl, ARIA2: aria2}))
        await race.run(scale.rounds)
    for name in race.engines:
        result.measures.append(Measure(f"{name}: wall", "s", race.walls(name)))
        result.measures.append(Measure(f"{name}: processor", "s", race.cpus(name)))
    result.checks = [
        Check("wall, curl = 1", race.against(CURL), 1.15),
        Check("processor of the daemon, curl = 1", race.against(CURL, cpu=True), 1.2),
        Check("wall, aria2c = 1", race.against(ARIA2), 0.67),
    ]
    return result


async def many_small_files(scale: Scale) -> Result:
    """S5."""
    count = scale.small_files
    result = Result("S5", f"{count:,} files of {scale.small_file >> 10} KiB in one job")
    async with _stage(scale, "s5", result) as stage:
        if stage is None:
            return result
        names = [f"small-{number}" for number in range(count)]
        for name in names:
            (stage.web.files / name).write_bytes(os.urandom(scale.small_file))

        async def daemon(place: Path) -> Cost:
            url = stage.web.url
            specs = [bgcopy.FileSpec(f"{url}/{name}", place / name, root="fs") for name in names]
            return await by_daemon(stage.daemon, stage.client, specs)

        async def aria2(place: Path) -> Cost:
            listing = stage.place / "list"
            lines = [f"{stage.web.url}/{name}\n  out={name}\n" for name in names]
            listing.write_text("".join(lines))
            got = await run([*_ARIA2, "-i", str(listing), "-j16"], cwd=place)
            return got + await run(["sync", "-d", *names], cwd=place)

        race = Race(stage.place, _present(result, {DAEMON: daemon, ARIA2: aria2}))
        await race.run(scale.rounds)
    for name in race.engines:
        rates = [count / wall for wall in race.walls(name)]
        result.measures.append(Measure(f"{name}: files per second", "/s", rates))
        result.measures.append(Measure(f"{name}: processor", "s", race.cpus(name)))
    faster = [1 / ratio for ratio in race.against(ARIA2)]
    result.checks = [
        Check("files per second, aria2c -j16 = 1", faster, 1.0, at_least=True),
        Check("processor of the daemon, aria2c -j16 = 1", race.against(ARIA2, cpu=True), 1.0),
    ]
    return result


@dataclass(frozen=True, slots=True)
class Stage:
    """A web server, a daemon, and a place for the files."""

    web: Web
    daemon: DaemonProcess
    client: bgcopy.AsyncClient
    place: Path


@contextlib.asynccontextmanager
async def _stage(scale: Scale, name: str, result: Result) -> AsyncIterator[Stage | None]:
    if command("nginx") is None:
        result.notes.append(absent("nginx"))
        yield None
        return
    directory = scale.directory / name
    place = directory / "out"
    place.mkdir(parents=True)
    async with (
        nginx(directory) as web,
        DaemonProcess(directory / "daemon") as daemon,
        bgcopy.AsyncClient(daemon.target) as client,
    ):
        try:
            yield Stage(web, daemon, client, place)
        finally:
            shutil.rmtree(place)
            shutil.rmtree(web.files)


def _present(result: Result, engines: Mapping[str, Engine]) -> dict[str, Engine]:
    """The engines that are installed; the others are named in the result."""
    present = {}
    for name, engine in engines.items():
        program = name.partition(" ")[0]
        if name == DAEMON or command(program) is not None:
            present[name] = engine
        else:
            result.notes.append(absent(program))
    return present
