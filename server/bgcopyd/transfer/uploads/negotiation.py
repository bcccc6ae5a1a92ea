"""Which protocol an upload is made in: what its server says when it is asked."""

from __future__ import annotations

from bgcopyd.jobs.hresults.http import status_passes
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.schemes import scheme_of
from bgcopyd.jobs.upload import FILE_SCHEMES, UploadProtocol
from bgcopyd.queue.transfers import Transfer
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.uploads import failures as upload_failures
from bgcopyd.transfer.uploads.dialogue import (
    Ask,
    Dialogue,
    Heard,
    Plain,
    Speak,
    Step,
    Wordless,
)
from bgcopyd.transfer.uploads.filing import Filing
from bgcopyd.transfer.uploads.objects import store_dialogue
from bgcopyd.transfer.uploads.resumable import (
    INTEROP_VERSION,
    TUS_VERSION,
    Resumable,
    words_of,
)

# Servers that are merely busy may speak something better than PUT later on.
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
# What a server may do that has never heard of OPTIONS; it may still know PUT.
_DEAF = frozenset({Reason.CONNECTION_CLOSED, Reason.TIMEOUT, Reason.INVALID_RESPONSE})


def dialogue_of(
    protocol: UploadProtocol | None, transfer: Transfer, options: EngineOptions
) -> Dialogue:
    """The dialogue of an upload; one that finds out, where the protocol is not known."""
    assert transfer.upload is not None
    source = transfer.upload.source
    if source is not None and scheme_of(transfer.url) == "s3":
        return store_dialogue(transfer, options.part_bytes)
    if source is not None and scheme_of(transfer.url) in FILE_SCHEMES:
        return Filing(transfer)
    if protocol is None or source is None:
        return Negotiation(transfer)
    http = transfer.options.http
    if protocol is UploadProtocol.PLAIN:
        return Plain(http.method, transfer.url, source.size)
    words = words_of(protocol, transfer.path, http.headers)
    return Resumable(words, transfer.upload, transfer.url, options.redirects)


class Negotiation(Wordless):
    """One OPTIONS: whoever resumes uploads says so in his answer."""

    def __init__(self, transfer: Transfer) -> None:
        source = transfer.upload.source if transfer.upload is not None else None
        self._size = 0 if source is None else source.size
        self._ask = Ask("OPTIONS", transfer.url, (TUS_VERSION, INTEROP_VERSION), start=self._size)

    def ask(self) -> Ask:
        """The one request that there is."""
        return self._ask

    def broken(self, failure: Failure) -> Step:
        """A server that is there and does not answer may answer a PUT."""
        return Speak(UploadProtocol.PLAIN) if failure.reason in _DEAF else failure

    def answered(self, heard: Heard) -> Step | None:
        """The best protocol that the server speaks."""
        answer = heard.answer
        if answer.status in _BUSY and status_passes(answer.status):
            return None
        if answer.status >= 300:
            return Speak(UploadProtocol.PLAIN)
        limit = answer.value("tus-max-size")
        if limit.isascii() and limit.isdigit() and int(limit[:18]) < self._size:
            return upload_failures.too_large(heard.host, int(limit[:18]))
        return Speak(_spoken(answer))


def _spoken(answer: Answer) -> UploadProtocol:
    extensions = {word.strip() for word in answer.value("tus-extension").split(",")}
    versions = {word.strip() for word in answer.value("tus-version").split(",")}
    if "1.0.0" in versions and "creation" in extensions:
        return UploadProtocol.TUS
    if answer.value("upload-limit"):
        return UploadProtocol.RESUMABLE
    return UploadProtocol.PLAIN
