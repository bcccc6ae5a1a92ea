"""What a run that is over means for its job."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import ErrorContext, Job, JobType, TransferError
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.retry import pause_after
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.secrets import SecretUnreadable
from bgcopyd.queue.transfers import Failed


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which trigger the job gets (None: a verb has decided already), and what goes with it.

    `pause` is how many seconds the job waits until it tries again.
    """

    trigger: Trigger | None
    error: TransferError | None = None
    pause: float | None = None
    stalled: float = 0.0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """What a run has brought. `fatal` is the first error that stays, `seconds` the run's length."""

    job: Job
    fatal: TransferError | None
    transient: tuple[Failed, ...]
    progressed: bool
    seconds: float

    @property
    def _retries(self) -> int:
        return 0 if self.progressed else self.job.retries

    @property
    def _stalled(self) -> float:
        return 0.0 if self.progressed else self.job.stalled

    @property
    def _once(self) -> bool:
        """Whether something was sent that is not to be sent again unasked."""
        asks = self.job.options.http.method
        sent = not all(failed.held for failed in self.transient)
        return sent and self.job.type is JobType.DOWNLOAD and asks not in {"", "GET"}

    def stopped(self, trigger: Trigger | None) -> Outcome:
        """Of a run that was told to stop."""
        return Outcome(trigger, None, None, self._stalled, self._retries)

    def outcome(self, chance: float) -> Outcome:
        """Of a run that has come to its end; `chance` is random, 0 to 1.

        Files that may pass yet are tried again before an error that stays is the job's. What
        another method than GET may have done is not repeated unasked, as in BITS.
        """
        if self._once:
            error = self.fatal or dataclasses.replace(self.transient[0].error, transient=False)
            return Outcome(Trigger.FATAL, error, None, self._stalled, self._retries + 1)
        if self.transient and (self.fatal is None or self.job.options.continue_on_file_error):
            return self._waiting(chance)
        if self.fatal is not None:
            return Outcome(Trigger.FATAL, self.fatal, None, self._stalled, self._retries + 1)
        return Outcome(Trigger.ALL_DONE)

    def _waiting(self, chance: float) -> Outcome:
        # A host that was left alone was not tried.
        retries = self._retries + (not all(failed.held for failed in self.transient))
        stalled = self._stalled if self.progressed else self._stalled + self.seconds
        error = self.transient[0].error
        asked = [failed.retry_after for failed in self.transient if failed.retry_after is not None]
        pause = pause_after(
            retries=retries,
            stalled=stalled,
            minimum_retry_delay=self.job.minimum_retry_delay,
            no_progress_timeout=self.job.no_progress_timeout,
            retry_after=max(asked, default=None),
            chance=chance,
        )
        if pause.exhausted:
            error = _out_of_patience(error, self.job.no_progress_timeout)
            return Outcome(Trigger.FATAL, error, None, stalled, retries)
        return Outcome(Trigger.TRANSIENT, error, pause.seconds, stalled + pause.seconds, retries)


def secret_unreadable(problem: SecretUnreadable, now: datetime) -> TransferError:
    """Why a job without its secrets is not tried."""
    return TransferError(
        Reason.SECRET_UNREADABLE,
        ErrorContext.GENERAL_QUEUE_MANAGER,
        str(problem),
        now,
        transient=False,
    )


def _out_of_patience(error: TransferError, no_progress_timeout: float) -> TransferError:
    if no_progress_timeout == 0:
        return dataclasses.replace(error, transient=False)
    return dataclasses.replace(
        error,
        reason=Reason.NO_PROGRESS,
        context=ErrorContext.GENERAL_TRANSPORT,
        message=f"Nothing arrived for {no_progress_timeout:.0f} s. The last error: {error.message}",
        transient=False,
        http_status=None,
    )


def only_a_wish(job: Job, file: File, error: TransferError) -> bool:
    """Whether a file failed for the order in which it was to come, and can come without it."""
    ordered = bool(file.requested) and not file.spec.ranges and not job.options.on_demand_mode
    return ordered and error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT
