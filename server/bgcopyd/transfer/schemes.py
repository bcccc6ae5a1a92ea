"""Which dialect a URL's scheme stands for, and which of them this libcurl can speak."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pycurl

from bgcopyd.transfer.dialects import WEB_DIALECTS, Dialect
from bgcopyd.transfer.ftp import FTP_DIALECTS
from bgcopyd.transfer.ssh import SSH_DIALECTS

DIALECTS: Mapping[str, Dialect] = {**WEB_DIALECTS, **FTP_DIALECTS, **SSH_DIALECTS}


def spoken(protocols: Collection[str] | None = None) -> frozenset[str]:
    """The schemes that libcurl was built for; `protocols` are its own names of them."""
    built = set(pycurl.version_info()[8] if protocols is None else protocols)
    return frozenset(
        scheme
        for scheme, dialect in DIALECTS.items()
        if dialect.wire(f"{scheme}://host/").partition(":")[0] in built
    )
