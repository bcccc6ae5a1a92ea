"""The machine's ground: a house, the model of it, and the comparison of both after each step."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any
from unittest import mock

from google.protobuf.message import Message

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.queue import watch as watch_module
from bgcopyd.queue.transfers import Transfer
from tests.support.model_house import StillHouse
from tests.support.model_jobs import (
    IN_PLAY,
    SHOWN_IN_PLAY,
    JobModel,
    QueueModel,
    RunModel,
)
from tests.support.model_watch import Viewer, lasting

ANNA, BERT = Principal("user:anna"), Principal("user:bert")
ROOT = Principal("user:root", ALL_SCOPES)
FOREGROUND = 1
STAYS = ("revision", "modification_time")


class Ground:
    """What is called, and what must be the same afterwards."""

    def __init__(self, kind: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="bgcopy-model-"))
        # Small enough that readers fall behind and snapshots have pages.
        self._patches = [
            mock.patch.object(watch_module, "PENDING", 1),
            mock.patch.object(watch_module, "SNAPSHOT_PAGE", 2),
        ]
        for patch in self._patches:
            patch.start()
        self.house = StillHouse(kind, self.directory)
        self.model = QueueModel()
        self.house.loop.run_until_complete(self.house.open())
        self.viewers = [
            Viewer(self.house, ANNA),
            Viewer(self.house, BERT),
            Viewer(self.house, ROOT, all_owners=True),
            Viewer(self.house, ROOT, all_owners=True, states=[7, 5, 9]),
            Viewer(self.house, ANNA, display_name="a"),
        ]
        self.trimmed = False
        self._touched = ""
        self.house.run(self._look())

    async def _look(self) -> None:
        for viewer in self.viewers:
            viewer.begin()

    def close(self) -> None:
        """Ends everything, whatever has happened."""
        try:
            for viewer in self.viewers:
                self.house.loop.run_until_complete(viewer.end())
            self.house.close()
        finally:
            for patch in self._patches:
                patch.stop()
            shutil.rmtree(self.directory)

    # What rules ask.

    def call(self, rpc: str, caller: Principal, **fields: Any) -> Any:
        """The response, or the reason of the refusal, after all that comes of it."""
        return self.house.run(self.house.call(rpc, caller, **fields))

    def expect(self, refused: str, rpc: str, caller: Principal, **fields: Any) -> Any:
        """The response, None where the call was refused, as the model has said."""
        self._touched = fields.get("job_id", "")
        answer = self.call(rpc, caller, **fields)
        told = "" if isinstance(answer, Message) else answer
        assert told == refused, f"{rpc} is answered {told or 'well'}, not {refused or 'well'}"
        return None if refused else answer

    async def _read_all(self) -> dict[str, Any]:
        """Every job as the administrator reads it."""
        answers = {
            job_id: await self.house.call("GetJob", ROOT, job_id=job_id)
            for job_id in self.model.jobs
        }
        return {job_id: answer.job for job_id, answer in answers.items()}

    def transfers(self, job_id: str = "") -> list[Transfer]:
        """What the engine works on, in the order of the jobs' creation."""
        numbers = {one.job_id: one.number for one in self.model.jobs.values()}
        found = [one for one in self.house.engine.active.values() if job_id in {"", one.job_id}]
        return sorted(found, key=lambda one: (numbers[one.job_id], one.index))

    # What must hold at every rest.

    def compare(self) -> None:
        """Compares everything that callers can see with the model."""
        assert not self.house.defects.records, self.house.defects.records[0]
        for one in self.transfers():
            assert self.model.jobs[one.job_id].state is IN_PLAY, f"{one} runs in vain"
        messages = self.house.run(self._read_all())
        for job in self.model.jobs.values():
            if job.state is IN_PLAY:
                self._follow(job, messages[job.job_id])
        for job in self.model.jobs.values():
            self._compare_job(job, messages[job.job_id])
        self._compare_slots()
        touched, self._touched = self._touched, ""
        if touched in self.model.jobs:
            self.compare_files(self.model.jobs[touched])
        for viewer in self.viewers:
            self._compare_viewer(viewer, messages)

    def _follow(self, job: JobModel, message: Any) -> None:
        """What the scheduler and the engine have made of a job in play."""
        active = {one.index for one in self.transfers(job.job_id)}
        if active:
            (claim_id,) = {one.claim_id for one in self.transfers(job.job_id)}
            if job.run is None or job.run.claim_id != claim_id:
                job.run = RunModel(claim_id)
            moving = self._moving(job, job.run, job.run.active & active)
            assert active == moving, f"{active} run of {moving}"
            job.run.active = active
            return
        if message.state != JobState.QUEUED or (job.run is not None and not job.pending()):
            state, error = job.outcome()
            assert job.run is None or job.run.fatal is not None or not job.pending()
            wait = message.next_attempt_time.ToDatetime(UTC) - self.house.clock.now()
            due = self.house.clock.seconds + wait.total_seconds()
            job.go_to(state, error, due if state is JobState.TRANSIENT_ERROR else None)
            if state is JobState.TRANSFERRED and job.props["auto_complete"]:
                self.complete_by_itself(job)
            return
        job.run = None

    def _moving(self, job: JobModel, run: RunModel, still: set[int]) -> set[int]:
        """What runs: what has run so far, until the engine ends it, and the next files in order."""
        waiting = {one.index for one in job.pending()} - still
        if not still and waiting <= run.aside:
            run.aside = set()
        free = self.house.settings.files_in_parallel - len(still)
        return still | set(sorted(waiting - run.aside)[:free])

    def complete_by_itself(self, job: JobModel) -> None:
        """The end of a job that needs no CompleteJob."""
        if job.place(self.model.refused_names):
            job.go_to(JobState.ACKNOWLEDGED)
        else:
            job.go_to(JobState.ERROR, "DESTINATION_UNWRITABLE")

    def _compare_slots(self) -> None:
        running = [job for job in self.model.jobs.values() if job.run is not None]
        background = [job for job in running if job.props["priority"] != FOREGROUND]
        slots = self.model.policy.background_jobs
        assert len(background) <= slots
        assert not (self.model.draining and running)
        for job in self.model.jobs.values():
            if job.state is IN_PLAY and job.run is None and not self.model.draining:
                full = job.props["priority"] != FOREGROUND and len(background) >= slots
                assert full, f"{job.job_id} waits for nothing"

    def _compare_job(self, job: JobModel, message: Any) -> None:
        shown = JobState(message.state)
        if job.state is IN_PLAY:
            run = job.run
            expected = JobState.QUEUED
            if run is not None:
                expected = JobState.TRANSFERRING if run.connected else JobState.CONNECTING
            assert shown in SHOWN_IN_PLAY
            assert shown is expected, f"{shown!r} is not {expected!r}"
        else:
            assert shown is job.state, f"{shown!r} is not {job.state!r}"
        assert message.owner == job.owner
        for name, value in job.props.items():
            assert getattr(message, name) == value, name
        assert {(one.target, one.scheme) for one in message.credentials} == job.keys
        error = pb.DESCRIPTOR.pool.FindEnumTypeByName("bgcopy.v1.Reason")
        told = (
            error.values_by_number[message.error.reason].name if message.HasField("error") else ""
        )
        assert told == (f"REASON_{job.error}" if job.error else ""), f"{told} is not {job.error}"
        told_progress = message.progress
        total = told_progress.bytes_total if told_progress.HasField("bytes_total") else None
        assert (
            told_progress.bytes_transferred,
            total,
            told_progress.files_total,
            told_progress.files_transferred,
        ) == job.progress(), f"{told_progress} is not {job.progress()}"
        assert message.partially_completed == (
            job.state is JobState.ACKNOWLEDGED and bool(job.unfinished)
        )
        self._compare_marks(job, message)
        if not job.live and (job.seen is None or not JobState(job.seen.state).final):
            left = message.expire_time.ToDatetime(UTC) - self.house.clock.now()
            assert left.total_seconds() == self.model.policy.retention
            job.expires = self.house.clock.seconds + self.model.policy.retention
        job.seen = message

    def _compare_marks(self, job: JobModel, message: Any) -> None:
        """Etag and revision: what has changed, and nothing else, is what they tell."""
        version = job.etags.setdefault(message.etag, job.version)
        assert version == job.version, "the etag is that of another version"
        assert list(job.etags)[-1] == message.etag, "the etag has changed without need"
        before = job.seen
        if before is None:
            return
        assert before.revision <= message.revision
        assert before.error_count <= message.error_count
        if before.revision == message.revision:
            assert lasting(before) == lasting(message), "a change without a revision"

    def _compare_viewer(self, viewer: Viewer, messages: dict[str, Any]) -> None:
        if not viewer.open.is_set():
            return
        if viewer.ended == "RESUME_TOKEN_EXPIRED" and self.trimmed:
            viewer.token = ""
            self.house.run(self._again(viewer))
        mine = [
            message
            for job_id, message in messages.items()
            if viewer.wanted.get("all_owners") or message.owner == viewer.caller.id
        ]
        viewer.check(mine)

    async def _again(self, viewer: Viewer) -> None:
        viewer.begin()

    def compare_files(self, job: JobModel) -> None:
        """Compares a job's files, page by page."""
        found: list[Any] = []
        token = ""
        while True:
            page = self.call("ListFiles", ROOT, job_id=job.job_id, page_size=2, page_token=token)
            assert len(page.files) <= 2
            found += page.files
            token = page.next_page_token
            if not token:
                break
        assert [one.index for one in found] == list(job.files)
        for one, file in zip(found, job.files.values(), strict=True):
            assert one.spec.remote_url == file.url
            assert one.spec.local_path == file.path
            told = (
                one.bytes_transferred,
                one.bytes_total if one.HasField("bytes_total") else None,
                one.transferred,
                one.completed,
                one.validation_state if one.HasField("validation_state") else None,
                one.HasField("error"),
                {byte for part in one.filled_ranges for byte in _bytes(part)},
            )
            assert told == (
                *job.shown(file),
                file.transferred,
                file.completed,
                file.valid,
                bool(file.failed),
                file.on_disk,
            ), f"{told} is not {file}"


def _bytes(part: Any) -> range:
    return range(part.offset, part.offset + part.length)
