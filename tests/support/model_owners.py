"""Rules of the machine: whose a job is, and what is kept secret for it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bgcopyd.jobs.principal import Principal
from tests.support.model_base import Machine, actors, etags, picks, with_jobs
from tests.support.model_jobs import JobModel
from tests.support.model_machine import ROOT

# Of a server and of a proxy; basic and digest.
targets = st.sampled_from([1, 2])
schemes = st.sampled_from([1, 2])


class Owners(Machine):
    """What owners alone and administrators alone may do."""

    @with_jobs
    @rule(pick=picks, actor=st.sampled_from(["owner", "admin", "admin"]), etag=etags)
    def take_ownership(self, *, pick: int, actor: str, etag: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        if refused != "JOB_NOT_FOUND" and not caller.admin:
            refused = "ADMIN_REQUIRED"
        refused = refused or ("" if job.live else "INVALID_STATE")
        done = self.ground.expect(refused, "TakeOwnership", caller, job_id=job_id, etag=sent)
        if done and job.owner != ROOT.id:
            job.version += 1
            job.owner, job.keys = ROOT.id, set()
            job.stop(told=False)
            job.run = None

    def _alone(
        self, job_id: str, caller: Principal, etag: str
    ) -> tuple[JobModel, dict[str, Any], str]:
        """As `judged`, for what the owner alone may do; with what is sent."""
        job, sent, refused = self.judged(job_id, caller, etag)
        if job_id in self.model.jobs and job.owner != caller.id:
            refused = "NOT_JOB_OWNER"
        refused = refused or ("" if job.live else "INVALID_STATE")
        return job, {"job_id": job_id, "etag": sent}, refused

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags, whom=targets, scheme=schemes)
    def set_credentials(self, *, pick: int, actor: str, etag: str, whom: int, scheme: int) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self._alone(job_id, caller, etag)
        secret = {"target": whom, "scheme": scheme, "user_name": "u", "password": "p"}
        if self.ground.expect(refused, "SetCredentials", caller, **sent, **secret):
            job.version += 1
            job.keys.add((whom, scheme))
            job.begin_transfers_anew()

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags, whom=targets, scheme=schemes)
    def remove_credentials(
        self, *, pick: int, actor: str, etag: str, whom: int, scheme: int
    ) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self._alone(job_id, caller, etag)
        key = {"target": whom, "scheme": scheme}
        done = self.ground.expect(refused, "RemoveCredentials", caller, **sent, **key)
        if done and (whom, scheme) in job.keys:
            job.version += 1
            job.keys.remove((whom, scheme))
            job.begin_transfers_anew()
