"""What acts in the name of a job's owner: stored credentials, and the change of owners.

BITS lets the owner alone set credentials and headers: an administrator must not make somebody's
job act with them. He may take the job, which drops both.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable

from bgcopyd.jobs.http_options import AuthScheme, CredentialsKey
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import invalid
from bgcopyd.jobs.states import Trigger
from bgcopyd.queue.authorizer import authorized, expected, owned, taken
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.commands import RemoveCredentials, SetCredentials, TakeOwnership
from bgcopyd.queue.judging import Configured
from bgcopyd.queue.progress import ProgressBoard
from bgcopyd.queue.runs import Runs
from bgcopyd.queue.secrets import JobSecrets, credentials_name, disowned
from bgcopyd.queue.storage import Store, Tx
from bgcopyd.queue.transitions import edited, move, target_state

logger = logging.getLogger(__name__)

Rule = Callable[[Principal, Job], Job]
Command = SetCredentials | RemoveCredentials | TakeOwnership


class Ownership:
    """Credentials and owners of jobs. A run that is under way goes on with what is new.

    Args:
        on_change: called with a job that may run, or wait for a moment, now.
    """

    def __init__(
        self,
        *,
        store: Store,
        runs: Runs,
        board: ProgressBoard,
        clock: Clock,
        configured: Configured,
        secrets: JobSecrets,
        on_change: Callable[[Job], None],
    ) -> None:
        self._store = store
        self._runs = runs
        self._board = board
        self._clock = clock
        self._configured = configured
        self._secrets = secrets
        self._on_change = on_change

    async def set_credentials(self, principal: Principal, command: SetCredentials) -> Job:
        """Stores credentials; those of the same target and scheme are replaced."""
        now = self._clock.moment()
        credentials = command.credentials
        sealed = {} if credentials is None else self._secrets.seal_credentials(credentials)

        def store(tx: Tx) -> Job:
            job = _opened(tx, principal, command, owned, Trigger.UPDATE)
            assert credentials is not None
            self._judge_scheme(principal, credentials.key.scheme)
            tx.put_secrets(job.job_id, sealed)
            keys = {*job.options.credentials, credentials.key}
            return tx.update_job(edited(_with_keys(job, keys), now))

        job = await self._store.transact(store)
        self._runs.changed(job, refetch=True)
        return self._board.overlay(job)

    def _judge_scheme(self, principal: Principal, scheme: AuthScheme) -> None:
        if scheme is AuthScheme.NEGOTIATE and not principal.admin:
            # GSS-API answers with the tickets of the daemon's own user.
            problem = "is NEGOTIATE, which needs an administrator"
            raise invalid("scheme", problem, Reason.ADMIN_REQUIRED)
        able = self._configured.auth_schemes
        if scheme not in able:
            there = ", ".join(one.name for one in AuthScheme if one in able)
            problem = f"is {scheme.name}, which this server cannot use; it can {there}"
            raise invalid("scheme", problem, Reason.NOT_SUPPORTED)

    async def remove_credentials(self, principal: Principal, command: RemoveCredentials) -> Job:
        """Forgets credentials; absent ones leave the job unchanged."""
        now = self._clock.moment()
        key = command.key

        def remove(tx: Tx) -> tuple[Job, bool]:
            job = _opened(tx, principal, command, owned, Trigger.UPDATE)
            assert key is not None
            if key not in job.options.credentials:
                return job, False
            tx.drop_secrets(job.job_id, [credentials_name(key)])
            keys = [one for one in job.options.credentials if one != key]
            return tx.update_job(edited(_with_keys(job, keys), now)), True

        job, changed = await self._store.transact(remove)
        if changed:
            self._runs.changed(job, refetch=True)
        return self._board.overlay(job)

    async def take_ownership(self, principal: Principal, command: TakeOwnership) -> Job:
        """Makes the caller the owner, without what was stored in the former owner's name.

        Returns when no transfer goes on with it.
        """
        now = self._clock.moment()

        def take(tx: Tx) -> tuple[Job, str]:
            job = _opened(tx, principal, command, taken, Trigger.TAKE_OWNERSHIP)
            if job.owner == principal.id:
                return job, job.owner
            mine = dataclasses.replace(
                edited(disowned(tx, job), now), owner=principal.id, claim_id=""
            )
            moved = move(tx, mine, Trigger.TAKE_OWNERSHIP, now)
            return (tx.update_job(mine) if moved is mine or moved is None else moved), job.owner

        job, former = await self._store.transact(take)
        if former != principal.id:
            logger.info(
                "%s took the job from %s", principal.id, former, extra={"job_id": job.job_id}
            )
            await self._runs.stop(job.job_id)
            self._on_change(job)
        return self._board.overlay(job)


def _opened(tx: Tx, principal: Principal, command: Command, rule: Rule, trigger: Trigger) -> Job:
    """The job that a command is for: permission first, then shape, etag and state."""
    job = tx.job(command.job_id)
    job = authorized(principal, None, command.job_id) if job is None else rule(principal, job)
    if command.refusal is not None:
        raise command.refusal
    target_state(expected(job, command.etag), trigger)
    return job


def _with_keys(job: Job, keys: Iterable[CredentialsKey]) -> Job:
    ordered = tuple(sorted(keys, key=lambda key: (key.target, key.scheme)))
    return dataclasses.replace(job, options=dataclasses.replace(job.options, credentials=ordered))
