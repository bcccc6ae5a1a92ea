"""The layers that settings come from, lowest first."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bgcopyd.config.settings import Settings

PREFIX = "BGCOPY_"
# The client's own, and secrets, which are no settings: `config show` would print them.
_FOREIGN_VARIABLES = frozenset(
    {
        "BGCOPY_SECRETS_KEYS",
        "BGCOPY_TARGET",
        "BGCOPY_TOKEN_FILE",
        "BGCOPY_TLS_CA",
        "BGCOPY_TLS_CERT",
        "BGCOPY_TLS_KEY",
    }
)
_KEYS = tuple(Settings.model_fields)
# Keys with several values, and how a pair of those with names is written.
LISTS = frozenset({"allow_networks", "listen", "proxy", "proxy_bypass", "schemes"})
PAIRS = {
    "roots": "NAME=DIR",
    "ca_bundles": "NAME=FILE",
    "client_certificates": "NAME=FILE",
    "s3_stores": "NAME=FILE",
    "owner_weights": "OWNER=WEIGHT",
    "rights": "OWNER=WORDS",
    "jwt_issuers": "NAME=FILE",
    "root_rights": "NAME=WORDS",
}
_SINGULAR = {
    "roots": "root",
    "ca_bundles": "CA bundle",
    "client_certificates": "certificate",
    "s3_stores": "S3 store",
    "owner_weights": "weight",
    "rights": "right",
    "jwt_issuers": "issuer",
    "root_rights": "right",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source by key, with each one's origin for people, and what is wrong there."""

    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def flags_layer(flags: Mapping[str, object]) -> Layer:
    """What the command line gave; None and empty tuples mean that a flag was not used."""
    given = {key: value for key, value in flags.items() if value is not None and value != ()}
    origins = {key: f"flag {flag_of(key)}" for key in given}
    problems: list[str] = []
    for key in PAIRS.keys() & given.keys():
        given[key], wrong = _pairs(key, given[key], origins[key])
        problems.extend(wrong)
    return Layer(given, origins, tuple(problems))


def flag_of(key: str) -> str:
    """The flag of a key; one that gives a pair is in the singular."""
    return f"--{key.removesuffix('s' if key in PAIRS else '').replace('_', '-')}"


def environment_layer(environment: Mapping[str, str]) -> Layer:
    """The `BGCOPY_*` variables; empty ones count as absent."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in _FOREIGN_VARIABLES or not environment[name]:
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in _KEYS or name != variable_of(key):
            known = [variable_of(known_key) for known_key in _KEYS]
            problems.append(f"unknown variable {name}{_suggestion(name, known)}")
            continue
        values[key], wrong = _from_variable(key, environment[name])
        origins[key] = name
        problems.extend(wrong)
    return Layer(values, origins, tuple(problems))


def variable_of(key: str) -> str:
    """The environment variable of a key."""
    return PREFIX + key.upper()


def _from_variable(key: str, text: str) -> tuple[object, tuple[str, ...]]:
    if key not in LISTS and key not in PAIRS:
        return text, ()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return _pairs(key, parts, variable_of(key)) if key in PAIRS else (parts, ())


def _pairs(key: str, texts: object, origin: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Values written as pairs."""
    assert isinstance(texts, Iterable)
    pairs: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        name, equals, place = str(text).partition("=")
        if not equals or not place:
            problems.append(f"{origin}: {text!r} is no {_SINGULAR[key]}; write {PAIRS[key]}")
        elif name in pairs:
            problems.append(f"{origin}: the {_SINGULAR[key]} {name!r} is given more than once")
        else:
            pairs[name] = place
    return pairs, tuple(problems)


def file_layers(config: Path | None, environment: Mapping[str, str], system: Path) -> list[Layer]:
    """The configuration files: the system's, its drop-ins by name, the user's, and `--config`."""
    paths = [system / "config.toml", *sorted((system / "conf.d").glob("*.toml"))]
    home = _user_config(environment)
    if home is not None:
        paths.append(home / "bgcopy" / "config.toml")
    layers = [_file_layer(path) for path in paths if path.exists()]
    if config is not None:
        layers.append(_file_layer(config))
    return layers


def _user_config(environment: Mapping[str, str]) -> Path | None:
    """`$XDG_CONFIG_HOME` or `~/.config`; the specification says to ignore relative paths."""
    configured = Path(environment.get("XDG_CONFIG_HOME", ""))
    if configured.is_absolute():
        return configured
    home = Path(environment.get("HOME", ""))
    return home / ".config" if home.is_absolute() else None


def _file_layer(path: Path) -> Layer:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Layer(problems=(f"{path} cannot be read: {error.strerror}",))
    except UnicodeDecodeError:
        return Layer(problems=(f"{path} is no text in UTF-8",))
    except tomllib.TOMLDecodeError as error:
        return Layer(problems=(f"{path} is no TOML: {error}",))
    unknown = [key for key in content if key not in _KEYS]
    return Layer(
        {key: value for key, value in content.items() if key in _KEYS},
        {key: str(path) for key in content if key in _KEYS},
        tuple(f"{path}: unknown key {key!r}{_suggestion(key, _KEYS)}" for key in unknown),
    )


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else "; see 'bgcopyd config show' for all keys"
