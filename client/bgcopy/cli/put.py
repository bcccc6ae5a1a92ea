"""`put`: send a file to a URL and wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bgcopy import FileSpec, JobType
from bgcopy.cli.get import (
    IMPATIENT_RETRY,
    REQUEST_OPTIONS,
    attended,
    handed_over,
    priority_option,
    wanted,
)
from bgcopy.cli.options import F, progress_option, shared
from bgcopy.cli.ordering import Order
from bgcopy.cli.session import Session, run
from bgcopy.cli.sources import FILE_SYSTEM_ROOT

# fmt: off
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("file", metavar="FILE"),
    click.argument("url", metavar="URL"),
    click.option(
        "--root", metavar="NAME", help="FILE is relative to this named root of the daemon."
    ),
    click.option(
        "--reply", metavar="PATH", help="Keep the server's answer in this file."
    ),
    click.option(
        "--detach", is_flag=True, help="Hand the file to the daemon and print the job's id."
    ),
)
# fmt: on


def _options(function: F) -> F:
    for option in reversed((*_OPTIONS, *REQUEST_OPTIONS)):
        function = option(function)
    return function


@click.command()
@_options
@priority_option("foreground")
@progress_option
@shared
@click.pass_obj
def put(session: Session, /, progress: str, file: str, url: str, **given: Any) -> int:
    """Send FILE to URL and wait: by PUT (-X POST for POST), S3, SFTP or FTP.

    Prints the URL when the server has the file. The upload goes on when this command is killed. The
    first Ctrl-C detaches (exit code 7), a second one right after it cancels it (130). FILE is only
    read; one that changes in between fails (10).
    """
    reply = given["reply"]
    spec = _spec(file, url, given["root"], reply)
    properties = wanted(given, auto_complete=True, minimum_retry_delay=IMPATIENT_RETRY)
    order = Order(
        specs=[spec],
        name=given["name"] or Path(spec.path).name,
        start=True,
        properties=properties,
        user=given["user"],
        job_type=JobType.UPLOAD if reply is None else JobType.UPLOAD_REPLY,
    )
    return run(
        handed_over(session, order) if given["detach"] else attended(session, order, progress)
    )


def _spec(file: str, url: str, root: str | None, reply: str | None) -> FileSpec:
    """What is sent.

    Without --root the daemon gets the real path, since it follows no link itself.
    """
    if file == "-":
        raise click.UsageError("the daemon reads files; - cannot be read from stdin")
    if root is not None:
        return FileSpec(url, file, root=root, reply_path=reply or "")
    path = Path(file)
    if not path.is_file():
        problem = "is no plain file" if path.exists() else "is not there"
        raise click.UsageError(f"{file!r} {problem}")
    place = Path(reply or "")
    answer = place.parent.resolve() / place.name if reply else ""
    return FileSpec(url, path.resolve(), root=FILE_SYSTEM_ROOT, reply_path=answer)
