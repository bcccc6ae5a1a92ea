"""Files that say whose signed tokens (JWT) are believed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from bgcopyd.config.values import parse_duration
from bgcopyd.jobs.principal import SCOPE_WORDS, Scope
from bgcopyd.queue.callers import JwtIssuer

# Of a signature by a key that is not shared; whoever verifies with these can forge nothing.
_Algorithm = Literal["RS256", "ES256", "EdDSA"]
_Text = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[!-~]+$")]


def _scope(word: str) -> str:
    if word not in SCOPE_WORDS:
        raise ValueError(f"{word!r} is no scope; write one of {', '.join(SCOPE_WORDS)}")
    return word


def _issuer_name(name: str) -> str:
    # It divides issuer and subject in an owner's id.
    if "#" in name:
        raise ValueError(f"{name!r} has a '#'; an issuer has no fragment (OpenID Connect Core, 2)")
    return name


def _key_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError(f"{url!r} is no place of keys; write https://HOST/PATH")
    return url


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[_Text, AfterValidator(_issuer_name)]
    audience: _Text
    jwks_file: Path | None = None
    jwks_url: Annotated[str, AfterValidator(_key_url)] = ""
    ca_file: Path | None = None
    algorithms: Annotated[list[_Algorithm], Field(min_length=1)] = ["RS256", "ES256", "EdDSA"]
    leeway: Annotated[float, BeforeValidator(parse_duration), Field(le=300)] = 60.0
    scope_claim: _Text = "scope"
    scopes: Mapping[_Text, Annotated[str, AfterValidator(_scope)]] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.jwks_file is None) == (not self.jwks_url):
            raise ValueError("name the keys by jwks_file or by jwks_url")
        for path in (self.jwks_file, self.ca_file):
            if path is not None and not path.is_absolute():
                raise ValueError(f"{path} is not absolute; write the whole path")
        return self


def jwt_issuers(files: Mapping[str, Path]) -> tuple[JwtIssuer, ...]:
    """The issuers that files describe.

    Raises:
        ValueError: one of them does not, or two describe the same.
    """
    issuers = tuple(_issuer(path) for path in files.values())
    names = [one.issuer for one in issuers]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"the issuer {doubles[0]} is in more than one file; keep one")
    return issuers


def _issuer(path: Path) -> JwtIssuer:
    file = _read(path)
    scopes: Mapping[str, Scope] | None = None
    if file.scopes is not None:
        scopes = MappingProxyType({claim: SCOPE_WORDS[word] for claim, word in file.scopes.items()})
    return JwtIssuer(
        file.issuer,
        file.audience,
        file.jwks_file,
        file.jwks_url,
        file.ca_file,
        tuple(file.algorithms),
        file.leeway,
        file.scope_claim,
        scopes,
    )


def _read(path: Path) -> _File:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is no TOML: {error}") from None
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{path}: {key}: {message}" if key else f"{path}: {message}") from None
