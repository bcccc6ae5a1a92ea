"""One flag per setting, made from the settings themselves, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.config import Configuration, ConfigurationError, Settings, load
from bgcopyd.config.sources import LISTS, PAIRS, flag_of

F = TypeVar("F", bound=Callable[..., Any])


def settings_flags(command: F) -> F:
    """Adds `--config` and a flag for each setting; the command gets them as keyword arguments."""
    for key, info in reversed(Settings.model_fields.items()):
        names = [
            f"{flag_of(key)}/--no-{flag_of(key)[2:]}" if info.annotation is bool else flag_of(key)
        ]
        extra: dict[str, Any] = {"multiple": True} if key in LISTS or key in PAIRS else {}
        if info.annotation is not bool:
            extra["metavar"] = PAIRS.get(key, key.rpartition("_")[2].upper())
        option = click.option(*names, key, default=None, help=info.description, **extra)
        command = option(command)
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=None,
        help="A configuration file (TOML) above the user's and the system's.",
    )
    return config(command)


def load_settings(config: Path | None, flags: dict[str, Any]) -> Configuration:
    """All layers under these flags.

    Raises:
        CommandError: CONFIGURATION, with every problem on a line of its own.
    """
    try:
        return load(flags, config=config)
    except ConfigurationError as error:
        raise CommandError(Exit.CONFIGURATION, str(error)) from None


def state_directory(given: Path | None) -> Path:
    """The directory that a maintenance command works on: the flag's, or the configured one."""
    if given is not None:
        return given.absolute()
    return load_settings(None, {}).settings.state_dir


state_dir_option = click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Directory of the queue; the configured one if absent.",
)
