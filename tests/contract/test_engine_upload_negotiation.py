"""What a server says when it is asked how it takes uploads, and what follows from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import NEW_UPLOAD, UploadProtocol
from bgcopyd.queue.transfers import Finished
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.sending import A, Keeper, Sending, sending
from tests.support.tus_hostile import Lie, Resuming, status

TUS = {"Tus_Version": "0.2.2, 1.0.0", "Tus_Extension": "creation,termination"}


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sending]:
    async with sending(tmp_path / "data") as one:
        one.write(A)
        yield one


class Open(Resuming):
    """Resumes, and takes a PUT as well; answers OPTIONS as it is told."""

    def __init__(self, options: Lie) -> None:
        super().__init__(options=[options])
        self.kept = Keeper()

    def _put(self, request: Request, wire: Wire) -> None:
        self.kept(request, wire)


def _close(request: Request, wire: Wire) -> None:
    wire.take(request)
    wire.close()


def _garbage(request: Request, wire: Wire) -> None:
    wire.take(request)
    wire.send(b"nonsense\r\n\r\n")
    wire.close()


@pytest.mark.parametrize(
    "options",
    [
        status(200),
        status(204, Allow="PUT"),
        status(200, Tus_Version="0.2.2", Tus_Extension="creation"),
        status(200, Tus_Version="1.0.0", Tus_Extension="termination"),
        status(200, Tus_Version="1.0.0"),
        status(404, **TUS),
        status(301, Location="/x", **TUS),
        status(403),
        status(405),
        status(500),
        status(501),
        _close,
        _garbage,
    ],
)
async def test_one_request_where_nothing_better_is_said(sender: Sending, options: Lie) -> None:
    there = Open(options)
    with HostileServer(there) as server:
        event = await sender.send(f"{server.url}/up", upload=NEW_UPLOAD)
    assert isinstance(event, Finished), event
    assert [request.method for request in server.requests] == ["OPTIONS", "PUT"]
    assert there.kept.bodies == [A]


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        (status(200, **TUS), UploadProtocol.TUS),
        (status(204, Upload_Limit="min-size=0", **TUS), UploadProtocol.TUS),
        (status(204, Upload_Limit="min-size=0"), UploadProtocol.RESUMABLE),
        (status(200, Tus_Max_Size=len(A), **TUS), UploadProtocol.TUS),
        (status(200, Tus_Max_Size="x", **TUS), UploadProtocol.TUS),
    ],
)
async def test_the_best_that_is_spoken(
    sender: Sending, options: Lie, protocol: UploadProtocol
) -> None:
    there = Open(options)
    with HostileServer(there) as server:
        event = await sender.send(f"{server.url}/up", upload=NEW_UPLOAD)
    assert isinstance(event, Finished), event
    assert [request.method for request in server.requests] == ["OPTIONS", "POST", "PATCH"]
    assert sender.noted[-1].protocol is protocol
    assert bytes(there.only.data) == A


async def test_a_resume_does_not_ask_again(sender: Sending) -> None:
    there = Open(status(200, **TUS))
    there.takes = 1_000_000
    with HostileServer(there) as server:
        await sender.fails(f"{server.url}/up", upload=NEW_UPLOAD)
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1])
    assert isinstance(event, Finished)
    assert [request.method for request in server.requests][3:] == ["HEAD", "PATCH"]


@pytest.mark.parametrize("code", [429, 502, 503, 504])
async def test_a_busy_server_is_asked_later(sender: Sending, code: int) -> None:
    with HostileServer(Open(status(code, Retry_After=3))) as server:
        event = await sender.fails(f"{server.url}/up", upload=NEW_UPLOAD)
    assert (event.error.http_status, event.error.transient, event.retry_after) == (code, True, 3)
    assert len(server.requests) == 1


async def test_a_file_beyond_what_the_server_takes(sender: Sending) -> None:
    limit = len(A) - 1
    with HostileServer(Open(status(200, Tus_Max_Size=limit, **TUS))) as server:
        event = await sender.fails(f"{server.url}/up", upload=NEW_UPLOAD)
    assert event.error.reason is Reason.UPLOAD_TOO_LARGE
    assert not event.error.transient
    assert str(limit) in event.error.message
    assert len(server.requests) == 1


async def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    def silent(request: Request, wire: Wire) -> None:
        wire.hang()

    async with sending(tmp_path / "data", header_timeout=2.0) as one:
        one.write(A[:1000])
        there = Open(silent)
        with HostileServer(there) as server:
            event = await one.send(f"{server.url}/up", upload=NEW_UPLOAD)
    assert isinstance(event, Finished), event
    assert there.kept.bodies == [A[:1000]]


async def test_nobody_there(sender: Sending) -> None:
    with HostileServer(Keeper()) as server:
        url = server.url
    event = await sender.fails(url, upload=NEW_UPLOAD)
    assert event.error.reason is Reason.CONNECT_FAILED
