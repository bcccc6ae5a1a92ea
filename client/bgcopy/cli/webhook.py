"""`webhook`: receivers that are told by HTTP when jobs come to certain states."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from bgcopy import Delivery, DeliveryState, JobState, Webhook, WebhookSecret
from bgcopy.cli import shapes, words
from bgcopy.cli.exits import Exit, of_several
from bgcopy.cli.failure import Failure, from_error
from bgcopy.cli.listing import STATES, table
from bgcopy.cli.options import shared
from bgcopy.cli.session import Session, run
from bgcopy.errors import BgcopyError

_HEAD = ("ID", "STATE", "WAITING", "OWNER", "URL", "DESCRIPTION")
_LOG_HEAD = ("WHEN", "EVENT", "JOB", "STATE", "TRIES", "HTTP", "NEXT", "WHY")
_SERVER_ERRORS = 500
_PAGE = 1000


@click.group()
@shared
def webhook() -> None:
    """Have a server told by HTTP when jobs end, fail or come to other states."""


@webhook.command()
@click.argument("url")
@click.option(
    "--state",
    "states",
    type=click.Choice(list(STATES), case_sensitive=False),
    multiple=True,
    help="Only this state; repeatable. Without it: error, transferred, acknowledged, cancelled.",
)
@click.option("--all-owners", is_flag=True, help="Jobs of every owner (administrators).")
@click.option("--description", default="", metavar="TEXT", help="What people call it.")
@click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that holds the secret (whsec_...); one is made where there is none.",
)
@shared
@click.pass_obj
def add(
    session: Session,
    /,
    *,
    url: str,
    states: tuple[str, ...],
    all_owners: bool,
    description: str,
    secret_file: Path | None,
) -> int:
    """Add one; its secret is the last word printed, and is shown only now."""
    wanted = [STATES[state.lower()] for state in states]
    secret = "" if secret_file is None else _secret_in(secret_file)
    return run(_add(session, url, wanted, description, secret, all_owners=all_owners))


def _secret_in(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{os.fspath(path)!r} holds no secret") from None


async def _add(
    session: Session,
    url: str,
    states: Iterable[JobState],
    description: str,
    secret: str,
    *,
    all_owners: bool,
) -> int:
    async with session.client() as client:
        made = await client.create_webhook(
            url, states=states, all_owners=all_owners, description=description, secret=secret
        )
    return _tell(session, made, "with this secret, shown only now:")


def _tell(session: Session, made: WebhookSecret, introduction: str) -> int:
    """Shows a webhook after a change, and its new secret where there is one."""
    name = words.clean(made.webhook.webhook_id)
    if session.json:
        session.data_json({"secret": made.secret or None, **shapes.plain(made.webhook)})
    elif made.secret:
        session.note(f"Webhook {name} signs {introduction}")
        session.data(made.secret)
    else:
        session.note(f"Webhook {name} is {'disabled' if made.webhook.disabled else 'enabled'}.")
    return Exit.OK


@webhook.command()
@click.option("--all-owners", is_flag=True, help="Webhooks of every owner (administrators).")
@shared
@click.pass_obj
def ls(session: Session, /, all_owners: bool) -> int:  # noqa: FBT001 - click passes by name
    """List webhooks, oldest first."""
    return run(_ls(session, all_owners=all_owners))


async def _ls(session: Session, *, all_owners: bool) -> int:
    async with session.client() as client:
        found = [one async for one in client.webhooks(all_owners=all_owners)]
    if session.json:
        session.data_json([shapes.plain(one) for one in found])
        return Exit.OK
    if not found:
        session.note("No webhooks; `bgcopy webhook add URL` makes one.")
        return Exit.OK
    for line in table([_HEAD, *(_row(one) for one in found)]):
        session.data(line)
    return Exit.OK


def _row(one: Webhook) -> tuple[str, ...]:
    state = f"disabled: {one.disabled_reason}" if one.disabled else "enabled"
    dropped = f" ({one.dropped_deliveries} dropped)" if one.dropped_deliveries else ""
    return (
        words.clean(one.webhook_id),
        words.clean(state),
        f"{one.pending_deliveries}{dropped}",
        words.clean(one.owner) + (" (all jobs)" if one.all_owners else ""),
        words.clean(one.url),
        words.clean(one.description),
    )


@webhook.command("set")
@click.argument("webhook_id")
@click.option("--enable/--disable", default=None, help="Send again, or send nothing.")
@click.option("--new-secret", is_flag=True, help="Make one, which signs beside the one before.")
@click.option("--drop-old-secret", is_flag=True, help="Let only the newest secret sign.")
@shared
@click.pass_obj
def set_(
    session: Session,
    /,
    webhook_id: str,
    enable: bool | None,  # noqa: FBT001 - click passes by name
    new_secret: bool,  # noqa: FBT001 - likewise
    drop_old_secret: bool,  # noqa: FBT001 - likewise
) -> int:
    """Enable or disable one, or change its secrets."""
    if enable is None and not new_secret and not drop_old_secret:
        raise click.UsageError("Nothing to change; see the options.")
    changes = {
        "disabled": None if enable is None else not enable,
        "new_secret": new_secret,
        "drop_previous_secret": drop_old_secret,
    }
    return run(_set(session, webhook_id, changes))


async def _set(session: Session, webhook_id: str, changes: dict[str, Any]) -> int:
    async with session.client() as client:
        made = await client.update_webhook(webhook_id, **changes)
    return _tell(session, made, "with this new secret too, shown only now:")


@webhook.command()
@click.argument("webhook_ids", nargs=-1, required=True)
@shared
@click.pass_obj
def rm(session: Session, /, webhook_ids: tuple[str, ...]) -> int:
    """Remove webhooks with what was not delivered to them."""
    return run(_rm(session, webhook_ids))


async def _rm(session: Session, webhook_ids: Iterable[str]) -> int:
    codes = []
    async with session.client() as client:
        for webhook_id in webhook_ids:
            try:
                await client.delete_webhook(webhook_id)
            except BgcopyError as error:
                codes.append(session.complain(from_error(error), prefix=webhook_id))
            else:
                session.note(f"Webhook {words.clean(webhook_id)} is removed.")
                codes.append(Exit.OK)
    return of_several(Exit(code) for code in codes)


@webhook.command()
@click.argument("webhook_id")
@shared
@click.pass_obj
def test(session: Session, /, webhook_id: str) -> int:
    """Send a test message, and tell what came of it."""
    return run(_test(session, webhook_id))


async def _test(session: Session, webhook_id: str) -> int:
    async with session.client() as client:
        tried = await client.test_webhook(webhook_id)
    if session.json:
        session.data_json(shapes.plain(tried))
    if tried.state is DeliveryState.DELIVERED:
        session.note(f"The receiver answered with HTTP status {tried.http_status}.")
        return Exit.OK
    code = Exit.NETWORK
    if tried.http_status is not None:
        busy = tried.http_status >= _SERVER_ERRORS
        code = Exit.REMOTE_BUSY if busy else Exit.REMOTE_REFUSED
    raise Failure(code, words.clean(tried.error), "Look at the receiver, then test again.")


@webhook.command()
@click.argument("webhook_id")
@click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@shared
@click.pass_obj
def log(session: Session, /, webhook_id: str, number: int | None) -> int:
    """Show what was sent to one and what is waiting, newest first."""
    return run(_log(session, webhook_id, number))


async def _log(session: Session, webhook_id: str, number: int | None) -> int:
    found: list[Delivery] = []
    async with session.client() as client:
        async for one in client.deliveries(webhook_id, page_size=min(number or _PAGE, _PAGE)):
            found.append(one)
            if number is not None and len(found) == number:
                break
    if session.json:
        session.data_json([shapes.plain(one) for one in found])
        return Exit.OK
    if not found:
        session.note("Nothing was sent yet; `bgcopy webhook test` sends a message.")
        return Exit.OK
    for line in table([_LOG_HEAD, *(_log_row(one) for one in found)]):
        session.data(line)
    return Exit.OK


def _log_row(one: Delivery) -> tuple[str, ...]:
    return (
        words.when(one.create_time),
        words.clean(one.event_type.removeprefix("io.bgcopy.v1.")),
        one.job_id[:8],
        one.state.name.lower().replace("_", " "),
        str(one.attempts),
        "" if one.http_status is None else str(one.http_status),
        words.when(one.next_attempt_time),
        words.clean(one.error),
    )
