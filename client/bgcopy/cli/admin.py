"""`policy` and `drain`: what administrators do to a daemon that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from bgcopy import CostState, Policy
from bgcopy.cli import shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.options import shared, size, span_or_zero
from bgcopy.cli.session import Session, run


def _whole_number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no whole number") from None


def _rate(value: str) -> int:
    return 0 if value == "0" else size(value)


def _size(value: str) -> int:
    return _rate(value)


def _cost(value: str) -> CostState:
    known = [state.name.lower() for state in CostState if state is not CostState.UNKNOWN]
    word = value.lower().replace("-", "_")
    if word not in known:
        raise click.BadParameter(f"{value!r} is no cost; write one of {', '.join(known)}")
    return CostState[word.upper()]


_READERS: dict[str, Callable[[str], Any]] = {
    "jobs_per_owner": _whole_number,
    "jobs_per_machine": _whole_number,
    "files_per_job": _whole_number,
    "files_per_owner": _whole_number,
    "bytes_per_owner": _size,
    "ranges_per_file": _whole_number,
    "watches_per_owner": _whole_number,
    "background_jobs": _whole_number,
    "max_bytes_per_second": _rate,
    "max_bytes_per_second_per_owner": _rate,
    "max_bytes_per_second_per_host": _rate,
    "rate_timetable": str,
    "retention": span_or_zero,
    "inactivity_timeout": span_or_zero,
    "network_cost": _cost,
}


def _changes(
    _ctx: click.Context, _param: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, Any]:
    """KEY=VALUE pairs; an empty value is that of the daemon's settings."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        name = key.replace("-", "_")
        if name not in _READERS or not equals:
            raise click.BadParameter(
                f"{pair!r} is no limit; write KEY=VALUE, where KEY is one of {', '.join(_READERS)}"
            )
        changes[name] = _READERS[name](value.strip()) if value.strip() else None
    return changes


@click.group(invoke_without_command=True)
@shared
@click.pass_context
def policy(ctx: click.Context) -> int | None:
    """Show or change a daemon's limits (administrators)."""
    return None if ctx.invoked_subcommand else run(_get(ctx.find_object(Session)))


@policy.command("get")
@shared
@click.pass_obj
def get_(session: Session) -> int:
    """Show the limits in force."""
    return run(_get(session))


async def _get(session: Session | None) -> int:
    assert session is not None
    async with session.client() as client:
        return _tell(session, await client.admin.get_policy())


@policy.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...", callback=_changes)
@shared
@click.pass_obj
def set_(session: Session, /, changes: dict[str, Any]) -> int:
    """Change limits, at once and for good.

    An empty VALUE is that of the daemon's settings. Rates are bytes per second, sizes bytes, as
    500K or 2M, 0 for none; time spans as 90s, 5m, 2h or 30d; the time table as "Mon-08:00,512K
    Fri-18:00,off", by the daemon's clock, off for none.
    """
    return run(_set(session, changes))


async def _set(session: Session, changes: dict[str, Any]) -> int:
    async with session.client() as client:
        return _tell(session, await client.admin.update_policy(**changes))


def _tell(session: Session, limits: Policy) -> int:
    if session.json:
        session.data_json(shapes.policy(limits))
        return Exit.OK
    rates = [name for name, reader in _READERS.items() if reader is _rate]
    shown = {
        **{name: str(getattr(limits, name)) for name in _READERS},
        **{name: words.limit(getattr(limits, name)) for name in rates},
        "bytes_per_owner": words.limit(limits.bytes_per_owner, ""),
        "rate_timetable": words.clean(limits.rate_timetable) or "none",
        "retention": words.span(limits.retention.total_seconds()),
        "inactivity_timeout": words.span(limits.inactivity_timeout.total_seconds()),
        "network_cost": limits.network_cost.name.lower(),
    }
    session.facts(shown.items())
    return Exit.OK


@click.command()
@click.option("--undo", is_flag=True, help="Let jobs start again.")
@shared
@click.pass_obj
def drain(session: Session, /, undo: bool) -> int:  # noqa: FBT001 - click passes by name
    """Let no further job start, and send back those that run (administrators).

    New jobs are refused meanwhile, everything else is served. A restart of the daemon ends it.
    """
    return run(_drain(session, undo=undo))


async def _drain(session: Session, *, undo: bool) -> int:
    async with session.client() as client:
        left = await client.admin.drain_server(undo=undo)
    if session.json:
        session.data_json({"draining": not undo, "running_jobs": left})
    elif undo:
        session.note("Jobs start again.")
    else:
        session.note(
            f"Draining; {left} jobs are still stopping, run this again to see how many are left."
            if left
            else "Drained: no job runs. `bgcopy drain --undo` lets them start again."
        )
    return Exit.OK
