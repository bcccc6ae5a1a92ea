"""kill -9 at random moments, judged by what clients saw (I1 to I9 of budgets.md)."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

import bgcopy
from bgcopy import FileSpec, JobState
from tests.support.daemon import DaemonProcess
from tests.support.site import Site, content

KILLS = 20
JOBS = 20
FILES_EACH = 10
LONGEST_LIFE = 0.8
MIB = 1 << 20
SIZES = (0, 1, 4096, 65_537, 300_000, MIB, 2 * MIB + 1)
# Some files live through several kills, one of them through most.
LARGE, LARGEST = 4 * MIB, 64 * MIB
RATES = {LARGE: 2 * MIB, LARGEST: 8 * MIB}

T = TypeVar("T")
MakeDaemon = Callable[..., DaemonProcess]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@dataclass
class Seen:
    """What a client saw of one job over one channel, in its order.

    A watch and the answers of calls are two: an event may be on its way while a call is answered.
    """

    revision: int = 0
    final: JobState | None = None

    def see(self, info: bgcopy.JobInfo) -> None:
        """Judges one sight of the job by those before it."""
        assert info.revision >= self.revision, "I5: a revision fell"
        if self.final is not None:
            assert info.state is self.final, "I2: a job ended twice"
        self.revision = info.revision
        if info.state.final:
            self.final = info.state


@dataclass
class Customer:
    """One job's life, as its client wants it; whatever the daemon does, it asks again."""

    name: str
    files: dict[str, int]
    site: Site
    client: bgcopy.AsyncClient
    whim: random.Random
    root: Path
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    job_id: str = ""
    told: Seen = field(default_factory=Seen)
    answered: Seen = field(default_factory=Seen)
    at_cancel: dict[str, tuple[int, int, int]] | None = None

    @property
    def final(self) -> JobState | None:
        """How the job has ended, as far as its client knows."""
        ends = {self.told.final, self.answered.final} - {None}
        assert len(ends) < 2, "I2: a job ended twice"
        return next(iter(ends), None)

    def path_of(self, name: str) -> str:
        return f"{self.name}/{name}"

    def path(self, name: str) -> Path:
        return self.root / self.path_of(name)

    async def live(self) -> None:
        """Creates, waits or cancels, completes."""
        automatic = self.whim.random() < 0.3
        files = [
            FileSpec(self.site.url(name, size, rate=RATES.get(size, 3 * MIB)), self.path_of(name))
            for name, size in self.files.items()
        ]
        for _ in range(self.whim.choice((1, 1, 2))):
            job = await stubborn(
                lambda: self.client.create_job(
                    self.name,
                    files,
                    start=True,
                    auto_complete=automatic,
                    minimum_retry_delay=timedelta(seconds=5),
                    request_id=self.request_id,
                )
            )
            assert self.job_id in {"", job.job_id}, "I7: another job for a request id"
            self.job_id = job.job_id
        if self.whim.random() < 0.25:
            await asyncio.sleep(self.whim.random())
            await self._end(job, job.cancel)
            if self.answered.final is JobState.CANCELLED:
                self.at_cancel = self._on_disk()
        else:
            await stubborn(lambda: self._follow(job))

    async def _follow(self, job: bgcopy.Job) -> None:
        async with job.watch() as changes:
            async for info in changes:
                self.told.see(info)
                if info.state is JobState.TRANSIENT_ERROR:
                    await job.resume()
                elif info.state is JobState.ERROR:
                    raise AssertionError(info.error)
                elif info.state is JobState.TRANSFERRED and not info.auto_complete:
                    await self._end(job, job.complete)

    async def _end(self, job: bgcopy.Job, verb: Callable[[], Awaitable[bgcopy.JobInfo]]) -> None:
        try:
            self.answered.see(await stubborn(verb))
        except bgcopy.InvalidState:
            # It had ended otherwise: completed before cancel came, or by itself.
            self.answered.see(await stubborn(job.info))
            assert self.answered.final is not None

    def judge_files(self) -> None:
        """What is on disk, at any moment."""
        for name, size in self.files.items():
            path = self.path(name)
            if path.exists():
                assert path.read_bytes() == content(name, size), f"I3: {path.name} is wrong"
            else:
                assert self.final is not JobState.ACKNOWLEDGED, f"I1: {path.name} is gone"
        if self.at_cancel is not None:
            # Partial files may still go; nothing may come or change.
            assert self._on_disk().items() <= self.at_cancel.items(), "I9: written after cancel"

    def _on_disk(self) -> dict[str, tuple[int, int, int]]:
        """Every file of the job, partial ones too, by what changes when it is written."""
        found = {}
        for path in (self.root / self.name).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                found[path.name] = (state.st_ino, state.st_size, state.st_mtime_ns)
        return found


async def stubborn(call: Callable[[], Awaitable[T]]) -> T:
    """Asks until the daemon answers."""
    while True:
        try:
            return await call()
        except (bgcopy.Unavailable, bgcopy.DeadlineExceeded):
            await asyncio.sleep(0.05)


@pytest.mark.timeout(600)
async def test_44_kill_at_random_moments(site: Site, make_daemon: MakeDaemon) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails
    chance = random.Random(seed)
    daemon = make_daemon(flags=["--background-jobs", "8"])
    await daemon.start()
    async with bgcopy.AsyncClient(daemon.target, timeout=5.0) as client:
        customers = [
            Customer(
                name=f"job-{number}",
                files=sizes(number, chance),
                site=site,
                client=client,
                whim=random.Random(chance.random()),
                root=daemon.root_dir,
            )
            for number in range(JOBS)
        ]
        lives: list[asyncio.Task[None]] = []
        for number in range(KILLS):
            # New customers come while the daemon lives and dies.
            arriving = customers[len(lives) : (number + 1) * JOBS // KILLS]
            lives += [asyncio.create_task(customer.live()) for customer in arriving]
            await asyncio.sleep(chance.random() * LONGEST_LIFE)
            await daemon.kill()
            judge(customers)
            await daemon.start()
        await asyncio.gather(*lives)
        judge(customers)
        for customer in customers:
            info = await client.get_job(customer.job_id)
            customer.answered.see(info)
            assert info.state.final
    ends = [customer.final for customer in customers]
    assert ends.count(JobState.ACKNOWLEDGED) > JOBS // 3, ends
    assert await nothing_partial(daemon), "I6: a partial file outlived its job"
    assert "Traceback" not in daemon.log


def sizes(number: int, chance: random.Random) -> dict[str, int]:
    """The files of a job."""
    found = {f"{number}-{place}": chance.choice(SIZES) for place in range(FILES_EACH - 1)}
    return {**found, f"{number}-last": LARGEST if number == 0 else LARGE}


def judge(customers: list[Customer]) -> None:
    for customer in customers:
        customer.judge_files()


async def nothing_partial(daemon: DaemonProcess) -> bool:
    """Whether the partial files go; those of the last job may be on their way out."""
    for _ in range(200):
        if not [path for path in daemon.root_dir.rglob(".*") if path.is_file()]:
            return True
        await asyncio.sleep(0.05)
    return False
