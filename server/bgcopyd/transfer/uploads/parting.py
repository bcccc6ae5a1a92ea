"""Has a server drop what it has of an upload that will not be finished."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bgcopyd.jobs.hresults.http import status_passes
from bgcopyd.jobs.schemes import scheme_of
from bgcopyd.jobs.upload import FILE_SCHEMES, Upload, UploadProtocol
from bgcopyd.queue.transfers import TransferOptions
from bgcopyd.transfer import failures
from bgcopyd.transfer.entry import entry
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.report import NO_ENDING, Ending
from bgcopyd.transfer.uploads.body import Words
from bgcopyd.transfer.uploads.dialect import sender_of, told
from bgcopyd.transfer.uploads.dialogue import Ask
from bgcopyd.transfer.uploads.filing import dropping
from bgcopyd.transfer.uploads.objects import aborting
from bgcopyd.transfer.uploads.resumable import INTEROP_VERSION, TUS_VERSION
from bgcopyd.transfer.wire.handles import Handle
from bgcopyd.transfer.wire.requests import Requests, Unusable

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)
_DISCARD = 64 << 10
_GONE = frozenset({404, 410})


def farewell(url: str, upload: Upload) -> list[Ask]:
    """The requests that end an upload, in their order; none where there is nothing to end.

    With tus the first of them asks whether its server does that at all.
    """
    if not upload.session:
        return []
    if scheme_of(url) == "s3":
        return [aborting(url, upload.session)]
    if scheme_of(url) in FILE_SCHEMES:
        return [dropping(upload.session)]
    if upload.protocol is UploadProtocol.TUS:
        fields = (TUS_VERSION,)
        return [
            Ask("OPTIONS", url, fields, text=b""),
            Ask("DELETE", upload.session, fields, text=b""),
        ]
    return [Ask("DELETE", upload.session, (INTEROP_VERSION,), text=b"")]


class Parting:
    """One farewell; lives on a volume's thread and ends with one call of `done`.

    Args:
        what: the job, the URL that it was to upload to, and how far it came.
        done: is told why it has to be tried again; an empty text where it has not.
    """

    def __init__(
        self,
        what: tuple[str, str, Upload],
        options: TransferOptions,
        volume: Volume,
        done: Callable[[str], None],
    ) -> None:
        self._job_id, url, upload = what
        plain = dataclasses.replace(options, http=dataclasses.replace(options.http, method=""))
        self._asks = farewell(url, upload)
        self._requests = Requests(url, plain, volume.options)
        self._volume = volume
        self._done: Callable[[str], None] | None = done
        self._handle: Handle | None = None
        self._ending = NO_ENDING
        self._discarded = 0

    @entry
    def start(self) -> None:
        """Sends the first request; on the volume's thread."""
        self._volume.guests.add(self)
        self._volume.later(self._volume.options.probe_timeout, self._late)
        self._next()

    def _next(self) -> None:
        if not self._asks:
            self._end("")
            return
        try:
            self._requests.aim(self._asks[0].url)
        except Unusable as error:
            self._give_up(error.failure.message)
        else:
            self._ask()

    def _ask(self) -> None:
        ask, dialect = self._asks[0], sender_of(self._requests.dialect)
        if dialect is None:
            self._give_up("the daemon does not upload there any more")
            return
        self._discarded = 0
        request = self._requests.make(())
        request = dataclasses.replace(
            request,
            policy=dataclasses.replace(request.policy, dialect=dialect),
            fields=[*ask.fields, *request.fields],
            method=ask.method,
            content=Words(ask.text or b""),
        )
        self._handle = self._volume.launch(self, request)

    def on_body(self, data: bytes) -> int | None:
        """Reads a little, and breaks off."""
        self._discarded += len(data)
        return None if self._discarded <= _DISCARD else 0

    @entry
    def on_done(self, code: int, detail: str) -> None:
        """The request has ended with a CURLcode."""
        assert self._handle is not None
        answer = told(self._handle, code)
        self._release()
        if answer is not None:
            self._judge(answer)
        elif self._requests.another_way(code, self._ending):
            self._ask()
        else:
            dialect = sender_of(self._requests.dialect)
            failure = self._requests.failure(code, detail, self._ending, dialect)
            self._give_up(failure.message, again=failure.transient)

    def _release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._ending = Ending.of(handle)
            self._volume.release(handle)

    def _judge(self, answer: Answer) -> None:
        status, method = answer.status, self._asks[0].method
        if self._requests.another_login(status):
            self._ask()
        elif status in _GONE and method != "OPTIONS":
            self._end("")
        elif status >= 300:
            self._give_up(f"HTTP status {status}", again=status >= 400 and status_passes(status))
        elif method == "OPTIONS" and not _terminates(answer):
            self._give_up("the server ends no uploads")
        else:
            self._asks.pop(0)
            self._next()

    def _give_up(self, problem: str, *, again: bool = False) -> None:
        if not again:
            _log.info("the upload of job %s is left to its server: %s", self._job_id, problem)
        self._end(problem if again else "")

    def _late(self) -> None:
        limit = self._volume.options.probe_timeout
        if self._done is not None:
            host = str(self._requests.origin)
            self._end(failures.timed_out("did not answer", host, limit).message)

    def stop(self) -> None:
        """Ends it; nobody waits for it any more, or soon will not."""
        if self._done is not None:
            self._end("the daemon is ending")

    def broke(self, error: BaseException) -> None:
        """Ends it for a defect of ours."""
        _log.error("ending an upload of job %s failed", self._job_id, exc_info=error)
        if self._done is not None:
            self._end("a defect of the daemon")

    def _end(self, problem: str) -> None:
        self._release()
        done, self._done = self._done, None
        self._volume.guests.discard(self)
        if done is not None:
            done(problem)


def _terminates(answer: Answer) -> bool:
    extensions = answer.value("tus-extension").split(",")
    return "termination" in {word.strip() for word in extensions}
