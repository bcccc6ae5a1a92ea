"""Asking a server about a file without fetching it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pycurl

from bgcopyd.queue.transfers import Probe, TransferOptions
from bgcopyd.transfer import failures
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging import headers
from bgcopyd.transfer.judging.headers import Answer, ContentRange
from bgcopyd.transfer.judging.names import suggested_name
from bgcopyd.transfer.judging.redirects import RedirectRefused, shown
from bgcopyd.transfer.judging.verdict import REDIRECTS
from bgcopyd.transfer.report import NO_ENDING, Ending, protocol_of
from bgcopyd.transfer.wire.handles import Handle
from bgcopyd.transfer.wire.requests import Requests, Unusable

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
_IDENTITY = b"Accept-Encoding: identity"
# HEAD is refused, or answered otherwise than GET, by too many servers.
_FIRST_BYTE = (_IDENTITY, b"Range: bytes=0-0")
# Reading a short body to its end keeps the connection for the next request.
_DISCARD = 16 << 10


class Probing:
    """One probe; lives on a volume's thread and ends with one call of `done`."""

    def __init__(
        self, url: str, options: TransferOptions, volume: Volume, done: Callable[[Probe], None]
    ) -> None:
        self._url = url
        self._options = options
        self._volume = volume
        self._done: Callable[[Probe], None] | None = done
        self._requests = Requests(url, options, volume.options)
        self._fields: Sequence[bytes] = _FIRST_BYTE
        self._visited = {url}
        self._chain: list[str] = []
        self._handle: Handle | None = None
        self._answer: Answer | None = None
        self._ending = NO_ENDING
        self._discarded = 0

    @entry
    def start(self) -> None:
        """Sends the first request; on the volume's thread."""
        self._volume.guests.add(self)
        self._volume.later(self._volume.options.probe_timeout, self._late)
        self._aim()

    def _aim(self) -> None:
        try:
            self._requests.aim(self._url)
        except Unusable as error:
            self._fail(error.failure)
        else:
            self._ask()

    def _ask(self) -> None:
        self._answer, self._discarded = None, 0
        request = self._requests.make(self._fields)
        self._handle = self._volume.launch(self, request)

    def on_body(self, data: bytes) -> int | None:
        """Reads a little, and breaks off."""
        self._discarded += len(data)
        return None if self._discarded <= _DISCARD else 0

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        handle = self._handle
        assert handle is not None
        told = code in _ANSWERED or code in handle.policy.dialect.answers
        self._answer = handle.answer(self._volume.wall()) if told else None
        self._release()
        answer = self._answer
        if answer is not None:
            self._judge(answer)
        elif self._requests.another_way(code, self._ending):
            self._ask()
        else:
            self._fail(self._requests.failure(code, detail, self._ending))

    def _release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._ending = Ending.of(handle)
            self._volume.release(handle)

    def _judge(self, answer: Answer) -> None:
        if self._requests.another_login(answer.status):
            self._ask()
            return
        self._chain.append(shown(self._url))
        if answer.status in REDIRECTS and answer.value("location"):
            self._redirect(answer.value("location"))
        elif answer.status == 416 and self._fields is _FIRST_BYTE:
            # An empty file has no first byte, and some servers refuse what they serve otherwise.
            self._chain.pop()
            self._fields = (_IDENTITY,)
            self._ask()
        elif answer.status in {200, 206}:
            self._end(None)
        elif answer.status >= 400:
            pause = headers.retry_after(answer, self._volume.wall())
            self._fail(failures.of_status(answer.status, self._host, pause))
        else:
            self._fail(failures.unexpected_status(answer.status, self._host))

    @property
    def _host(self) -> str:
        return str(self._requests.origin)

    def _redirect(self, location: str) -> None:
        try:
            self._url = self._requests.follow(location, self._visited)
        except RedirectRefused as refused:
            self._fail(failures.redirect_refused(str(refused), self._host))
            return
        self._visited.add(self._url)
        self._aim()

    def _late(self) -> None:
        limit = self._volume.options.probe_timeout
        if self._done is not None:
            self._fail(failures.timed_out("did not answer", self._host, limit))

    def stop(self) -> None:
        """Ends the probe; nobody waits for it any more, or soon will not."""
        if self._done is not None:
            self._fail(failures.internal("the daemon is ending"))

    def broke(self, error: BaseException) -> None:
        """Ends the probe for a defect of ours."""
        _log.error("a probe failed", exc_info=error)
        if self._done is not None:
            self._fail(failures.internal("asking"))

    def _fail(self, failure: Failure) -> None:
        self._end(failure)

    def _end(self, failure: Failure | None) -> None:
        self._release()
        done, self._done = self._done, None
        self._volume.guests.discard(self)
        if done is not None:
            done(self._result(failure))

    def _result(self, failure: Failure | None) -> Probe:
        answer = self._answer
        error = None if failure is None else failure.error(None, self._volume.wall())
        if answer is None:
            return Probe(redirect_chain=tuple(self._chain), error=error)
        known = headers.validators(answer)
        size, ranges = _extent(answer) if failure is None else (None, False)
        return Probe(
            http_status=answer.http_status,
            size=size,
            accepts_ranges=ranges,
            etag="" if answer.http_status is None else known.etag,
            last_modified=answer.value("last-modified"),
            content_type=answer.value("content-type"),
            suggested_name=suggested_name(answer.value("content-disposition"), self._url),
            redirect_chain=tuple(self._chain),
            protocol=protocol_of(answer),
            address=self._ending.address,
            error=error,
        )


# An answer that was broken off, by us or the server, has said what it is.
_ANSWERED = frozenset({pycurl.E_OK, pycurl.E_WRITE_ERROR, pycurl.E_PARTIAL_FILE})


def _extent(answer: Answer) -> tuple[int | None, bool]:
    """The file's size and whether it is served in parts, by an answer to the first byte's range."""
    if answer.status == 206:
        found = headers.content_range(answer)
        total = None if found is None else found.total
        single = headers.media_type(answer) != "multipart/byteranges"
        served = found == ContentRange(0, 0, total) and single and not headers.encoded(answer)
        return total, served
    try:
        return headers.framed_length(answer), False
    except ValueError:
        return None, False
