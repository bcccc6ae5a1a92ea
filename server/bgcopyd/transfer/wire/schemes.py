"""Which dialect a URL's scheme stands for, and which of them this libcurl can speak."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pycurl

from bgcopyd.jobs.s3 import S3Store, store_of
from bgcopyd.jobs.schemes import SCHEMES
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.wire.dialects import WEB_DIALECTS, Dialect
from bgcopyd.transfer.wire.ftp import FTP_DIALECTS
from bgcopyd.transfer.wire.s3 import s3_dialect
from bgcopyd.transfer.wire.ssh import SSH_DIALECTS

_DIALECTS: Mapping[str, Dialect] = {**WEB_DIALECTS, **FTP_DIALECTS, **SSH_DIALECTS}


def spoken(protocols: Collection[str] | None = None) -> frozenset[str]:
    """The schemes that libcurl was built for; `protocols` are its own names of them."""
    built = set(pycurl.version_info()[8] if protocols is None else protocols)
    return frozenset(
        scheme
        for scheme in SCHEMES
        if scheme == "s3" or _DIALECTS[scheme].wire(f"{scheme}://h/").partition(":")[0] in built
    )


def dialect_of(origin: Origin, stores: Sequence[S3Store], owner: str = "") -> Dialect | None:
    """What is spoken with the origin of a file; None for a bucket of no store for that owner."""
    if origin.scheme != "s3":
        return _DIALECTS[origin.scheme]
    store = store_of(stores, origin.host)
    return None if store is None or not store.serves(owner) else s3_dialect(store)
