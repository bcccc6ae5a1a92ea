"""What a command asks the daemon for, and how it becomes a job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from bgcopy import AsyncClient, AuthScheme, BgcopyError, FileSpec, Job, JobType
from bgcopy.cli import sources
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure


@dataclass(frozen=True)
class Order:
    """A job to create; `user` is NAME or NAME:PASSWORD of its servers."""

    specs: Sequence[FileSpec]
    name: str
    start: bool
    properties: Mapping[str, Any]
    user: str | None = None
    job_type: JobType = JobType.DOWNLOAD

    @property
    def places(self) -> list[str]:
        """Where the files end up, for people: a URL without its query, which may be secret."""
        if self.job_type is JobType.DOWNLOAD:
            return [spec.path for spec in self.specs]
        return [spec.url.partition("?")[0] for spec in self.specs]


async def create(client: AsyncClient, order: Order) -> Job:
    """The order as a job: in one call, or in several where one could not hold all of it."""
    first, *others = sources.batches(order.specs)
    login = None if order.user is None else _login(order.user)
    whole = not others and login is None
    job = await client.create_job(
        order.name,
        first,
        job_type=order.job_type,
        start=order.start and whole,
        **dict(order.properties),
    )
    if not whole:
        try:
            if login is not None:
                name, password = login
                await client.set_credentials(
                    job.job_id, AuthScheme.BASIC, user_name=name, password=password
                )
            for batch in others:
                await job.add_files(batch)
            if order.start:
                await job.resume()
        except BgcopyError:
            # Half an order is worse than none.
            await job.cancel()
            raise
    return job


def _login(user: str) -> tuple[str, str]:
    """Name and password, which is asked for where it is not given.

    Raises:
        Failure: there is no terminal to ask at.
    """
    name, colon, password = user.partition(":")
    if colon:
        return name, password
    if not sys.stdin.isatty():
        raise Failure(
            Exit.NEEDS_INPUT,
            f"the password of {name!r} is needed and there is no terminal to ask at",
            "Give it as -u NAME:PASSWORD, or run the command at a terminal.",
            "NEEDS_INPUT",
        )
    return name, str(click.prompt(f"Password of {name}", hide_input=True, err=True))
