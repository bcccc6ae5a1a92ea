"""R1, R2 and R5: calls per second against an empty call, and latency beside a download."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import bgcopy
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.bench import bare_server
from tests.bench.load import Order, Outcome, run_load, write_payloads
from tests.bench.report import Check, Measure, Result, ratios
from tests.bench.setup import Scale, absent, command, python_module
from tests.bench.stored import stored_jobs
from tests.bench.web import fill, nginx
from tests.support.daemon import DaemonProcess

SERVICE = "/bgcopy.v1.BackgroundCopyManager"
CALLERS = 64
ASKED_FOR = 20_000
# A fifth of all: a step of five from the second on meets none of the others.
ASKED_ONCE = 200_000
# More than a daemon could create in one round.
CREATED_PER_SECOND = 6000


@asynccontextmanager
async def bare(directory: Path) -> AsyncIterator[tuple[str, int]]:
    """The empty method's server: its target and its process."""
    socket = directory / "bare.sock"
    process = await asyncio.create_subprocess_exec(
        *python_module("tests.bench.bare_server", str(socket)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield f"unix:{socket}", process.pid
    finally:
        process.kill()
        await process.wait()


async def against_empty(
    scale: Scale, socket_directory: Path, order: Callable[[int], Order]
) -> tuple[list[Outcome], list[Outcome]]:
    """Rounds of the empty method and of ours, in turns."""
    empties, ours = [], []
    nothing = scale.directory / "nothing"
    write_payloads(nothing, [b""])
    async with bare(socket_directory) as (target, pid):
        empty = Order(target, bare_server.PATH, str(nothing), pid, scale.seconds, CALLERS)
        for number in range(scale.rounds):
            empties.append(await run_load(empty))
            ours.append(await run_load(order(number)))
    return ours, empties


def compared(
    result: Result, name: str, ours: Sequence[Outcome], empties: Sequence[Outcome], limit: float
) -> Result:
    """The figures of both, and the ratio with its budget."""
    for label, outcomes in ((name, ours), ("empty method, bare grpc.aio", empties)):
        result.measures += [
            Measure(f"{label}: calls", "/s", [one.rate for one in outcomes]),
            Measure(f"{label}: p99", "ms", [one.p99 * 1e3 for one in outcomes]),
            Measure(f"{label}: processor", "us/call", [one.cpu_per_call * 1e6 for one in outcomes]),
            Measure(f"{label}: server's cores busy", "", [one.busy for one in outcomes]),
        ]
    rate = ratios([one.rate for one in ours], [one.rate for one in empties])
    result.checks.append(Check("calls per second, empty method = 1", rate, limit, at_least=True))
    cost = ratios([one.cpu_per_call for one in ours], [one.cpu_per_call for one in empties])
    result.measures.append(Measure("processor per call, empty method = 1", "x", cost))
    idle = max(one.client_busy for one in [*ours, *empties])
    result.notes.append(
        f"{CALLERS} callers in one process that was busy for {idle:.2f} of its core at most: "
        "where the server's cores are busy for less than about 0.9, something else held it back"
    )
    return result


async def get_job(scale: Scale) -> Result:
    """R1."""
    result = Result("R1", f"GetJob with a token, {scale.stored_jobs:,} jobs stored")
    stored = await stored_jobs(scale)
    again = stored.sample(min(ASKED_FOR, stored.count // 10))
    once = stored.sample(min(ASKED_ONCE, stored.count // 5), offset=1)
    each = len(once) // scale.rounds
    async with DaemonProcess(stored.directory) as daemon:

        def order(job_ids: Sequence[str]) -> Order:
            payloads = scale.directory / "get-job"
            requests = [pb.GetJobRequest(job_id=one).SerializeToString() for one in job_ids]
            write_payloads(payloads, requests)
            return Order(
                daemon.target,
                f"{SERVICE}/GetJob",
                str(payloads),
                daemon.pid,
                scale.seconds,
                CALLERS,
                metadata={"authorization": f"Bearer {stored.token}"},
            )

        sockets = daemon.socket_path.parent
        ours, empties = await against_empty(scale, sockets, lambda _: order(again))
        compared(result, "GetJob", ours, empties, 0.85)
        ours, empties = await against_empty(
            scale, sockets, lambda number: order(once[number * each : (number + 1) * each])
        )
    rate = ratios([one.rate for one in ours], [one.rate for one in empties])
    result.measures.append(Measure("jobs asked for once: calls, empty method = 1", "x", rate))
    return result


async def create_job(scale: Scale) -> Result:
    """R2."""
    result = Result("R2", f"durable CreateJob with one file, {CALLERS} callers")
    directory = scale.directory / "r2"
    directory.mkdir()
    flags = ["--jobs-per-owner", "10000000"]
    async with DaemonProcess(directory, flags=flags) as daemon:

        def order(number: int) -> Order:
            payloads = scale.directory / "create-job"
            count = int(CREATED_PER_SECOND * (scale.seconds + 1))
            write_payloads(payloads, [_create(f"{number}/{one}") for one in range(count)])
            return Order(
                daemon.target,
                f"{SERVICE}/CreateJob",
                str(payloads),
                daemon.pid,
                scale.seconds,
                CALLERS,
            )

        ours, empties = await against_empty(scale, daemon.socket_path.parent, order)
    return compared(result, "CreateJob", ours, empties, 0.6)


def _create(path: str) -> bytes:
    request = pb.CreateJobRequest(
        job=job_pb2.Job(display_name="bench"),
        files=[job_pb2.FileSpec(remote_url=f"http://127.0.0.1/{path}", local_path=path)],
        request_id=str(uuid.uuid4()),
    )
    return request.SerializeToString()


def asking_for(job_id: str, daemon: DaemonProcess, scale: Scale) -> Order:
    """GetJob of one job by one caller, some 500 times a second: latency without load."""
    payloads = scale.directory / job_id
    write_payloads(payloads, [pb.GetJobRequest(job_id=job_id).SerializeToString()])
    return Order(
        daemon.target,
        f"{SERVICE}/GetJob",
        str(payloads),
        daemon.pid,
        scale.seconds,
        callers=1,
        connections=1,
        pause=0.002,
    )


async def get_job_beside_a_download(scale: Scale) -> Result:
    """R5."""
    result = Result("R5", "GetJob while one file runs at full speed")
    if command("nginx") is None:
        result.notes.append(absent("nginx"))
        return result
    directory = scale.directory / "r5"
    directory.mkdir()
    async with (
        nginx(directory) as web,
        DaemonProcess(directory / "daemon") as daemon,
        bgcopy.AsyncClient(daemon.target) as client,
    ):
        fill(web.files / "big", scale.big_file)
        watched = await client.create_job("watched")
        order = asking_for(watched.job_id, daemon, scale)
        idle, busy = [], []
        for _ in range(scale.rounds):
            idle.append(await run_load(order))
            download = asyncio.create_task(_download(client, f"{web.url}/big", directory))
            busy.append(await run_load(order))
            download.cancel()
            await asyncio.wait([download])
    for name, outcomes in (("idle", idle), ("beside a download", busy)):
        result.measures.append(Measure(f"{name}: p50", "ms", [one.p50 * 1e3 for one in outcomes]))
        result.measures.append(Measure(f"{name}: p99", "ms", [one.p99 * 1e3 for one in outcomes]))
    slower = ratios([one.p99 for one in busy], [one.p99 for one in idle])
    result.checks.append(Check("p99 beside a download, idle = 1", slower, 5.0))
    result.notes.append("one caller, 500 calls a second; due with the engine work")
    return result


async def _download(client: bgcopy.AsyncClient, url: str, directory: Path) -> None:
    """The same file again and again, until cancelled."""
    place = directory / "out"
    place.mkdir(exist_ok=True)
    number = 0
    job: bgcopy.Job | None = None
    try:
        while True:
            number += 1
            spec = bgcopy.FileSpec(url, place / f"{number}", root="fs")
            job = await client.create_job("big", [spec], start=True, auto_complete=True)
            await job.wait()
            (place / f"{number}").unlink()
    finally:
        if job is not None:
            # It may just have completed.
            with contextlib.suppress(bgcopy.InvalidState):
                await job.cancel()
