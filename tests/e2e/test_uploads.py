"""Uploads through the whole daemon: to a real server, over kill -9, by the command."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import bgcopy
from bgcopy import FileSpec, JobState, JobType, Reason
from tests.bench.web import Web, nginx
from tests.support.cli import Command
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.sending import deaf

A = random.Random(1).randbytes(5_000_000)
SOON = timedelta(seconds=5)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    more = "dav_methods PUT; create_full_put_path on; client_max_body_size 6m;"
    async with nginx(tmp_path / "web", more) as running:
        yield running


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[bgcopy.AsyncClient]:
    async with bgcopy.AsyncClient(daemon.target) as connected:
        yield connected


def source(daemon: DaemonProcess, content: bytes = A) -> Path:
    path = daemon.root_dir / "outbox" / "file"
    path.parent.mkdir()
    path.write_bytes(content)
    return path


async def started(client: bgcopy.AsyncClient, url: str, **properties: object) -> bgcopy.Job:
    return await client.create_job(
        "up",
        [FileSpec(url, "outbox/file")],
        job_type=JobType.UPLOAD,
        start=True,
        minimum_retry_delay=SOON,
        **properties,  # type: ignore[arg-type] # properties of a job
    )


async def state(job: bgcopy.Job, *wanted: JobState) -> bgcopy.JobInfo:
    async with asyncio.timeout(60), job.watch() as changes:
        async for info in changes:
            if info.state in wanted:
                return info
    raise AssertionError("the job ended otherwise")


@pytest.mark.needs("nginx")
async def test_to_a_real_server(
    web: Web, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    local = source(daemon)
    before = local.stat()
    job = await started(client, f"{web.url}/new/place")
    info = await job.wait(60)
    assert info.progress.bytes_transferred == info.progress.bytes_total == len(A)
    assert (web.files / "new" / "place").read_bytes() == A
    assert (await job.complete()).state is JobState.ACKNOWLEDGED
    after = local.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(local.parent.iterdir()) == [local]
    page = await client.list_attempts(job.job_id)
    [attempt] = page.attempts
    assert (attempt.http_status, attempt.bytes_received) == (201, len(A))


@pytest.mark.needs("nginx")
async def test_a_real_server_that_refuses(
    web: Web, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    source(daemon, A * 4)
    job = await started(client, f"{web.url}/place")
    error = (await state(job, JobState.ERROR)).error
    assert error is not None
    assert (error.reason, error.http_status) == (Reason.HTTP_STATUS, 413)
    assert not (web.files / "place").exists()
    assert (await job.cancel()).state is JobState.CANCELLED
    assert (daemon.root_dir / "outbox" / "file").read_bytes() == A * 4


class Slow:
    """Takes half of the first body and waits; the others whole."""

    def __init__(self) -> None:
        self.half = threading.Event()
        self.bodies: list[bytes] = []

    def __call__(self, request: Request, wire: Wire) -> None:
        if not self.half.is_set():
            wire.take(request, len(A) // 2)
            self.half.set()
            wire.hang()
        else:
            self.bodies.append(wire.take(request))
            wire.answer(201, b"")


async def test_kill_in_the_middle(daemon: DaemonProcess, client: bgcopy.AsyncClient) -> None:
    local = source(daemon)
    slow = Slow()
    with HostileServer(deaf(slow)) as server:
        job = await started(client, f"{server.url}/place")
        assert await asyncio.to_thread(slow.half.wait, 60)
        await daemon.restart()
        info = await job.wait(60)
    assert info.state is JobState.TRANSFERRED
    assert slow.bodies == [A]
    assert local.read_bytes() == A


async def test_a_source_that_changes_while_the_daemon_is_dead(
    daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    local = source(daemon)
    slow = Slow()
    with HostileServer(deaf(slow)) as server:
        job = await started(client, f"{server.url}/place")
        assert await asyncio.to_thread(slow.half.wait, 60)
        await daemon.kill()
        local.write_bytes(A[::-1])
        await daemon.start()
        error = (await state(job, JobState.ERROR)).error
    assert error is not None
    assert (error.reason, error.hresult_name) == (
        Reason.LOCAL_FILE_CHANGED,
        "BG_E_LOCAL_FILE_CHANGED",
    )
    assert not slow.bodies


async def test_suspend_and_resume(daemon: DaemonProcess, client: bgcopy.AsyncClient) -> None:
    source(daemon)
    slow = Slow()
    with HostileServer(deaf(slow)) as server:
        job = await started(client, f"{server.url}/place")
        assert await asyncio.to_thread(slow.half.wait, 60)
        assert (await job.suspend()).state is JobState.SUSPENDED
        await job.resume()
        await job.wait(60)
    assert slow.bodies == [A]


@pytest.mark.needs("nginx")
async def test_the_command(web: Web, daemon: DaemonProcess, tmp_path: Path) -> None:
    command = Command(daemon.directory, daemon.target)
    (tmp_path / "real").write_bytes(A)
    (tmp_path / "link").symlink_to("real")
    done = await command.run("put", str(tmp_path / "link"), f"{web.url}/place?secret=1")
    assert (done.code, done.out) == (0, f"{web.url}/place\n"), done.err
    assert (web.files / "place").read_bytes() == A
    gone = await command.run(
        "put", str(tmp_path / "real"), f"{web.url}/no", "-X", "POST", "--json", "--quiet"
    )
    assert gone.code == 13, gone.err
    assert gone.error["reason"] == "HTTP_STATUS"


async def test_the_command_lets_go(daemon: DaemonProcess, client: bgcopy.AsyncClient) -> None:
    source(daemon)
    command = Command(daemon.directory, daemon.target)
    bodies = []

    def taking(request: Request, wire: Wire) -> None:
        bodies.append((request.method, wire.take(request)))
        wire.answer(200, b"")

    with HostileServer(deaf(taking)) as server:
        done = await command.run(
            "put", "outbox/file", server.url, "--root", "default", "--detach", "-X", "POST"
        )  # fmt: skip
        assert done.code == 0, done.err
        job = client.job(done.out.strip())
        await state(job, JobState.ACKNOWLEDGED)
    assert bodies == [("POST", A)]
    exported = await command.run("export", job.job_id)
    assert exported.out == ""


def _answering(request: Request, wire: Wire) -> None:
    wire.answer(200, wire.take(request)[::-1])


async def test_an_answer_is_read_and_gets_its_name(
    daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    local = source(daemon)
    with HostileServer(_answering) as server:
        job = await client.create_job(
            "up", [FileSpec(server.url, "outbox/file")], job_type=JobType.UPLOAD_REPLY, start=True
        )
        await job.wait(60)
    [file] = [one async for one in job.files()]
    assert (file.spec.reply_path, file.reply_size) == ("outbox/file.reply", len(A))
    await daemon.restart()
    read = b"".join([piece async for piece in client.read_file(job.job_id, 0)])
    assert read == A[::-1]
    assert list(local.parent.glob("file*")) == [local]
    await job.complete()
    assert (local.parent / "file.reply").read_bytes() == A[::-1]
    assert local.read_bytes() == A
    assert [piece async for piece in client.read_file(job.job_id, 0, length=3)] == [A[::-1][:3]]


async def test_cancel_deletes_an_answer(daemon: DaemonProcess, client: bgcopy.AsyncClient) -> None:
    local = source(daemon)
    with HostileServer(_answering) as server:
        job = await client.create_job(
            "up", [FileSpec(server.url, "outbox/file")], job_type=JobType.UPLOAD_REPLY, start=True
        )
        await job.wait(60)
    await job.cancel()
    assert list(local.parent.iterdir()) == [local]


async def test_the_command_keeps_an_answer(daemon: DaemonProcess) -> None:
    local = source(daemon)
    command = Command(daemon.directory, daemon.target)
    with HostileServer(_answering) as server:
        done = await command.run("put", str(local), server.url, "--reply", "said")
    assert done.code == 0, done.err
    assert (daemon.directory / "said").read_bytes() == A[::-1]
