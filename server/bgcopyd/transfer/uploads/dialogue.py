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
    """The next request: the source from `start` on is its body, None where it has none."""

    method: str
    url: str
    fields: tuple[bytes, ...] = ()
    start: int | None = None


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

    def ask(self) -> Ask:
        """The next request."""

    def broken(self, failure: Failure) -> Step:
        """What a request without an answer means."""

    def answered(self, answer: Answer, host: str, reached: int) -> Step | None:
        """What an answer means; None where its status says it all.

        Args:
            answer: below 300, or from 400.
            host: what messages call the server.
            reached: the offset behind what libcurl has taken of the source.
        """


class Plain:
    """PUT or POST of the whole file in one request."""

    def __init__(self, method: str, url: str, size: int) -> None:
        self._ask = Ask(method, url, start=0)
        self._size = size

    def ask(self) -> Ask:
        """The one request that there is."""
        return self._ask

    def broken(self, failure: Failure) -> Step:
        """The next attempt begins from the start."""
        return failure

    def answered(self, answer: Answer, host: str, reached: int) -> Step | None:
        """Done where the status says so and everything was sent."""
        if answer.status >= 400:
            return None
        if answer.status not in _TAKEN:
            return Again(upload_failures.unexpected_status(answer.status, host, transient=False))
        return Done() if reached == self._size else upload_failures.answered_early(host)
