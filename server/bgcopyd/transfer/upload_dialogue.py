"""What an upload says to its server, and what the answers mean: one class for each protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bgcopyd.jobs.upload import Upload
from bgcopyd.transfer import upload_failures
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.headers import Answer

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
    """Something to be durable before the next request."""

    upload: Upload


@dataclass(frozen=True, slots=True)
class Go:
    """The next request follows; `known` bytes are at the server."""

    known: int


@dataclass(frozen=True, slots=True)
class Again:
    """The same request once more after a pause; the failure stands where it was tried before."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Done:
    """The server has the file."""


Step = Note | Go | Again | Done | Failure


class Dialogue(Protocol):
    """One upload's requests, in their order."""

    def ask(self) -> Ask:
        """The next request."""

    def answered(self, answer: Answer, host: str, *, whole: bool) -> Step | None:
        """What an answer means; None where its status says it all.

        Args:
            answer: below 300, or from 400.
            host: what messages call the server.
            whole: whether the request's whole body was sent.
        """


class Plain:
    """PUT or POST of the whole file in one request."""

    def __init__(self, method: str, url: str) -> None:
        self._ask = Ask(method, url, start=0)

    def ask(self) -> Ask:
        """The one request that there is."""
        return self._ask

    def answered(self, answer: Answer, host: str, *, whole: bool) -> Step | None:
        """Done where the status says so and everything was sent."""
        if answer.status >= 400:
            return None
        if answer.status not in _TAKEN:
            return Again(upload_failures.unexpected_status(answer.status, host, transient=False))
        return Done() if whole else upload_failures.answered_early(host)
