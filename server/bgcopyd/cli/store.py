"""`bgcopyd store`: what an operator does about the queue on disk while no daemon runs."""

from __future__ import annotations

from pathlib import Path

import click

from bgcopyd.cli.audited import written_down
from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.cli.failures import told_plainly
from bgcopyd.cli.settings_flags import state_dir_option, state_directory
from bgcopyd.jobs.audit import STORE_EMPTIED, STORE_RESTORED
from bgcopyd.store import maintenance


@click.group()
def store() -> None:
    """Check the queue on disk, back it up, or mend it."""


@store.command()
@state_dir_option
def check(state_dir: Path | None) -> None:
    """Say whether the queue on disk is whole."""
    directory = state_directory(state_dir)
    with told_plainly():
        problems = maintenance.check(directory)
    if problems:
        raise CommandError(Exit.DAMAGED, "\n".join(problems))
    click.echo(f"The queue in {directory} is whole.")


@store.command()
@state_dir_option
def backup(state_dir: Path | None) -> None:
    """Write one more backup beside the daily ones."""
    with told_plainly():
        path = maintenance.backup(state_directory(state_dir))
    click.echo(f"The queue is backed up as {path}.")


@store.command()
@state_dir_option
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="The backup; the newest whole one if absent.",
)
def restore(state_dir: Path | None, source: Path | None) -> None:
    """Put a backup in the place of a damaged queue, which is kept aside."""
    with told_plainly():
        path = maintenance.restore(state_directory(state_dir), source)
    written_down(STORE_RESTORED, backup=path.name)
    click.echo(f"The queue is again as {path} has it.")


@store.command("accept-empty")
@state_dir_option
def accept_empty(state_dir: Path | None) -> None:
    """Begin anew without the jobs of a damaged queue, which is kept aside."""
    with told_plainly():
        path = maintenance.accept_empty(state_directory(state_dir))
    written_down(STORE_EMPTIED)
    kept = f"What was there is kept in {path}." if path else "Nothing was there."
    click.echo(f"The queue is empty. {kept}")
