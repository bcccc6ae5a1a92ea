"""Random calls of two owners and an administrator against a model, on every store.

Each example is up to 40 steps: calls, words of the engine, time, restarts, readers who look away.
After each step all that callers can see is compared with the model (tests/support/model_jobs.py):
states, progress, etags, revisions, files, errors, lists, watches. `make test` tries 200 examples,
always the same ones. BGCOPY_EXAMPLES asks each store for so many others, as in a long run:

    BGCOPY_EXAMPLES=50000 make test PYTEST="--timeout 0 tests/contract/test_queue_model.py"
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.support.model_base import callers, properties, specs, starts
from tests.support.model_edits import Edits
from tests.support.model_owners import Owners
from tests.support.model_verbs import Verbs
from tests.support.model_world import World
from tests.support.stores import KINDS

first_jobs = st.tuples(callers, specs.filter(bool), starts, properties)
ASKED = int(os.environ.get("BGCOPY_EXAMPLES", "0"))
# Together 200; the store in memory is the quickest.
EXAMPLES = {"memory": 100, "sqlite": 60, "brief": 40}


def profile(kind: str) -> settings:
    return settings(
        max_examples=ASKED or EXAMPLES[kind],
        stateful_step_count=40,
        derandomize=not ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class QueueMachine(Verbs, Edits, Owners, World):
    """All rules together, with some jobs to begin with."""

    @initialize(jobs=st.lists(first_jobs, min_size=2, max_size=3), there=st.booleans())
    def begin_with_some(self, jobs: list[Any], *, there: bool) -> None:
        for caller, files, start, props in jobs:
            self.create(caller=caller, files=files, start=start, request="", props=props)
            self.ground.compare()
            if there:
                self.everything_is_there()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_the_queue_is_what_the_model_is(kind: str) -> None:
    machine = type(f"{kind.title()}Machine", (QueueMachine,), {"kind": kind})
    run_state_machine_as_test(machine, settings=profile(kind))
