"""`status`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from bgcopy import AsyncClient, NotSupported, ServerInfo, Stats
from bgcopy.cli import shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.options import shared
from bgcopy.cli.session import Session, run


@click.command()
@shared
@click.pass_obj
def status(session: Session, /) -> int:
    """Tell which daemon answers, what it allows, and who you are to it.

    Administrators also see how it does.
    """
    return run(_status(session))


async def _status(session: Session) -> int:
    async with session.client() as client:
        info = await client.get_server_info()
        stats = await _stats(client) if info.caller.admin else None
        target = client.target
    if session.json:
        shape = shapes.server(info, target)
        session.data_json(shape if stats is None else {**shape, "stats": shapes.stats(stats)})
        return Exit.OK
    facts = _server_facts(info, target)
    session.facts(facts if stats is None else [*facts, *_stats_facts(stats)])
    return Exit.OK


async def _stats(client: AsyncClient) -> Stats | None:
    """How the daemon does; None of one that is too old to tell."""
    try:
        return await client.admin.get_stats()
    except NotSupported:
        return None


def _stats_facts(stats: Stats) -> list[tuple[str, str]]:
    jobs = ", ".join(
        f"{count} {state.name.lower().replace('_', ' ')}"
        for state, count in stats.jobs.items()
        if count
    )
    limit = stats.max_bytes_per_second
    bound = f" of at most {words.size(limit)}/s" if limit else ""
    return [
        (
            "draining",
            "yes; no job starts, `bgcopy drain --undo` ends that" if stats.draining else "",
        ),
        ("jobs", jobs or "none"),
        ("moving", f"{stats.running_jobs} jobs, {words.size(stats.bytes_per_second)}/s{bound}"),
        ("received", words.size(stats.bytes_received)),
        ("attempts", f"{stats.attempts_finished} finished, {stats.attempts_failed} failed"),
        ("watches", str(stats.watches)),
        ("memory", words.size(stats.memory_bytes)),
        ("queue", f"{words.size(stats.store_bytes)} on disk"),
    ]


def _server_facts(info: ServerInfo, target: str) -> list[tuple[str, str]]:
    up = ""
    if info.start_time is not None:
        up = words.span((datetime.now(UTC) - info.start_time).total_seconds())
    return [
        ("daemon", f"bgcopyd {words.clean(info.version)} at {target}"),
        ("running", up),
        ("you", f"{words.clean(info.caller.principal)}{' (administrator)' * info.caller.admin}"),
        ("scopes", words.scopes(info.caller.scopes)),
        ("roots", " ".join(words.clean(root) for root in info.roots)),
        ("features", " ".join(words.clean(feature) for feature in info.features)),
        ("limits", f"{info.limits.jobs_per_owner} jobs, {info.limits.files_per_job} files a job"),
    ]
