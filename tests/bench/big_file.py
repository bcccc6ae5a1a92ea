"""S1, S2 and S3: one big file, plain, with a digest and over TLS, against those who fetch one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import trustme

import bgcopy
from tests.bench.race import DAEMON, Engine, Race, Stage, by_daemon, present, staged
from tests.bench.report import Check, Measure, Result, ratios
from tests.bench.setup import Cost, Scale, run
from tests.bench.web import fill

_CURL, _ARIA2, _WGET, _RCLONE = (
    f"{name} + sync -d" for name in ("curl", "aria2c", "wget", "rclone")
)
_CURL_DIGEST, _ARIA2_DIGEST = "curl + sha256sum + sync -d", "aria2c --checksum + sync -d"
_PLAIN = "bgcopy without a digest"
ARIA2 = ("aria2c", "--quiet", "--no-conf", "--auto-file-renaming=false", "--allow-overwrite=true")
_ARIA2_ONE = (*ARIA2, "-x1", "--file-allocation=falloc", "-o", "big")
_CURL_ONE = ("curl", "-s", "-S", "-f", "-o", "big")


def _commands(*commands: Sequence[str]) -> Engine:
    """An engine that runs commands one after the other, and syncs the file."""

    async def fetch(place: Path) -> Cost:
        cost = Cost(0.0, 0.0)
        for one in (*commands, ("sync", "-d", "big")):
            cost += await run(one, cwd=place)
        return cost

    return fetch


def _daemon(stage: Stage, url: str, *, sha256: str | None = None, ca_bundle: str = "") -> Engine:
    async def fetch(place: Path) -> Cost:
        spec = bgcopy.FileSpec(url, place / "big", root="fs", sha256=sha256)
        return await by_daemon(stage.daemon, stage.client, [spec], ca_bundle)

    return fetch


async def plain(scale: Scale) -> Result:
    """S1."""
    result = Result("S1", f"one file of {scale.big_file >> 20} MiB")
    async with staged(scale, "s1", result) as stage:
        if stage is None:
            return result
        fill(stage.web.files / "big", scale.big_file)
        url = f"{stage.web.url}/big"
        engines = {
            DAEMON: _daemon(stage, url),
            _CURL: _commands((*_CURL_ONE, url)),
            _ARIA2: _commands((*_ARIA2_ONE, url)),
            _WGET: _commands(("wget", "-q", "-O", "big", url)),
            _RCLONE: _commands(("rclone", "--config", "", "copyurl", url, "big")),
        }
        race = Race(stage.place, present(result, engines))
        await race.run(scale.rounds)
    race.tell(result)
    result.checks = [
        Check("wall, curl = 1", race.against(_CURL), 1.15),
        Check("processor of the daemon, curl = 1", race.against(_CURL, cpu=True), 1.2),
        Check("wall, aria2c = 1", race.against(_ARIA2), 0.67),
    ]
    for name in (_WGET, _RCLONE):
        result.measures.append(Measure(f"wall, {name} = 1", "x", race.against(name)))
    return result


async def with_digest(scale: Scale) -> Result:
    """S2."""
    result = Result("S2", f"one file of {scale.big_file >> 20} MiB with its sha256 verified")
    async with staged(scale, "s2", result) as stage:
        if stage is None:
            return result
        big = stage.web.files / "big"
        fill(big, scale.big_file)
        with big.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        url = f"{stage.web.url}/big"
        verify = ("sh", "-c", f"echo '{digest}  big' | sha256sum --check --status")
        engines = {
            DAEMON: _daemon(stage, url, sha256=digest),
            _PLAIN: _daemon(stage, url),
            _CURL_DIGEST: _commands((*_CURL_ONE, url), verify),
            _ARIA2_DIGEST: _commands((*_ARIA2_ONE, f"--checksum=sha-256={digest}", url)),
        }
        race = Race(stage.place, present(result, engines))
        await race.run(scale.rounds)
    race.tell(result)
    slower = ratios(race.walls(DAEMON), race.walls(_PLAIN))
    result.checks = [
        Check("wall, without a digest = 1", slower, 1.7),
        Check("wall, aria2c --checksum = 1", race.against(_ARIA2_DIGEST), 0.45),
    ]
    curl = race.against(_CURL_DIGEST)
    result.measures.append(Measure("wall, curl and sha256sum = 1", "x", curl))
    return result


async def over_tls(scale: Scale) -> Result:
    """S3."""
    result = Result("S3", f"one file of {scale.big_file >> 20} MiB over TLS")
    authority = trustme.CA()
    bundle = scale.directory / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    flags = ("--ca-bundle", f"bench={bundle}")
    async with staged(scale, "s3", result, authority=authority, flags=flags) as stage:
        if stage is None:
            return result
        fill(stage.web.files / "big", scale.big_file)
        url = f"{stage.web.url}/big"
        engines = {
            DAEMON: _daemon(stage, url, ca_bundle="bench"),
            _CURL: _commands((*_CURL_ONE, "--cacert", str(bundle), url)),
            _ARIA2: _commands((*_ARIA2_ONE, f"--ca-certificate={bundle}", url)),
            _WGET: _commands(("wget", "-q", f"--ca-certificate={bundle}", "-O", "big", url)),
        }
        race = Race(stage.place, present(result, engines))
        await race.run(scale.rounds)
    race.tell(result)
    result.checks = [Check("wall, curl = 1", race.against(_CURL), 1.15)]
    for name in (_ARIA2, _WGET):
        result.measures.append(Measure(f"wall, {name} = 1", "x", race.against(name)))
    return result
