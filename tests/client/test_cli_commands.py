"""The command as a process against a scripted server: exit codes, stdout, stderr."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import google.rpc.error_details_pb2 as details_pb2
import grpc
import pytest

from bgcopy.v1 import error_pb2, job_pb2
from tests.support.cli import MODULE, Command, ended
from tests.support.fake_server import refusing, serving, start
from tests.support.fake_server_queue import Queue

URL = "http://example.com/dir/file.iso?token=secret"
DONE = job_pb2.JobProgress(
    bytes_transferred=2048, bytes_total=2048, files_total=1, files_transferred=1
)

# Presses Ctrl-C at a line of stdin, in another thread than the one that waits: as where the signal
# strikes before the wait has begun, the wait itself is not interrupted.
PRESSED_ASIDE = f"""
import signal, sys, threading
def press():
    sys.stdin.readline()
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
{MODULE}
"""


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
async def bgcopy_(queue: Queue, tmp_path: Path, short_path: Path) -> AsyncIterator[Command]:
    async with serving(queue, short_path) as target:
        yield Command(tmp_path, target)


async def watching(queue: Queue, process: asyncio.subprocess.Process) -> None:
    """Wait until the command watches; it must not end before."""
    watched = asyncio.create_task(queue.watched.wait())
    over = asyncio.create_task(process.wait())
    await asyncio.wait({watched, over}, return_when=asyncio.FIRST_COMPLETED)
    assert not over.done(), await ended(process)
    over.cancel()


async def finish(queue: Queue, process: asyncio.subprocess.Process, **properties: Any) -> str:
    """Wait until the command has created a job and watches it; then move the job."""
    await watching(queue, process)
    (job_id,) = queue.jobs
    queue.change(job_id, **properties)
    return job_id


async def test_get_waits_and_prints_the_path(bgcopy_: Command, queue: Queue) -> None:
    async with bgcopy_.running("get", URL) as process:
        await finish(queue, process, state=job_pb2.JOB_STATE_ACKNOWLEDGED, progress=DONE)
        result = await ended(process)
    destination = str(bgcopy_.home.resolve() / "file.iso")
    assert (result.code, result.out) == (0, destination + "\n")
    assert "file.iso: acknowledged, 100 %" in result.err
    request = queue.called("CreateJob")[0].request
    assert request.start
    assert request.job.auto_complete
    assert request.job.priority == job_pb2.JOB_PRIORITY_FOREGROUND
    assert request.job.minimum_retry_delay.seconds == 30
    assert request.job.display_name == "file.iso"
    assert (request.files[0].root, request.files[0].local_path) == ("fs", destination)


async def test_get_passes_its_options_on(bgcopy_: Command, queue: Queue, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    options = ["--limit-rate", "2M", "--checksum", "sha256:" + "AB" * 32, "--priority", "low"]
    options += ["--no-progress-timeout", "0"]
    arguments = ["get", URL, "-o", "link/x", "--label", "a=b", "--name", "n", "--quiet", *options]
    async with bgcopy_.running(*arguments) as process:
        await finish(queue, process, state=job_pb2.JOB_STATE_ACKNOWLEDGED, progress=DONE)
        result = await ended(process)
    assert (result.code, result.err) == (0, "")
    request = queue.called("CreateJob")[0].request
    assert request.job.max_bytes_per_second == 2 << 20
    assert request.job.priority == job_pb2.JOB_PRIORITY_LOW
    assert request.job.labels == {"a": "b"}
    assert request.job.HasField("no_progress_timeout")
    assert request.job.no_progress_timeout.ToTimedelta() == timedelta(0)
    assert request.job.display_name == "n"
    assert request.files[0].digests[0].value == b"\xab" * 32
    assert request.files[0].local_path == str(real.resolve() / "x")


async def test_get_tells_why_a_transfer_failed(bgcopy_: Command, queue: Queue) -> None:
    error = error_pb2.TransferError(
        reason=error_pb2.REASON_HTTP_STATUS, http_status=404, message="404 Not Found"
    )
    async with bgcopy_.running("get", URL, "--json") as process:
        job_id = await finish(queue, process, state=job_pb2.JOB_STATE_ERROR, error=error)
        result = await ended(process)
    assert result.code == 13
    assert result.json["state"] == "ERROR"
    assert result.json["exit_code"] == 13
    *progress, last = [json.loads(line) for line in result.err.splitlines()]
    assert {line["event"] for line in progress} == {"progress"}
    last = last["error"]
    assert (last["exit_code"], last["reason"], last["http_status"]) == (13, "HTTP_STATUS", 404)
    assert "secret" not in result.out + result.err
    # Nothing was received: the destination is free again.
    assert queue.jobs[job_id].state == job_pb2.JOB_STATE_CANCELLED


async def test_get_keeps_a_failed_job_that_has_bytes(bgcopy_: Command, queue: Queue) -> None:
    error = error_pb2.TransferError(reason=error_pb2.REASON_DISK_FULL, message="The disk is full.")
    progress = job_pb2.JobProgress(bytes_transferred=1, files_total=1)
    async with bgcopy_.running("get", URL) as process:
        job_id = await finish(
            queue, process, state=job_pb2.JOB_STATE_ERROR, error=error, progress=progress
        )
        result = await ended(process)
    assert result.code == 9
    assert f"bgcopy resume {job_id}" in result.err
    assert queue.jobs[job_id].state == job_pb2.JOB_STATE_ERROR


async def test_the_first_interrupt_detaches(bgcopy_: Command, queue: Queue) -> None:
    async with bgcopy_.running("get", URL) as process:
        await watching(queue, process)
        process.send_signal(signal.SIGINT)
        result = await ended(process)
    assert result.code == 7
    (job_id,) = queue.jobs
    assert f"bgcopy cancel {job_id}" in result.err
    assert not queue.called("CancelJob")


async def test_the_second_interrupt_cancels(bgcopy_: Command, queue: Queue) -> None:
    async with bgcopy_.running("get", URL) as process:
        await watching(queue, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        async for line in process.stderr:
            if b"Ctrl-C again" in line:
                break
        process.send_signal(signal.SIGINT)
        result = await ended(process)
    assert result.code == 130
    assert queue.called("CancelJob")


async def test_progress_as_json_goes_to_stderr(bgcopy_: Command, queue: Queue) -> None:
    async with bgcopy_.running("get", URL, "--progress=json") as process:
        await finish(queue, process, state=job_pb2.JOB_STATE_ACKNOWLEDGED, progress=DONE)
        result = await ended(process)
    events = [json.loads(line) for line in result.err.splitlines()]
    assert [event["job"]["state"] for event in events] == ["QUEUED", "ACKNOWLEDGED"]
    assert events[0]["job"]["progress"]["fraction"] is None


async def test_a_waiting_job_says_why(bgcopy_: Command, queue: Queue) -> None:
    job = queue.add(job_pb2.JOB_STATE_QUEUED, display_name="n", blocked_reason="Not its turn.")
    async with bgcopy_.running("wait", "n", "--timeout", "0.5") as process:
        result = await ended(process)
    assert result.code == 12
    assert "n: queued, 0 B, Not its turn." in result.err
    assert "they go on" in result.err
    assert job.state == job_pb2.JOB_STATE_QUEUED


async def test_wait_ends_with_the_state(bgcopy_: Command, queue: Queue) -> None:
    good = queue.add(job_pb2.JOB_STATE_TRANSFERRED, display_name="good")
    error = error_pb2.TransferError(reason=error_pb2.REASON_DIGEST_MISMATCH, message="wrong")
    bad = queue.add(job_pb2.JOB_STATE_ERROR, display_name="bad", error=error)
    gone = queue.add(job_pb2.JOB_STATE_CANCELLED, display_name="gone")
    assert (await bgcopy_("wait", good.job_id)).code == 0
    assert (await bgcopy_("wait", bad.job_id)).code == 10
    assert (await bgcopy_("wait", gone.job_id)).code == 7
    assert (await bgcopy_("wait", good.job_id, bad.job_id)).code == 16
    assert (await bgcopy_("wait", gone.job_id, bad.job_id)).code == 10


async def test_a_daemon_that_goes_away_and_comes_back(
    queue: Queue, tmp_path: Path, short_path: Path
) -> None:
    command = Command(tmp_path, f"unix:{short_path / 's'}")
    first = await start(queue, str(command.target))
    async with command.running("get", URL, "--progress=line") as process:
        await watching(queue, process)
        await first.stop(None)
        assert process.stderr is not None
        lines = []
        async for line in process.stderr:
            lines.append(line.decode())
            if b"does not answer any more" in line:
                break
        (job_id,) = queue.jobs
        queue.jobs[job_id].state = job_pb2.JOB_STATE_ACKNOWLEDGED
        second = await start(queue, str(command.target))
        result = await ended(process)
        await second.stop(None)
    assert result.code == 0, result.err
    # gRPC's own log, which tells of the GOAWAY, is not for users.
    lines += result.err.splitlines()
    assert all(line.startswith(("bgcopy: ", "file.iso: ")) for line in lines), lines


async def test_add_prints_the_id(bgcopy_: Command, queue: Queue) -> None:
    result = await bgcopy_("add", URL, "-d", "sub", "--paused", "--no-auto-complete")
    (job_id,) = queue.jobs
    assert (result.code, result.out, result.err) == (0, f"{job_id}\n", "")
    request = queue.called("CreateJob")[0].request
    assert not request.start
    assert not request.job.auto_complete
    assert request.files[0].local_path == str(bgcopy_.home.resolve() / "sub" / "file.iso")
    result = await bgcopy_("add", URL, "--root", "default", "-o", "a/b", "--json")
    assert result.json["display_name"] == "b"
    request = queue.called("CreateJob")[1].request
    assert (request.files[0].root, request.files[0].local_path) == ("default", "a/b")


async def test_add_reads_a_list_from_stdin(bgcopy_: Command, queue: Queue) -> None:
    text = "# comment\n\nhttp://example.com/a\nhttp://example.com/b other name\n"
    result = await bgcopy_("add", "-i", "-", "-d", "d", stdin=text)
    assert result.code == 0
    request = queue.called("CreateJob")[0].request
    paths = [file.local_path.removeprefix(str(bgcopy_.home.resolve())) for file in request.files]
    assert paths == ["/d/a", "/d/other name"]
    assert request.job.display_name == "a and 1 more"


async def test_a_long_list_is_sent_in_portions(bgcopy_: Command, queue: Queue) -> None:
    async def more(request: Any, context: Any) -> Any:
        await queue.find(request, context)
        return {}

    text = "".join(f"http://example.com/{'x' * 2000}{n} f{n}\n" for n in range(3000))
    queue.handlers["AddFiles"] = refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "FILE_QUOTA_EXCEEDED")
    result = await bgcopy_("add", "-i", "-", stdin=text)
    assert result.code == 1
    (job_id,) = queue.jobs
    assert queue.jobs[job_id].state == job_pb2.JOB_STATE_CANCELLED
    assert not queue.called("CreateJob")[0].request.start


async def test_ls_and_show(bgcopy_: Command, queue: Queue) -> None:
    job = queue.add(job_pb2.JOB_STATE_TRANSFERRING, display_name="evil\x1b[2J", progress=DONE)
    queue.add(job_pb2.JOB_STATE_CANCELLED, display_name="old")
    queue.files[job.job_id] = [
        job_pb2.File(index=0, spec=job_pb2.FileSpec(root="fs", local_path="a", remote_url=URL))
    ]
    result = await bgcopy_("ls")
    assert "transferring" in result.out
    assert "\x1b" not in result.out
    assert "old" not in result.out
    assert "old" in (await bgcopy_("ls", "--all")).out
    assert [one["job_id"] for one in (await bgcopy_("--json", "ls")).json] == [job.job_id]
    result = await bgcopy_("show", job.job_id[:6])
    assert job.job_id in result.out
    assert "fs:a" in result.out
    shown = (await bgcopy_("show", job.job_id, "--json")).json
    assert shown["files"][0]["remote_url"] == URL
    assert shown["progress"]["bytes_total"] == 2048


async def test_a_name_must_be_unique(bgcopy_: Command, queue: Queue) -> None:
    twins = [queue.add(job_pb2.JOB_STATE_QUEUED, display_name="n").job_id for _ in range(2)]
    result = await bgcopy_("pause", "n")
    assert result.code == 2
    assert all(job_id in result.err for job_id in twins)
    result = await bgcopy_("pause", "nothing")
    assert result.code == 5
    result = await bgcopy_("pause", twins[0], "nothing", "--json")
    assert result.code == 16
    assert result.json["state"] == "SUSPENDED"
    assert result.error["exit_code"] == 5


async def test_verbs(bgcopy_: Command, queue: Queue) -> None:
    job = queue.add(job_pb2.JOB_STATE_QUEUED, display_name="n")
    for verb, state in [("pause", 4), ("resume", 1), ("complete", 8)]:
        result = await bgcopy_(verb, job.job_id)
        assert (result.code, result.out) == (0, "")
        assert queue.jobs[job.job_id].state == state
    assert (await bgcopy_("rm", "n")).code == 0
    assert not queue.jobs
    result = await bgcopy_("cancel", job.job_id)
    assert result.code == 5
    assert "bgcopy ls --all" in result.err


async def test_of_several_files_one_fails(bgcopy_: Command, queue: Queue) -> None:
    async with bgcopy_.running("get", URL, "http://example.com/other") as process:
        parts = job_pb2.JobProgress(files_total=2, files_transferred=1, bytes_transferred=9)
        error = error_pb2.TransferError(reason=error_pb2.REASON_HTTP_STATUS, http_status=404)
        await finish(queue, process, state=job_pb2.JOB_STATE_ERROR, progress=parts, error=error)
        result = await ended(process)
    assert result.code == 16
    assert "1 of 2 files are whole: `bgcopy complete --partial" in result.err
    assert queue.called("CreateJob")[0].request.job.continue_on_file_error
    assert not queue.called("CancelJob")


async def test_complete_says_what_was_dropped(bgcopy_: Command, queue: Queue) -> None:
    parts = job_pb2.JobProgress(files_total=3, files_transferred=1)
    job = queue.add(
        job_pb2.JOB_STATE_SUSPENDED, display_name="n", progress=parts, partially_completed=True
    )
    result = await bgcopy_("complete", "--partial", "n")
    assert (result.code, result.err) == (0, f"{job.job_id} completed with 1 of 3 files (n)\n")


async def test_status(bgcopy_: Command) -> None:
    result = await bgcopy_("status")
    assert "9.8.7" in result.out
    assert "local:1000 (administrator)" in result.out
    assert (await bgcopy_("status", "--json")).json["roots"] == ["default", "fs"]


async def test_watch_as_json_lines(bgcopy_: Command, queue: Queue) -> None:
    job = queue.add(job_pb2.JOB_STATE_QUEUED, display_name="n")
    async with bgcopy_.running("watch", "--json", "n") as process:
        await finish(queue, process, state=job_pb2.JOB_STATE_ACKNOWLEDGED)
        result = await ended(process)
    assert result.code == 0
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["event"] for event in events] == ["changed", "snapshot_complete", "changed"]
    assert events[0]["job"]["job_id"] == job.job_id


async def test_watch_as_lines_until_interrupted(bgcopy_: Command, queue: Queue) -> None:
    queue.add(job_pb2.JOB_STATE_QUEUED, display_name="n")
    async with bgcopy_.running("watch") as process:
        assert process.stdout is not None
        assert b"n: queued" in await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        result = await ended(process)
    assert result.code == 130
    assert "Traceback" not in result.err


@pytest.mark.timeout(40)  # The next heartbeat that is missed, after 45 s, would end it too.
async def test_an_interrupt_that_does_not_meet_the_wait(bgcopy_: Command, queue: Queue) -> None:
    bgcopy_.program = PRESSED_ASIDE
    async with bgcopy_.running("watch") as process:
        await watching(queue, process)
        result = await ended(process, "\n")
    assert (result.code, result.err.strip()) == (130, "bgcopy: interrupted")


async def test_a_refusal_names_fields_and_what_to_do(bgcopy_: Command, queue: Queue) -> None:
    violation = details_pb2.BadRequest.FieldViolation(field="files[0].remote_url", description="no")
    queue.handlers["CreateJob"] = refusing(
        grpc.StatusCode.INVALID_ARGUMENT,
        "URL_INVALID",
        "bad URL",
        details_pb2.BadRequest(field_violations=[violation]),
    )
    result = await bgcopy_("add", "ftp://example.com/a", "--json")
    assert (result.code, result.out) == (2, "")
    assert result.error["reason"] == "URL_INVALID"
    assert result.error["violations"] == [{"field": "files[0].remote_url", "description": "no"}]
    assert result.error["hint"]


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "NOT_JOB_OWNER", 4),
        (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_MISSING", 4),
        (grpc.StatusCode.ALREADY_EXISTS, "DESTINATION_IN_USE", 11),
        (grpc.StatusCode.FAILED_PRECONDITION, "INVALID_STATE", 11),
        (grpc.StatusCode.INTERNAL, "INTERNAL", 1),
        (grpc.StatusCode.UNAVAILABLE, "DRAINING", 3),
    ],
)
async def test_refusals_have_their_codes(
    bgcopy_: Command, queue: Queue, code: grpc.StatusCode, reason: str, expected: int
) -> None:
    queue.handlers["CancelJob"] = refusing(code, reason)
    result = await bgcopy_("cancel", str(uuid.uuid4()))
    assert result.code == expected
    assert result.err.startswith("bgcopy: no\n  ")


async def test_the_token_file(bgcopy_: Command, queue: Queue, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    assert (await bgcopy_("ls", BGCOPY_TOKEN_FILE=str(token))).code == 0
    assert queue.calls[-1].metadata["authorization"] == "Bearer secret"
    assert (await bgcopy_("--token-file", str(tmp_path / "none"), "ls")).code == 2
    token.write_text("two words")
    result = await bgcopy_("ls", "--token-file", str(token))
    assert result.code == 2
    assert "two words" not in result.err


async def test_a_reader_that_goes_away_is_no_error(bgcopy_: Command, queue: Queue) -> None:
    for number in range(2000):
        queue.add(job_pb2.JOB_STATE_QUEUED, display_name=f"{number:0100}")
    async with bgcopy_.running("ls") as process:
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined] # the reader's end of the pipe
        assert process.stderr is not None
        err, _ = await asyncio.gather(process.stderr.read(), process.wait())
    assert err == b""
