"""Due moments of the queue in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial

from bgcopyd.jobs.job import Job, JobState
from bgcopyd.jobs.limits import REQUEST_ID_RETENTION
from bgcopyd.jobs.states import Trigger, outcome_of
from bgcopyd.queue.clock import ClockMark
from bgcopyd.queue.storage import Directory, Farewell, Leftover
from bgcopyd.store.memory_state import State

Key = Callable[[Job], float | None]


class MemoryClocks:
    """The part of Tx that looks at clocks."""

    def __init__(self, state: State) -> None:
        self._state = state

    def delete_job(self, job_id: str) -> None:
        """Removes a job."""
        raise NotImplementedError

    def expire(self, now: float, limit: int = 500) -> int:
        """Deletes settled final jobs that are due, and old requests."""
        found = self._until(_due, now)
        expired = [job for job in found if job.state.final and not job.cleanup][:limit]
        for job in expired:
            self.delete_job(job.job_id)
        for key, request in list(self._state.requests.items()):
            if request.job_id in self._state.gone:
                expires = now + REQUEST_ID_RETENTION
                self._state.requests[key] = replace(request, expires=expires)
            elif request.expires is not None and request.expires <= now:
                del self._state.requests[key]
        self._state.gone.clear()
        return len(expired)

    def due(self, now: float, limit: int = 500) -> list[Job]:
        """Jobs with a future that are due."""
        return [job for job in self._until(_due, now) if not job.state.final][:limit]

    def overdue(self, now: float, limit: int = 500) -> list[Job]:
        """Jobs past their deadline."""
        return self._until(_deadline, now)[:limit]

    def inactive(self, before: float, limit: int = 500) -> list[Job]:
        """Jobs that were last active before."""
        return self._until(_active, before)[:limit]

    def blocked(self, *, after: int = 0, limit: int = 500) -> list[Job]:
        """Jobs in TRANSIENT_ERROR without a pause."""
        jobs = self._state.jobs.values()
        waiting = [job for job in jobs if job.state is JobState.TRANSIENT_ERROR and job.seq > after]
        found = [job for job in waiting if job.due is None]
        return sorted(found, key=lambda job: job.seq)[:limit]

    def next_moment(self, inactivity_timeout: float) -> float | None:
        """The earliest moment at which anything is due."""
        jobs = list(self._state.jobs.values())
        moments = [_due(job) for job in jobs] + [_deadline(job) for job in jobs]
        active = min((moment for moment in map(_active, jobs) if moment is not None), default=None)
        moments.append(None if active is None else active + inactivity_timeout)
        moments += [
            -1.0 if request.job_id in self._state.gone else request.expires
            for request in self._state.requests.values()
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def _until(self, key: Key, bound: float) -> list[Job]:
        """The jobs whose moment has come, by that."""
        found = [(key(job), job) for job in self._state.jobs.values()]
        come = [(moment, job) for moment, job in found if moment is not None and moment <= bound]
        return [job for _, job in sorted(come, key=lambda pair: (pair[0], pair[1].seq))]

    def clock_mark(self) -> ClockMark | None:
        """The mark that was set last."""
        return self._state.clock_mark

    def set_clock_mark(self, mark: ClockMark) -> None:
        """Notes where the clocks stand."""
        self._state.clock_mark = mark

    def note_directories(self, directories: Iterable[Directory], until: float) -> None:
        """Notes where partial files may be left."""
        self._state.directories |= dict.fromkeys(directories, until)

    def directories(self, *, after: Directory | None = None, limit: int = 1000) -> list[Directory]:
        """Noted directories in order."""
        found = sorted(self._state.directories)
        return [one for one in found if after is None or one > after][:limit]

    def forget_directories(self, now: float) -> None:
        """Forgets those whose moment has come."""
        kept = {one: until for one, until in self._state.directories.items() if until > now}
        self._state.directories = kept

    def unwanted(self, leftovers: Collection[Leftover]) -> set[Leftover]:
        """Partial files of ours that no job wants any more."""
        return {one for one in leftovers if self._is_unwanted(one)}

    def put_farewell(self, farewell: Farewell) -> None:
        """Adds or replaces the farewell of a job."""
        self._state.farewells[farewell.job_id] = farewell

    def drop_farewell(self, job_id: str) -> None:
        """Forgets it."""
        self._state.farewells.pop(job_id, None)

    def farewell(self, job_id: str) -> Farewell | None:
        """The farewell of a job."""
        return self._state.farewells.get(job_id)

    def farewells(self) -> list[Farewell]:
        """All of them."""
        return [one for _, one in sorted(self._state.farewells.items())]

    def _is_unwanted(self, one: Leftover) -> bool:
        job = self._state.jobs.get(one[0])
        if job is None:
            return any(gone.job_id == one[0] for gone in self._state.tombstones)
        settled = job.state.final and not (job.completing or job.cleanup)
        return settled or one not in self._state.files


def _due(job: Job) -> float | None:
    return None if job.completing or job.cleanup else job.due


def _led_on(moment: Callable[[Job], float | None], trigger: Trigger, job: Job) -> float | None:
    leads = outcome_of(job.state, trigger) is not None
    return moment(job) if leads and not job.completing else None


_deadline: Key = partial(_led_on, lambda job: job.deadline_due, Trigger.DEADLINE)
_active: Key = partial(_led_on, lambda job: job.active, Trigger.INACTIVE)
