"""The state machine of jobs, as a table (BITS: "Life Cycle of a BITS Job").

Every pair of a state and a trigger has one outcome. A `Step` moves the job (to the same state:
succeeds unchanged), a `Reason` refuses, None means that the event has no meaning there and is
dropped (a late message of a run that is over).
"""

from __future__ import annotations

import enum

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.reasons import Reason


class Trigger(enum.Enum):
    """What can happen to a job: verbs of its owner, then events of the daemon."""

    RESUME = "resume"
    SUSPEND = "suspend"
    CANCEL = "cancel"
    COMPLETE = "complete"
    ADD_FILES = "add files to"
    UPDATE = "change"
    REMOVE_FILES = "remove files of"
    INVALIDATE = "judge a file invalid of"
    REQUEST_RANGES = "request ranges of"
    TAKE_OWNERSHIP = "take"
    DELETE = "delete"

    CLAIMED = "its turn has come"
    CONNECTED = "the server answers"
    PREEMPTED = "the slice is over, a higher job preempts, or the daemon stops"
    ALL_DONE = "every file is transferred"
    TRANSIENT = "an error that passes"
    FATAL = "an error that stays"
    RETRY_DUE = "the pause after an error is over"
    COMPLETE_FAILED = "a final name could not be given"
    RANGES_DONE = "every requested range is here, and the job waits for the next request"
    REST_DONE = "no unfinished file is left after some were removed"
    EMPTIED = "no file is left after some were removed"
    OVERTIME = "it has run for its maximum_download_time"
    DEADLINE = "its deadline is past"
    COST = "the network costs what its cost policy does not allow"
    INACTIVE = "nobody has touched it and no byte has come for too long"


VERBS = (
    Trigger.RESUME,
    Trigger.SUSPEND,
    Trigger.CANCEL,
    Trigger.COMPLETE,
    Trigger.ADD_FILES,
    Trigger.UPDATE,
    Trigger.REMOVE_FILES,
    Trigger.INVALIDATE,
    Trigger.REQUEST_RANGES,
    Trigger.TAKE_OWNERSHIP,
    Trigger.DELETE,
)
EVENTS = tuple(trigger for trigger in Trigger if trigger not in VERBS)

Outcome = JobState | Reason | None

_S = JobState
_NO = Reason.INVALID_STATE

# Columns in the order of VERBS: resume, suspend, cancel, complete, add files, update, remove files,
# invalidate, request ranges, take ownership, delete.
_ROWS: dict[JobState, tuple[Outcome, ...]] = {
    _S.SUSPENDED: (
        _S.QUEUED, _S.SUSPENDED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.SUSPENDED, _S.SUSPENDED,
        _S.SUSPENDED, _S.ERROR, _S.QUEUED, _S.SUSPENDED, _NO,
    ),
    _S.QUEUED: (
        _S.QUEUED, _S.SUSPENDED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.QUEUED, _S.QUEUED,
        _S.QUEUED, _S.ERROR, _S.QUEUED, _S.QUEUED, _NO,
    ),
    _S.CONNECTING: (
        _S.CONNECTING, _S.SUSPENDED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.CONNECTING, _S.CONNECTING,
        _S.QUEUED, _S.ERROR, _S.CONNECTING, _S.QUEUED, _NO,
    ),
    _S.TRANSFERRING: (
        _S.TRANSFERRING, _S.SUSPENDED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.TRANSFERRING,
        _S.TRANSFERRING, _S.QUEUED, _S.ERROR, _S.TRANSFERRING, _S.QUEUED, _NO,
    ),
    _S.TRANSIENT_ERROR: (
        _S.QUEUED, _S.SUSPENDED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.TRANSIENT_ERROR,
        _S.TRANSIENT_ERROR, _S.TRANSIENT_ERROR, _S.ERROR, _S.TRANSIENT_ERROR, _S.TRANSIENT_ERROR,
        _NO,
    ),
    _S.ERROR: (
        _S.QUEUED, _S.SUSPENDED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.SUSPENDED, _S.ERROR,
        _S.ERROR, _S.ERROR, _S.ERROR, _S.ERROR, _NO,
    ),
    # Resume of TRANSFERRED stays: nothing is unfinished, since AddFiles moves to SUSPENDED.
    _S.TRANSFERRED: (
        _S.TRANSFERRED, _S.TRANSFERRED, _S.CANCELLED, _S.ACKNOWLEDGED, _S.SUSPENDED,
        _S.TRANSFERRED, _S.TRANSFERRED, _S.ERROR, _S.TRANSFERRED, _S.TRANSFERRED, _NO,
    ),
    _S.ACKNOWLEDGED: (
        _NO, _NO, _NO, _S.ACKNOWLEDGED, _NO, _NO, _NO, _NO, _NO, _NO, _S.ACKNOWLEDGED,
    ),
    _S.CANCELLED: (
        _NO, _NO, _S.CANCELLED, _NO, _NO, _NO, _NO, _NO, _NO, _NO, _S.CANCELLED,
    ),
}  # fmt: skip

_EVENT_CELLS: dict[tuple[JobState, Trigger], JobState] = {
    (_S.QUEUED, Trigger.CLAIMED): _S.CONNECTING,
    (_S.QUEUED, Trigger.ALL_DONE): _S.TRANSFERRED,
    (_S.CONNECTING, Trigger.CONNECTED): _S.TRANSFERRING,
    (_S.CONNECTING, Trigger.PREEMPTED): _S.QUEUED,
    (_S.CONNECTING, Trigger.ALL_DONE): _S.TRANSFERRED,
    (_S.CONNECTING, Trigger.TRANSIENT): _S.TRANSIENT_ERROR,
    (_S.CONNECTING, Trigger.FATAL): _S.ERROR,
    (_S.TRANSFERRING, Trigger.CONNECTED): _S.TRANSFERRING,
    (_S.TRANSFERRING, Trigger.PREEMPTED): _S.QUEUED,
    (_S.TRANSFERRING, Trigger.ALL_DONE): _S.TRANSFERRED,
    (_S.TRANSFERRING, Trigger.TRANSIENT): _S.TRANSIENT_ERROR,
    (_S.TRANSFERRING, Trigger.FATAL): _S.ERROR,
    (_S.TRANSIENT_ERROR, Trigger.RETRY_DUE): _S.QUEUED,
    (_S.TRANSIENT_ERROR, Trigger.FATAL): _S.ERROR,
    (_S.CONNECTING, Trigger.RANGES_DONE): _S.SUSPENDED,
    (_S.TRANSFERRING, Trigger.RANGES_DONE): _S.SUSPENDED,
    (_S.SUSPENDED, Trigger.REST_DONE): _S.TRANSFERRED,
    (_S.QUEUED, Trigger.REST_DONE): _S.TRANSFERRED,
    (_S.TRANSIENT_ERROR, Trigger.REST_DONE): _S.TRANSFERRED,
    (_S.ERROR, Trigger.REST_DONE): _S.TRANSFERRED,
    (_S.TRANSFERRED, Trigger.REST_DONE): _S.TRANSFERRED,
    (_S.SUSPENDED, Trigger.EMPTIED): _S.SUSPENDED,
    (_S.QUEUED, Trigger.EMPTIED): _S.SUSPENDED,
    (_S.TRANSIENT_ERROR, Trigger.EMPTIED): _S.SUSPENDED,
    (_S.ERROR, Trigger.EMPTIED): _S.SUSPENDED,
    (_S.TRANSFERRED, Trigger.EMPTIED): _S.SUSPENDED,
    (_S.CONNECTING, Trigger.OVERTIME): _S.ERROR,
    (_S.TRANSFERRING, Trigger.OVERTIME): _S.ERROR,
    (_S.SUSPENDED, Trigger.DEADLINE): _S.ERROR,
    (_S.QUEUED, Trigger.DEADLINE): _S.ERROR,
    (_S.CONNECTING, Trigger.DEADLINE): _S.ERROR,
    (_S.TRANSFERRING, Trigger.DEADLINE): _S.ERROR,
    (_S.TRANSIENT_ERROR, Trigger.DEADLINE): _S.ERROR,
    (_S.QUEUED, Trigger.COST): _S.TRANSIENT_ERROR,
    (_S.CONNECTING, Trigger.COST): _S.TRANSIENT_ERROR,
    (_S.TRANSFERRING, Trigger.COST): _S.TRANSIENT_ERROR,
    (_S.SUSPENDED, Trigger.INACTIVE): _S.CANCELLED,
    (_S.QUEUED, Trigger.INACTIVE): _S.CANCELLED,
    (_S.TRANSIENT_ERROR, Trigger.INACTIVE): _S.CANCELLED,
    (_S.ERROR, Trigger.INACTIVE): _S.CANCELLED,
    (_S.TRANSFERRED, Trigger.INACTIVE): _S.CANCELLED,
    # A job that completes by itself has nobody to hear the refusal: it shows the error instead.
    (_S.TRANSFERRED, Trigger.COMPLETE_FAILED): _S.ERROR,
}

TRANSITIONS: dict[tuple[JobState, Trigger], Outcome] = {
    **{
        (state, verb): outcome
        for state, row in _ROWS.items()
        for verb, outcome in zip(VERBS, row, strict=True)
    },
    **{(state, event): _EVENT_CELLS.get((state, event)) for state in JobState for event in EVENTS},
}


def outcome_of(state: JobState, trigger: Trigger) -> Outcome:
    """What the trigger does to a job in the state; total over both enums."""
    return TRANSITIONS[state, trigger]
