"""`bgcopyd secrets`: the keys that jobs' credentials and secret headers are sealed with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bgcopyd.cli.audited import written_down
from bgcopyd.cli.failures import told_plainly
from bgcopyd.cli.settings_flags import load_settings, state_dir_option
from bgcopyd.jobs.audit import KEYS_PRUNED, KEYS_ROTATED
from bgcopyd.store import sealing
from bgcopyd.store.keys import KeyFile, key_file

_key_file_option = click.option(
    "--secrets-key-file",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="The key file; the configured one if absent.",
)


@click.group()
def secrets() -> None:
    """Change the keys that stored secrets are sealed with, while no daemon runs."""


def _places(state_dir: Path | None, given: Path | None) -> tuple[Path, KeyFile]:
    flags = {"state_dir": state_dir, "secrets_key_file": given}
    settings = load_settings(None, flags).settings
    file = key_file(settings.state_dir, settings.secrets_key_file, os.environ)
    return settings.state_dir, file


@secrets.command()
@state_dir_option
@_key_file_option
def rotate(state_dir: Path | None, secrets_key_file: Path | None) -> None:
    """Seal all secrets with a new key; the earlier ones stay, for backups."""
    directory, file = _places(state_dir, secrets_key_file)
    with told_plainly():
        count = sealing.rotate(directory, file)
    written_down(KEYS_ROTATED, secrets=count)
    click.echo(f"{count} secrets are sealed with a new key, the first in {file.path}.")


@secrets.command()
@state_dir_option
@_key_file_option
def prune(state_dir: Path | None, secrets_key_file: Path | None) -> None:
    """Forget all keys but the first: backups from before it lose their secrets."""
    directory, file = _places(state_dir, secrets_key_file)
    with told_plainly():
        count = sealing.prune(directory, file)
    written_down(KEYS_PRUNED, keys=count)
    if file.foreign:
        click.echo(f"Nothing needs but the first key of {file.path}; take the others out there.")
        return
    click.echo(f"{count} earlier keys are gone from {file.path}.")
