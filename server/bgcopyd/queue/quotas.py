"""Judges numbers against the policy in force, as it is at each call."""

from __future__ import annotations

from collections.abc import Callable

from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Quota, Refusal, Violation
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.storage import Tx


class Quotas:
    """What a caller may have more of.

    Args:
        draining: whether the server takes no new jobs.
    """

    def __init__(self, policies: PolicyKeeper, draining: Callable[[], bool]) -> None:
        self._policies = policies
        self._draining = draining

    def judge_new_job(self, tx: Tx, principal: Principal, files: int = 0) -> None:
        """Judges one more job, with files. Of an owner's limits that of jobs is not for admins.

        Raises:
            Refusal: DRAINING, MACHINE_JOB_QUOTA_EXCEEDED, JOB_QUOTA_EXCEEDED, FILE_QUOTA_EXCEEDED.
        """
        if self._draining():
            raise Refusal(
                Reason.DRAINING,
                "the server is draining and takes no new jobs; try again later",
                retry_after=30.0,
            )
        policy = self._policies.policy
        live = tx.live_jobs(None)
        if live >= policy.jobs_per_machine:
            raise Refusal(
                Reason.MACHINE_JOB_QUOTA_EXCEEDED,
                f"the server has {live} live jobs and {policy.jobs_per_machine} are allowed; "
                "complete or cancel some, or ask its operator for more",
                quota=Quota("jobs_per_machine", policy.jobs_per_machine, live),
            )
        own = 0 if principal.admin else tx.live_jobs(principal.id)
        if own >= policy.jobs_per_owner:
            raise Refusal(
                Reason.JOB_QUOTA_EXCEEDED,
                f"you have {own} live jobs and {policy.jobs_per_owner} are allowed; "
                "complete or cancel some",
                quota=Quota("jobs_per_owner", policy.jobs_per_owner, own),
            )
        self.judge_owner_files(tx, principal.id, files)

    def judge_file_count(self, present: int, added: int) -> None:
        """Judges a number of files; also before each of them is looked at.

        Raises:
            Refusal: FILE_QUOTA_EXCEEDED.
        """
        allowed = self._policies.policy.files_per_job
        if present + added > allowed:
            raise Refusal(
                Reason.FILE_QUOTA_EXCEEDED,
                f"the job would have {present + added} files and {allowed} are allowed; "
                "spread them over several jobs",
                quota=Quota("files_per_job", allowed, present + added),
                violations=[Violation("files", f"at most {allowed} in one job")],
            )

    def judge_owner_files(self, tx: Tx, owner: str, added: int) -> None:
        """Judges more files of an owner, over all of his live jobs.

        Raises:
            Refusal: FILE_QUOTA_EXCEEDED.
        """
        allowed = self._policies.policy.files_per_owner
        if not allowed or not added:
            return
        present = tx.kept(owner).files
        if present + added > allowed:
            raise Refusal(
                Reason.FILE_QUOTA_EXCEEDED,
                f"the live jobs of {owner} would have {present + added} files and {allowed} are "
                "allowed; complete or cancel some",
                quota=Quota("files_per_owner", allowed, present + added),
                violations=[Violation("files", f"at most {allowed} in all live jobs")],
            )

    @property
    def ranges_per_file(self) -> int:
        """How many ranges a file may have."""
        return self._policies.policy.ranges_per_file

    def judge_watch_count(self, held: int) -> None:
        """Judges one more watch of a caller who holds some.

        Raises:
            Refusal: WATCH_QUOTA_EXCEEDED.
        """
        allowed = self._policies.policy.watches_per_owner
        if held >= allowed:
            raise Refusal(
                Reason.WATCH_QUOTA_EXCEEDED,
                f"you hold {held} watches and {allowed} are allowed; end some",
                quota=Quota("watches_per_owner", allowed, held),
            )
