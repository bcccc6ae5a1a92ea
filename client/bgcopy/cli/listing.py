"""`ls` and `show`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence

import click

from bgcopy import FileInfo, JobInfo, JobState
from bgcopy.cli import completion, shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.lookup import find
from bgcopy.cli.options import shared
from bgcopy.cli.properties import option_facts
from bgcopy.cli.session import Session, run

STATES = {state.name.lower(): state for state in JobState if state is not JobState.UNKNOWN}
_SHORT_ID = 8
_PAGE = 1000
_HEAD = ("ID", "STATE", "DONE", "SIZE", "NAME", "WHY")


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Finished jobs too.")
@click.option(
    "--state",
    "states",
    type=click.Choice(list(STATES), case_sensitive=False),
    multiple=True,
    help="Only jobs in this state; repeatable.",
)
@click.option("--all-owners", is_flag=True, help="Jobs of every owner (administrators).")
@shared
@click.pass_obj
def ls(session: Session, /, everything: bool, states: tuple[str, ...], all_owners: bool) -> int:  # noqa: FBT001 - click passes by name
    """List jobs, newest first."""
    wanted = {STATES[state.lower()] for state in states}
    if everything and not wanted:
        wanted = set(STATES.values())
    return run(_ls(session, wanted, all_owners=all_owners))


async def _ls(session: Session, states: Iterable[JobState], *, all_owners: bool) -> int:
    async with session.client() as client:
        jobs = [
            info
            async for info in client.jobs(states=states, all_owners=all_owners, page_size=_PAGE)
        ]
    if session.json:
        session.data_json([shapes.job(info) for info in jobs])
        return Exit.OK
    if not jobs:
        session.note("No jobs." if states else "No live jobs; --all lists finished ones too.")
        return Exit.OK
    for line in table([_HEAD, *(_row(info, jobs) for info in jobs)]):
        session.data(line)
    return Exit.OK


def _row(info: JobInfo, jobs: Sequence[JobInfo]) -> tuple[str, ...]:
    twins = sum(other.job_id[:_SHORT_ID] == info.job_id[:_SHORT_ID] for other in jobs) > 1
    return (
        info.job_id if twins else info.job_id[:_SHORT_ID],
        words.state(info),
        words.percent(info.progress),
        words.amount(info.progress),
        words.clean(info.display_name),
        words.why(info),
    )


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns under one another; cut to the width of a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if not sys.stdout.isatty():
        return lines
    columns = shutil.get_terminal_size().columns
    return [line if len(line) <= columns else line[: columns - 1] + "…" for line in lines]


@click.command()
@click.argument("job", metavar="JOB", shell_complete=completion.jobs)
@shared
@click.pass_obj
def show(session: Session, /, job: str) -> int:
    """Show a job and its files."""
    return run(_show(session, job))


async def _show(session: Session, word: str) -> int:
    async with session.client() as client:
        job = client.job(await find(client, word))
        info = await job.info()
        files = [file async for file in job.files(page_size=_PAGE)]
    if session.json:
        session.data_json({**shapes.job(info), "files": [shapes.file(file) for file in files]})
        return Exit.OK
    session.facts([*_facts(info), *option_facts(info)])
    for line in table([file_row(file) for file in files]) if files else ():
        session.data(f"  {line}")
    return Exit.OK


def _facts(info: JobInfo) -> list[tuple[str, str]]:
    progress = info.progress
    limit = f"{words.size(info.max_bytes_per_second)}/s" if info.max_bytes_per_second else ""
    done = ", ".join(part for part in (words.percent(progress), words.amount(progress)) if part)
    labels = " ".join(f"{key}={words.clean(value)}" for key, value in sorted(info.labels.items()))
    error = ""
    if info.error is not None:
        error = f"{words.clean(info.error.message)} ({info.error.reason.name})"
    return [
        ("id", info.job_id),
        ("name", words.clean(info.display_name)),
        ("about", words.clean(info.description)),
        ("state", words.state(info)),
        ("why", words.why(info)),
        ("error", error),
        ("done", done),
        (
            "speed",
            f"{words.size(progress.bytes_per_second)}/s" if progress.bytes_per_second else "",
        ),
        ("left", words.remaining(progress)),
        ("priority", info.priority.name.lower()),
        ("limit", limit),
        ("owner", words.clean(info.owner)),
        ("labels", labels),
        ("created", words.when(info.create_time)),
        ("changed", words.when(info.modification_time)),
        ("retry at", words.when(info.next_attempt_time)),
        ("expires", words.when(info.expire_time)),
    ]


def file_row(file: FileInfo) -> tuple[str, ...]:
    """A file as a row of a table."""
    total = "" if file.bytes_total is None else f" of {words.size(file.bytes_total)}"
    if file.completed:
        status = "completed"
    elif file.error is not None:
        status = words.clean(file.error.message)
    else:
        status = "transferred" if file.transferred else ""
    where = f"{file.spec.root}:{file.spec.path}" if file.spec.root else file.spec.path
    return (
        str(file.index),
        f"{words.size(file.bytes_transferred)}{total}",
        words.clean(where),
        file.verification.name.lower(),
        status,
    )
