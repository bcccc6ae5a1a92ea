"""What an upload says to its server, and what the answers mean: one class for each protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bgcopyd.jobs.upload import Upload, UploadProtocol
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.uploads import failures as upload_failures

# What says that the server has the file; 206 and 207 speak of parts.
_TAKEN = frozenset({200, 201, 202, 203, 204, 205})


@dataclass(frozen=True, slots=True)
class Ask:
    """The next request.

    Its body is the source from `start` to `end` (None: to the source's end), or `text`; without
    both it has none. Of the answer's body so many bytes are wanted as `hears` says.
    """

    method: str
    url: str
    fields: tuple[bytes, ...] = ()
    start: int | None = None
    end: int | None = None
    text: bytes | None = None
    hears: int = 0


@dataclass(frozen=True, slots=True)
class Weigh:
    """Before the next request the MD5 of a part of the source is wanted."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: below 300, or from 400.

    `host` is what messages call the server, `reached` the offset behind what libcurl has taken of
    the source, `text` the answer's body where it was wanted, `pause` what it asks for.
    """

    answer: Answer
    host: str
    reached: int = 0
    text: bytes = b""
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something to be durable before the next request; `known` bytes are at the server."""

    upload: Upload
    known: int = 0


@dataclass(frozen=True, slots=True)
class Go:
    """The next request follows; `known` bytes are at the server, None where that is open."""

    known: int | None = None


@dataclass(frozen=True, slots=True)
class Speak:
    """The upload is made in this protocol."""

    protocol: UploadProtocol


@dataclass(frozen=True, slots=True)
class Again:
    """The same request once more after a pause; the failure stands where it was tried before."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Done:
    """The server has the file."""


Step = Note | Go | Speak | Again | Done | Failure


class Dialogue(Protocol):
    """One upload's requests, in their order."""

    def ask(self) -> Ask | Weigh:
        """The next request, or what is to be known before it."""

    def weighed(self, digest: bytes) -> None:
        """What was to be weighed has this MD5."""

    def broken(self, failure: Failure) -> Step:
        """What a request without an answer means."""

    def answered(self, heard: Heard) -> Step | None:
        """What an answer means; None where its status says it all."""


class Wordless:
    """A dialogue that needs no digests, and whose next attempt sees how far this one came."""

    def weighed(self, digest: bytes) -> None:
        """Is never asked for."""

    def broken(self, failure: Failure) -> Step:
        """The attempt ends."""
        return failure


class Plain(Wordless):
    """PUT or POST of the whole file in one request."""

    def __init__(self, method: str, url: str, size: int) -> None:
        self._ask = Ask(method, url, start=0)
        self._size = size

    def ask(self) -> Ask:
        """The one request that there is."""
        return self._ask

    def answered(self, heard: Heard) -> Step | None:
        """Done where the status says so and everything was sent."""
        status, host = heard.answer.status, heard.host
        if status >= 400:
            return None
        if status not in _TAKEN:
            return Again(upload_failures.unexpected_status(status, host, transient=False))
        return Done() if heard.reached == self._size else upload_failures.answered_early(host)
