"""`bgcopyd`, its commands and how each failure ends it."""

from __future__ import annotations

import logging
import secrets
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from bgcopyd import __version__
from bgcopyd.cli.config import config
from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.cli.secrets import secrets as secrets_command
from bgcopyd.cli.serve import serve
from bgcopyd.cli.store import store
from bgcopyd.cli.token import token
from bgcopyd.telemetry import redact

_log = logging.getLogger(__name__)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bgcopyd", message="%(prog)s %(version)s")
def bgcopyd() -> None:
    """The background copy daemon: fetches what its clients queue, through crashes and reboots."""


for _command in (serve, config, token, store, secrets_command):
    bgcopyd.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; no traceback reaches the terminal unlogged."""
    try:
        code = bgcopyd.main(
            args=None if arguments is None else list(arguments),
            prog_name="bgcopyd",
            standalone_mode=False,
        )
    except CommandError as error:
        _complain(str(error))
        return error.code
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing is left to be flushed into it.
        sys.stdout = None
        return Exit.IO_ERROR
    except Exception as error:  # noqa: BLE001 - the one outermost handler
        _report_defect(error)
        return Exit.INTERNAL
    return code if isinstance(code, int) else Exit.OK


def _report_defect(error: Exception) -> None:
    """Where it happened, for a report; the traceback goes to the daemon's log, if there is one."""
    incident = secrets.token_hex(4)
    if logging.getLogger().handlers:
        _log.error("internal error, incident %s", incident, exc_info=error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    _complain(
        f"internal error {incident} ({type(error).__name__} in {place.name}, "
        f"{Path(place.filename).name}:{place.lineno}); please report it"
    )


def _complain(message: str) -> None:
    for line in redact(message).splitlines():
        click.echo(f"bgcopyd: {line}", err=True)
