"""`wait` and `watch`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bgcopy import AsyncClient, JobChanged, JobFilter, JobInfo, JobRemoved, WaitTimeout, WatchEvent
from bgcopy.cli import exits, failure, shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.follow import follow
from bgcopy.cli.lookup import find_all
from bgcopy.cli.options import progress_option, shared, span
from bgcopy.cli.progress import Display, display_for
from bgcopy.cli.session import Session, run
from bgcopy.cli.verbs import jobs_argument

_COLUMNS = ("ID", "STATE", "DONE", "AMOUNT", "SPEED", "NAME", "WHY")
_SHORT_ID = 8


@click.command()
@jobs_argument
@click.option("--timeout", type=span, metavar="TIME", help="At most so long: 90s, 5m, 2h.")
@progress_option
@shared
@click.pass_obj
def wait(
    session: Session, /, jobs: tuple[str, ...], timeout: timedelta | None, progress: str
) -> int:
    """Wait until every byte of the jobs is here, or they have failed.

    A job that completes by itself is waited for until its files have their names. A paused job is
    waited for, since somebody may resume it. Ctrl-C ends the waiting, not the jobs.
    """
    return run(_wait(session, jobs, timeout, progress))


async def _wait(
    session: Session, /, jobs: tuple[str, ...], limit: timedelta | None, progress: str
) -> int:
    async with session.client() as client:
        job_ids = await find_all(client, jobs)
        display = display_for(progress, session)
        last = await _follow_for(client, job_ids, display, limit)
    problems = []
    for job_id in job_ids:
        info = last[job_id]
        if session.json:
            code = int(exits.of_job(info))
            session.data_json({**shapes.job(info), "exit_code": code})
        if problem := failure.of_job(info):
            problems.append(problem)
    if len(job_ids) == 1 and problems:
        raise problems[0]
    for problem in problems:
        session.complain(problem)
    return exits.of_several(exits.of_job(last[job_id]) for job_id in job_ids)


async def _follow_for(
    client: AsyncClient, job_ids: list[str], display: Display, limit: timedelta | None
) -> dict[str, JobInfo]:
    seconds = None if limit is None else limit.total_seconds()
    try:
        async with asyncio.timeout(seconds) as clock:
            return await follow(client, job_ids, display)
    except TimeoutError:
        if not clock.expired():
            raise
        raise WaitTimeout("the jobs were not done in time; they go on", None) from None


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--all-owners", is_flag=True, help="Jobs of every owner (administrators).")
@shared
@click.pass_obj
def watch(session: Session, /, jobs: tuple[str, ...], all_owners: bool) -> int:  # noqa: FBT001 - click passes by name
    """Watch jobs: a live table on a terminal, else a line for each change.

    With jobs it ends when all of them have ended, else with Ctrl-C. --json prints JSON Lines:
    {"event": "changed", "job": {...}}, {"event": "removed", "job_id": ..., "reason": ...} and
    {"event": "snapshot_complete"}.
    """
    return run(_watch(session, jobs, all_owners=all_owners))


async def _watch(session: Session, words_: tuple[str, ...], *, all_owners: bool) -> int:
    async with session.client() as client:
        job_ids = await find_all(client, words_)
        wanted = JobFilter(job_ids=job_ids, all_owners=all_owners)
        with ExitStack() as stack:
            view = _view(session, stack)
            open_ = set(job_ids)
            async with client.watch_jobs(wanted) as events:
                async for event in events:
                    view.take(event)
                    open_ -= _ended(event)
                    if job_ids and not open_:
                        break
    return Exit.OK


def _ended(event: WatchEvent) -> set[str]:
    if isinstance(event, JobRemoved):
        return {event.job_id}
    if isinstance(event, JobChanged) and event.job.state.final:
        return {event.job.job_id}
    return set()


class JsonView:
    """Events as JSON Lines."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, event: WatchEvent) -> None:
        """Print the event."""
        self._session.data_json(self._shape(event))

    def _shape(self, event: WatchEvent) -> dict[str, object]:
        if isinstance(event, JobChanged):
            return {"event": "changed", "job": shapes.job(event.job)}
        if isinstance(event, JobRemoved):
            return {"event": "removed", "job_id": event.job_id, "reason": event.reason.name}
        return {"event": "snapshot_complete"}


class LineView:
    """A line for each event."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, event: WatchEvent) -> None:
        """Print the event."""
        now = f"{datetime.now().astimezone():%H:%M:%S}"
        if isinstance(event, JobChanged):
            info = event.job
            name = words.clean(info.display_name)
            self._session.data(f"{now} {info.job_id} {name}: {words.summary(info)}")
        elif isinstance(event, JobRemoved):
            self._session.data(f"{now} {event.job_id} gone")


class LiveTable:
    """A table of the jobs as they are."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._jobs: dict[str, JobInfo] = {}

    def take(self, event: WatchEvent) -> None:
        """Show the jobs as they are after the event."""
        if isinstance(event, JobChanged):
            self._jobs[event.job.job_id] = event.job
        elif isinstance(event, JobRemoved):
            self._jobs.pop(event.job_id, None)
        self._live.update(self._table())

    def _table(self) -> Table:
        table = Table(*_COLUMNS, box=None, pad_edge=False)
        for info in self._jobs.values():
            cells = (
                info.job_id[:_SHORT_ID],
                words.state(info),
                words.percent(info.progress),
                words.amount(info.progress),
                words.speed(info.progress),
                words.clean(info.display_name),
                words.why(info),
            )
            # Text, not str: names come from others and must not be read as markup.
            table.add_row(*(Text(cell) for cell in cells))
        return table


def _view(session: Session, stack: ExitStack) -> JsonView | LineView | LiveTable:
    if session.json:
        return JsonView(session)
    if not sys.stdout.isatty():
        return LineView(session)
    console = Console(no_color=session.colorless)
    return LiveTable(stack.enter_context(Live(console=console, refresh_per_second=4)))
