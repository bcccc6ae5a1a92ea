"""Stores that speak S3, as an operator names them, and which of them has a bucket. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

# What all stores accept; AWS's own rules are stricter in places.
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class S3Store:
    """Where buckets are, and who asks. Without `buckets` it has all that no other store names.

    Without `owners` it is for everybody, without `key_id` it is asked without a signature.
    `endpoint` is a URL without a path. `uploads` says that jobs may write to it.
    """

    name: str
    endpoint: str
    region: str
    path_style: bool = False
    buckets: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    key_id: str = ""
    secret: str = ""
    token: str = ""
    uploads: bool = False

    def __repr__(self) -> str:
        return f"S3Store({self.name!r})"

    def serves(self, owner: str) -> bool:
        """Whether the jobs of an owner may have what is in it."""
        return not self.owners or owner in self.owners

    def url(self, url: str) -> str:
        """Where the endpoint has an object, every character of its key encoded as it is signed.

        A query stays as it is.
        """
        parts = urlsplit(url)
        key = quote(unquote_to_bytes(parts.path), safe="/~")
        query = f"?{parts.query}" if parts.query else ""
        scheme, _, host = self.endpoint.partition("://")
        if self.path_style:
            return f"{scheme}://{host}/{parts.netloc}{key}{query}"
        return f"{scheme}://{parts.netloc}.{host}{key}{query}"


def store_of(stores: Sequence[S3Store], bucket: str) -> S3Store | None:
    """The store that has a bucket."""
    named = (store for store in stores if bucket in store.buckets)
    others = (store for store in stores if not store.buckets)
    return next(named, None) or next(others, None)


def stores_problem(stores: Sequence[S3Store]) -> str:
    """What keeps stores from going together: a bucket must not be in two of them."""
    others = [store.name for store in stores if not store.buckets]
    if len(others) > 1:
        return f"{' and '.join(others)} name no buckets; only one may have all the others"
    seen: dict[str, str] = {}
    for store in stores:
        for bucket in store.buckets:
            first = seen.setdefault(bucket, store.name)
            if first != store.name:
                return f"the bucket {bucket!r} is named by {first} and {store.name}"
    return ""
