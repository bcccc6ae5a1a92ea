"""Objects of a store that speaks S3: HTTP whose requests libcurl signs (AWS SigV4)."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.transfer.wire.dialects import Dialect, Web

if TYPE_CHECKING:
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.wire.handles import Handle, Request


class S3(Web):
    """One store. A job's own method, header fields and credentials mean nothing to it.

    Attributes:
        store: where it is, and who asks.
    """

    name = "S3"
    web = False
    appointed = True
    logins: frozenset[AuthScheme] = frozenset()

    def __init__(self, store: S3Store) -> None:
        self.store = store

    def wire(self, url: str) -> str:
        """Where the store's endpoint has the object."""
        return self.store.url(url)

    def set_up(self, handle: Handle, options: EngineOptions) -> None:
        """Who asks; the secret itself is never sent."""
        super().set_up(handle, options)
        store, curl = self.store, handle.curl
        if store.key_id:
            curl.setopt(pycurl.USERNAME, store.key_id)
            curl.setopt(pycurl.PASSWORD, store.secret)
            curl.setopt(pycurl.AWS_SIGV4, f"aws:amz:{store.region}:s3")
        if store.token:
            # It is the operator's, and what a server says is shown to the job's owner.
            said = store.token.encode()
            take = handle.lines.append
            curl.setopt(pycurl.HEADERFUNCTION, lambda line: take(line.replace(said, b"***")))

    def put(self, handle: Handle, request: Request) -> None:
        """A request's fields are signed with it."""
        if self.store.token:
            token = b"X-Amz-Security-Token: " + self.store.token.encode()
            request = dataclasses.replace(request, fields=[*request.fields, token])
        super().put(handle, request)


@lru_cache(maxsize=256)
def s3_dialect(store: S3Store) -> Dialect:
    """The dialect of a store, always the same one: its connections are known by it."""
    return S3(store)
