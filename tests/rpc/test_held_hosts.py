"""What a run does with a host that is left alone: it passes over the rest, and the job says why."""

from __future__ import annotations

import asyncio

import pytest

from bgcopy.v1 import job_pb2
from bgcopyd.queue.held import host_of
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_watch import arrived

TRANSIENT = job_pb2.JOB_STATE_TRANSIENT_ERROR
TRANSFERRED = job_pb2.JOB_STATE_TRANSFERRED
DOWN, UP = "http://down.example/x", "https://up.example:8443/x"
HELD = failure(message="It failed 5 times in a row: all transfers from it wait.")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a/x", "http://a:80"),
        ("HTTPS://A.Example/x?y", "https://a.example:443"),
        ("http://a:8080/", "http://a:8080"),
        ("https://[::1]:5/x", "https://::1:5"),
        ("ftp://a/x", "ftp://a:21"),
    ],
)
def test_hosts_of_urls(url: str, host: str) -> None:
    assert host_of(url) == host


async def test_a_held_host_costs_one_file_and_not_ten_thousand() -> None:
    async with house(files_in_parallel=2) as home:
        files = [spec(f"d{number}", remote_url=DOWN) for number in range(600)]
        job = await created(home.local, *files, spec("u", remote_url=UP), start=True)
        first, second = await home.engine.take(2)
        home.engine.fail(first, HELD, retry_after=3600.0, held=host_of(DOWN))
        # The file of another host is fetched all the same.
        other = await home.engine.next()
        assert other.url == UP
        home.engine.fail(second, HELD, retry_after=3500.0, held=host_of(DOWN))
        home.engine.finish(other, 10)
        waiting = await arrived(home.local, job.job_id, TRANSIENT)
        assert home.engine.started == 3
        assert waiting.blocked_reason.startswith(HELD.message + " Tries again at ")
        assert waiting.HasField("next_attempt_time")
        left = waiting.next_attempt_time.ToDatetime() - home.clock.now().replace(tzinfo=None)
        assert 3500 < left.total_seconds() <= 3600
        assert waiting.progress.files_transferred == 1
        # It was not tried, so that patience is not used up by it.
        job_now = await home.store.transact(lambda tx: tx.job(job.job_id), durable=False)
        assert job_now is not None
        assert job_now.retries == 0
        home.let_pass(3601)
        again = await home.engine.take(2)
        assert {one.url for one in again} == {DOWN}
        home.engine.finish(again[0], 10)
        assert (await home.engine.next()).url == DOWN


async def test_resume_has_the_host_looked_at(home: House) -> None:
    job = await created(home.local, spec("f", remote_url=DOWN), start=True)
    home.engine.fail(await home.engine.next(), HELD, retry_after=3600.0, held=host_of(DOWN))
    waiting = await arrived(home.local, job.job_id, TRANSIENT)
    assert home.engine.looks == []
    await verb(home.local, "ResumeJob", job.job_id)
    assert home.engine.looks == [waiting.owner]
    home.engine.finish(await home.engine.next(), 10)
    await arrived(home.local, job.job_id, TRANSFERRED)


async def test_files_with_mirrors_are_tried(home: House) -> None:
    job = await created(
        home.local, *[spec(f"f{n}", remote_url=DOWN, mirrors=[UP]) for n in range(20)], start=True
    )
    first = await home.engine.next()
    home.engine.fail(first, HELD, retry_after=60.0, held=host_of(DOWN))
    for _ in range(19):
        home.engine.finish(await home.engine.next(), 10)
    assert (await arrived(home.local, job.job_id, TRANSIENT)).progress.files_transferred == 19
    await asyncio.sleep(0)
    assert (await got(home.local, job.job_id)).state == TRANSIENT
