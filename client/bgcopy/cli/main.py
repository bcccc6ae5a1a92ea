"""The command: its groups, and the one place where errors become words and exit codes."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Sequence

import click

from bgcopy import BgcopyError
from bgcopy.cli import failure
from bgcopy.cli.admin import drain, policy
from bgcopy.cli.completion import VARIABLE, completion
from bgcopy.cli.doctor import doctor
from bgcopy.cli.editing import files, retry, set_, take
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.get import add, get
from bgcopy.cli.listing import ls, show
from bgcopy.cli.looking import logs, probe
from bgcopy.cli.options import shared
from bgcopy.cli.portable import export, import_
from bgcopy.cli.put import put
from bgcopy.cli.session import Session
from bgcopy.cli.status import status
from bgcopy.cli.token import token
from bgcopy.cli.verbs import cancel, complete, pause, resume, rm
from bgcopy.cli.verifying import verify
from bgcopy.cli.watching import wait, watch
from bgcopy.cli.webhook import webhook

_COMMANDS = (
    get, put, add, probe, verify,
    ls, show, watch, wait, files, logs,
    pause, resume, retry, complete, cancel, rm, set_, take,
    export, import_,
    webhook, status, policy, token, drain, doctor, completion,
)  # fmt: skip


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value and not ctx.resilient_parsing:
        click.echo(f"bgcopy {importlib.metadata.version('bgcopy')}")
        ctx.exit()


class _InOrder(click.Group):
    """A group that lists its commands as people meet them, not by alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were added."""
        del ctx
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version.",
)
@shared
def cli() -> None:
    """Hand a daemon a URL and walk away.

    A JOB is an id, a unique beginning of one, or a unique name. Progress goes to stderr, data to
    stdout. Exit codes: 0 done, 1 other, 2 usage, 3 no daemon, 4 denied, 5 no such job, 6 network,
    7 unfinished or detached, 8 cannot resume, 9 disk, 10 integrity, 11 conflict, 12 time-out,
    13 remote refused, 14 remote busy, 15 input needed, 16 some of several failed, 130 interrupted.
    """


for _command in _COMMANDS:
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code. No exception leaves it, and no traceback is shown."""
    session = Session()
    try:
        code = _run(session, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has seen enough; what is left in the buffer must not fail at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OTHER
    return code


def _run(session: Session, arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given and VARIABLE not in os.environ:
        click.echo(cli.get_help(click.Context(cli, info_name="bgcopy")), err=True)
        return Exit.USAGE
    try:
        code = cli.main(args=given, prog_name="bgcopy", standalone_mode=False, obj=session)
    except (KeyboardInterrupt, click.Abort):
        session.note("bgcopy: interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: one line instead of a traceback
        # The line may be what could not be understood, and so the wish for JSON not be known yet.
        session.json = session.json or "--json" in given
        return session.complain(_failure(error))
    return code if isinstance(code, int) else Exit.OK


def _failure(error: Exception) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, BgcopyError):
        return failure.from_error(error)
    if isinstance(error, click.ClickException):
        return _usage(error)
    return _unexpected(error)


def _usage(error: click.ClickException) -> Failure:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    path = ctx.command_path if ctx else "bgcopy"
    return Failure(
        Exit.USAGE, error.format_message(), f"`{path} --help` explains the options.", "USAGE"
    )


def _unexpected(error: Exception) -> Failure:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return Failure(Exit.OTHER, f"{where}{error.strerror}", "Mend this and try again.")
    # The text of an unexpected error may hold anything, also what must not be shown.
    return Failure(
        Exit.OTHER,
        f"unexpected {type(error).__name__}",
        "Please report this with the command you ran.",
        "INTERNAL",
    )
