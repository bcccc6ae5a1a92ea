"""`bgcopyd serve`: the daemon itself."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import click
import uvloop

from bgcopyd import running
from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.cli.failures import told_plainly
from bgcopyd.cli.settings_flags import load_settings, settings_flags
from bgcopyd.config import Settings, UnixListener
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
    _refuse_root(settings)
    _refuse_living_sockets(settings)
    with told_plainly(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(running.run(settings, exit_when_idle=exit_when_idle))


def _refuse_root(settings: Settings) -> None:
    """A daemon writes bytes that strangers choose: it needs no more rights than its files."""
    if os.geteuid() == 0 and not settings.allow_root:
        raise CommandError(
            Exit.CONFIGURATION,
            "bgcopyd does not serve as root: run it as a user of its own (packaging/systemd has "
            "units that do), or say --allow-root",
        )


def _refuse_living_sockets(settings: Settings) -> None:
    """Leaves a socket alone that somebody answers on; a dead daemon's is replaced later.

    The lock of the state directory cannot tell: the socket may be that of a daemon with another.
    """
    for listener in settings.listen:
        if isinstance(listener, UnixListener) and _answers(listener.path):
            raise CommandError(
                Exit.IN_USE,
                f"another process answers on {listener}; a daemon may be running already. Stop "
                "it first, or choose another socket with --listen",
            )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # A full backlog would block, and means that somebody is there.
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True
