"""How requests are put to servers of one kind, and how their answers are read: one interface.

The engine thinks in HTTP's terms: a request has header fields, an answer a status and fields. A
dialect that speaks something else translates both, so that one verdict judges all answers.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.jobs.http_options import AuthScheme
from bgcopyd.transfer.judging.headers import Answer, parse_answer

if TYPE_CHECKING:
    from bgcopyd.transfer.failures import Failure
    from bgcopyd.transfer.options import EngineOptions
    from bgcopyd.transfer.report import Ending
    from bgcopyd.transfer.wire.handles import Handle, Request


class Newest(enum.IntEnum):
    """The newest version of HTTP that a request may use."""

    HTTP1 = 1
    HTTP2 = 2
    HTTP3 = 3


_VERSIONS = {
    Newest.HTTP1: pycurl.CURL_HTTP_VERSION_1_1,
    Newest.HTTP2: pycurl.CURL_HTTP_VERSION_2TLS,
    Newest.HTTP3: pycurl.CURL_HTTP_VERSION_3,
}


class Dialect:
    """What handles of one kind of server do. Stateless: what a request needs is on its handle.

    Attributes:
        name: what people are told ("FTP").
        bits: the protocols that libcurl may speak for it, and no others.
        web: whether a method, header fields and redirects mean something to its servers.
        unplaced: whether an answer says nothing of where its bytes belong.
        logins: by which schemes its servers can be told who asks.
        answers: CURLcodes that say something of the file, as an answer does.
        appointed: whether the operator has said where its servers are, and not a job.
    """

    name: str
    bits: int
    web = False
    unplaced = False
    appointed = False
    logins = frozenset({AuthScheme.BASIC})
    answers: frozenset[int] = frozenset()

    def wire(self, url: str) -> str:
        """The URL as libcurl takes it."""
        return url

    def set_up(self, handle: Handle, options: EngineOptions) -> None:
        """Sets on a new handle what is always the same."""
        raise NotImplementedError

    def put(self, handle: Handle, request: Request) -> None:
        """Sets what is of one request."""
        raise NotImplementedError

    def goes_on(self, handle: Handle) -> bool:  # noqa: ARG002
        """Whether the request, of which a part went well, has another; sets what is of that."""
        return False

    def answer(self, handle: Handle, now: datetime) -> Answer | None:
        """What has come before the body, or instead of one; None where it cannot be read."""
        raise NotImplementedError

    def only_whole(self, handle: Handle, code: int) -> bool:  # noqa: ARG002
        """Whether a CURLcode says that from where it was asked for the file is not to be had."""
        return False

    def changed(self, handle: Handle) -> bool:  # noqa: ARG002
        """Whether the file was replaced between the answer and the body, which has ended."""
        return False

    def certificate_problem(self, path: str) -> str:  # noqa: ARG002
        """What keeps a client certificate's file from being shown to its servers."""
        return ""

    def leave(self, handle: Handle) -> None:
        """Makes sure that taking a request back does not wait for its server."""

    def failure(self, code: int, ending: Ending, host: str) -> Failure | None:  # noqa: ARG002
        """What a CURLcode means where that is the dialect's own."""
        return None


class Web(Dialect):
    """HTTP and HTTPS."""

    name = "HTTP"
    bits = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
    web = True
    logins = frozenset(AuthScheme)

    def set_up(self, handle: Handle, options: EngineOptions) -> None:
        """Only what every handle has."""
        handle.curl.setopt(pycurl.USERAGENT, options.user_agent)
        if handle.policy.method:
            handle.curl.setopt(pycurl.CUSTOMREQUEST, handle.policy.method)

    def put(self, handle: Handle, request: Request) -> None:
        """Header fields, and the version."""
        handle.curl.setopt(pycurl.HTTP_VERSION, _VERSIONS[handle.newest])
        handle.curl.setopt(pycurl.HTTPHEADER, request.fields)

    def answer(self, handle: Handle, now: datetime) -> Answer | None:  # noqa: ARG002
        """The last block of header lines."""
        return parse_answer(handle.lines)


WEB: Dialect = Web()
WEB_DIALECTS: Mapping[str, Dialect] = {"http": WEB, "https": WEB}
