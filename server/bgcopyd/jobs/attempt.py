"""Attempts at files as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from bgcopyd.jobs.job import TransferError


class AttemptOutcome(enum.IntEnum):
    """How an attempt ended; equal to the enum of the same name in job.proto."""

    FINISHED = 1
    FAILED = 2
    STOPPED = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a file. `attempt_id` is the store's, rising within a job."""

    file_index: int
    start_time: datetime
    end_time: datetime
    outcome: AttemptOutcome
    url: str = ""
    address: str = ""
    protocol: str = ""
    http_status: int | None = None
    received: int = 0
    error: TransferError | None = None
    attempt_id: int = 0
