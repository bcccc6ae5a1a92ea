"""`bgcopyd token`: bearer tokens, made and revoked beside a running daemon."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bgcopyd.cli.audited import written_down
from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.cli.failures import told_plainly
from bgcopyd.cli.settings_flags import state_dir_option, state_directory
from bgcopyd.config.values import parse_duration
from bgcopyd.jobs.audit import AUDITED
from bgcopyd.jobs.principal import SCOPE_WORDS, Principal, scope_words, scopes_of
from bgcopyd.jobs.rules import principal_name_problem, root_name_problem
from bgcopyd.queue.storage import Token
from bgcopyd.queue.tokens import new_token, user_id
from bgcopyd.store.tokens import add_token, list_tokens, revoke_token


@click.group()
def token() -> None:
    """Make, list and revoke the tokens that callers identify themselves with."""


def _name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    problem = principal_name_problem(value)
    if problem:
        raise click.BadParameter(problem)
    return value


def _roots(
    _context: click.Context, _parameter: click.Parameter, value: Sequence[str]
) -> Sequence[str]:
    for name in value:
        problem = root_name_problem(name)
        if problem:
            raise click.BadParameter(f"{name!r} {problem}")
    return value


def _duration(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> timedelta | None:
    if value is None:
        return None
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if seconds == 0:
        raise click.BadParameter("a token must live for a while")
    return timedelta(seconds=seconds)


@token.command()
@state_dir_option
@click.option("--principal", required=True, callback=_name, help="Who the token stands for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPE_WORDS)),
    help="What it is good for; read and write if absent; may be given several times.",
)
@click.option("--admin", is_flag=True, help="Adds the scope admin; alone, gives all scopes.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    callback=_roots,
    metavar="NAME",
    help="The only root it is good for; every one if absent; may be given several times.",
)
@click.option("--expires", callback=_duration, metavar="DURATION", help="As 90d; never if absent.")
def create(
    state_dir: Path | None,
    principal: str,
    scopes: Sequence[str],
    roots: Sequence[str],
    expires: timedelta | None,
    *,
    admin: bool,
) -> None:
    """Make a token; it is the last word printed, and is shown only now."""
    rights = scopes_of((SCOPE_WORDS[word] for word in scopes), admin=admin)
    bearer = Principal(user_id(principal), rights, frozenset(roots) or None)
    text, made = new_token(bearer, lifetime=expires, now=datetime.now(UTC))
    with told_plainly():
        add_token(state_directory(state_dir), made)
    written_down(
        AUDITED["CreateToken"],
        token_id=made.token_id,
        stands_for=principal,
        admin=bearer.admin,
        scopes=scope_words(rights),
        roots=list(roots),
    )
    click.echo(f"Token {made.token_id} for {made.principal.id}, shown only now:", err=True)
    click.echo(text)


@token.command("list")
@state_dir_option
@click.option("--json", "as_json", is_flag=True, help="An array of objects.")
def list_(state_dir: Path | None, *, as_json: bool) -> None:
    """List the tokens that were made, never their texts."""
    with told_plainly():
        tokens = list_tokens(state_directory(state_dir))
    now = datetime.now(UTC)
    rows = [_row(one, now) for one in tokens]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        words = (row["token_id"], row["state"], row["principal"], ",".join(row["scopes"]))
        places = ",".join(row["roots"]) or "all roots"
        ends, used = row["expire_time"] or "never expires", row["last_use_time"] or "never used"
        click.echo("  ".join((*words, places, ends, used)))


def _row(one: Token, now: datetime) -> dict[str, Any]:
    expired = one.expire_time is not None and one.expire_time <= now
    return {
        "token_id": one.token_id,
        "principal": one.principal.id,
        "admin": one.principal.admin,
        "scopes": scope_words(one.principal.scopes),
        "roots": sorted(one.principal.roots or ()),
        "state": "revoked" if one.revoked else "expired" if expired else "valid",
        "create_time": one.create_time.isoformat(timespec="seconds"),
        "expire_time": one.expire_time and one.expire_time.isoformat(timespec="seconds"),
        "last_use_time": one.last_use_time and one.last_use_time.isoformat(timespec="seconds"),
    }


@token.command()
@state_dir_option
@click.argument("token_id")
def revoke(state_dir: Path | None, token_id: str) -> None:
    """Make a token worthless, at once also for a running daemon."""
    with told_plainly():
        found = revoke_token(state_directory(state_dir), token_id)
    if not found:
        raise CommandError(
            Exit.NOT_FOUND, f"there is no token {token_id!r}; 'bgcopyd token list' shows all"
        )
    written_down(AUDITED["RevokeToken"], token_id=token_id)
    click.echo(f"Token {token_id} is revoked.")
