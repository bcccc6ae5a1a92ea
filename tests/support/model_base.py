"""What random calls are made of, and the machine that makes them, without its rules."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf.duration_pb2 import Duration
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition

from bgcopy.v1 import job_pb2
from bgcopyd.jobs.principal import Principal
from tests.support.model_jobs import DEFAULTS, SIZE, JobModel
from tests.support.model_machine import ANNA, BERT, ROOT, Ground

HOST = "http://127.0.0.1:9"
REQUEST_IDS = [str(uuid.UUID(int=number, version=4)) for number in range(4)]

callers = st.sampled_from([ANNA, BERT, ROOT])
picks = st.integers(0, 9)
# Who calls, in relation to a job.
actors = st.sampled_from(["owner"] * 8 + ["admin", "other"])
etags = st.sampled_from([""] * 7 + ["right", "right", "stale"])
request_ids = st.sampled_from(["", "", *REQUEST_IDS])
starts = st.sampled_from([True, True, False])
indexes = st.integers(0, 2)
urls = st.sampled_from([f"{HOST}/{name}" for name in "ab"])
paths = st.sampled_from([f"p{number}" for number in range(12)])
one_spec = st.tuples(urls, paths, st.sampled_from([False] * 7 + [True]))
specs = st.lists(one_spec, max_size=3, unique_by=lambda one: one[1])
properties = st.fixed_dictionaries(
    {},
    optional={
        "display_name": st.sampled_from(["a", "b", "nightly \u00c4"]),
        "description": st.sampled_from(["", "Alpha", "x"]),
        "priority": st.sampled_from([1, 2, 3, 4]),
        "labels": st.sampled_from([{}, {"team": "red"}, {"team": "red", "x": "1"}]),
        "auto_complete": st.booleans(),
        "continue_on_file_error": st.booleans(),
        "on_demand_mode": st.booleans(),
        "dynamic_content": st.sampled_from([False] * 5 + [True]),
        "high_performance": st.sampled_from([False] * 5 + [True]),
        "max_bytes_per_second": st.sampled_from([0, 1000]),
        "no_progress_timeout": st.sampled_from([Duration(), Duration(seconds=14 * 86_400)]),
    },
)
# Mostly of one condition: more of them leave nothing.
filters = st.one_of(
    st.just({}),
    st.just({"all_owners": True}),
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(lambda states: {"states": states}),
    st.sampled_from(
        [
            {"display_name": "a"},
            {"display_name": "A"},
            {"text": "alpha"},
            {"text": "_"},
            {"labels": {"team": "red"}},
            {"labels": {"team": "red", "x": "1"}},
            {"text": "n", "all_owners": True},
            {"display_name": "a", "labels": {"x": "1"}, "all_owners": True},
        ]
    ),
)


def messages_of(files: Any) -> list[job_pb2.FileSpec]:
    ranges = [job_pb2.FileRange(offset=0, length=SIZE)]
    return [
        job_pb2.FileSpec(remote_url=url, local_path=path, ranges=ranges if ranged else ())
        for url, path, ranged in files
    ]


# For rules that are about a job.
with_jobs = precondition(lambda self: self.model.jobs)


class Machine(RuleBasedStateMachine):
    kind = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.ground = Ground(self.kind)
        self.model = self.ground.model
        self.house = self.ground.house
        self.number = 0
        self.months = 0
        self.repeatable: list[tuple[str, dict[str, Any]]] = []

    def teardown(self) -> None:
        self.ground.close()

    @invariant()
    def nothing_differs(self) -> None:
        self.ground.compare()

    # Who and which.

    def pick(self, pick: int) -> str:
        """A job's id; now and then that of one that is gone, or of none."""
        known = [*self.model.jobs, *self.model.gone[-1:]]
        return known[pick % len(known)] if known else REQUEST_IDS[0]

    def actor(self, job_id: str, actor: str) -> Principal:
        job = self.model.jobs.get(job_id)
        owner = job.owner if job else ANNA.id
        if actor == "admin":
            return ROOT
        others = {ANNA.id: BERT, BERT.id: ANNA, ROOT.id: ANNA}
        owners = {one.id: one for one in (ANNA, BERT, ROOT)}
        return owners[owner] if actor == "owner" else others[owner]

    def judged(self, job_id: str, caller: Principal, etag: str) -> tuple[JobModel, str, str]:
        """The job, the etag to send, and the refusal that permission or etag bring about."""
        refused = self.model.refusal(job_id, caller.id, admin=caller.admin)
        job = self.model.jobs.get(job_id)
        if job is None:
            return JobModel(job_id, "", 0, dict(DEFAULTS)), etag, refused
        sent = {"right": job.seen.etag if job.seen else "", "stale": "0-0"}.get(etag, "")
        return job, sent, refused or ("ETAG_MISMATCH" if sent == "0-0" else "")
