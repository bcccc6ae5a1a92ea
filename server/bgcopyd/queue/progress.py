"""What is known of jobs beyond the store: how far they have come, what they wait for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from bgcopyd.jobs.blocking import Standing, turn_reason, waits_for_turn, waits_to_start
from bgcopyd.jobs.clocks import download_time
from bgcopyd.jobs.file import File
from bgcopyd.jobs.job import Job, JobState, Progress
from bgcopyd.jobs.moments import later
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.values import changed
from bgcopyd.queue.clock import Clock

SPEED_WINDOW = 3.0


class ProgressBoard:
    """The live progress of running jobs, with a speed smoothed over a few seconds.

    Args:
        clock: reads the time.
        inactivity_timeout: after how many seconds of rest a job is cancelled.

    Attributes:
        standing: who holds the background slots, as the scheduler has seen it last.
    """

    def __init__(
        self,
        clock: Clock,
        inactivity_timeout: Callable[[], float] = lambda: Policy().inactivity_timeout,
    ) -> None:
        self.standing = Standing(slots=0, priorities=(), owners={})
        self._clock = clock
        self._inactivity_timeout = inactivity_timeout
        self._live: dict[str, Progress] = {}
        self._files: dict[str, Callable[[File], File]] = {}
        self._shown: dict[str, float] = {}
        self._marks: dict[str, tuple[float, int, float]] = {}

    def show(
        self, job_id: str, progress: Progress, live: Callable[[File], File] | None = None
    ) -> None:
        """Sets a running job's progress; its speed is worked out here.

        Args:
            job_id: the job.
            progress: its sums.
            live: tells of one of its files as it is by now.
        """
        speed = self._speed(job_id, progress.bytes_transferred)
        self._shown[job_id] = self._clock.steady()
        self._live[job_id] = dataclasses.replace(progress, bytes_per_second=round(speed))
        if live is not None:
            self._files[job_id] = live

    def forget(self, job_id: str) -> None:
        """Ends the liveness of a job: from now on what the store says holds."""
        self._live.pop(job_id, None)
        self._files.pop(job_id, None)
        self._shown.pop(job_id, None)
        self._marks.pop(job_id, None)

    def running(self) -> dict[str, Progress]:
        """Every running job's progress."""
        return self._live

    def overlay(self, job: Job, ahead: int = 0) -> Job:
        """The job as people see it; two looks differ only where something has happened.

        It has its live progress, where there is one, and the time that it took to get there. A job
        that has stopped has no speed. One that waits for its turn says what for; `ahead` counts
        those of its lane before it.
        """
        state = job.state
        fields: dict[str, Any] = {}
        if state is JobState.QUEUED and (
            waits_for_turn(job) or (self.standing.draining and waits_to_start(job))
        ):
            fields["turn_reason"] = turn_reason(job, self.standing, ahead)
        live = self._live.get(job.job_id)
        if live is not None:
            fields["progress"] = live if state.running else changed(live, bytes_per_second=0)
            fields["download_time"] = download_time(job, self._shown[job.job_id])
        if not state.running and not state.final:
            fields["inactivity_time"] = later(job.active_time, self._inactivity_timeout())
        return changed(job, **fields) if fields else job

    def overlay_file(self, file: File) -> File:
        """The file as people see it: one that moves with all that has arrived."""
        live = self._files.get(file.job_id)
        return file if live is None else live(file)

    def _speed(self, job_id: str, received: int) -> float:
        now = self._clock.monotonic()
        then, before, speed = self._marks.get(job_id, (now, received, 0.0))
        elapsed = now - then
        if elapsed >= 0.5:
            weight = min(1.0, elapsed / SPEED_WINDOW)
            speed += weight * (max(0, received - before) / elapsed - speed)
            self._marks[job_id] = (now, received, speed)
        elif job_id not in self._marks:
            self._marks[job_id] = (now, received, speed)
        return speed
