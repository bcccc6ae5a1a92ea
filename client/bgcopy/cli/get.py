"""`get`: fetch and wait; `add`: hand over and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from bgcopy import AsyncClient, BgcopyError, FileSpec, Job, JobInfo, JobState, Priority
from bgcopy.cli import exits, failure, shapes, sources
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.follow import follow, interrupts
from bgcopy.cli.options import PRIORITIES, F, checksum, progress_option, shared, size, span_or_zero
from bgcopy.cli.progress import display_for
from bgcopy.cli.session import Session

_LONGEST_NAME = 256
# Somebody sits and waits: an error that passes is not waited for as long as BITS does.
_IMPATIENT_RETRY = timedelta(seconds=30)
_GRACE = 2.0


@dataclass(frozen=True)
class Order:
    """What a command asks the daemon for."""

    specs: Sequence[FileSpec]
    name: str
    priority: Priority
    limit_rate: int | None
    labels: dict[str, str]
    auto_complete: bool
    start: bool
    minimum_retry_delay: timedelta | None = None
    no_progress_timeout: timedelta | None = None


def _sources_options(function: F) -> F:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("urls", nargs=-1, metavar="URL..."),
    click.option("-o", "--output", metavar="FILE", help="The file to write (of one URL)."),
    click.option("-d", "--directory", metavar="DIR", help="The directory to write into."),
    click.option(
        "-O", "--remote-name", is_flag=True, help="Name the file as the URL does (the default)."
    ),
    click.option(
        "-i",
        "--input-file",
        metavar="FILE",
        help="Read URLs from FILE (- is stdin): one a line, and after white space the file to "
        "write; # begins a comment line.",
    ),
    click.option(
        "--root",
        metavar="NAME",
        help="Write under this named root of the daemon; FILE and DIR are relative to it then.",
    ),
    click.option(
        "--checksum",
        type=checksum,
        metavar="sha256:HEX",
        help="The digest that the file must have (of one URL).",
    ),
    click.option(
        "--limit-rate", type=size, metavar="RATE", help="At most so many bytes per second: 2M."
    ),
    click.option(
        "--no-progress-timeout",
        type=span_or_zero,
        metavar="TIME",
        help="Give up after so long without a new byte: 90s, 5m, 2h; 0 after the first error. "
        "14 days where absent.",
    ),
    click.option("--name", metavar="NAME", help="The job's name (the file's)."),
    click.option(
        "--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label; repeat it."
    ),
)


def _priority(default: str) -> Callable[[Any], Any]:
    return click.option(
        "--priority",
        type=click.Choice(list(PRIORITIES)),
        default=default,
        show_default=True,
        help="The job's rank in the queue.",
    )


@click.command()
@_sources_options
@_priority("foreground")
@progress_option
@shared
@click.pass_obj
def get(session: Session, /, progress: str, **given: Any) -> int:
    """Fetch URLs and wait for them.

    Prints the path of each file when it has its name. The job goes on when this command is
    killed. The first Ctrl-C detaches (exit code 7), a second one right after it cancels the job
    (130). A file that is there already is replaced, as with curl -o.
    """
    order = _order(given, auto_complete=True, start=True, minimum_retry_delay=_IMPATIENT_RETRY)
    return asyncio.run(_get(session, order, progress))


@click.command()
@_sources_options
@_priority("normal")
@click.option("--paused", is_flag=True, help="Do not start it; `bgcopy resume` does.")
@click.option(
    "--auto-complete/--no-auto-complete",
    default=True,
    show_default=True,
    help="Give the files their names as soon as every byte is here, or wait for `bgcopy complete`.",
)
@shared
@click.pass_obj
def add(session: Session, /, paused: bool, auto_complete: bool, **given: Any) -> int:  # noqa: FBT001 - click passes by name
    """Hand URLs to the daemon and print the job's id."""
    order = _order(given, auto_complete=auto_complete, start=not paused)
    return asyncio.run(_add(session, order))


def _order(given: dict[str, Any], **more: Any) -> Order:
    if given["remote_name"] and given["output"]:
        raise click.UsageError("-O names the file as the URL does, -o otherwise; give one of them")
    if given["output"] == "-":
        raise click.UsageError("the daemon writes files; -o - cannot write to stdout")
    destination = sources.Destination(given["output"], given["directory"], given["root"])
    specs = sources.collect(given["urls"], given["input_file"], destination, given["checksum"])
    return Order(
        specs=specs,
        name=given["name"] or _name(specs),
        priority=PRIORITIES[given["priority"]],
        limit_rate=given["limit_rate"],
        labels=_labels(given["labels"]),
        no_progress_timeout=given["no_progress_timeout"],
        **more,
    )


def _name(specs: Sequence[FileSpec]) -> str:
    first = Path(specs[0].path).name
    rest = f" and {len(specs) - 1} more" if len(specs) > 1 else ""
    return first[: _LONGEST_NAME - len(rest)] + rest


def _labels(given: Sequence[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for label in given:
        key, equals, value = label.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--label {label!r}: write it as KEY=VALUE")
        labels[key] = value
    return labels


async def _create(client: AsyncClient, order: Order) -> Job:
    """The order as a job: in one call, or in several where one could not hold its files."""
    first, *others = sources.batches(order.specs)
    job = await client.create_job(
        order.name,
        first,
        start=order.start and not others,
        priority=order.priority,
        labels=order.labels,
        minimum_retry_delay=order.minimum_retry_delay,
        no_progress_timeout=order.no_progress_timeout,
        max_bytes_per_second=order.limit_rate or 0,
        auto_complete=order.auto_complete,
    )
    if others:
        try:
            for batch in others:
                await job.add_files(batch)
            if order.start:
                await job.resume()
        except BgcopyError:
            # Half an order is worse than none.
            await job.cancel()
            raise
    return job


async def _add(session: Session, order: Order) -> int:
    async with session.client(start=True) as client:
        job = await _create(client, order)
        if session.json:
            session.data_json(shapes.job(await job.info()))
        else:
            session.data(job.job_id)
    return Exit.OK


async def _get(session: Session, order: Order, progress: str) -> int:
    async with session.client(start=True) as client:
        job = await _create(client, order)
        async with interrupts() as presses:
            following = asyncio.create_task(
                follow(client, [job.job_id], display_for(progress, session))
            )
            pressed = asyncio.create_task(presses.acquire())
            try:
                await asyncio.wait({following, pressed}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    return await _detach(session, job, presses)
                return await _report(session, job, following.result()[job.job_id], order)
            finally:
                await _end(following, pressed)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _detach(session: Session, job: Job, presses: asyncio.Semaphore) -> int:
    """After the first Ctrl-C: say how to go on, and give a moment for the second."""
    session.note(
        f"\nDetached; the job goes on. Ctrl-C again cancels it.\n"
        f"  look:   bgcopy show {job.job_id}\n"
        f"  wait:   bgcopy wait {job.job_id}\n"
        f"  cancel: bgcopy cancel {job.job_id}"
    )
    try:
        async with asyncio.timeout(_GRACE):
            await presses.acquire()
    except TimeoutError:
        return Exit.UNFINISHED
    await job.cancel()
    session.note("Cancelled.")
    return Exit.INTERRUPTED


async def _report(session: Session, job: Job, info: JobInfo, order: Order) -> int:
    """Print what came of it."""
    code = exits.of_job(info)
    paths = [spec.path for spec in order.specs]
    if session.json:
        session.data_json({**shapes.job(info), "paths": paths, "exit_code": int(code)})
    elif code is Exit.OK:
        for path in paths:
            session.data(path)
    problem = failure.of_job(info)
    if problem is None:
        return code
    raise await _give_up(job, info, problem)


async def _give_up(job: Job, info: JobInfo, problem: Failure) -> Failure:
    """A job that got nothing is no use to anybody, and would keep its destination taken."""
    if info.state is not JobState.ERROR or info.progress.bytes_transferred > 0:
        return problem
    try:
        await job.cancel()
    except BgcopyError:
        return problem
    hint = "Nothing was received; correct the cause and run the command again."
    return Failure(problem.exit_code, problem.message, hint, problem.reason, problem.more)
