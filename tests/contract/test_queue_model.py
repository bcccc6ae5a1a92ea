"""Random calls of two owners and an administrator against a model, on every store.

Each example is up to 40 steps: calls, words of the engine, time, restarts, readers who look away.
After each step all that callers can see is compared with the model (tests/support/model_jobs.py):
states, progress, etags, revisions, files, errors, lists, watches. `make test` tries 200 examples of
each store, always the same ones. BGCOPY_EXAMPLES sets another number, and draws them anew:

    BGCOPY_EXAMPLES=50000 make test PYTEST="--timeout 0 tests/contract/test_queue_model.py"
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.model_edits import Edits
from tests.support.model_verbs import Verbs
from tests.support.model_world import World
from tests.support.store_kinds import KINDS

EXAMPLES = os.environ.get("BGCOPY_EXAMPLES")
PROFILE = settings(
    max_examples=int(EXAMPLES or 200),
    stateful_step_count=40,
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class QueueMachine(Verbs, Edits, World):
    """All rules together."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_the_queue_is_what_the_model_is(kind: str) -> None:
    run_state_machine_as_test(
        type("StoredMachine", (QueueMachine,), {"kind": kind}), settings=PROFILE
    )
