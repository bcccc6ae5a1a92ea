"""`bgcopyd config`: what holds, and where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bgcopyd.cli.settings_flags import load_settings, settings_flags
from bgcopyd.config import Configuration

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@click.group()
def config() -> None:
    """Check or show the configuration."""


@config.command()
@settings_flags
def check(config: Path | None, **flags: Any) -> None:
    """Say whether a daemon could start with this configuration."""
    load_settings(config, flags)
    click.echo("The configuration is good.")


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One object: key to value and origin.")
@settings_flags
def show(config: Path | None, *, as_json: bool, **flags: Any) -> None:
    """Show every value with its origin, as TOML that may be pasted into a file."""
    configuration = load_settings(config, flags)
    if as_json:
        click.echo(json.dumps(_as_object(configuration), indent=2))
        return
    for key, value in _plain(configuration).items():
        # TOML has no null: what is absent stays a comment.
        line = f"# {key} is not set" if value is None else f"{key} = {_toml(value)}"
        click.echo(f"{line}  # {configuration.origins[key]}")


def _as_object(configuration: Configuration) -> dict[str, object]:
    return {
        key: {"value": value, "origin": configuration.origins[key]}
        for key, value in _plain(configuration).items()
    }


def _plain(configuration: Configuration) -> dict[str, object]:
    """Keys and values as a file would hold them."""
    return {key: _value(value) for key, value in configuration.settings}


def _value(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _value(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _toml(value: object) -> str:
    """TOML's basic strings are JSON's; numbers and booleans are written alike."""
    if isinstance(value, dict):
        pairs = (f"{_toml_key(key)} = {json.dumps(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    return json.dumps(value)


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)
