"""Farewells to servers: what is kept for them, and for how long they are tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgcopyd.jobs.http_options import HttpHeader, HttpOptions
from bgcopyd.jobs.job import JobType
from bgcopyd.jobs.options import JobOptions
from bgcopyd.jobs.upload import Source, Upload, UploadProtocol
from bgcopyd.queue.farewells import (
    FIRST_PAUSE,
    TRIED_FOR,
    Farewells,
    expect_farewell,
    settle_farewell,
)
from bgcopyd.queue.secrets import JobSecrets, Unsealable
from bgcopyd.queue.storage import Tx
from bgcopyd.queue.transfers import TransferOptions
from bgcopyd.store.memory import MemoryStore
from tests.support.clocks import FakeClock
from tests.support.store_values import new_file, new_job, update_of

SESSION = Upload(Source(1, 2, 3, 4), "http://up/1", UploadProtocol.TUS)
OPTIONS = JobOptions(http=HttpOptions(headers=(HttpHeader("X-Key", "", secret=True),)))


class Plain:
    """Seals nothing."""

    def seal(self, secret: str) -> bytes:
        return secret.encode()

    def open(self, sealed: bytes) -> str:
        if sealed == b"lost":
            raise Unsealable
        return sealed.decode()


class Parter:
    """Answers as told; the last answer again and again."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Upload, TransferOptions]] = []

    async def part(self, job_id: str, url: str, upload: Upload, options: TransferOptions) -> str:
        self.asked.append((job_id, url, upload, options))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class World:
    """A store with one upload of a job that has ended, and who tells its server."""

    def __init__(self, *answers: str) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.parter = Parter(*answers)
        secrets = JobSecrets(Plain())
        self.farewells = Farewells(self.store, self.parter, secrets, self.clock)
        self.job = replace(new_job(), type=JobType.UPLOAD, options=OPTIONS)

    async def end(self, upload: Upload | None, *, transferred: bool = False) -> None:
        """The job ends; its upload has come so far, of which the last part was noted meanwhile."""
        file = new_file(self.job, upload=replace(SESSION, session=""))

        def begin(tx: Tx) -> None:
            tx.insert_job(self.job)
            tx.insert_files(self.job.job_id, [file])
            tx.put_secrets(self.job.job_id, {"header/0": b"hidden"})
            expect_farewell(tx, self.job, self.clock.steady())
            tx.drop_secrets(self.job.job_id, ["header/0"])

        def settle(tx: Tx) -> None:
            update = update_of(file, upload=upload, transferred=transferred)
            tx.update_files(self.job.job_id, [update])
            settle_farewell(tx, self.job.job_id)
            settle_farewell(tx, self.job.job_id)

        await self.store.transact(begin)
        assert await self.farewells.round() is None
        assert not self.parter.asked
        await self.store.transact(settle)

    async def left(self) -> int:
        return len(await self.store.transact(lambda tx: tx.farewells()))


async def test_the_server_is_told_once() -> None:
    world = World("")
    await world.end(SESSION)
    assert await world.farewells.round() is None
    [(job_id, url, upload, options)] = world.parter.asked
    assert (job_id, upload) == (world.job.job_id, SESSION)
    assert url.startswith("http")
    assert (options.owner, options.http.headers[0].value) == (world.job.owner, "hidden")
    assert not await world.left()
    await world.farewells.round()
    assert len(world.parter.asked) == 1


@pytest.mark.parametrize(
    "end", [{"upload": replace(SESSION, session="")}, {"upload": SESSION, "transferred": True}]
)
async def test_nothing_is_left_there(end: dict[str, Any]) -> None:
    world = World("")
    await world.end(**end)
    assert not await world.left()


async def test_a_job_whose_upload_has_ended_is_not_kept() -> None:
    world = World("")
    done = new_file(world.job, upload=SESSION, transferred=True)

    def begin(tx: Tx) -> None:
        tx.insert_job(world.job)
        tx.insert_files(world.job.job_id, [done])
        tx.update_files(world.job.job_id, [update_of(done)])
        expect_farewell(tx, world.job, 0.0)

    await world.store.transact(begin)
    assert not await world.left()


async def test_it_is_tried_again_ever_more_rarely_for_a_week() -> None:
    world = World("busy")
    await world.end(SESSION)
    pauses = []
    while (pause := await world.farewells.round()) is not None:
        pauses.append(pause)
        assert await world.left() == 1
        # Not before its time.
        world.clock.true += pause / 2
        await world.farewells.round()
        world.clock.true += pause / 2
    assert pauses[:3] == pytest.approx([FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE])
    assert max(pauses) <= 3600
    assert len(world.parter.asked) == len(pauses) + 1
    assert sum(pauses) >= TRIED_FOR
    assert not await world.left()


async def test_a_secret_that_cannot_be_opened_ends_it() -> None:
    world = World("")
    await world.end(SESSION)

    def lose(tx: Tx) -> None:
        farewell = tx.farewell(world.job.job_id)
        assert farewell is not None
        tx.put_farewell(replace(farewell, sealed={"header/0": b"lost"}))

    await world.store.transact(lose)
    assert await world.farewells.round() is None
    assert not world.parter.asked
    assert not await world.left()
