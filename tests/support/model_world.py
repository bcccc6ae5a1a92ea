"""Rules of the machine: readers, time, operators, restarts."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bgcopy.v1 import job_pb2
from bgcopyd.jobs.principal import Principal
from tests.support.model_base import Machine, actors, callers, filters, picks, with_jobs
from tests.support.model_jobs import IN_PLAY
from tests.support.model_machine import ANNA, ROOT
from tests.support.model_watch import Viewer, matches


class World(Machine):
    """What happens around the jobs."""

    # What readers ask.

    @rule(caller=callers, wanted=filters, size=st.integers(1, 3), pick=picks, named=st.booleans())
    def list_jobs(
        self, *, caller: Principal, wanted: dict[str, Any], size: int, pick: int, named: bool
    ) -> None:
        if named:
            wanted = {**wanted, "job_ids": [self.pick(pick), self.pick(pick + 1)]}
        denied = wanted.get("all_owners") and not caller.admin
        found: list[str] = []
        token = ""
        while True:
            page = self.ground.expect(
                "ADMIN_REQUIRED" if denied else "",
                "ListJobs",
                caller,
                filter=wanted,
                page_size=size,
                page_token=token,
            )
            if page is None:
                return
            assert len(page.jobs) <= size
            found += [job.job_id for job in page.jobs]
            token = page.next_page_token
            if not token:
                break
        asked = wanted if wanted.get("states") or named else {**wanted, "states": range(1, 8)}
        jobs = sorted(self.model.jobs.values(), key=lambda job: -job.number)
        mine = [job for job in jobs if wanted.get("all_owners") or job.owner == caller.id]
        assert found == [job.job_id for job in mine if matches(job.seen, asked)]

    @rule()
    def look_at_all_files(self) -> None:
        for job in self.model.jobs.values():
            self.ground.compare_files(job)

    @with_jobs
    @rule(pick=picks, actor=actors)
    def look(self, *, pick: int, actor: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        refused = self.model.refusal(job_id, caller.id, admin=caller.admin)
        self.ground.expect(refused, "GetJob", caller, job_id=job_id)
        self.ground.expect(refused, "ListFiles", caller, job_id=job_id)
        if job_id in self.model.jobs:
            self.ground.compare_files(self.model.jobs[job_id])

    @rule(which=st.integers(0, 4), pick=picks)
    def watch_from_a_mark(self, *, which: int, pick: int) -> None:
        """Every token is good: nothing is missing that came after it."""
        viewer = self.ground.viewers[which]
        if not viewer.marks:
            return
        late = Viewer(self.house, viewer.caller, **viewer.wanted)
        late.token, known = viewer.marks[pick % len(viewer.marks)]
        late.known = dict(known)
        self._read_to_the_end(late)

    @rule(caller=callers, wanted=filters)
    def watch_anew(self, *, caller: Principal, wanted: dict[str, Any]) -> None:
        if wanted.get("all_owners") and not caller.admin:
            wanted = {**wanted, "all_owners": False}
        self._read_to_the_end(Viewer(self.house, caller, **wanted))

    def _read_to_the_end(self, viewer: Viewer) -> None:
        async def begin() -> None:
            viewer.begin()

        self.house.run(begin())
        self.house.run(viewer.end())
        if viewer.ended == "RESUME_TOKEN_EXPIRED" and self.ground.trimmed:
            return
        everybodys = viewer.wanted.get("all_owners")
        viewer.check(
            job.seen
            for job in self.model.jobs.values()
            if everybodys or job.owner == viewer.caller.id
        )

    @rule(which=st.integers(0, 4))
    def look_away(self, *, which: int) -> None:
        self.ground.viewers[which].open.clear()

    @rule()
    def look_back(self) -> None:
        async def turn() -> None:
            for viewer in self.ground.viewers:
                viewer.open.set()

        self.house.run(turn())

    # What happens to the house.

    @rule(seconds=st.sampled_from([1, 30, 310, 700, 3600]))
    def time_goes_on(self, *, seconds: int) -> None:
        self.house.clock.seconds += seconds
        self._due()

    def _due(self) -> None:
        now = self.house.clock.seconds
        for job in list(self.model.jobs.values()):
            if job.due is not None and job.due <= now:
                job.go_to(IN_PLAY)
            if not job.live and job.expires <= now:
                self.model.forget(job.job_id, now)

        async def nothing() -> None:
            """Only time has passed."""

        self.house.run(nothing())

    @precondition(lambda self: any(job.due for job in self.model.jobs.values()))
    @rule()
    def pauses_end(self) -> None:
        due = min(job.due for job in self.model.jobs.values() if job.due is not None)
        # Over the last microsecond that a time of day tells.
        self.house.clock.seconds = max(self.house.clock.seconds, due) + 0.001
        self._due()

    @rule(seconds=st.sampled_from([-3600, -1, 1, 3600, 10 * 365 * 86_400]))
    def somebody_sets_the_clock(self, *, seconds: int) -> None:
        """It hurries and starves nobody."""
        self.house.clock.ahead += seconds if abs(self.house.clock.ahead) < 86_400 else 0
        self._due()

    @precondition(lambda self: self.months < 2 and not self.house.engine.active)
    @rule()
    def a_month_goes_on(self) -> None:
        self.months += 1
        self.house.clock.seconds += 31 * 86_400
        self._due()

    @rule()
    def house_is_kept(self) -> None:
        self.house.run(self.house.daemon.housekeeping.round())

    @rule(keep=st.integers(0, 2))
    def history_is_cut(self, *, keep: int) -> None:
        self.house.run(self.house.store.transact(lambda tx: tx.trim_history(keep)))
        self.ground.trimmed = True

    @rule(
        name=st.sampled_from(
            ["jobs_per_owner", "jobs_per_machine", "files_per_job", "background_jobs"]
        ),
        value=st.sampled_from([1, 2, 4, 100, 100]),
        caller=st.sampled_from([ROOT, ROOT, ANNA]),
    )
    def change_policy(self, *, name: str, value: int, caller: Principal) -> None:
        refused = "" if caller.admin else "ADMIN_REQUIRED"
        changes: dict[str, Any] = {"policy": {name: value}, "update_mask": FieldMask(paths=[name])}
        if self.ground.expect(refused, "UpdatePolicy", caller, **changes):
            setattr(self.model.policy, name, value)

    @with_jobs
    @rule(caller=callers, machine=st.booleans())
    def one_job_too_many(self, *, caller: Principal, machine: bool) -> None:
        name = "jobs_per_machine" if machine else "jobs_per_owner"
        before = getattr(self.model.policy, name)
        live = len(self.model.live(None if machine else caller.id))
        self.change_policy(name=name, value=max(1, live), caller=ROOT)
        refused = self.model.quota(caller.id, admin=caller.admin)
        job = job_pb2.Job(display_name="one too many")
        if refused:
            self.ground.expect(refused, "CreateJob", caller, job=job)
        self.change_policy(name=name, value=before, caller=ROOT)

    @rule(seconds=st.sampled_from([60, 86_400, 30 * 86_400]))
    def change_retention(self, *, seconds: int) -> None:
        mask = FieldMask(paths=["retention"])
        policy = {"retention": Duration(seconds=seconds)}
        assert self.ground.expect("", "UpdatePolicy", ROOT, policy=policy, update_mask=mask)
        self.model.policy.retention = seconds

    @rule(undo=st.sampled_from([True, True, False]))
    def drain(self, *, undo: bool) -> None:
        self.ground.expect("", "DrainServer", ROOT, undo=undo)
        self.model.draining = not undo
        if not undo:
            self._runs_end(told=True)

    def _runs_end(self, *, told: bool) -> None:
        for job in self.model.jobs.values():
            job.stop(told=told)
            job.run = None

    @rule(graceful=st.booleans())
    def restart(self, *, graceful: bool) -> None:
        viewers = self.ground.viewers
        for viewer in viewers:
            self.house.loop.run_until_complete(viewer.end())
        self.house.loop.run_until_complete(self.house.end(graceful=graceful))
        self.house.loop.run_until_complete(self.house.open())
        self.model.draining = False
        self._runs_end(told=graceful)
        self.house.files.problems = dict.fromkeys(self.model.refused_names, "It is in the way.")

        async def look() -> None:
            for viewer in viewers:
                viewer.open.set()
                viewer.begin()

        self.house.run(look())
