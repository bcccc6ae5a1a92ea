"""Rules of the machine: what callers do to files, and what the engine says of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bgcopy.v1 import job_pb2
from bgcopyd.jobs.file import FileRange
from bgcopyd.jobs.job import JobState
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.spans import merged
from tests.support.model_base import Machine, actors, etags, indexes, picks, urls, with_jobs
from tests.support.model_jobs import IN_PLAY, SIZE, FileModel, JobModel, RunModel
from tests.support.rpc_engine import failure

with_transfers = precondition(lambda self: self.house.engine.active)
counts = st.integers(1, SIZE - 1)


class Edits(Machine):
    """What happens to files."""

    @with_jobs
    @rule(
        pick=picks,
        actor=actors,
        etag=etags,
        index=indexes,
        url=st.none() | urls,
        valid=st.sampled_from([None, None, True, False]),
    )
    def update_file(
        self, *, pick: int, actor: str, etag: str, index: int, url: str | None, valid: bool | None
    ) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        self._update_file(job_id, caller, etag, index, url=url, valid=valid)

    @precondition(lambda self: self.whole_files())
    @rule(pick=picks, valid=st.booleans())
    def judge_a_whole_file(self, *, pick: int, valid: bool) -> None:
        whole = self.whole_files()
        job, index = whole[pick % len(whole)]
        self._update_file(job.job_id, self.actor(job.job_id, "owner"), "", index, valid=valid)

    def whole_files(self) -> list[tuple[JobModel, int]]:
        """Those that have their names already come first."""
        whole = [
            (job, one) for job in self.model.live() for one in job.files.values() if one.transferred
        ]
        whole.sort(key=lambda found: not found[1].completed)
        return [(job, one.index) for job, one in whole]

    def _update_file(
        self,
        job_id: str,
        caller: Principal,
        etag: str,
        index: int,
        *,
        url: str | None = None,
        valid: bool | None = None,
    ) -> None:
        job, sent, unfit = self.judged(job_id, caller, etag)
        refused = self.model.refusal(job_id, caller.id, admin=caller.admin)
        if not refused and url is None and valid is None:
            refused = "INVALID_REQUEST"
        refused = refused or unfit or ("" if job.live else "INVALID_STATE")
        file = job.files.get(index, FileModel(index, "", ""))
        moved = url is not None and url != file.url
        if not refused and url is not None:
            refused = self.model.secret_kept(job, caller.id)
        if not refused and index not in job.files:
            refused = "FILE_NOT_FOUND"
        elif not refused and moved and file.transferred:
            refused = "INVALID_STATE"
        elif not refused and valid is not None and not file.transferred:
            refused = "FILE_NOT_READY"
        answer = self.ground.expect(
            refused,
            "UpdateFile",
            caller,
            job_id=job_id,
            etag=sent,
            file_index=index,
            remote_url=url,
            validation_state=valid,
        )
        if answer is None or not (moved or (valid is not None and valid != file.valid)):
            return
        job.version += 1
        if moved and url:
            file.url = url
            job.begin_transfers_anew()
        if valid is False:
            file.begin_anew()
            job.stop(told=False)
            job.go_to(JobState.ERROR, "VALIDATION_FAILED")
        elif valid:
            file.valid = True

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags, chosen=st.lists(indexes, min_size=1, max_size=3))
    def remove_files(self, *, pick: int, actor: str, etag: str, chosen: list[int]) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("" if job.live else "INVALID_STATE")
        answer = self.ground.expect(
            refused, "RemoveFiles", caller, job_id=job_id, etag=sent, file_indexes=chosen
        )
        if answer is None:
            return
        gone = set(chosen) & set(job.files)
        assert answer.removed_files == len(gone)
        if not gone:
            return
        job.version += 1
        job.stop(told=False)
        job.run = None
        for index in gone:
            del job.files[index]
        if not job.files:
            job.go_to(JobState.SUSPENDED)
        elif not job.unfinished:
            job.go_to(JobState.TRANSFERRED)
            if job.props["auto_complete"]:
                self.ground.complete_by_itself(job)

    @with_jobs
    @rule(pick=picks, actor=actors, etag=etags, old=urls, new=urls)
    def replace_prefix(self, *, pick: int, actor: str, etag: str, old: str, new: str) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("" if job.live else "INVALID_STATE")
        refused = refused or self.model.secret_kept(job, caller.id)
        answer = self.ground.expect(
            refused,
            "ReplaceRemotePrefix",
            caller,
            job_id=job_id,
            etag=sent,
            old_prefix=old,
            new_prefix=new,
        )
        if answer is None:
            return
        found = [one for one in job.unfinished if one.url.startswith(old)]
        if old == new:
            found = []
        assert answer.replaced_files == len(found)
        if found:
            job.version += 1
            job.begin_transfers_anew()
        for one in found:
            one.url = new + one.url[len(old) :]

    @with_jobs
    @rule(
        pick=picks,
        actor=actors,
        etag=etags,
        index=indexes,
        parts=st.lists(
            st.tuples(st.integers(0, SIZE), st.integers(1, SIZE)), min_size=1, max_size=2
        ),
    )
    def request_ranges(
        self, *, pick: int, actor: str, etag: str, index: int, parts: list[tuple[int, int]]
    ) -> None:
        job_id = self.pick(pick)
        caller = self.actor(job_id, actor)
        job, sent, refused = self.judged(job_id, caller, etag)
        refused = refused or ("" if job.live else "INVALID_STATE")
        file = job.files.get(index, FileModel(index, "", ""))
        if file.size is None:
            # What lies outside of a file of unknown size is for the engine to find.
            parts = [(offset % SIZE, length) for offset, length in parts]
        parts = [(offset, min(length, max(1, SIZE - offset))) for offset, length in parts]
        if not refused and index not in job.files:
            refused = "FILE_NOT_FOUND"
        elif not refused and (job.props["dynamic_content"] or file.ranged):
            refused = "RANDOM_ACCESS_NOT_SUPPORTED"
        elif not refused and any(offset >= SIZE for offset, _ in parts):
            refused = "RANGE_INVALID"
        answer = self.ground.expect(
            refused,
            "RequestFileRanges",
            caller,
            job_id=job_id,
            etag=sent,
            file_index=index,
            ranges=[job_pb2.FileRange(offset=offset, length=length) for offset, length in parts],
        )
        if answer is None or file.transferred:
            return
        asked = {byte for offset, length in parts for byte in range(offset, offset + length)}
        asked = {byte for byte in asked if byte < SIZE} - file.on_disk
        if asked <= file.requested:
            return
        file.requested |= asked
        job.version += 1
        job.begin_transfers_anew()
        if job.props["on_demand_mode"] and job.state is JobState.SUSPENDED:
            job.go_to(IN_PLAY)

    # What the engine says.

    @with_transfers
    @rule(
        pick=picks, word=st.sampled_from(["connect", "connect", "receive", "claim"]), count=counts
    )
    def bytes_come(self, *, pick: int, word: str, count: int) -> None:
        self._engine(pick, word, count)

    @with_transfers
    @rule(pick=picks, word=st.sampled_from(["finish", "finish", "satisfied"]))
    def a_file_is_there(self, *, pick: int, word: str) -> None:
        self._engine(pick, word)

    @with_transfers
    @rule(pick=picks, word=st.sampled_from(["passes", "stays"]))
    def a_transfer_fails(self, *, pick: int, word: str) -> None:
        self._engine(pick, word)

    @with_transfers
    @rule()
    def everything_is_there(self) -> None:
        """The shortest way to whole jobs."""
        while self.house.engine.active:
            self._engine(0, "finish")
            self.ground.compare()

    def _engine(self, pick: int, word: str, count: int = 0) -> None:
        transfers = self.ground.transfers()
        one = transfers[pick % len(transfers)]
        job = self.model.jobs[one.job_id]
        run, file = job.run, job.files[one.index]
        assert run is not None
        self.house.run(self._say(one, word, count, file))
        if word == "connect":
            run.connected = True
            run.sizes[one.index] = SIZE
        elif word == "receive":
            run.received[one.index] = count
        elif word == "claim":
            file.claimed = count
            file.size = run.sizes[one.index] = SIZE
            file.hear()
        else:
            self._ended(job, run, file, word)

    async def _say(self, one: Any, word: str, count: int, file: FileModel) -> None:
        engine = self.house.engine
        if word == "connect":
            engine.connect(one, SIZE)
        elif word == "receive":
            engine.receive(one, count)
        elif word == "claim":
            engine.claim(one, count, SIZE)
        elif word == "passes":
            engine.fail(one, failure())
        elif word == "stays":
            engine.fail(one, failure(Reason.HTTP_STATUS, transient=False))
        elif word == "satisfied" and self._satisfied(file):
            filled = merged(FileRange(byte, 1) for byte in self._satisfied(file))
            engine.satisfy(one, *filled)
        else:
            engine.finish(one, SIZE)

    def _satisfied(self, file: FileModel) -> set[int]:
        """What there is when all that was requested is; nothing where that is all or was none."""
        there = file.on_disk | file.requested
        return there - set(range(file.claimed)) if file.requested and len(there) < SIZE else set()

    def _ended(self, job: JobModel, run: RunModel, file: FileModel, word: str) -> None:
        run.ended(file.index)
        if word in {"passes", "stays"}:
            file.size = run.sizes.get(file.index, file.size)
            file.hear(failed=word)
            run.failed.add(file.index)
            if word == "passes":
                run.passing.append(file.index)
                return
            run.fatal = file.index if run.fatal is None else run.fatal
            if not job.props["continue_on_file_error"]:
                job.stop(told=True)
            return
        if word == "satisfied" and self._satisfied(file):
            file.size = run.sizes.get(file.index, file.size)
            file.hear(filled=self._satisfied(file))
            run.aside.add(file.index)
            return
        file.claimed = file.size = SIZE
        file.transferred, file.valid = True, None
        file.hear()
