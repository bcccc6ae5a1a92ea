"""What every command starts from: where the daemon is, how to print, and a client."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from bgcopy import AsyncClient, BearerToken, read_token_file
from bgcopy._channel import Target, parse_target
from bgcopy.cli import launcher, shapes
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.words import clean

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do a command's work in a loop of its own; Ctrl-C ends it."""
    with asyncio.Runner() as runner:
        # A signal that strikes just before the loop waits would only be seen at the end of that
        # wait, 45 s of a silent watch. Every signal wakes a loop that handles one, here one that
        # nobody sends.
        runner.get_loop().add_signal_handler(signal.SIGURG, lambda: None)
        return runner.run(work)


@dataclass
class Session:
    """Options that all commands share; the environment is read here and nowhere else."""

    target: str | None = None
    token_file: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    json: bool = False
    quiet: bool = False
    no_color: bool = False

    @property
    def colorless(self) -> bool:
        """Whether to print without colours (https://no-color.org)."""
        return self.no_color or bool(os.environ.get("NO_COLOR"))

    def data(self, text: str) -> None:
        """Print what was asked for."""
        # Names of files may hold bytes that are no characters; they come out as they are.
        sys.stdout.buffer.write(os.fsencode(text) + b"\n")
        sys.stdout.flush()

    def data_json(self, shape: Any) -> None:
        """Print what was asked for as a line of JSON."""
        self.data(shapes.dumps(shape))

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Print the facts that there are, their values under one another."""
        told = [(name, value) for name, value in facts if value]
        width = max((len(name) for name, _ in told), default=0) + 1
        for name, value in told:
            self.data(f"{name + ':':{width}} {value}")

    def note(self, text: str) -> None:
        """Tell people something beside the data."""
        if not self.quiet:
            click.echo(shapes.note(text) if self.json else text, err=True)

    def complain(self, problem: Failure, *, prefix: str = "") -> int:
        """Print an error, and what to do next, on stderr; its exit code."""
        if self.json:
            click.echo(shapes.dumps(problem.to_json()), err=True)
            return problem.exit_code
        where = f"{clean(prefix)}: " if prefix else ""
        click.echo(f"bgcopy: {where}{problem.message}", err=True)
        if problem.hint:
            click.echo(f"  {problem.hint}", err=True)
        return problem.exit_code

    @asynccontextmanager
    async def client(self, *, start: bool = False) -> AsyncIterator[AsyncClient]:
        """A client of the daemon.

        Args:
            start: start a private daemon where none answers and no other target was named.
        """
        named = self.target or os.environ.get("BGCOPY_TARGET") or None
        target = _parse(named)
        if target.socket_path is not None and not launcher.answers(target.socket_path):
            if named is not None or not start:
                raise unreachable(target)
            launcher.start(target.socket_path, self.note)
        async with self._made(named) as client:
            yield client

    def _made(self, target: str | None) -> AsyncClient:
        try:
            return AsyncClient(
                target,
                token=self._token(),
                root_certificates=_pem(self.tls_ca, "BGCOPY_TLS_CA"),
                certificate_chain=_pem(self.tls_cert, "BGCOPY_TLS_CERT"),
                private_key=_pem(self.tls_key, "BGCOPY_TLS_KEY"),
            )
        except ValueError as error:
            raise Failure(Exit.USAGE, str(error), _TLS_HINT) from None

    def _token(self) -> BearerToken | None:
        path = self.token_file or os.environ.get("BGCOPY_TOKEN_FILE")
        if not path:
            return None
        try:
            return read_token_file(path)
        except OSError as error:
            problem = error.strerror or "cannot be read"
            raise Failure(Exit.USAGE, f"token file {path}: {problem}", _TOKEN_HINT) from None
        except ValueError as error:
            raise Failure(Exit.USAGE, f"token file {path}: {error}", _TOKEN_HINT) from None


_TOKEN_HINT = "Name a readable file that holds one token with --token-file."  # noqa: S105 - a hint


_TLS_HINT = "Give --tls-cert and --tls-key together, and --tls-ca with a target over the network."


def _pem(given: str | None, variable: str) -> bytes | None:
    path = given or os.environ.get(variable)
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = error.strerror or "cannot be read"
        hint = f"Name a readable file in PEM, or correct {variable}."
        raise Failure(Exit.USAGE, f"{path}: {problem}", hint) from None


def _parse(named: str | None) -> Target:
    try:
        return parse_target(named)
    except ValueError as error:
        raise Failure(
            Exit.USAGE, str(error), "Correct --target, or BGCOPY_TARGET where that is set."
        ) from None


def unreachable(target: Target) -> Failure:
    """Nobody listens there."""
    return Failure(
        Exit.UNREACHABLE,
        f"no daemon answers at {target.name}",
        "Start one with `bgcopyd serve`, or name another with --target or BGCOPY_TARGET.",
        "UNAVAILABLE",
    )
