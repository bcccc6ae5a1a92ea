"""S4: one file from a server that holds each connection to a rate, by one, four and eight."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import bgcopy
from tests.bench.race import Engine, Race, by_daemon
from tests.bench.report import Check, Measure, Result, ratios
from tests.bench.setup import Cost, Scale, absent, command
from tests.bench.web import fill, nginx
from tests.support.daemon import DaemonProcess

_RATE = 20 << 20
_COUNTS = (1, 4, 8)


async def held_connections(scale: Scale) -> Result:
    """S4."""
    title = f"one file of {scale.big_file >> 20} MiB, each connection held to {_RATE >> 20} MiB/s"
    result = Result("S4", title)
    if command("nginx") is None:
        result.notes.append(absent("nginx"))
        return result
    directory = scale.directory / "s4"
    place = directory / "out"
    place.mkdir(parents=True)
    async with contextlib.AsyncExitStack() as stack:
        web = await stack.enter_async_context(nginx(directory, f"limit_rate {_RATE};"))
        fill(web.files / "big", scale.big_file)
        engines = {}
        for count in _COUNTS:
            daemon = DaemonProcess(
                directory / f"daemon-{count}", flags=(f"--segments-per-file={count}",)
            )
            await stack.enter_async_context(daemon)
            client = await stack.enter_async_context(bgcopy.AsyncClient(daemon.target))
            engines[_name(count)] = _engine(daemon, client, f"{web.url}/big")
        race = Race(place, engines)
        await race.run(scale.rounds)
    shutil.rmtree(directory)
    for name in race.engines:
        result.measures.append(Measure(f"{name}: wall", "s", race.walls(name)))
        result.measures.append(Measure(f"{name}: processor", "s", race.cpus(name)))
    result.checks = [
        Check("speed of 4 connections, one = 1", _faster(race, 4), 3.6, at_least=True),
    ]
    result.measures.append(Measure("speed of 8 connections, one = 1", "x", _faster(race, 8)))
    return result


def _name(count: int) -> str:
    return f"{count} of bgcopy"


def _faster(race: Race, count: int) -> list[float]:
    return ratios(race.walls(_name(1)), race.walls(_name(count)))


def _engine(daemon: DaemonProcess, client: bgcopy.AsyncClient, url: str) -> Engine:
    async def fetch(place: Path) -> Cost:
        return await by_daemon(daemon, client, [bgcopy.FileSpec(url, place / "big", root="fs")])

    return fetch
