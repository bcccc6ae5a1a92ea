"""`doctor`: looks at what usually goes wrong, and says what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

import bgcopy
from bgcopy import AsyncClient, BgcopyError, JobState, ServerInfo
from bgcopy.cli import failure, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.options import shared
from bgcopy.cli.session import Session, run

_LOW_SPACE = 1 << 30
_LATE = 60.0
_WAITING = (JobState.ERROR, JobState.TRANSFERRED)


@dataclass(frozen=True)
class Finding:
    """What one look has found: `ok`, `warn` or `fail`, and what to do."""

    name: str
    verdict: str
    text: str
    advice: str = ""


@click.command()
@shared
@click.pass_obj
def doctor(session: Session, /) -> int:
    """Look at what usually goes wrong: daemon, versions, rights, disk space, jobs that wait.

    Exit code 1 where something is wrong.
    """
    findings = run(_all(session))
    for one in findings:
        if session.json:
            session.data_json(
                {"check": one.name, "verdict": one.verdict, "text": one.text, "advice": one.advice}
            )
            continue
        session.data(f"{one.verdict:5} {one.name + ':':12} {one.text}")
        if one.advice:
            session.data(f"{'':18} {one.advice}")
    return Exit.OTHER if any(one.verdict == "fail" for one in findings) else Exit.OK


async def _all(session: Session) -> list[Finding]:
    findings = [*_token_file(session), *_state_directory(), *_environment()]
    try:
        async with session.client() as client:
            findings += [one async for one in _daemon(client)]
    except (BgcopyError, Failure) as error:
        problem = error if isinstance(error, Failure) else failure.from_error(error)
        findings.append(Finding("daemon", "fail", problem.message, problem.hint))
    return findings


async def _daemon(client: AsyncClient) -> AsyncIterator[Finding]:
    info = await client.get_server_info()
    yield Finding("daemon", "ok", f"answers at {client.target}")
    for look in (_version, _clock, _caller, _roots):
        yield look(info)
    for count in (_failed, _uncompleted):
        yield await count(client)


def _version(info: ServerInfo) -> Finding:
    own = importlib.metadata.version("bgcopy")
    if info.version == own:
        return Finding("version", "ok", own)
    return Finding(
        "version",
        "warn",
        f"the command is {own}, the daemon {words.clean(info.version)}",
        "Restart the daemon after an upgrade; features of the newer one are refused by name.",
    )


def _clock(info: ServerInfo) -> Finding:
    ahead = 0.0
    if info.start_time is not None:
        ahead = (info.start_time - datetime.now(UTC)).total_seconds()
    if ahead < _LATE:
        return Finding("clock", "ok", "agrees with the daemon's")
    return Finding(
        "clock",
        "warn",
        f"the daemon started {words.span(ahead)} in the future by this clock",
        "Set the clocks by NTP; moments as deadline= mean the daemon's.",
    )


def _caller(info: ServerInfo) -> Finding:
    rights = "administrator" if info.caller.admin else "owner of own jobs"
    return Finding("you", "ok", f"{words.clean(info.caller.principal)}, {rights}")


def _roots(info: ServerInfo) -> Finding:
    if info.roots:
        return Finding("roots", "ok", " ".join(words.clean(root) for root in info.roots))
    return Finding(
        "roots",
        "fail",
        "none is open to you, so that no file can be written",
        "An operator adds one with `bgcopyd serve --root NAME=DIR`.",
    )


async def _failed(client: AsyncClient) -> Finding:
    count = len([info async for info in client.jobs(states={JobState.ERROR})])
    if not count:
        return Finding("errors", "ok", "no job has failed")
    return Finding(
        "errors",
        "warn",
        f"{count} of your jobs wait in error",
        "`bgcopy ls --state error` says why; `bgcopy retry JOB` tries again.",
    )


async def _uncompleted(client: AsyncClient) -> Finding:
    waiting = [
        info async for info in client.jobs(states={JobState.TRANSFERRED}) if not info.auto_complete
    ]
    if not waiting:
        return Finding("completion", "ok", "no finished job waits for its name")
    return Finding(
        "completion",
        "warn",
        f"{len(waiting)} finished jobs wait for their names",
        "`bgcopy complete JOB` gives them; auto_complete=yes does it by itself.",
    )


def _token_file(session: Session) -> list[Finding]:
    path = session.token_file or os.environ.get("BGCOPY_TOKEN_FILE")
    if not path:
        return []
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        return [Finding("token", "fail", f"{path}: {error.strerror}", "Correct --token-file.")]
    if stat.S_IMODE(mode) & 0o077:
        return [
            Finding("token", "warn", f"{path} can be read by others", f"chmod 600 {path}"),
        ]
    return [Finding("token", "ok", path)]


def _state_directory() -> list[Finding]:
    path = bgcopy.default_state_dir()
    there = next((one for one in (path, *path.parents) if one.exists()), path)
    free = shutil.disk_usage(there).free
    if free >= _LOW_SPACE:
        return [Finding("disk", "ok", f"{words.size(free)} free for the queue in {path}")]
    return [
        Finding(
            "disk",
            "warn",
            f"only {words.size(free)} free for the queue in {path}",
            "Make room; a full disk makes the daemon refuse changes.",
        )
    ]


def _environment() -> list[Finding]:
    set_ = [name for name in ("http_proxy", "https_proxy", "all_proxy") if os.environ.get(name)]
    if not set_:
        return []
    return [
        Finding(
            "proxy",
            "ok",
            f"{', '.join(set_)} is set here and not used",
            "Give the daemon a proxy in its settings, or a job proxy=auto.",
        )
    ]
