"""Where a file may come from, and when another source is tried."""

from __future__ import annotations

import enum
import hashlib
import logging
from collections.abc import Sequence

from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Transfer
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.plan import gets
from bgcopyd.transfer.judging.redirects import shown

_log = logging.getLogger(__name__)
_OF_A_SOURCE = frozenset({ErrorContext.REMOTE_FILE, ErrorContext.GENERAL_TRANSPORT})


class Next(enum.Enum):
    """What follows a failure: the same source after a pause, another one, or the end."""

    AGAIN = enum.auto()
    OTHER = enum.auto()
    END = enum.auto()


class Sources:
    """A file's URL and its mirrors, one after the other.

    Attributes:
        url: of the source in use.
        name: what recognises it later on, whatever its query says then.
    """

    def __init__(self, transfer: Transfer) -> None:
        self._label = f"file {transfer.index} of job {transfer.job_id}"
        self._urls = list(dict.fromkeys((transfer.url, *transfer.mirrors)))
        self._given = len(self._urls)
        self._repeats = gets(transfer.options.http)
        self._index = 0
        self._tried_again = False
        self._first: Failure | None = None
        self.url = transfer.url
        self.name = _name(transfer.url)

    @property
    def is_mirror(self) -> bool:
        """Whether the source in use is not the first."""
        return self._index > 0

    @property
    def others(self) -> Sequence[str]:
        """Those that would be tried after the one in use."""
        return self._urls[self._index + 1 :]

    def drop(self, url: str, problem: str) -> None:
        """One of those is of no use."""
        if url in self.others:
            self._given -= self._urls.index(url) < self._given
            self._urls.remove(url)
            _log.warning("%s drops a mirror, %s: %s", self._label, shown(url), problem)

    def learn(self, urls: Sequence[str]) -> None:
        """Further mirrors, which are tried after all others; what was learnt before is dropped."""
        own = self._urls[: self._given]
        self._urls = list(dict.fromkeys((*own, *urls)))

    def after(self, failure: Failure, patience: float) -> Next:
        """What to do next; a pause longer than `patience` seconds is not waited for."""
        if not self._concerns_source(failure):
            return Next.END
        if not self.is_mirror:
            self._first = failure
        if self._index + 1 == len(self._urls):
            return Next.END
        passes = failure.transient and (failure.retry_after or 0) <= patience
        if passes and self._repeats and not self._tried_again:
            self._tried_again = True
            return Next.AGAIN
        self._tried_again = False
        self._index += 1
        self.url = self._urls[self._index]
        self.name = _name(self.url)
        _log.warning("%s goes on with a mirror, %s: %s", self._label, shown(self.url),
                     failure.message)  # fmt: skip
        return Next.OTHER

    def verdict(self, failure: Failure) -> Failure:
        """The failure that stands at the end: the first source's, where only sources failed."""
        if self.is_mirror and self._concerns_source(failure):
            _log.warning("%s has no mirror left: %s", self._label, failure.message)
            return self._first or failure
        return failure

    def _concerns_source(self, failure: Failure) -> bool:
        if failure.reason is Reason.DOWNLOAD_SIZE_EXCEEDED:
            return False
        # The queue has to hear of a new beginning before it happens.
        begins_anew = failure.reason is Reason.REMOTE_FILE_CHANGED and failure.transient
        return failure.context in _OF_A_SOURCE and not begins_anew


def _name(url: str) -> str:
    return hashlib.sha256(shown(url).encode()).hexdigest()[:32]
