"""Attempts as rows of SQLite, and back."""

from __future__ import annotations

from datetime import timedelta

from bgcopyd.jobs.attempt import Attempt, AttemptOutcome
from bgcopyd.store.rows import EPOCH, Row, encode_error, error_of, insert_statement, micros

_COLUMNS = (
    "job", "id", "file_index", "start_time", "end_time", "outcome", "url", "address", "protocol",
    "http_status", "received", "error",
)  # fmt: skip
SELECT_ATTEMPT = f"SELECT {', '.join(_COLUMNS[1:])} FROM attempt"
INSERT_ATTEMPT = insert_statement("attempt", _COLUMNS)
SELECT_NEWEST = "SELECT coalesce(max(id), 0) FROM attempt WHERE job = ?"
PRUNE_ATTEMPTS = "DELETE FROM attempt WHERE job = ? AND id <= ?"


def attempt_values(seq: int, number: int, attempt: Attempt) -> Row:
    """The values of INSERT_ATTEMPT."""
    return (
        seq,
        number,
        attempt.file_index,
        micros(attempt.start_time),
        micros(attempt.end_time),
        attempt.outcome,
        attempt.url,
        attempt.address,
        attempt.protocol,
        attempt.http_status,
        attempt.received,
        encode_error(attempt.error),
    )


def attempt_of(row: Row) -> Attempt:
    """The attempt of a row of SELECT_ATTEMPT."""
    number, index, start, end, outcome, url, address, protocol, status, received, error = row
    return Attempt(
        file_index=index,
        start_time=EPOCH + timedelta(microseconds=start),
        end_time=EPOCH + timedelta(microseconds=end),
        outcome=AttemptOutcome(outcome),
        url=url,
        address=address,
        protocol=protocol,
        http_status=status,
        received=received,
        error=error_of(error),
        attempt_id=number,
    )
