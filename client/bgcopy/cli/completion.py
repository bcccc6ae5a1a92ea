"""`completion`: the shell script that completes commands, options and jobs."""

from __future__ import annotations

import asyncio

import click
from click.shell_completion import CompletionItem, get_completion_class

from bgcopy import AsyncClient, BgcopyError
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.options import shared
from bgcopy.cli.session import Session, run

# What click looks for in the environment of a program called bgcopy.
VARIABLE = "_BGCOPY_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")
# Whoever presses Tab does not wait for a daemon that is slow or away.
_PATIENCE = 1.0
_JOBS = 200


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@shared
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> int:
    """Print a script that completes commands, options and jobs.

    \b
    bash:  eval "$(bgcopy completion bash)"            in ~/.bashrc
    zsh:   eval "$(bgcopy completion zsh)"             in ~/.zshrc
    fish:  bgcopy completion fish | source             in ~/.config/fish/config.fish
    """  # noqa: D301 - click wants the character
    kind = get_completion_class(shell)
    assert kind is not None
    session = ctx.ensure_object(Session)
    session.data(kind(ctx.find_root().command, {}, "bgcopy", VARIABLE).source().rstrip())
    return Exit.OK


def jobs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Jobs whose id or name begins so; none where no daemon answers."""
    session = ctx.ensure_object(Session)
    try:
        found = run(_jobs(session))
    except (BgcopyError, Failure, TimeoutError, OSError):
        return []
    return [
        CompletionItem(word, help=text)
        for word, text in found
        if word.lower().startswith(incomplete.lower())
    ]


async def _jobs(session: Session) -> list[tuple[str, str]]:
    async with asyncio.timeout(_PATIENCE), session.client() as client:
        page = await _first_page(client)
    return [(name, job_id) for job_id, name in page] + page


async def _first_page(client: AsyncClient) -> list[tuple[str, str]]:
    page = await client.list_jobs(page_size=_JOBS, timeout=_PATIENCE)
    return [(info.job_id, info.display_name) for info in page.jobs]
