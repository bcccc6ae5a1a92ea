"""A reader of the change feed who believes what he is told, and can be asked what that was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.refusal import Refusal
from tests.support.model_house import StillHouse

MARKS = 12
# What changes without a revision, or is told of the moment and of others.
FLEETING = ("progress", "blocked_reason", "download_time", "inactivity_time")


def lasting(job: Any) -> Any:
    """A job without what is told of the moment only."""
    kept = type(job)()
    kept.CopyFrom(job)
    for name in FLEETING:
        kept.ClearField(name)
    return kept


def matches(job: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether a job is what a filter asks for; finished ones are where nobody excludes them."""
    text = wanted.get("text", "").lower()
    labels = wanted.get("labels", {})
    return (
        (not wanted.get("job_ids") or job.job_id in wanted["job_ids"])
        and job.job_id.startswith(wanted.get("job_id_prefix", ""))
        and wanted.get("display_name", job.display_name) == job.display_name
        and (text in job.display_name.lower() or text in job.description.lower())
        and (not wanted.get("states") or job.state in wanted["states"])
        and all(job.labels.get(key) == value for key, value in labels.items())
    )


class Viewer:
    """One who watches. `marks` are tokens, each with what was known when it came."""

    def __init__(self, house: StillHouse, caller: Principal, **wanted: Any) -> None:
        self._house = house
        self.caller = caller
        self.wanted = wanted
        self.known: dict[str, Any] = {}
        self.token = ""
        self.marks: list[tuple[str, dict[str, Any]]] = []
        self.whole = False
        self.ended = ""
        self.open = asyncio.Event()
        self.open.set()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Watches on from the last token, or anew."""
        self.ended = ""
        self.whole = bool(self.token)
        if not self.token:
            self.known = {}
        self._task = asyncio.create_task(self._read())

    async def end(self) -> None:
        """Looks away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        request = pb.WatchJobsRequest(
            filter=pb.JobFilter(**self.wanted), resume_token=self.token, file_events=True
        )
        stream = self._house.method("WatchJobs")(self.caller, request)
        try:
            async with contextlib.aclosing(stream) as events:
                async for raw in events:
                    await self.open.wait()
                    self._hear(pb.WatchJobsResponse.FromString(raw))
        except Refusal as refusal:
            self.ended = refusal.reason.name
        except AssertionError as wrong:
            self.ended = str(wrong)

    def _hear(self, event: pb.WatchJobsResponse) -> None:
        kind = event.WhichOneof("event")
        if kind == "job_changed":
            job = event.job_changed
            mine = self.wanted.get("all_owners") or job.owner == self.caller.id
            assert mine, f"a job of {job.owner} is shown to {self.caller.id}"
            before = self.known.get(job.job_id)
            assert before is None or before.revision <= job.revision, "revisions fall"
            self.known[job.job_id] = job
        elif kind == "job_removed":
            self.known.pop(event.job_removed.job_id, None)
        elif kind == "snapshot_complete":
            self.whole = True
        if event.resume_token and self.whole:
            self.token = event.resume_token
            self.marks = [*self.marks, (self.token, dict(self.known))][-MARKS:]

    def check(self, jobs: Iterable[Any]) -> None:
        """Compares what is known with the jobs that the viewer may see."""
        assert not self.ended, self.ended
        assert self.whole, "the snapshot is not complete"
        there = {job.job_id: lasting(job) for job in jobs if matches(job, self.wanted)}
        for job_id, job in self.known.items():
            assert job_id in there, f"{self.caller.id} still knows {job_id}: {job}"
            assert lasting(job) == there[job_id], f"{lasting(job)} is not {there[job_id]}"
        live = {job_id for job_id, job in there.items() if not JobState(job.state).final}
        named = self.wanted.get("states") or self.wanted.get("job_ids")
        asked = there if named else live
        missing = set(asked) - set(self.known)
        assert not missing, f"{self.caller.id} was not told of {missing}"
