"""Files that say where an S3 store is and who asks it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bgcopyd.jobs.s3 import BUCKET, S3Store, stores_problem

_OTHERS = 0o077
_VALUE = re.compile(r"[\x21-\x7e]*")


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    plain = parts.path in {"", "/"} and not parts.query and not parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in url or not plain:
        raise ValueError(f"{url!r} is no endpoint; write https://HOST or https://HOST:PORT")
    return url.rstrip("/")


def _bucket(name: str) -> str:
    if BUCKET.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a bucket")
    return name


def _value(text: str) -> str:
    if _VALUE.fullmatch(text) is None:
        raise ValueError("has a space, a control character or one beyond ASCII")
    return text


_Secret = Annotated[str, AfterValidator(_value)]


class _File(BaseModel):
    # A wrong secret must not be quoted.
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    path_style: bool = False
    uploads: bool = False
    buckets: list[Annotated[str, AfterValidator(_bucket)]] = []
    owners: list[str] = []
    access_key_id: _Secret = ""
    secret_access_key: _Secret = ""
    session_token: _Secret = ""


def s3_stores(files: Mapping[str, Path]) -> tuple[S3Store, ...]:
    """The stores that files describe.

    Raises:
        ValueError: one of them does not, or is open to others, or they do not go together.
    """
    stores = tuple(_store(name, path) for name, path in files.items())
    problem = stores_problem(stores)
    if problem:
        raise ValueError(f"{problem}; correct their `buckets`")
    return stores


def _store(name: str, path: Path) -> S3Store:
    file = _read(path)
    if bool(file.access_key_id) != bool(file.secret_access_key):
        raise ValueError(f"{path} needs access_key_id and secret_access_key, or neither")
    if file.secret_access_key and path.stat().st_mode & _OTHERS:
        raise ValueError(f"{path} holds a secret that others may read; run: chmod 600 {path}")
    return S3Store(
        name,
        file.endpoint or f"https://s3.{file.region}.amazonaws.com",
        file.region,
        file.path_style,
        tuple(file.buckets),
        tuple(file.owners),
        file.access_key_id,
        file.secret_access_key,
        file.session_token,
        file.uploads,
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
        raise ValueError(f"{path}: {key}: {message}") from None
