"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from bgcopy import Digest, DigestAlgorithm, Priority, Scope
from bgcopy.cli import words
from bgcopy.cli.session import Session

F = TypeVar("F", bound=Callable[..., Any])

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGT]?)(?:i?B)?", re.IGNORECASE)
_SPAN = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd]?)")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LARGEST = (1 << 63) - 1
_LONGEST = 10 * 365 * 86_400


def size(value: str) -> int:
    """Bytes, as 500K, 2M or 1.5G; K, M and G are powers of 1024."""
    match = _SIZE.fullmatch(value.strip())
    number = int(float(match["number"]) * 1024 ** _POWERS[match["unit"].upper()]) if match else 0
    if not 0 < number <= _LARGEST:
        raise click.BadParameter(f"{value!r} is no size; write it as 500K, 2M or 1.5G")
    return number


def span(value: str) -> timedelta:
    """A time span, as 90, 90s, 5m, 2h or 1d; a bare number is seconds."""
    match = _SPAN.fullmatch(value.strip())
    seconds = float(match["number"]) * _SECONDS[match["unit"]] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(f"{value!r} is no time span; write it as 90s, 5m or 2h")
    return timedelta(seconds=seconds)


def span_or_zero(value: str) -> timedelta:
    """A time span, or 0."""
    return timedelta(0) if value.strip() == "0" else span(value)


DIGESTS = {one.name.lower(): one for one in DigestAlgorithm if one is not DigestAlgorithm.UNKNOWN}


def checksum(value: str) -> Digest:
    """A digest that is written as ALGORITHM:HEX."""
    name, _, digits = value.partition(":")
    algorithm = DIGESTS.get(name.strip().lower().replace("-", ""))
    if algorithm is None:
        known = ", ".join(DIGESTS)
        raise click.BadParameter(f"{name!r} is no known digest ({known}); write it as sha256:HEX")
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * algorithm.size}}}", digits):
        raise click.BadParameter(
            f"a digest of {algorithm.name} has {2 * algorithm.size} hexadecimal digits"
        )
    return Digest(algorithm, digits)


SCOPES = {words.scopes([scope]): scope for scope in Scope if scope is not Scope.UNKNOWN}
PRIORITIES = {
    priority.name.lower(): priority for priority in Priority if priority is not Priority.UNKNOWN
}


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Into the session, wherever on the line the option stands; the last one wins."""
    session = ctx.ensure_object(Session)
    name = str(param.name)
    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        setattr(session, name, value)


def shared(function: F) -> F:
    """Options of every command, before or after its name."""
    for option in reversed(_SHARED):
        function = option(function)
    return function


def _shared(*names: str, **attributes: Any) -> Callable[[Any], Any]:
    return click.option(*names, callback=_remember, expose_value=False, **attributes)


_SHARED = (
    _shared(
        "--target",
        metavar="TARGET",
        help="Where the daemon listens: unix:PATH, dns:///host:port or 127.0.0.1:port "
        "(BGCOPY_TARGET).",
    ),
    _shared(
        "--token-file",
        metavar="FILE",
        help="A file that holds the bearer token (BGCOPY_TOKEN_FILE).",
    ),
    _shared(
        "--tls-ca",
        metavar="FILE",
        help="Certificates (PEM) that vouch for the daemon (BGCOPY_TLS_CA).",
    ),
    _shared("--tls-cert", metavar="FILE", help="Your own certificate (PEM; BGCOPY_TLS_CERT)."),
    _shared("--tls-key", metavar="FILE", help="Its key (PEM; BGCOPY_TLS_KEY)."),
    _shared("--json", is_flag=True, help="Print data as JSON, and on stderr too nothing but JSON."),
    _shared("-q", "--quiet", is_flag=True, help="Only data and errors."),
    _shared("--no-color", is_flag=True, help="No colours (NO_COLOR)."),
)

progress_option = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "line", "json", "none"]),
    default="auto",
    show_default=True,
    help="How progress is shown on stderr; auto is a bar on a terminal, else a line every few "
    "seconds, which is JSON under --json.",
)
