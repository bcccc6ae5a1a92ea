"""`import` and `export`: lists of files from and for other programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bgcopy import FileInfo, FileSpec, JobType
from bgcopy.cli import metalink, shapes, sources, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.lists import FORMS, Entry, form_of, read, write
from bgcopy.cli.lookup import find_all
from bgcopy.cli.options import PRIORITIES, shared
from bgcopy.cli.ordering import Order, create
from bgcopy.cli.properties import header, parse_all
from bgcopy.cli.session import Session, run

_PAGE = 1000

_format_option = click.option(
    "--format", "form", type=click.Choice(["auto", *FORMS, "metalink"]), default="auto",
    show_default=True,
    help="urls: one a line; aria2: its input and session files; jsonl: an object a line; "
    "csv: with the names of columns in the first line; metalink: version 3 or 4.",
)  # fmt: skip


@click.command(name="import")
@click.argument("source", metavar="FILE")
@_format_option
@click.option("-d", "--directory", metavar="DIR", help="The directory that paths are relative to.")
@click.option("--root", metavar="NAME", help="The named root that files are written under.")
@click.option("--name", metavar="NAME", help="The jobs' name (the list's).")
@click.option(
    "--priority", type=click.Choice(list(PRIORITIES)), default="normal", show_default=True,
    help="The jobs' rank in the queue.",
)  # fmt: skip
@click.option("--paused", is_flag=True, help="Do not start them; `bgcopy resume` does.")
@shared
@click.pass_obj
def import_(session: Session, /, source: str, form: str, **given: Any) -> int:
    """Queue all files of a list (- is stdin) and print the jobs' ids.

    Files with the same options make one job.
    """
    entries = _entries(sources.bytes_of(source), source, form)
    if not entries:
        raise click.UsageError(f"{source}: has no files")
    orders = [_order(group, given, given["name"] or _name(source)) for group in _groups(entries)]
    return run(_import(session, orders))


def _entries(data: bytes, source: str, form: str) -> list[Entry]:
    if form == "auto":
        form = form_of(source, data.decode(errors="replace"))
    if form == "metalink":
        return metalink.read(data, source)
    return read("\n".join(sources.text_of(data, source).splitlines()), form)


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries of the same options, in their order."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(repr(sorted(entry.options.items())), []).append(entry)
    return list(groups.values())


def _name(source: str) -> str:
    return "import" if source == "-" else Path(source).name


def _order(group: Sequence[Entry], given: dict[str, Any], name: str) -> Order:
    specs = [_spec(entry, given) for entry in group]
    sources.refuse_twins(specs)
    options = dict(group[0].options)
    headers = [header(text) for text in options.pop("headers", ())]
    properties = parse_all(tuple(f"{key}={value}" for key, value in options.items()))
    if headers:
        properties["custom_headers"] = headers
    return Order(
        specs=specs,
        name=name,
        start=not given["paused"],
        properties={
            "priority": PRIORITIES[given["priority"]],
            "auto_complete": True,
            **properties,
        },
    )


def _spec(entry: Entry, given: dict[str, Any]) -> FileSpec:
    root = entry.root or given["root"]
    path = entry.path
    if path.endswith("/"):
        path += sources.name_of(entry.url)
    place = sources.Destination(None, given["directory"], root)
    spec = place.spec(entry.url, path or None)
    return dataclasses.replace(spec, mirrors=entry.mirrors, digests=entry.digests, size=entry.size)


async def _import(session: Session, orders: Sequence[Order]) -> int:
    jobs = []
    async with session.client(start=True) as client:
        for order in orders:
            job = await create(client, order)
            jobs.append(await job.info() if session.json else job.job_id)
            if not session.json:
                session.data(job.job_id)
    if session.json:
        session.data_json([shapes.plain(info) for info in jobs])
    return Exit.OK


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB...]")
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="jsonl", show_default=True,
    help="How the list is written.",
)  # fmt: skip
@click.option("--unfinished", is_flag=True, help="Only files that are not whole yet.")
@shared
@click.pass_obj
def export(session: Session, /, jobs: tuple[str, ...], form: str, unfinished: bool) -> int:  # noqa: FBT001 - click passes by name
    """Print the files of jobs (of all live ones where none is named) as a list.

    Headers and credentials are not in it. urls and aria2 have no place for named roots: give
    import --root with them.
    """
    return run(_export(session, jobs, form, unfinished=unfinished))


async def _export(session: Session, wanted: Sequence[str], form: str, *, unfinished: bool) -> int:
    entries: list[Entry] = []
    async with session.client() as client:
        if wanted:
            infos = [await client.get_job(job_id) for job_id in await find_all(client, wanted)]
        else:
            infos = [info async for info in client.jobs(page_size=_PAGE)]
        # A list that is read again is fetched.
        for job_id in (info.job_id for info in infos if info.type is JobType.DOWNLOAD):
            files = client.files(job_id, page_size=_PAGE)
            entries += [
                _entry(file) async for file in files if not (unfinished and file.transferred)
            ]
    if not entries:
        session.note("No files.")
    text = write(entries, form)
    if text:
        session.data(text.rstrip("\n"))
    return Exit.OK


def _entry(file: FileInfo) -> Entry:
    spec = file.spec
    path = words.clean(spec.path)
    # What the root `fs` holds is the file system, where paths begin with a slash.
    whole = f"/{path}" if spec.root == sources.FILE_SYSTEM_ROOT else path
    root = "" if spec.root == sources.FILE_SYSTEM_ROOT else spec.root
    return Entry(spec.url, whole, root, spec.digests, spec.mirrors, size=spec.size)
