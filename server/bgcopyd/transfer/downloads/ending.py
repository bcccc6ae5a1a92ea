"""How one transfer ends: the last work on its file, and its one terminal event."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.queue.transfers import AttemptReport, Failed, Finished, Stopped, Transfer
from bgcopyd.transfer import failures
from bgcopyd.transfer.disk.destination import DestinationInvalid
from bgcopyd.transfer.disk.hashing import Mismatch
from bgcopyd.transfer.disk.keeper import Keeper
from bgcopyd.transfer.disk.partial import CannotNote
from bgcopyd.transfer.disk.room import OverQuota
from bgcopyd.transfer.failures import Failure
from bgcopyd.transfer.judging.verdict import Outside, Rangeless, Refuse

if TYPE_CHECKING:
    from bgcopyd.transfer.volume import Volume

_log = logging.getLogger(__name__)


def local_failure(error: BaseException, transfer: Transfer, host: str) -> Failure:
    """The failure that an exception on this side means; what nobody expected goes to the log."""
    if isinstance(error, CannotNote):
        return failures.begin_anew(host)
    if isinstance(error, DestinationInvalid):
        return failures.destination_invalid(str(error), transfer.root)
    if isinstance(error, OverQuota):
        return failures.over_quota()
    if isinstance(error, OSError):
        return failures.of_os_error(error, transfer.root)
    _log.error("a transfer of job %s failed", transfer.job_id, exc_info=error)
    return failures.internal("writing")


def refused(verdict: Refuse | Outside | Rangeless, host: str) -> Failure:
    """The failure that an answer means of which nothing is of use."""
    match verdict:
        case Outside():
            return failures.range_outside(host)
        case Rangeless():
            return failures.no_ranges(host)
        case Refuse(page=True):
            return failures.unexpected_content(host, transient=True)
        case Refuse(problem):
            return failures.invalid_answer(problem, host)


def mismatched(mismatch: Mismatch, host: str, *, page: bool) -> Failure:
    """The failure that another digest means, twice; `page` says that a web page came."""
    if mismatch is Mismatch.ANNOUNCED:
        return failures.announced_digest_mismatch(host)
    if page:
        return failures.unexpected_content(host, transient=False)
    return failures.digest_mismatch(host)


class Terminal:
    """Makes the terminal event of a transfer out of what its keeper has."""

    def __init__(
        self,
        transfer: Transfer,
        keeper: Keeper,
        volume: Volume,
        attempt: Callable[[], AttemptReport],
    ) -> None:
        self._name = (transfer.job_id, transfer.claim_id, transfer.index)
        self._keeper = keeper
        self._volume = volume
        self._attempt = attempt

    def finished(self, size: int, validators: Validators, proof: Verification) -> Finished:
        """Every byte is here."""
        verification = Verification.DIGEST if self._keeper.has_proof else proof
        file = self._keeper.identity
        return Finished(*self._name, size, validators, verification, *file, self._attempt())

    def failed(self, failure: Failure) -> Failed:
        """The transfer ends without the whole file."""
        return Failed(
            *self._name,
            failure.error(self._name[2], self._volume.wall()),
            *self._keeper.kept[:3],
            retry_after=failure.retry_after,
            held=failure.held,
            filled=self._keeper.kept.filled,
            attempt=self._attempt(),
        )

    def stopped(self, *, satisfied: bool = False) -> Stopped:
        """The transfer was told to stop, or has all that was requested."""
        return Stopped(
            *self._name,
            *self._keeper.kept[:3],
            filled=self._keeper.kept.filled,
            satisfied=satisfied,
            attempt=self._attempt(),
        )
