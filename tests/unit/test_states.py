"""Every cell of the state table against the design, written down here a second time.

Verbs: bits.md section 2 with "repeated verb" and DeleteJob of api.md. Events: the column
"scheduler / transport" of bits.md. `refused` is INVALID_STATE, a dot an event without meaning.
"""

from __future__ import annotations

import pytest

from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.states import EVENTS, TRANSITIONS, VERBS, Outcome, Trigger, outcome_of

VERB_TABLE = """
from             RESUME        SUSPEND      CANCEL     COMPLETE      ADD_FILES        DELETE
SUSPENDED        QUEUED        SUSPENDED    CANCELLED  ACKNOWLEDGED  SUSPENDED        refused
QUEUED           QUEUED        SUSPENDED    CANCELLED  ACKNOWLEDGED  QUEUED           refused
CONNECTING       CONNECTING    SUSPENDED    CANCELLED  ACKNOWLEDGED  CONNECTING       refused
TRANSFERRING     TRANSFERRING  SUSPENDED    CANCELLED  ACKNOWLEDGED  TRANSFERRING     refused
TRANSIENT_ERROR  QUEUED        SUSPENDED    CANCELLED  ACKNOWLEDGED  TRANSIENT_ERROR  refused
ERROR            QUEUED        SUSPENDED    CANCELLED  ACKNOWLEDGED  SUSPENDED        refused
TRANSFERRED      TRANSFERRED   TRANSFERRED  CANCELLED  ACKNOWLEDGED  SUSPENDED        refused
ACKNOWLEDGED     refused       refused      refused    ACKNOWLEDGED  refused          ACKNOWLEDGED
CANCELLED        refused       refused      CANCELLED  refused       refused          CANCELLED
"""

EDIT_TABLE = """
from             UPDATE           REMOVE_FILES     INVALIDATE  REQUEST_RANGES   TAKE_OWNERSHIP
SUSPENDED        SUSPENDED        SUSPENDED        ERROR       QUEUED           SUSPENDED
QUEUED           QUEUED           QUEUED           ERROR       QUEUED           QUEUED
CONNECTING       CONNECTING       QUEUED           ERROR       CONNECTING       QUEUED
TRANSFERRING     TRANSFERRING     QUEUED           ERROR       TRANSFERRING     QUEUED
TRANSIENT_ERROR  TRANSIENT_ERROR  TRANSIENT_ERROR  ERROR       TRANSIENT_ERROR  TRANSIENT_ERROR
ERROR            ERROR            ERROR            ERROR       ERROR            ERROR
TRANSFERRED      TRANSFERRED      TRANSFERRED      ERROR       TRANSFERRED      TRANSFERRED
ACKNOWLEDGED     refused          refused          refused     refused          refused
CANCELLED        refused          refused          refused     refused          refused
"""

EVENT_TABLE = """
from             CLAIMED     CONNECTED     PREEMPTED  ALL_DONE     TRANSIENT        FATAL
SUSPENDED        .           .             .          .            .                .
QUEUED           CONNECTING  .             .          TRANSFERRED  .                .
CONNECTING       .           TRANSFERRING  QUEUED     TRANSFERRED  TRANSIENT_ERROR  ERROR
TRANSFERRING     .           TRANSFERRING  QUEUED     TRANSFERRED  TRANSIENT_ERROR  ERROR
TRANSIENT_ERROR  .           .             .          .            .                ERROR
ERROR            .           .             .          .            .                .
TRANSFERRED      .           .             .          .            .                .
ACKNOWLEDGED     .           .             .          .            .                .
CANCELLED        .           .             .          .            .                .
"""

RANGES_TABLE = """
from             RANGES_DONE  REST_DONE    EMPTIED
SUSPENDED        .            TRANSFERRED  SUSPENDED
QUEUED           .            TRANSFERRED  SUSPENDED
CONNECTING       SUSPENDED    .            .
TRANSFERRING     SUSPENDED    .            .
TRANSIENT_ERROR  .            TRANSFERRED  SUSPENDED
ERROR            .            TRANSFERRED  SUSPENDED
TRANSFERRED      .            TRANSFERRED  SUSPENDED
ACKNOWLEDGED     .            .            .
CANCELLED        .            .            .
"""

CLOCK_TABLE = """
from             RETRY_DUE  COMPLETE_FAILED  OVERTIME  DEADLINE  COST             INACTIVE
SUSPENDED        .          .                .         ERROR     .                CANCELLED
QUEUED           .          .                .         ERROR     TRANSIENT_ERROR  CANCELLED
CONNECTING       .          .                ERROR     ERROR     TRANSIENT_ERROR  .
TRANSFERRING     .          .                ERROR     ERROR     TRANSIENT_ERROR  .
TRANSIENT_ERROR  QUEUED     .                .         ERROR     .                CANCELLED
ERROR            .          .                .         .         .                CANCELLED
TRANSFERRED      .          ERROR            .         .         .                CANCELLED
ACKNOWLEDGED     .          .                .         .         .                .
CANCELLED        .          .                .         .         .                .
"""


def cells(table: str) -> dict[tuple[JobState, Trigger], Outcome]:
    header, *rows = [line.split() for line in table.strip().splitlines()]
    return {
        (JobState[row[0]], Trigger[name]): outcome(word)
        for row in rows
        for name, word in zip(header[1:], row[1:], strict=True)
    }


def outcome(word: str) -> Outcome:
    if word == "refused":
        return Reason.INVALID_STATE
    return None if word == "." else JobState[word]


EXPECTED: dict[tuple[JobState, Trigger], Outcome] = {}
for table in (VERB_TABLE, EDIT_TABLE, EVENT_TABLE, RANGES_TABLE, CLOCK_TABLE):
    EXPECTED |= cells(table)


@pytest.mark.parametrize(
    ("state", "trigger"), EXPECTED, ids=lambda value: getattr(value, "name", str(value))
)
def test_cell(state: JobState, trigger: Trigger) -> None:
    assert outcome_of(state, trigger) is EXPECTED[state, trigger]


def test_every_pair_of_state_and_trigger_has_a_cell() -> None:
    pairs = {(state, trigger) for state in JobState for trigger in Trigger}
    assert set(TRANSITIONS) == pairs
    assert set(EXPECTED) == pairs


def test_verbs_are_always_answered() -> None:
    assert all(outcome_of(state, verb) is not None for state in JobState for verb in VERBS)


def test_events_never_refuse() -> None:
    assert not [
        (state, event)
        for state in JobState
        for event in EVENTS
        if isinstance(outcome_of(state, event), Reason)
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_may_be_repeated(verb: Trigger) -> None:
    for state in JobState:
        reached = outcome_of(state, verb)
        if isinstance(reached, JobState):
            assert outcome_of(reached, verb) is reached


def test_no_event_moves_a_final_job() -> None:
    final = [state for state in JobState if state.final]
    assert final == [JobState.ACKNOWLEDGED, JobState.CANCELLED]
    assert all(outcome_of(state, event) is None for state in final for event in EVENTS)
