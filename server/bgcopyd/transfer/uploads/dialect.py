"""How the requests of uploads are put to libcurl."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.transfer.judging.headers import Answer, parse_answer
from bgcopyd.transfer.uploads.file_senders import FILE_SENDERS, FileSender
from bgcopyd.transfer.wire.dialects import WEB, Dialect, Web
from bgcopyd.transfer.wire.s3 import S3

if TYPE_CHECKING:
    from bgcopyd.transfer.wire.handles import Handle, Request

# Libcurl's own is 64 KiB; each piece is a read of the disk and a call.
_BUFFER = 256 << 10


class Sending(Web):
    """HTTP whose requests have a method and perhaps a body of their own."""

    def put(self, handle: Handle, request: Request) -> None:
        """As any request's, and what it carries."""
        super().put(handle, request)
        _carry(handle.curl, request)


class SendingS3(S3):
    """The same to a store."""

    def put(self, handle: Handle, request: Request) -> None:
        """As any request's, and what it carries."""
        super().put(handle, request)
        _carry(handle.curl, request)


def _carry(curl: pycurl.Curl, request: Request) -> None:
    """Sets a request's method and content; one without content is a HEAD."""
    content = request.content
    curl.setopt(pycurl.NOBODY, int(content is None))
    curl.setopt(pycurl.CUSTOMREQUEST, request.method)
    if content is not None:
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.INFILESIZE_LARGE, content.length)
        curl.setopt(pycurl.UPLOAD_BUFFERSIZE, _BUFFER)
        curl.setopt(pycurl.READFUNCTION, content.read)
        curl.setopt(pycurl.SEEKFUNCTION, content.seek)


SENDING = Sending()


@lru_cache(maxsize=256)
def sender_of(dialect: Dialect) -> Dialect | None:
    """How uploads speak a dialect; None where they do not, or where it is not allowed."""
    if isinstance(dialect, S3):
        return SendingS3(dialect.store) if dialect.store.uploads else None
    return SENDING if dialect is WEB else FILE_SENDERS.get(dialect)


def told(handle: Handle, code: int) -> Answer | None:
    """The final answer to a request that has ended with a CURLcode, where it came to its end."""
    dialect = handle.policy.dialect
    if isinstance(dialect, FileSender):
        return dialect.told(handle, code)
    answer = parse_answer(handle.lines)
    if answer is None or answer.status < 200 or handle.lines[-1].strip():
        return None
    return answer
