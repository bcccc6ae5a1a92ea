"""`token`: bearer tokens, made, listed and revoked by administrators wherever they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from bgcopy import NotFound, TokenInfo
from bgcopy.cli import shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.listing import table
from bgcopy.cli.options import SCOPES, shared, span
from bgcopy.cli.session import Session, run

_HEAD = ("ID", "STATE", "PRINCIPAL", "SCOPES", "ROOTS", "EXPIRES", "LAST USE")


@click.group()
@shared
def token() -> None:
    """Make, list and revoke the tokens that callers identify themselves with (administrators)."""


@token.command()
@click.option("--principal", required=True, metavar="NAME", help="Who the token stands for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPES)),
    help="What it is good for; read and write if absent; may be given several times.",
)
@click.option("--admin", is_flag=True, help="Adds the scope admin; alone, gives all scopes.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="NAME",
    help="The only root it is good for; every one if absent; may be given several times.",
)
@click.option(
    "--expires",
    metavar="SPAN",
    callback=lambda _ctx, _param, value: None if value is None else span(value),
    help="As 90d; never if absent.",
)
@shared
@click.pass_obj
def create(session: Session, /, **wanted: Any) -> int:
    """Make a token; it is the last word printed, and is shown only now."""
    return run(_create(session, **wanted))


async def _create(
    session: Session,
    principal: str,
    scopes: Sequence[str],
    roots: Sequence[str],
    expires: timedelta | None,
    *,
    admin: bool,
) -> int:
    async with session.client() as client:
        made = await client.admin.create_token(
            principal,
            admin=admin,
            scopes=[SCOPES[word] for word in scopes],
            roots=roots,
            lifetime=expires,
        )
    if session.json:
        session.data_json(shapes.created_token(made))
        return Exit.OK
    who = words.clean(made.info.principal)
    session.note(f"Token {words.clean(made.info.token_id)} for {who}, shown only now:")
    session.data(made.token)
    return Exit.OK


@token.command("list")
@shared
@click.pass_obj
def list_(session: Session) -> int:
    """List the tokens that were made, never their texts."""
    return run(_list(session))


async def _list(session: Session) -> int:
    async with session.client() as client:
        tokens = [info async for info in client.admin.tokens()]
    if session.json:
        session.data_json([shapes.token(info) for info in tokens])
        return Exit.OK
    if not tokens:
        session.note("No tokens; `bgcopy token create` makes one.")
        return Exit.OK
    now = datetime.now(UTC)
    for line in table([_HEAD, *(_row(info, now) for info in tokens)]):
        session.data(line)
    return Exit.OK


def _row(info: TokenInfo, now: datetime) -> tuple[str, ...]:
    expired = info.expire_time is not None and info.expire_time <= now
    return (
        words.clean(info.token_id),
        "revoked" if info.revoked else "expired" if expired else "valid",
        words.clean(info.principal),
        words.scopes(info.scopes) or "-",
        ",".join(words.clean(root) for root in info.roots) or "all",
        words.when(info.expire_time) or "never",
        words.when(info.last_use_time) or "never",
    )


@token.command()
@click.argument("token_id")
@shared
@click.pass_obj
def revoke(session: Session, /, token_id: str) -> int:
    """Make a token worthless, at once."""
    return run(_revoke(session, token_id))


async def _revoke(session: Session, token_id: str) -> int:
    async with session.client() as client:
        try:
            await client.admin.revoke_token(token_id)
        except NotFound as error:
            raise Failure(
                Exit.NOT_FOUND,
                f"there is no token {words.clean(token_id)!r}",
                "`bgcopy token list` shows all.",
                error.reason_name,
            ) from None
    if session.json:
        session.data_json({"token_id": token_id, "revoked": True})
    else:
        session.note(f"Token {words.clean(token_id)} is revoked.")
    return Exit.OK
