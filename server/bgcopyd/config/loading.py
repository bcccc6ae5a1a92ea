"""One value out of all layers, or every problem at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bgcopyd.config.settings import Settings
from bgcopyd.config.sources import environment_layer, file_layers, flags_layer

SYSTEM_DIRECTORY = Path("/etc/bgcopy")
DEFAULT = "default"


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` says where and what to do, one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]


def load(
    flags: Mapping[str, object] | None = None,
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    system: Path = SYSTEM_DIRECTORY,
) -> Configuration:
    """Reads all layers: flags, environment, `config`, the user's file, the system's files.

    A key's value comes whole from the highest layer that has it.

    Raises:
        ConfigurationError: with every problem of every layer.
    """
    environment = os.environ if environment is None else environment
    layers = [
        *file_layers(config, environment, system),
        environment_layer(environment),
        flags_layer(flags or {}),
    ]
    values: dict[str, object] = {}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    for layer in layers:
        values.update(layer.values)
        origins.update(layer.origins)
    problems = [problem for layer in layers for problem in layer.problems]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems.extend(_sentence(detail, origins) for detail in error.errors())
        raise ConfigurationError(tuple(problems)) from None
    if problems:
        raise ConfigurationError(tuple(problems))
    return Configuration(settings, origins)


def _sentence(detail: Any, origins: Mapping[str, str]) -> str:
    """One pydantic error as origin, key and problem."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    key = str(detail["loc"][0])
    if detail["type"] != "value_error":
        message = f"{message[:1].lower()}{message[1:]}, not {detail['input']!r}"
    return f"{origins[key]}: {key}: {message}"
