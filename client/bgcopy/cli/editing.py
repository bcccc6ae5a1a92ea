"""`set`, `take`, `retry` and `files`: changes of jobs and their files."""

from __future__ import annotations

from typing import Any

import click

from bgcopy import FileSpec, Job, JobInfo, JobState
from bgcopy.cli import shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.listing import file_row, table
from bgcopy.cli.lookup import find
from bgcopy.cli.options import shared
from bgcopy.cli.properties import header, parse_all
from bgcopy.cli.session import Session, run
from bgcopy.cli.sources import Destination
from bgcopy.cli.verbs import each, job_argument, jobs_argument

_PAGE = 1000


@click.command(name="set")
@job_argument
@click.argument("properties", nargs=-1, metavar="NAME=VALUE...")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
    help="A header field of every request, in the place of those there are; repeat it.",
)  # fmt: skip
@click.option(
    "--secret-header", "secrets", multiple=True, metavar="'NAME: VALUE'",
    help="The same, kept encrypted and never shown.",
)  # fmt: skip
@shared
@click.pass_obj
def set_(
    session: Session,
    /,
    job: str,
    properties: tuple[str, ...],
    headers: tuple[str, ...],
    secrets: tuple[str, ...],
) -> int:
    """Change properties of a job, while it runs too.

    \b
    bgcopy set JOB priority=high limit_rate=2M deadline=+2h
    bgcopy set JOB proxy=http://proxy:3128 http_method=POST
    bgcopy set JOB deadline=            (an empty value: the default again)

    Spans are written as 90s, 5m, 2h or 1d, sizes as 500K, 2M or 1.5G, lists with commas.
    """  # noqa: D301 - click wants the character
    values = parse_all(properties)
    if headers or secrets:
        values["custom_headers"] = [
            *(header(text) for text in headers),
            *(header(text, secret=True) for text in secrets),
        ]
    if not values:
        raise click.UsageError("name at least one property, as priority=high")
    return run(_set(session, job, values))


async def _set(session: Session, word: str, values: dict[str, Any]) -> int:
    name = values.pop("display_name", None)
    async with session.client() as client:
        job = client.job(await find(client, word))
        info = await job.update(display_name=name, **values)
    if session.json:
        session.data_json(shapes.job(info))
    else:
        session.note(f"{info.job_id} changed ({words.clean(info.display_name)})")
    return Exit.OK


@click.command()
@jobs_argument
@shared
@click.pass_obj
def take(session: Session, /, jobs: tuple[str, ...]) -> int:
    """Become the owner of jobs (administrators); their secrets are dropped."""
    return run(each(session, jobs, "taken", lambda job: job.take_ownership()))


@click.command()
@jobs_argument
@shared
@click.pass_obj
def retry(session: Session, /, jobs: tuple[str, ...]) -> int:
    """Try failed or waiting jobs again now."""
    return run(each(session, jobs, "tried again", _retry))


async def _retry(job: Job) -> JobInfo:
    info = await job.info()
    if info.state in {JobState.ERROR, JobState.TRANSIENT_ERROR}:
        return await job.resume()
    raise Failure(
        Exit.CONFLICT,
        f"{words.clean(info.display_name)} is {words.state(info)}, so there is nothing to retry",
        "`bgcopy resume` goes on with a paused job.",
        "INVALID_STATE",
    )


@click.command()
@job_argument
@click.option("--add", "urls", multiple=True, metavar="URL", help="Add a file; repeat it.")
@click.option("-d", "--directory", metavar="DIR", help="The directory that --add writes into.")
@click.option("--root", metavar="NAME", help="The named root that --add writes under.")
@click.option(
    "--remove", "removed", multiple=True, type=int, metavar="INDEX",
    help="Take a file out and delete what there is of it; repeat it.",
)  # fmt: skip
@click.option(
    "--url", "moved", nargs=2, metavar="INDEX URL", help="Fetch an unfinished file from elsewhere."
)
@click.option(
    "--replace-prefix", "prefix", nargs=2, metavar="OLD NEW",
    help="Give all unfinished URLs that begin so another beginning.",
)  # fmt: skip
@click.option(
    "--invalid", type=int, metavar="INDEX", help="Judge a file invalid: resume fetches it anew."
)
@shared
@click.pass_obj
def files(session: Session, /, job: str, **given: Any) -> int:
    """Show the files of a job, after changing them where that is asked for."""
    return run(_files(session, job, given))


async def _files(session: Session, word: str, given: dict[str, Any]) -> int:
    async with session.client() as client:
        job = client.job(await find(client, word))
        specs = _added(given)
        if specs:
            await job.add_files(specs)
        if given["removed"]:
            await job.remove_files(given["removed"])
        if given["moved"]:
            index, url = given["moved"]
            await client.update_file(job.job_id, _index(index), url=url)
        if given["prefix"]:
            await client.replace_remote_prefix(job.job_id, *given["prefix"])
        if given["invalid"] is not None:
            await client.update_file(job.job_id, given["invalid"], validation_state=False)
        found = [file async for file in job.files(page_size=_PAGE)]
    if session.json:
        session.data_json([shapes.file(file) for file in found])
        return Exit.OK
    if not found:
        session.note("The job has no files.")
        return Exit.OK
    for line in table([file_row(file) for file in found]):
        session.data(line)
    return Exit.OK


def _added(given: dict[str, Any]) -> list[FileSpec]:
    destination = Destination(None, given["directory"], given["root"])
    return [destination.spec(url, None) for url in given["urls"]]


def _index(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise click.UsageError(f"{text!r} is no index of a file; `bgcopy files JOB` lists them")
    return int(text)
