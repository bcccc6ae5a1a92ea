"""What the receivers of answers have in common: libcurl's callback, and the state of one answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.destination import DestinationInvalid
from bgcopyd.transfer.disk.partial import CannotNote
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.verdict import Verdict
from bgcopyd.transfer.network.patience import Patience
from bgcopyd.transfer.wire.handles import Handle

if TYPE_CHECKING:
    from bgcopyd.transfer.downloads.download import Download

_log = logging.getLogger(__name__)


class Receiving:
    """Judges an answer when its headers are here, and takes in its body.

    Attributes:
        handle: what libcurl works on; the owner takes it away when the request has ended.
        verdict: what the answer means, once it is judged.
        answer: the headers.
        broken: why the body was broken off, where that was ours.
        patience: with its answer.
    """

    def __init__(self, owner: Download) -> None:
        self._owner = owner
        self._unwritten = False
        self._discarded = 0
        self.handle: Handle | None = None
        self.verdict: Verdict | None = None
        self.answer: Answer | None = None
        self.broken: Failure | None = None
        self.patience = Patience(owner.volume.options, owner.volume.now())

    def on_body(self, data: bytes) -> int | None:
        """Takes a piece of an answer's body; 0 breaks the answer off. Inside libcurl's callback."""
        try:
            if self.verdict is None:
                self._decide(empty=not data)
            return self._take(data)
        except (OSError, DestinationInvalid, CannotNote) as error:
            self.broken = self._owner.local_failure(error)
        except Exception:  # noqa: BLE001 - libcurl could only print it
            _log.exception("a transfer of job %s failed", self._owner.transfer.job_id)
            self.broken = failures.internal("receiving")
        return 0

    def _decide(self, *, empty: bool) -> None:
        """Judges the answer whose headers have come."""
        raise NotImplementedError

    def _take(self, data: bytes) -> int | None:
        """Takes a piece of the body of an answer that is judged."""
        raise NotImplementedError
