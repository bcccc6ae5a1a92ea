"""`get`: fetch and wait; `add`: hand over and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from bgcopy import BgcopyError, FileSpec, HttpHeader, Job, JobInfo, JobState
from bgcopy.cli import exits, failure, shapes, sources
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.follow import follow, interrupts
from bgcopy.cli.options import PRIORITIES, F, checksum, progress_option, shared, size, span_or_zero
from bgcopy.cli.ordering import Order, create
from bgcopy.cli.progress import display_for
from bgcopy.cli.properties import header, label, parse_all, proxy
from bgcopy.cli.session import Session, run

_LONGEST_NAME = 256
# Somebody sits and waits: an error that passes is not waited for as long as BITS does.
IMPATIENT_RETRY = timedelta(seconds=30)
_GRACE = 2.0


def _sources_options(function: F) -> F:
    for option in reversed((*_OPTIONS, *REQUEST_OPTIONS)):
        function = option(function)
    return function


# fmt: off
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
        "checksums",
        type=checksum,
        multiple=True,
        metavar="sha256:HEX",
        help="The digest that the file must have (of one URL): sha256, sha512, blake3, or the weak "
        "sha1 and md5; repeat it.",
    ),
)
# What `put` takes as well.
REQUEST_OPTIONS: tuple[Callable[[Any], Any], ...] = (
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
    click.option(
        "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
        help="A header field of every request; repeat it.",
    ),
    click.option(
        "--secret-header", "secret_headers", multiple=True, metavar="'NAME: VALUE'",
        help="The same, kept encrypted and never shown.",
    ),
    click.option(
        "-u", "--user", metavar="NAME[:PASSWORD]",
        help="Sign in with these (basic); without PASSWORD it is asked for.",
    ),
    click.option("--proxy", metavar="PROXY", help="none, auto, preconfig or URLs with commas."),
    click.option("-X", "--request", "method", metavar="METHOD", help="Another method than GET."),
    click.option(
        "--set", "properties", multiple=True, metavar="NAME=VALUE",
        help="Any property, as `bgcopy set` takes it; repeat it.",
    ),
    click.option("--name", metavar="NAME", help="The job's name (the file's)."),
    click.option(
        "--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label; repeat it."
    ),
)
# fmt: on


def priority_option(default: str) -> Callable[[Any], Any]:
    """--priority with a command's own default."""
    return click.option(
        "--priority",
        type=click.Choice(list(PRIORITIES)),
        default=default,
        show_default=True,
        help="The job's rank in the queue.",
    )


@click.command()
@_sources_options
@priority_option("foreground")
@progress_option
@shared
@click.pass_obj
def get(session: Session, /, progress: str, **given: Any) -> int:
    """Fetch URLs and wait for them.

    A Metalink file (.meta4, .metalink) stands for the files in it, with their mirrors and digests.
    Prints the path of each file when it has its name. The job goes on when this command is
    killed. The first Ctrl-C detaches (exit code 7), a second one right after it cancels the job
    (130). A file that is there already is replaced, as with curl -o. Of several files one that
    fails does not stop the others (16).
    """
    order = _order(given, start=True, auto_complete=True, minimum_retry_delay=IMPATIENT_RETRY)
    return run(attended(session, order, progress))


@click.command()
@_sources_options
@priority_option("normal")
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
    """Hand URLs (or Metalink files) to the daemon and print the job's id."""
    order = _order(given, start=not paused, auto_complete=auto_complete)
    return run(handed_over(session, order))


def _order(given: dict[str, Any], *, start: bool, **properties: Any) -> Order:
    if given["remote_name"] and given["output"]:
        raise click.UsageError("-O names the file as the URL does, -o otherwise; give one of them")
    if given["output"] == "-":
        raise click.UsageError("the daemon writes files; -o - cannot write to stdout")
    destination = sources.Destination(given["output"], given["directory"], given["root"])
    specs = sources.collect(given["urls"], given["input_file"], destination, given["checksums"])
    return Order(
        specs=specs,
        name=given["name"] or _name(specs),
        start=start,
        properties=wanted(
            given, continue_on_file_error=True if len(specs) > 1 else None, **properties
        ),
        user=given["user"],
    )


def wanted(given: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """The job's properties that the options ask for."""
    values = {
        "priority": PRIORITIES[given["priority"]],
        "max_bytes_per_second": given["limit_rate"],
        "labels": dict(label(text) for text in given["labels"]) or None,
        "no_progress_timeout": given["no_progress_timeout"],
        "proxy": proxy(given["proxy"]) if given["proxy"] else None,
        "custom_headers": _headers(given) or None,
        "http_method": given["method"],
        **properties,
        **parse_all(given["properties"]),
    }
    return {name: value for name, value in values.items() if value is not None}


def _headers(given: dict[str, Any]) -> list[HttpHeader]:
    plain = [header(text) for text in given["headers"]]
    return plain + [header(text, secret=True) for text in given["secret_headers"]]


def _name(specs: Sequence[FileSpec]) -> str:
    first = Path(specs[0].path).name
    rest = f" and {len(specs) - 1} more" if len(specs) > 1 else ""
    return first[: _LONGEST_NAME - len(rest)] + rest


async def handed_over(session: Session, order: Order) -> int:
    """Creates the job and prints its id."""
    async with session.client(start=True) as client:
        job = await create(client, order)
        if session.json:
            session.data_json(shapes.job(await job.info()))
        else:
            session.data(job.job_id)
    return Exit.OK


async def attended(session: Session, order: Order, progress: str) -> int:
    """Creates the job, shows how it goes and says what came of it."""
    async with session.client(start=True) as client:
        job = await create(client, order)
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
    if session.json:
        paths = [spec.path for spec in order.specs]
        session.data_json({**shapes.job(info), "paths": paths, "exit_code": int(code)})
    elif code is Exit.OK:
        for place in order.places:
            session.data(place)
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
