"""The URL schemes that files may be fetched by, and what their URLs must be like. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import SplitResult

WEB = ("http", "https")
_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a scheme's URLs are like: the usual port, and whether they name a file by a path."""

    port: int
    path: bool = True


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "http": Scheme(80, path=False),
        "https": Scheme(443, path=False),
        "ftp": Scheme(21),
        "ftps": Scheme(990),  # TLS from the first byte
        "ftpes": Scheme(21),  # TLS is asked for before the login (RFC 4217)
        "sftp": Scheme(22),
        "scp": Scheme(22),
    }
)


def scheme_of(url: str) -> str:
    """The scheme of a URL that was judged, in lower case."""
    return url.partition(":")[0].lower()


def path_problem(parts: SplitResult) -> str:
    """Judges what follows the host in the URL of a file that has a path and nothing else."""
    problems = (
        (parts.query or parts.fragment, "has a '?' or '#'; percent-encode it where it is a name's"),
        (";type=" in parts.path, "has a ';type='; files are always fetched as they are"),
        (parts.path.endswith("/") or not parts.path, "names a directory; name a file"),
        (_CONTROL.search(parts.path), "has a percent-encoded control character"),
    )
    return next((problem for is_wrong, problem in problems if is_wrong), "")
