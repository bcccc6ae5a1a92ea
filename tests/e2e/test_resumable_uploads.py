"""Uploads to tusd through the whole daemon: they resume from what the server has."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import bgcopy
from bgcopy import FileSpec, JobState, JobType, Reason
from tests.support.daemon import DaemonProcess
from tests.support.tusd import Tusd, tusd

# The first of them may have to build the server.
pytestmark = [pytest.mark.needs("go"), pytest.mark.timeout(600)]

A = random.Random(1).randbytes(6_000_000)
SOME = 100_000
# It would take half a minute, and is let go on at full speed.
RATE = 200_000


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[bgcopy.AsyncClient]:
    (daemon.root_dir / "file").write_bytes(A)
    async with bgcopy.AsyncClient(daemon.target) as connected:
        yield connected


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Tusd]:
    async with tusd(tmp_path / "tusd") as running:
        yield running


async def started(client: bgcopy.AsyncClient, url: str, rate: int = 0) -> bgcopy.Job:
    return await client.create_job(
        "up",
        [FileSpec(url, "file")],
        job_type=JobType.UPLOAD,
        start=True,
        minimum_retry_delay=timedelta(seconds=5),
        max_bytes_per_second=rate,
    )


async def some_sent(job: bgcopy.Job) -> None:
    """Waits until a part of the file is under way."""
    async with asyncio.timeout(60), job.watch() as changes:
        async for info in changes:
            if info.progress.bytes_transferred >= SOME:
                return


async def go_on(job: bgcopy.Job) -> None:
    """Lets a suspended upload go on, faster."""
    await job.update(max_bytes_per_second=0)
    await job.resume()


async def attempts(client: bgcopy.AsyncClient, job: bgcopy.Job) -> list[int]:
    """What each attempt has sent, the newest first."""
    page = await client.list_attempts(job.job_id)
    return [attempt.bytes_received for attempt in page.attempts]


async def test_the_server_gets_the_file(server: Tusd, client: bgcopy.AsyncClient) -> None:
    job = await started(client, server.url)
    info = await job.wait(60)
    assert info.progress.bytes_transferred == len(A)
    assert server.contents() == [A]
    assert await attempts(client, job) == [len(A)]


async def test_kill_in_the_middle(
    server: Tusd, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    job = await started(client, server.url, RATE)
    await some_sent(job)
    await daemon.kill()
    [part] = server.contents()
    assert 0 < len(part) < len(A)
    await daemon.start()
    await job.update(max_bytes_per_second=0)
    assert (await job.wait(60)).state is JobState.TRANSFERRED
    # One upload, which the second life has found again.
    assert server.contents() == [A]
    assert (await attempts(client, job))[0] <= len(A) - len(part)


async def test_suspend_and_resume(server: Tusd, client: bgcopy.AsyncClient) -> None:
    job = await started(client, server.url, RATE)
    await some_sent(job)
    await job.suspend()
    await go_on(job)
    await job.wait(60)
    assert server.contents() == [A]
    last, *_ = await attempts(client, job)
    assert last < len(A)


async def test_a_source_that_changes_in_between(
    server: Tusd, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    job = await started(client, server.url, RATE)
    await some_sent(job)
    await job.suspend()
    (daemon.root_dir / "file").write_bytes(A[::-1])
    await job.resume()
    with pytest.raises(bgcopy.TransferFailed) as failed:
        await job.wait(60)
    assert failed.value.error is not None
    assert failed.value.error.reason is Reason.LOCAL_FILE_CHANGED


async def test_an_upload_that_the_server_has_lost(server: Tusd, client: bgcopy.AsyncClient) -> None:
    job = await started(client, server.url, RATE)
    await some_sent(job)
    await job.suspend()
    for path in list(server.files.iterdir()):
        path.unlink()
    await go_on(job)
    await job.wait(60)
    assert server.contents() == [A]


async def test_a_file_that_the_server_does_not_take(
    tmp_path: Path, client: bgcopy.AsyncClient
) -> None:
    async with tusd(tmp_path / "small", "-limit=1000") as small:
        job = await started(client, small.url)
        with pytest.raises(bgcopy.TransferFailed) as failed:
            await job.wait(60)
    assert failed.value.error is not None
    assert failed.value.error.reason is Reason.UPLOAD_TOO_LARGE
    assert failed.value.error.hresult_name == "BG_E_TOO_LARGE"
