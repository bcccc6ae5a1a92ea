"""`probe` and `logs`: what servers say, and what was tried."""

from __future__ import annotations

import click

from bgcopy import Attempt, AttemptOutcome, Probe
from bgcopy.cli import exits, shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.listing import table
from bgcopy.cli.lookup import find
from bgcopy.cli.options import shared
from bgcopy.cli.properties import header, proxy
from bgcopy.cli.session import Session, run
from bgcopy.cli.verbs import job_argument

_PAGE = 1000
_ATTEMPTS_HEAD = (
    "FILE", "START", "TOOK", "BYTES", "SPEED", "PROTOCOL", "STATUS", "FROM", "OUTCOME",
)  # fmt: skip


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
    help="A header field of the request; repeat it.",
)  # fmt: skip
@click.option("--proxy", "proxies", metavar="PROXY", help="none, auto, preconfig or URLs.")
@shared
@click.pass_obj
def probe(session: Session, /, url: str, headers: tuple[str, ...], proxies: str | None) -> int:
    """Ask a server about a file, from where the daemon stands, without fetching it."""
    return run(_probe(session, url, headers, proxies))


async def _probe(session: Session, url: str, headers: tuple[str, ...], proxies: str | None) -> int:
    async with session.client(start=True) as client:
        found = await client.probe_url(
            url,
            custom_headers=[header(text) for text in headers],
            proxy=None if proxies is None else proxy(proxies),
        )
    if session.json:
        session.data_json(shapes.plain(found))
    else:
        session.facts(_probe_facts(found))
    return Exit.OK if found.error is None else exits.of_transfer(found.error)


def _probe_facts(found: Probe) -> list[tuple[str, str]]:
    chain = [words.clean(url) for url in found.redirect_chain]
    error = ""
    if found.error is not None:
        error = f"{words.clean(found.error.message)} ({found.error.reason.name})"
    answered = " ".join(part for part in (found.protocol, _number(found.http_status)) if part)
    return [
        ("error", error),
        ("answer", answered),
        ("from", words.clean(found.remote_address)),
        ("size", "" if found.bytes_total is None else words.size(found.bytes_total)),
        ("type", words.clean(found.content_type)),
        ("resumable", "yes" if found.accepts_ranges else "no, only from the start"),
        ("etag", words.clean(found.etag)),
        ("modified", words.clean(found.last_modified)),
        ("name", words.clean(found.suggested_name)),
        ("redirects", " -> ".join(chain) if len(chain) > 1 else ""),
    ]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


@click.command()
@job_argument
@click.option("--file", "index", type=int, metavar="INDEX", help="Only attempts at this file.")
@click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@shared
@click.pass_obj
def logs(session: Session, /, job: str, index: int | None, number: int | None) -> int:
    """Show the attempts at a job's files, newest first."""
    return run(_logs(session, job, index, number))


async def _logs(session: Session, word: str, index: int | None, number: int | None) -> int:
    async with session.client() as client:
        job = client.job(await find(client, word))
        found: list[Attempt] = []
        async for one in job.attempts(file_index=index, page_size=min(number or _PAGE, _PAGE)):
            found.append(one)
            if number is not None and len(found) == number:
                break
    if session.json:
        session.data_json([shapes.plain(one) for one in found])
        return Exit.OK
    if not found:
        session.note("Nothing was tried yet.")
        return Exit.OK
    for line in table([_ATTEMPTS_HEAD, *(_attempt_row(one) for one in found)]):
        session.data(line)
    return Exit.OK


def _attempt_row(one: Attempt) -> tuple[str, ...]:
    took = ""
    if one.start_time is not None and one.end_time is not None:
        took = words.span((one.end_time - one.start_time).total_seconds())
    outcome = one.outcome.name.lower()
    if one.outcome is AttemptOutcome.FAILED and one.error is not None:
        outcome = f"{words.clean(one.error.message)} ({one.error.reason.name})"
    return (
        str(one.file_index),
        words.when(one.start_time),
        took,
        words.size(one.bytes_received),
        f"{words.size(one.bytes_per_second)}/s" if one.bytes_per_second else "",
        one.protocol,
        _number(one.http_status),
        words.clean(one.remote_address),
        outcome,
    )
