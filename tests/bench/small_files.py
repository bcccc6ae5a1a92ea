"""S5: many small files in one job, against those who fetch several at a time."""

from __future__ import annotations

import os
from pathlib import Path

import bgcopy
from tests.bench.big_file import ARIA2
from tests.bench.race import DAEMON, Race, by_daemon, present, staged
from tests.bench.report import Check, Measure, Result
from tests.bench.setup import Cost, Scale, run

_AT_ONCE = 16
_ARIA2, _RCLONE = "aria2c + sync -d", "rclone + sync -d"


async def many(scale: Scale) -> Result:
    """S5."""
    count = scale.small_files
    result = Result("S5", f"{count:,} files of {scale.small_file >> 10} KiB in one job")
    async with staged(scale, "s5", result) as stage:
        if stage is None:
            return result
        names = [f"small-{number}" for number in range(count)]
        for name in names:
            (stage.web.files / name).write_bytes(os.urandom(scale.small_file))
        url = stage.web.url
        listing = stage.place / "list"
        listing.write_text("".join(f"{url}/{name}\n  out={name}\n" for name in names))
        only_names = stage.place / "names"
        only_names.write_text("".join(f"{name}\n" for name in names))

        async def daemon(place: Path) -> Cost:
            specs = [bgcopy.FileSpec(f"{url}/{name}", place / name, root="fs") for name in names]
            return await by_daemon(stage.daemon, stage.client, specs)

        async def aria2(place: Path) -> Cost:
            got = await run([*ARIA2, "-i", str(listing), f"-j{_AT_ONCE}"], cwd=place)
            return got + await run(["sync", "-d", *names], cwd=place)

        async def rclone(place: Path) -> Cost:
            flags = ["--files-from", str(only_names), "--no-traverse", f"--transfers={_AT_ONCE}"]
            source = ["--http-url", url, ":http:", "."]
            got = await run(["rclone", "--config", "", "copy", *flags, *source], cwd=place)
            return got + await run(["sync", "-d", *names], cwd=place)

        race = Race(stage.place, present(result, {DAEMON: daemon, _ARIA2: aria2, _RCLONE: rclone}))
        await race.run(scale.rounds)
    for name in race.engines:
        rates = [count / wall for wall in race.walls(name)]
        result.measures.append(Measure(f"{name}: files per second", "/s", rates))
        result.measures.append(Measure(f"{name}: processor", "s", race.cpus(name)))
    faster = [1 / ratio for ratio in race.against(_ARIA2)]
    result.checks = [
        Check("files per second, aria2c -j16 = 1", faster, 1.0, at_least=True),
        Check("processor of the daemon, aria2c -j16 = 1", race.against(_ARIA2, cpu=True), 1.0),
    ]
    ahead = [1 / ratio for ratio in race.against(_RCLONE)]
    result.measures.append(Measure("files per second, rclone = 1", "x", ahead))
    return result
