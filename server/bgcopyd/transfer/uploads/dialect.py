"""How the requests of uploads are put to libcurl."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pycurl

from bgcopyd.transfer.wire.dialects import Web

if TYPE_CHECKING:
    from bgcopyd.transfer.wire.handles import Handle, Request

# Libcurl's own is 64 KiB; each piece is a read of the disk and a call.
_BUFFER = 256 << 10


class Sending(Web):
    """HTTP whose requests have a method and perhaps a body of their own."""

    def put(self, handle: Handle, request: Request) -> None:
        """As any request's, and what it carries; one without content is a HEAD."""
        super().put(handle, request)
        curl, content = handle.curl, request.content
        curl.setopt(pycurl.NOBODY, int(content is None))
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        if content is not None:
            curl.setopt(pycurl.UPLOAD, 1)
            curl.setopt(pycurl.INFILESIZE_LARGE, content.length)
            curl.setopt(pycurl.UPLOAD_BUFFERSIZE, _BUFFER)
            curl.setopt(pycurl.READFUNCTION, content.read)
            curl.setopt(pycurl.SEEKFUNCTION, content.seek)


SENDING = Sending()
