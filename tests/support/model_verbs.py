"""Rules of the machine: what callers do to jobs."""

from __future__ import annotations

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bgcopy.v1 import job_pb2
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.principal import Principal
from tests.support.model_base import (
    Machine,
    actors,
    callers,
    etags,
    indexes,
    messages_of,
    picks,
    properties,
    request_ids,
    specs,
    starts,
    with_jobs,
)
from tests.support.model_jobs import (
    DEFAULTS,
    IN_PLAY,
    OPTIONS,
    WAITING,
    JobModel,
    RequestModel,
    conflict,
)

RESUME_LOCKED, FILES_LOCKED = "dynamic_content", "high_performance"


class Verbs(Machine):
    """What is done to a job as a whole."""

    @rule(caller=callers, files=specs, start=starts, request=request_ids, props=properties)
    def create(
        self, *, caller: Principal, files: Any, start: bool, request: str, props: dict[str, Any]
    ) -> None:
        wanted = {**DEFAULTS, **props}
        request = self.model.surely(caller.id, request, self.house.clock.seconds)
        content = ("CreateJob", repr(sorted(wanted.items())), tuple(files), start)
        earlier = self.model.repeated(caller.id, request, content)
        refused = self._why_no_job(caller, files, wanted, earlier, start=start)
        answer = self.ground.expect(
            refused,
            "CreateJob",
            caller,
            job=job_pb2.Job(**{"display_name": "a", **props}),
            files=messages_of(files),
            start=start,
            request_id=request,
        )
        if answer is None:
            return
        job_id = answer.job.job_id
        if isinstance(earlier, RequestModel):
            assert job_id == earlier.job_id
            return
        assert job_id not in self.model.jobs
        self.number += 1
        job = JobModel(job_id, caller.id, self.number, wanted)
        job.add(files)
        if start:
            job.go_to(IN_PLAY)
        self.model.jobs[job_id] = job
        if request:
            self.model.requests[caller.id, request] = RequestModel(content, job_id, 0)
            again = {"caller": caller, "files": files, "start": start, "props": props}
            self.repeatable.append(("create", {**again, "request": request}))

    @precondition(lambda self: self.repeatable)
    @rule(pick=picks)
    def repeat(self, *, pick: int) -> None:
        """What is sent again, as after a connection that broke, is the same call."""
        name, options = self.repeatable[pick % len(self.repeatable)]
        getattr(self, name)(**options)

    def _why_no_job(
        self, caller: Principal, files: Any, wanted: dict[str, Any], earlier: Any, *, start: bool
    ) -> str:
        if len(files) > self.model.policy.files_per_job:
            return "FILE_QUOTA_EXCEEDED"
        if start and not files:
            return "JOB_EMPTY"
        if problem := conflict(wanted, [ranged for _, _, ranged in files]):
            return problem
        if isinstance(earlier, str):
            return earlier
        if earlier is not None:
            return self.model.refusal(earlier.job_id, caller.id, admin=caller.admin)
        refused = self.model.quota(caller.id, admin=caller.admin)
        return refused or self._why_not_there(files)

    def _why_not_there(self, files: Any) -> str:
        taken = any(self.model.taken(path) for _, path, _ in files)
        return "DESTINATION_IN_USE" if taken else ""

    @with_jobs
    @rule(pick=picks, actor=actors, files=specs, request=request_ids, etag=etags)
    def add_files(self, *, pick: int, actor: str, files: Any, request: str, etag: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        self._add_files(caller=caller, job_id=job_id, files=files, request=request, etag=etag)

    def _add_files(
        self, *, caller: Principal, job_id: str, files: Any, request: str, etag: str
    ) -> None:
        refused = self.model.refusal(job_id, caller.id, admin=caller.admin)
        job, sent, unfit = self.judged(job_id, caller, etag)
        request = self.model.surely(caller.id, request, self.house.clock.seconds)
        unfit = unfit or self.model.secret_kept(job, caller.id)
        content = ("AddFiles", job_id, tuple(files))
        earlier = self.model.repeated(caller.id, request, content)
        refused = refused or self._why_no_files(job, files, earlier, unfit)
        answer = self.ground.expect(
            refused,
            "AddFiles",
            caller,
            job_id=job_id,
            files=messages_of(files),
            etag=sent,
            request_id=request,
        )
        if answer is None:
            return
        if isinstance(earlier, RequestModel):
            assert (answer.job.job_id, answer.first_index) == (earlier.job_id, earlier.first)
            return
        first = job.add(files)
        assert answer.first_index == first
        job.version += 1
        if job.state in {JobState.TRANSFERRED, JobState.ERROR}:
            job.go_to(JobState.SUSPENDED)
        if request:
            self.model.requests[caller.id, request] = RequestModel(content, job_id, first)
            again = {"caller": caller, "job_id": job_id, "files": files, "etag": etag}
            self.repeatable.append(("_add_files", {**again, "request": request}))

    def _why_no_files(self, job: JobModel, files: Any, earlier: Any, unfit: str) -> str:
        allowed = self.model.policy.files_per_job
        if len(files) > allowed:
            return "FILE_QUOTA_EXCEEDED"
        if not files:
            return "INVALID_REQUEST"
        if earlier is not None:
            return earlier if isinstance(earlier, str) else ""
        if unfit or not job.live:
            return unfit or "INVALID_STATE"
        if len(job.files) + len(files) > allowed:
            return "FILE_QUOTA_EXCEEDED"
        problem = conflict(job.props, [ranged for _, _, ranged in files])
        return problem or self._why_not_there(files)

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags)
    def suspend(self, *, pick: int, actor: str, etag: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("" if job.live else "INVALID_STATE")
        if self.ground.expect(refused, "SuspendJob", caller, job_id=job_id, etag=sent):
            job.stop(told=True)
            if job.state is not JobState.TRANSFERRED:
                job.go_to(JobState.SUSPENDED)

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags)
    def resume(self, *, pick: int, actor: str, etag: str) -> None:
        job_id = self.pick(pick)
        self._resume(job_id, self.actor(job_id, actor), etag)

    def _resume(self, job_id: str, caller: Principal, etag: str) -> None:
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("" if job.live else "INVALID_STATE")
        refused = refused or ("" if job.files else "JOB_EMPTY")
        if self.ground.expect(refused, "ResumeJob", caller, job_id=job_id, etag=sent):
            if job.props["continue_on_file_error"]:
                for one in job.unfinished:
                    one.failed = ""
            if job.state in WAITING:
                job.go_to(IN_PLAY)

    def ids(self, state: JobState) -> list[str]:
        return [job.job_id for job in self.model.jobs.values() if job.state is state]

    @precondition(lambda self: self.ids(JobState.ERROR))
    @rule(pick=picks)
    def try_what_failed_again(self, *, pick: int) -> None:
        failed = self.ids(JobState.ERROR)
        job_id = failed[pick % len(failed)]
        self._resume(job_id, self.actor(job_id, "owner"), "")

    @precondition(lambda self: self.ids(JobState.TRANSFERRED))
    @rule(pick=picks)
    def complete_in_vain(self, *, pick: int) -> None:
        """A name that is refused: the others have theirs, and the job can be completed again."""
        whole = self.ids(JobState.TRANSFERRED)
        job_id = whole[pick % len(whole)]
        before = self.model.refused_names
        self.refuse_names({max(self.model.jobs[job_id].files)})
        self._complete(job_id, self.actor(job_id, "owner"), "", partial=False)
        self.refuse_names(before)

    @rule(refused=st.sets(indexes, max_size=2))
    def names_are_refused(self, *, refused: set[int]) -> None:
        self.refuse_names(refused)

    def refuse_names(self, refused: set[int]) -> None:
        self.model.refused_names = refused
        self.house.files.problems = dict.fromkeys(refused, "It is in the way.")

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags, partial=st.booleans())
    def complete(self, *, pick: int, actor: str, etag: str, partial: bool) -> None:
        job_id = self.pick(pick)
        self._complete(job_id, self.actor(job_id, actor), etag, partial=partial)

    def _complete(self, job_id: str, caller: Principal, etag: str, *, partial: bool) -> None:
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("INVALID_STATE" if job.state is JobState.CANCELLED else "")
        if not refused and job.live:
            if job.unfinished and not partial:
                refused = "JOB_NOT_TRANSFERRED"
            else:
                job.stop(told=True)
                if not job.place(self.model.refused_names):
                    refused = "DESTINATION_UNWRITABLE"
                    job.run = None
        answer = self.ground.expect(
            refused, "CompleteJob", caller, job_id=job_id, etag=sent, allow_partial=partial
        )
        if answer is None:
            return
        if job.live:
            job.go_to(JobState.ACKNOWLEDGED)
            self._compare_leftovers(job)
        dropped = [one.index for one in job.unfinished]
        assert list(answer.dropped_files) == dropped
        whole = [one.index for one in job.files.values() if one.completed]
        assert list(answer.completed_files) == whole
        assert answer.hresult_name == ("BG_S_PARTIAL_COMPLETE" if dropped else "S_OK")

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags)
    def cancel(self, *, pick: int, actor: str, etag: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("INVALID_STATE" if job.state is JobState.ACKNOWLEDGED else "")
        done = self.ground.expect(refused, "CancelJob", caller, job_id=job_id, etag=sent)
        if done and job.live:
            job.stop(told=True)
            job.go_to(JobState.CANCELLED)
            self._compare_leftovers(job)

    def _compare_leftovers(self, job: JobModel) -> None:
        """Nothing is left of what has not got its name, and nothing else was deleted of the job."""
        gone = [one.path for one in self.house.files.discarded if job.job_id in one.partial_name]
        left = [one.path for one in job.files.values() if not one.completed]
        assert sorted(set(gone) & {one.path for one in job.files.values()}) == sorted(left)

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags)
    def delete(self, *, pick: int, actor: str, etag: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("INVALID_STATE" if job.live else "")
        if self.ground.expect(refused, "DeleteJob", caller, job_id=job_id, etag=sent):
            self.model.forget(job_id, self.house.clock.seconds)

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags, props=properties.filter(bool))
    def update(self, *, pick: int, actor: str, etag: str, props: dict[str, Any]) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("" if job.live else "INVALID_STATE")
        if not refused and RESUME_LOCKED in props and job.resumed:
            refused = "READ_ONLY_PROPERTY_AFTER_RESUME"
        if not refused and FILES_LOCKED in props and job.files:
            refused = "READ_ONLY_PROPERTY_AFTER_ADDFILE"
        wanted = {**job.props, **props}
        refused = refused or conflict(wanted, [one.ranged for one in job.files.values()])
        answer = self.ground.expect(
            refused,
            "UpdateJob",
            caller,
            job_id=job_id,
            etag=sent,
            job=job_pb2.Job(**props),
            update_mask=FieldMask(paths=list(props)),
        )
        if answer is None or wanted == job.props:
            return
        job.version += 1
        if any(wanted[name] != job.props[name] for name in OPTIONS):
            job.begin_transfers_anew()
        job.props = wanted
        if job.state is JobState.TRANSFERRED and wanted["auto_complete"]:
            self.ground.complete_by_itself(job)
