"""The URL schemes that files may be fetched by, and what their URLs must be like. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import SplitResult, unquote

from bgcopyd.jobs.s3 import BUCKET

WEB = ("http", "https")
_AUTHORITY = re.compile(r"[^:]+://([^/?#]*)")
_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a scheme's URLs are like: the usual port, and whether they name a file by a path.

    With `bucket` what stands for the host is a bucket of an S3 store.
    """

    port: int
    path: bool = True
    bucket: bool = False


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "http": Scheme(80, path=False),
        "https": Scheme(443, path=False),
        "ftp": Scheme(21),
        "ftps": Scheme(990),  # TLS from the first byte
        "ftpes": Scheme(21),  # TLS is asked for before the login (RFC 4217)
        "sftp": Scheme(22),
        "scp": Scheme(22),
        "s3": Scheme(443, bucket=True),
    }
)


def scheme_of(url: str) -> str:
    """The scheme of a URL that was judged, in lower case."""
    return url.partition(":")[0].lower()


def host_of(url: str) -> str:
    """The host of a URL that was judged, as it is written there."""
    found = _AUTHORITY.match(url)
    host = "" if found is None else found[1]
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def bucket_problem(parts: SplitResult) -> str:
    """Judges the bucket and the key in the URL of an object."""
    if BUCKET.fullmatch(parts.netloc) is None:
        return "names no bucket; write s3://BUCKET/KEY, its endpoint is in the server's settings"
    # libcurl, which signs the path, would resolve them.
    if {".", ".."} & set(unquote(parts.path).split("/")):
        return "has a '.' or '..' for a part of its key, which cannot be asked for"
    return ""


def path_problem(parts: SplitResult) -> str:
    """Judges what follows the host in the URL of a file that has a path and nothing else."""
    problems = (
        (parts.query or parts.fragment, "has a '?' or '#'; percent-encode it where it is a name's"),
        (";type=" in parts.path, "has a ';type='; files are always fetched as they are"),
        (parts.path.endswith("/") or not parts.path, "names a directory; name a file"),
        (_CONTROL.search(parts.path), "has a percent-encoded control character"),
    )
    return next((problem for is_wrong, problem in problems if is_wrong), "")
