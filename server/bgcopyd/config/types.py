"""Types of settings: what a text of a flag, a variable or a file has to be, and becomes."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from bgcopyd.config.known_hosts import judged_known_hosts
from bgcopyd.config.listeners import Listener, parse_listener
from bgcopyd.config.values import (
    parse_cost,
    parse_duration,
    parse_rate,
    parse_rights,
    parse_root_rule,
    parse_size,
    parse_timetable,
)
from bgcopyd.jobs.addresses import network_problem
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import POLICY_FIELDS, Policy
from bgcopyd.jobs.rules import STORE_NAME
from bgcopyd.jobs.schemes import SCHEMES

HOST_ROOT = "fs"


def _absolute(path: Path) -> Path:
    text = str(path)
    if not text.isprintable():
        raise ValueError(f"{text!r} holds characters that no path should")
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow symlinks


def _directory(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"{str(path)!r} is not absolute; write the whole path")
    if not path.is_dir():
        raise ValueError(f"{path} is no directory; create it first")
    return path.resolve()


def _root_name(name: str) -> str:
    if name == HOST_ROOT:
        raise ValueError(f"the name {HOST_ROOT!r} is reserved for '/'; choose another")
    return _name(name, what="name of a root")


def _name(name: str, *, what: str = "name") -> str:
    if STORE_NAME.fullmatch(name) is None:
        raise ValueError(
            f"{name!r} is no {what}; use up to 63 of a-z 0-9 _ -, beginning with a letter or digit"
        )
    return name


def _readable(path: Path) -> Path:
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} cannot be read")
    return path


def _url_scheme(name: str) -> str:
    if name not in SCHEMES:
        raise ValueError(f"{name!r} is no scheme that is known; there are {', '.join(SCHEMES)}")
    return name


def _network(text: str) -> str:
    problem = network_problem(text)
    if problem:
        raise ValueError(f"{text!r} {problem}")
    return str(ip_network(text))


def limit(name: str) -> Any:
    """A setting that AdminService may change later: default, bounds and text of the policy's."""
    row = POLICY_FIELDS[name]
    default = getattr(Policy(), name)
    if row.kind is CostState:
        return Field(default=default.name.lower(), description=row.meaning)
    if row.kind is str:
        return Field(default=default, description=row.meaning)
    return Field(default=default, ge=row.lowest, le=row.highest, description=row.meaning)


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
RootName = Annotated[str, AfterValidator(_root_name)]
StoreName = Annotated[str, AfterValidator(_name)]
ReadableFile = Annotated[AbsolutePath, AfterValidator(_readable)]
KnownHosts = Annotated[ReadableFile, AfterValidator(judged_known_hosts)]
Directory = Annotated[Path, AfterValidator(_directory)]
Rate = Annotated[int, BeforeValidator(parse_rate)]
Size = Annotated[int, BeforeValidator(parse_size)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
Listening = Annotated[Listener, BeforeValidator(parse_listener)]
Cost = Annotated[str, AfterValidator(parse_cost)]
Week = Annotated[str, AfterValidator(parse_timetable)]
AllowedNetwork = Annotated[str, AfterValidator(_network)]
UrlScheme = Annotated[str, AfterValidator(_url_scheme)]
Positive = Annotated[int, Field(ge=1, le=10_000_000)]
Bound = Annotated[int, Field(ge=0, le=10_000_000)]
Owner = Annotated[str, Field(min_length=1)]
RootRightsText = Annotated[str, AfterValidator(parse_root_rule)]
RightsText = Annotated[str, AfterValidator(parse_rights)]
Weight = Annotated[float, Field(ge=0.01, le=100)]
