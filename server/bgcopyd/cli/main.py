"""`bgcopyd`, its commands and how each failure ends it."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Sequence

import click

from bgcopyd import __version__
from bgcopyd.cli.config import config
from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.cli.serve import serve
from bgcopyd.cli.store import store
from bgcopyd.cli.token import token
from bgcopyd.telemetry import redact

_log = logging.getLogger(__name__)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bgcopyd", message="%(prog)s %(version)s")
def bgcopyd() -> None:
    """The background copy daemon: fetches what its clients queue, through crashes and reboots."""


for _command in (serve, config, token, store):
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
    except Exception:  # noqa: BLE001 - the one outermost handler; what it hides is logged
        incident = secrets.token_hex(4)
        _log.exception("internal error, incident %s", incident)
        _complain(f"an internal error, incident {incident}; the log says more, please report it")
        return Exit.INTERNAL
    return code if isinstance(code, int) else Exit.OK


def _complain(message: str) -> None:
    for line in redact(message).splitlines():
        click.echo(f"bgcopyd: {line}", err=True)
