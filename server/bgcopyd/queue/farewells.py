"""Tells servers of uploads that nobody will finish: their parts need not wait for anything.

Ending a job never waits for it. What is to be told is in the store from the moment at which the job
ends, with the secrets that the job loses then, and is tried again until a week has passed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.values import changed
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.patience import transact_patiently
from bgcopyd.queue.secrets import JobSecrets, SecretUnreadable
from bgcopyd.queue.storage import Farewell, Store, StoreUnavailable, Tx
from bgcopyd.queue.transfers import Parter, TransferOptions

logger = logging.getLogger(__name__)

TRIED_FOR = 7 * 86_400.0
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
_AT_ONCE = 8


def expect_farewell(tx: Tx, job: Job, now: float) -> None:
    """Keeps what it takes to tell a job's server, while the job still has it."""
    files = tx.files(job.job_id, limit=1) if job.uploads else ()
    begun = [file for file in files if not file.transferred and file.upload is not None]
    for file in begun:
        sealed = tx.secrets(job.job_id)
        url, until = file.spec.url, now + TRIED_FOR
        tx.put_farewell(Farewell(job.job_id, job.owner, url, job.options, until, sealed))


def settle_farewell(tx: Tx, job_id: str) -> None:
    """The job has ended: what its upload has left is known now."""
    farewell = tx.farewell(job_id)
    if farewell is None or farewell.upload is not None:
        return
    files: Sequence[File] = tx.files(job_id, limit=1)
    left = [file.upload for file in files if not file.transferred]
    if left and left[0] is not None and left[0].session:
        tx.put_farewell(changed(farewell, upload=left[0]))
    else:
        tx.drop_farewell(job_id)


class Farewells:
    """One task; several servers are told at once."""

    def __init__(self, store: Store, parter: Parter, secrets: JobSecrets, clock: Clock) -> None:
        self._store = store
        self._parter = parter
        self._secrets = secrets
        self._clock = clock
        self._news = asyncio.Event()
        self._waiting: dict[str, tuple[float, float]] = {}

    def wake(self) -> None:
        """Looks for new ones."""
        self._news.set()

    async def run(self) -> None:
        """Tells until cancelled."""
        while True:
            self._news.clear()
            try:
                pause = await self.round()
            except StoreUnavailable as problem:
                logger.warning("farewells wait for the store: %s", problem)
                pause = FIRST_PAUSE
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def round(self) -> float | None:
        """Tells those that are due; seconds until the next one is, None where there is none."""
        found = await self._store.transact(lambda tx: tx.farewells(), durable=False)
        ready = [one for one in found if one.upload is not None]
        now = self._clock.steady()
        self._waiting = {
            one.job_id: self._waiting.get(one.job_id, (now, FIRST_PAUSE)) for one in ready
        }
        due = [one for one in ready if self._waiting[one.job_id][0] <= now][:_AT_ONCE]
        await asyncio.gather(*map(self._tell, due))
        moments = [moment for moment, _ in self._waiting.values()]
        return max(min(moments) - self._clock.steady(), 0.0) if moments else None

    async def _tell(self, one: Farewell) -> None:
        problem = await self._told(one)
        if problem and self._clock.steady() < one.until:
            _, pause = self._waiting[one.job_id]
            longer = min(2 * pause, LONGEST_PAUSE)
            self._waiting[one.job_id] = (self._clock.steady() + pause, longer)
            return
        if problem:
            logger.warning("the upload of job %s stays at its server: %s", one.job_id, problem)
        del self._waiting[one.job_id]
        await transact_patiently(self._store, lambda tx: tx.drop_farewell(one.job_id))

    async def _told(self, one: Farewell) -> str:
        """Why it has to be tried again; empty where nothing more is to be done."""
        assert one.upload is not None
        try:
            http, credentials = self._secrets.opened(one.options, one.sealed)
        except SecretUnreadable as problem:
            logger.warning("the upload of job %s stays at its server: %s", one.job_id, problem)
            return ""
        options = TransferOptions(owner=one.owner, http=http, credentials=credentials)
        return await self._parter.part(one.job_id, one.url, one.upload, options)
