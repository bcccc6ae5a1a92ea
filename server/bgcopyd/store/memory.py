"""The queue in memory: for tests and for trying things out. Forgets everything at its end."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bgcopyd.jobs.attempt import Attempt
from bgcopyd.jobs.file import File, FileSpec
from bgcopyd.jobs.job import Job, JobState, JobType, Priority, Progress
from bgcopyd.jobs.limits import ATTEMPTS_PER_JOB
from bgcopyd.jobs.webhook import Delivery, Webhook
from bgcopyd.queue.storage import (
    AgeMark,
    Changes,
    DestinationTaken,
    FileTotals,
    FileUpdate,
    JobPage,
    JobQuery,
    Kept,
    Place,
    Position,
    Request,
    StoreUnavailable,
    Token,
    Tombstone,
    Tx,
)
from bgcopyd.store.memory_clocks import MemoryClocks
from bgcopyd.store.memory_state import State
from bgcopyd.store.memory_webhooks import MemoryWebhooks

T = TypeVar("T")


class MemoryTx(MemoryClocks, MemoryWebhooks):
    """Tx on a state of its own."""

    def _next(self) -> int:
        self._state.number += 1
        return self._state.number

    def _known(self, job_id: str) -> Job:
        job = self.job(job_id)
        if job is None:
            raise LookupError(f"no job {job_id}")
        return job

    def job(self, job_id: str) -> Job | None:
        """The job with its progress, or None."""
        return self._state.jobs.get(job_id)

    def insert_job(self, job: Job) -> Job:
        """Adds a job."""
        if job.job_id in self._state.jobs:
            raise ValueError("there is such a job already")
        number = self._next()
        job = replace(
            job,
            seq=number,
            change_seq=number,
            revision=job.revision + 1,
            queue_seq=number if job.state is JobState.QUEUED else job.queue_seq,
            progress=replace(job.progress, bytes_per_second=0),
        )
        self._state.jobs[job.job_id] = job
        return job

    def update_job(self, job: Job, *, requeue: bool = False) -> Job:
        """Replaces all but id, creator, seq and progress."""
        old = self._known(job.job_id)
        number = self._next()
        waits = job.state is JobState.QUEUED and not job.queue_seq
        job = replace(
            job,
            creator=old.creator,
            seq=old.seq,
            progress=old.progress,
            change_seq=number,
            revision=old.revision + 1,
            queue_seq=number if requeue or waits else job.queue_seq,
        )
        if job.owner != old.owner:
            gone = Tombstone(job.job_id, old.owner, number, owner_changed=True)
            self._state.tombstones.append(gone)
        self._state.jobs[job.job_id] = job
        return job

    def delete_job(self, job_id: str) -> None:
        """Removes a job with its files and leaves a tombstone."""
        job = self._known(job_id)
        self.release_destinations(job_id)
        state = self._state
        state.files = {key: file for key, file in state.files.items() if key[0] != job_id}
        state.secrets = {key: one for key, one in state.secrets.items() if key[0] != job_id}
        state.attempts.pop(job_id, None)
        state.removed_to.pop(job_id, None)
        state.gone.add(job_id)
        state.tombstones.append(Tombstone(job_id, job.owner, self._next()))
        del state.jobs[job_id]

    def insert_files(self, job_id: str, files: Sequence[File]) -> None:
        """Adds files and claims their destinations."""
        self._known(job_id)
        claims, added = dict(self._state.claims), dict(self._state.files)
        for position, file in enumerate(files):
            if file.spec.destination in claims:
                raise DestinationTaken(position)
            if (job_id, file.index) in added:
                raise ValueError("there is such a file already")
            if file.spec.destination:
                claims[file.spec.destination] = job_id
            added[job_id, file.index] = replace(file, job_id=job_id)
        self._state.claims, self._state.files = claims, added

    def files(self, job_id: str, *, after: int = -1, limit: int = 1000) -> list[File]:
        """Files by index."""
        found = [file for key, file in self._state.files.items() if key[0] == job_id]
        found = [file for file in found if file.index > after]
        return sorted(found, key=lambda file: file.index)[:limit]

    def next_files(self, job_id: str, *, after: int, limit: int) -> list[File]:
        """Files not transferred, by index."""
        found = self.files(job_id, after=after, limit=len(self._state.files))
        return [file for file in found if not file.transferred][:limit]

    def totals(self, job_id: str) -> FileTotals:
        """Sums over the job's files."""
        files = self.files(job_id, limit=len(self._state.files))
        return FileTotals(
            len(files),
            sum(file.transferred for file in files),
            sum(file.present for file in files),
            sum(file.size or 0 for file in files),
            sum(file.size is None for file in files),
        )

    def update_files(self, job_id: str, updates: Iterable[FileUpdate]) -> None:
        """Writes what transfers have learnt and done."""
        for new in updates:
            file = self._state.files.get((job_id, new.index))
            if file is None:
                continue
            self._state.files[job_id, new.index] = replace(
                file,
                partial_name=new.partial_name,
                claimed=new.claimed,
                size=new.size,
                validators=new.validators,
                transferred=new.transferred,
                completed=new.completed,
                verification=new.verification,
                device=new.device,
                inode=new.inode,
                error=new.error,
                report=new.report,
                filled=new.filled,
                requested=file.requested if new.requested is None else new.requested,
                validation_state=new.validation_state,
                upload=new.upload,
            )

    def set_spec(self, job_id: str, index: int, spec: FileSpec) -> None:
        """Replaces what a file is fetched from."""
        file = self._state.files.get((job_id, index))
        if file is not None:
            old = file.spec
            spec = replace(spec, root=old.root, path=old.path, destination=old.destination)
            self._state.files[job_id, index] = replace(file, spec=spec)

    def rename_file(self, job_id: str, index: int, path: str) -> None:
        """Notes the name that a file got."""
        file = self._state.files.get((job_id, index))
        if file is not None:
            named = replace(file, spec=replace(file.spec, path=path))
            self._state.files[job_id, index] = named

    def remove_files(self, job_id: str, indexes: Sequence[int]) -> None:
        """Takes files out of the job and frees their destinations."""
        state = self._state
        state.removed_to[job_id] = self.next_index(job_id)
        for index in indexes:
            file = state.files.pop((job_id, index), None)
            if file is not None and state.claims.get(file.spec.destination) == job_id:
                del state.claims[file.spec.destination]

    def next_index(self, job_id: str) -> int:
        """The index of the next file that is added."""
        there = [index + 1 for owner, index in self._state.files if owner == job_id]
        return max([self._state.removed_to.get(job_id, 0), *there])

    def insert_attempts(self, job_id: str, attempts: Sequence[Attempt]) -> None:
        """Adds attempts and forgets the oldest."""
        self._known(job_id)
        before = self._state.attempts.get(job_id, [])
        newest = before[-1].attempt_id if before else 0
        added = [
            replace(attempt, attempt_id=number)
            for number, attempt in enumerate(attempts, newest + 1)
        ]
        self._state.attempts[job_id] = [*before, *added][-ATTEMPTS_PER_JOB:]

    def secrets(self, job_id: str) -> dict[str, bytes]:
        """The job's sealed secrets by name."""
        self._known(job_id)
        return {key[1]: one for key, one in self._state.secrets.items() if key[0] == job_id}

    def put_secrets(self, job_id: str, sealed: Mapping[str, bytes]) -> None:
        """Adds or replaces secrets."""
        self._known(job_id)
        self._state.secrets |= {(job_id, name): value for name, value in sealed.items()}

    def drop_secrets(self, job_id: str, names: Iterable[str]) -> None:
        """Forgets secrets."""
        self._known(job_id)
        for name in names:
            self._state.secrets.pop((job_id, name), None)

    def policy(self) -> Mapping[str, object]:
        """What an operator has changed of the policy."""
        return self._state.policy

    def set_policy(self, values: Mapping[str, object]) -> None:
        """Replaces what is changed of the policy."""
        self._state.policy = dict(values)

    def release_destinations(self, job_id: str) -> None:
        """Frees the destinations of a job that has ended."""
        claims = self._state.claims
        self._state.claims = {path: owner for path, owner in claims.items() if owner != job_id}

    def set_progress(self, job_id: str, progress: Progress) -> None:
        """Writes a job's progress."""
        kept = replace(progress, bytes_per_second=0)
        self._state.jobs[job_id] = replace(self._known(job_id), progress=kept)

    def live_jobs(self, owner: str | None) -> int:
        """How many jobs of the owner, or of all owners, are not final."""
        jobs = self._state.jobs.values()
        return sum(owner in {None, job.owner} and not job.state.final for job in jobs)

    def kept(self, owner: str) -> Kept:
        """What the owner's live jobs have."""
        jobs = [
            job for job in self._state.jobs.values() if job.owner == owner and not job.state.final
        ]
        return Kept(
            sum(job.progress.files_total for job in jobs),
            sum(job.progress.bytes_transferred for job in jobs if job.type is JobType.DOWNLOAD),
        )

    def request(self, creator: str, request_id: str) -> Request | None:
        """The use of a request id, while it is remembered."""
        return self._state.requests.get((creator, request_id))

    def insert_request(self, request: Request) -> Request | None:
        """Remembers the use of a request id, or answers the earlier one."""
        key = request.creator, request.request_id
        earlier = self._state.requests.setdefault(key, request)
        return None if earlier is request else earlier

    def _queue(self, priority: Priority) -> list[Place]:
        found = [
            Place(job.job_id, job.owner, job.priority, job.queue_seq)
            for job in self._state.jobs.values()
            if job.state is JobState.QUEUED and job.priority is priority and job.due is None
        ]
        return sorted(found, key=lambda place: place.queue_seq)

    def queued(self, priority: Priority, limit: int) -> list[Place]:
        """The first QUEUED jobs of a priority."""
        return self._queue(priority)[:limit]

    def lanes(self, priority: Priority, *, after: str = "", limit: int) -> list[Place]:
        """The first QUEUED job of each owner."""
        heads: dict[str, Place] = {}
        for place in self._queue(priority):
            heads.setdefault(place.owner, place)
        return [heads[owner] for owner in sorted(heads) if owner > after][:limit]

    def lane(self, priority: Priority, owner: str, *, after: int = 0, limit: int) -> list[Place]:
        """An owner's QUEUED jobs of a priority."""
        queue = [place for place in self._queue(priority) if place.owner == owner]
        return [place for place in queue if place.queue_seq > after][:limit]

    def ages(self) -> list[AgeMark]:
        """The marks that are kept, by age."""
        return sorted(self._state.ages, key=lambda mark: mark.age)

    def mark_age(self, age: float, *, forget: float) -> AgeMark:
        """Notes where the change sequence stands now."""
        mark = AgeMark(age, self._state.number)
        kept = [one for one in self._state.ages if one.age >= forget and one.age != age]
        self._state.ages = [*kept, mark]
        return mark

    def jobs_in(
        self, states: Iterable[JobState], *, after: int = 0, limit: int = 1000
    ) -> list[Job]:
        """Jobs in the states by seq."""
        chosen = set(states)
        jobs = self._state.jobs.values()
        found = [job for job in jobs if job.state in chosen and job.seq > after]
        return sorted(found, key=lambda job: job.seq)[:limit]

    def unsettled(self, limit: int = 1000) -> list[Job]:
        """Jobs with `completing` or `cleanup`."""
        found = [job for job in self._state.jobs.values() if job.completing or job.cleanup]
        return sorted(found, key=lambda job: job.seq)[:limit]

    def trim_history(self, keep: int) -> None:
        """Forgets all but the newest tombstones."""
        tombstones = self._state.tombstones
        cut = max(0, len(tombstones) - keep)
        if cut:
            self._state.oldest = tombstones[cut - 1].change_seq
            del tombstones[:cut]

    def insert_token(self, token: Token) -> None:
        """Adds a token."""
        if token.token_id in self._state.tokens:
            raise ValueError("there is such a token already")
        self._state.tokens[token.token_id] = token

    def revoke_token(self, token_id: str) -> bool:
        """Revokes a token; False where there is none."""
        token = self._state.tokens.get(token_id)
        if token is None:
            return False
        self._state.tokens[token_id] = replace(token, revoked=True)
        return True

    def mark_token(self, token_id: str, last_use_time: datetime) -> None:
        """Writes down when a token was used."""
        token = self._state.tokens.get(token_id)
        if token is not None:
            self._state.tokens[token_id] = replace(token, last_use_time=last_use_time)


class MemoryStore:
    """`Store` in memory; each transaction works on a copy, which takes the place of the old."""

    def __init__(self) -> None:
        self._state = State()
        self._store_id = uuid.uuid4().hex
        self._callbacks: list[Callable[[int], None]] = []
        self._closed = False

    async def transact(
        self,
        fn: Callable[[Tx], T],
        *,
        durable: bool = True,  # noqa: ARG002 - nothing here is durable
        brief: bool = False,  # noqa: ARG002 - all of it runs here and now
    ) -> T:
        """Runs `fn` in a transaction that undoes itself alone if `fn` raises."""
        if self._closed:
            raise StoreUnavailable("the queue is closed")
        state = self._state.copy()
        value = fn(MemoryTx(state))
        raised = state.number > self._state.number
        self._state = state
        if raised:
            for callback in self._callbacks:
                callback(state.number)
        # The loop goes round once, as with a store on a disk.
        await asyncio.sleep(0)
        return value

    async def job(self, job_id: str) -> Job | None:
        """The job with its stored progress, or None."""
        return self._state.jobs.get(job_id)

    async def token(self, digest: bytes) -> Token | None:
        """The token of a digest, or None."""
        tokens = self._state.tokens.values()
        return next((token for token in tokens if token.digest == digest), None)

    async def tokens(self) -> list[Token]:
        """All tokens."""
        return sorted(
            self._state.tokens.values(), key=lambda token: (token.create_time, token.token_id)
        )

    async def jobs(self, query: JobQuery, *, before: int | None, limit: int) -> JobPage:
        """A page of jobs by `seq`, falling, below `before`."""
        found = [job for job in self._state.jobs.values() if _matches(query, job)]
        found = [job for job in found if before is None or job.seq < before]
        found.sort(key=lambda job: -job.seq)
        more = len(found) > limit
        following = found[limit - 1].seq if more else None
        return JobPage(tuple(found[:limit]), following, await self.position())

    async def files(self, job_id: str, *, after: int = -1, limit: int = 1000) -> list[File]:
        """As Tx.files."""
        return MemoryTx(self._state).files(job_id, after=after, limit=limit)

    async def ahead(self, job: Job, limit: int) -> int:
        """How many QUEUED jobs of the same owner and priority come first."""
        lane = MemoryTx(self._state).lane(job.priority, job.owner, limit=limit)
        return sum(place.queue_seq < job.queue_seq for place in lane)

    async def attempts(
        self, job_id: str, *, file_index: int | None, before: int | None, limit: int
    ) -> list[Attempt]:
        """Attempts by attempt_id, falling, below `before`."""
        found = self._state.attempts.get(job_id, [])
        found = [one for one in found if file_index in {None, one.file_index}]
        return [one for one in reversed(found) if before is None or one.attempt_id < before][:limit]

    async def webhooks(self) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""
        return MemoryTx(self._state).webhooks()

    async def due_deliveries(self, webhook_ids: Collection[str], limit: int) -> list[Delivery]:
        """Pending messages, of each webhook the first."""
        return MemoryTx(self._state).due_messages(webhook_ids, limit)

    async def deliveries(
        self, webhook_id: str, *, before: int | None, limit: int
    ) -> list[Delivery]:
        """Messages of a webhook by number, falling."""
        return MemoryTx(self._state).deliveries(webhook_id, before)[:limit]

    async def pending_deliveries(self, webhook_ids: Collection[str]) -> dict[str, int]:
        """How many messages of each webhook wait."""
        tx = MemoryTx(self._state)
        return {
            one: len(tx.due_messages([one], len(self._state.deliveries))) for one in webhook_ids
        }

    async def counts(self) -> dict[JobState, int]:
        """How many jobs of each state there are."""
        found = Counter(job.state for job in self._state.jobs.values())
        return {state: found[state] for state in JobState}

    async def changes(self, after: int, *, limit: int = 1000) -> Changes:
        """What has changed behind a position."""
        jobs = [job for job in self._state.jobs.values() if job.change_seq > after]
        gone = [entry for entry in self._state.tombstones if entry.change_seq > after]
        numbers = sorted({job.change_seq for job in jobs} | {entry.change_seq for entry in gone})
        end = numbers[limit - 1] if len(numbers) > limit else max(self._state.number, after)
        jobs.sort(key=lambda job: job.change_seq)
        return Changes(
            tuple(job for job in jobs if job.change_seq <= end),
            tuple(entry for entry in gone if entry.change_seq <= end),
            end,
        )

    async def position(self) -> Position:
        """Where the change feed stands."""
        return Position(self._store_id, self._state.number, self._state.oldest)

    def on_commit(self, callback: Callable[[int], None]) -> None:
        """Calls back after each commit that raised the newest number."""
        self._callbacks.append(callback)

    async def close(self) -> None:
        """Takes no more transactions."""
        self._closed = True


def _matches(query: JobQuery, job: Job) -> bool:
    labels = query.labels or {}
    text = _lower(query.text)
    return (
        (query.owner is None or job.owner == query.owner)
        and (not query.job_ids or job.job_id in query.job_ids)
        and job.job_id.startswith(query.job_id_prefix)
        and (not query.display_name or job.display_name == query.display_name)
        and (text in _lower(job.display_name) or text in _lower(job.description))
        and (not query.states or job.state in query.states)
        and all(job.labels.get(key) == value for key, value in labels.items())
    )


def _lower(text: str) -> str:
    """Lower case of ASCII letters only, as the database does it."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
