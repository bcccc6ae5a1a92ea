"""`bgcopyd serve`: the daemon itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from bgcopyd import daemon
from bgcopyd.cli.failures import told_plainly
from bgcopyd.cli.settings_flags import load_settings, settings_flags
from bgcopyd.platform import raise_file_limit
from bgcopyd.telemetry import configure_logging


@click.command()
@click.option(
    "--exit-when-idle",
    type=click.FloatRange(min=0),
    default=None,
    metavar="SECONDS",
    help="End this long after the last client and the last runnable job are gone.",
)
@settings_flags
def serve(config: Path | None, exit_when_idle: float | None, **flags: Any) -> int:
    """Run the daemon in the foreground until SIGTERM or SIGINT."""
    settings = load_settings(config, flags).settings
    configure_logging(settings.log_level, settings.log_format)
    raise_file_limit()
    with told_plainly():
        return asyncio.run(daemon.run(settings, exit_when_idle=exit_when_idle))
