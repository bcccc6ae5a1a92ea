"""Uploads that resume, in both protocols: the server's word counts while it can be true."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.http_options import HttpHeader, HttpOptions
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import Upload
from bgcopyd.queue.transfers import Claimed, Finished, Noted, Received, Stopped
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.sending import A, Sending, sending
from tests.support.tus_hostile import DRAFT, TUS, Kept, Lie, Resuming, status

BOTH = pytest.mark.parametrize("protocol", [TUS, DRAFT], ids=["tus", "draft"])


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sending]:
    async with sending(tmp_path / "data") as one:
        one.write(A)
        yield one


def methods(server: HostileServer) -> list[str]:
    return [request.method for request in server.requests]


@BOTH
async def test_the_server_gets_the_file(sender: Sending, protocol: Upload) -> None:
    resuming = Resuming()
    with HostileServer(resuming) as server:
        event = await sender.send(f"{server.url}/up", upload=protocol)
    assert isinstance(event, Finished), event
    assert bytes(resuming.only.data) == A
    assert methods(server) == ["POST", "PATCH"]
    create, append = server.requests
    assert create.fields["upload-length"] == str(len(A))
    assert create.fields["content-length"] == "0"
    assert append.fields["upload-offset"] == "0"
    assert event.attempt.received == len(A)


async def test_the_words_of_tus(sender: Sending) -> None:
    http = HttpOptions(headers=(HttpHeader("Content-Type", "text/plain"), HttpHeader("X-A", "b")))
    with HostileServer(Resuming()) as server:
        assert isinstance(await sender.send(f"{server.url}/up", upload=TUS, http=http), Finished)
    create, append = server.requests
    assert {request.fields["tus-resumable"] for request in server.requests} == {"1.0.0"}
    assert {request.fields["x-a"] for request in server.requests} == {"b"}
    name, kind = (base64.b64encode(text).decode() for text in (b"file", b"text/plain"))
    assert create.fields["upload-metadata"] == f"filename {name},filetype {kind}"
    assert append.fields["content-type"] == "application/offset+octet-stream"
    own = HttpOptions(headers=(HttpHeader("Upload-Metadata", "mine"),))
    with HostileServer(Resuming()) as server:
        assert isinstance(await sender.send(f"{server.url}/up", upload=TUS, http=own), Finished)
    assert server.requests[0].fields["upload-metadata"] == "mine"


async def test_the_words_of_the_draft(sender: Sending) -> None:
    with HostileServer(Resuming()) as server:
        assert isinstance(await sender.send(f"{server.url}/up", upload=DRAFT), Finished)
    create, append = server.requests
    versions = {request.fields["upload-draft-interop-version"] for request in server.requests}
    assert versions == {"6"}
    assert (create.fields["upload-complete"], append.fields["upload-complete"]) == ("?0", "?1")
    assert append.fields["content-type"] == "application/partial-upload"


@BOTH
async def test_the_session_is_safe_before_a_byte_is_sent(tmp_path: Path, protocol: Upload) -> None:
    async with sending(tmp_path / "data") as one:
        fetcher = one.fetching
        one.write(A)
        fetcher.engine.on_events(fetcher.take)
        with HostileServer(Resuming()) as server:
            one.start(f"{server.url}/up", upload=protocol)
            await fetcher.first(Noted)
            fetcher.engine.proceed("job", 0)
            noted = await fetcher.until(
                lambda: next((e for e in fetcher.all(Noted) if e.upload.session), None)
            )
            assert noted.upload.session == f"{server.url}/up/0"
            assert methods(server) == ["POST"]
            fetcher.engine.stop("job")
            assert isinstance(await fetcher.end(), Stopped)
            assert methods(server) == ["POST"]


@BOTH
async def test_goes_on_from_the_servers_offset(sender: Sending, protocol: Upload) -> None:
    resuming = Resuming()
    resuming.takes = 1_000_000
    with HostileServer(resuming) as server:
        first = await sender.fails(f"{server.url}/up", upload=protocol)
        assert first.error.transient
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1])
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "HEAD", "PATCH"]
    assert server.requests[-1].fields["upload-offset"] == "1000000"
    assert [claim.claimed for claim in sender.fetching.all(Claimed)] == [1_000_000]
    assert event.attempt.received == len(A) - 1_000_000
    assert bytes(resuming.only.data) == A


@BOTH
async def test_46_a_lost_answer_after_the_last_byte(sender: Sending, protocol: Upload) -> None:
    class Mute(Resuming):
        def append(self, request: Request, wire: Wire, one: Kept) -> None:
            one.data += wire.take(request)
            one.complete = True
            wire.close()

    mute = Mute()
    with HostileServer(mute) as server:
        await sender.fails(f"{server.url}/up", upload=protocol)
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1])
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "HEAD"]
    assert bytes(mute.only.data) == A


async def test_all_bytes_without_the_end_of_the_draft(sender: Sending) -> None:
    """Everything is there, and the server does not know yet that it is everything."""

    class Mute(Resuming):
        def append(self, request: Request, wire: Wire, one: Kept) -> None:
            if not one.data:
                one.data += wire.take(request)
                wire.close()
            else:
                super().append(request, wire, one)

    mute = Mute()
    with HostileServer(mute) as server:
        await sender.fails(f"{server.url}/up", upload=DRAFT)
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1])
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "HEAD", "PATCH"]
    assert server.requests[-1].fields["content-length"] == "0"
    assert mute.only.complete


@BOTH
async def test_46_an_offset_mismatch(sender: Sending, protocol: Upload) -> None:
    """The server has lost its last bytes since it was asked."""

    class Losing(Resuming):
        lost = False

        def _head(self, request: Request, wire: Wire) -> None:
            super()._head(request, wire)
            if not self.lost:
                self.lost = True
                del self.only.data[400_000:]

    losing = Losing()
    losing.takes = 1_000_000
    with HostileServer(losing) as server:
        await sender.fails(f"{server.url}/up", upload=protocol)
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1])
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "HEAD", "PATCH", "HEAD", "PATCH"]
    assert server.requests[-1].fields["upload-offset"] == "400000"
    assert bytes(losing.only.data) == A


@BOTH
async def test_a_mismatch_without_end_passes(sender: Sending, protocol: Upload) -> None:
    with HostileServer(Resuming(patch=[status(409)] * 10)) as server:
        event = await sender.fails(f"{server.url}/up", upload=protocol)
    assert (event.error.http_status, event.error.transient) == (409, True)
    assert methods(server).count("PATCH") == 4


@pytest.mark.parametrize("code", [403, 404, 410])
@BOTH
async def test_a_forgotten_upload_begins_anew(sender: Sending, protocol: Upload, code: int) -> None:
    resuming = Resuming()
    resuming.takes = 1_000_000
    with HostileServer(resuming) as server:
        await sender.fails(f"{server.url}/up", upload=protocol)
        resuming.lies["HEAD"] = [status(code)]
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1], claimed=1_000_000)
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "HEAD", "POST", "PATCH"]
    assert sender.noted[-2].session == ""
    assert sender.noted[-1].session == f"{server.url}/up/1"
    assert [claim.claimed for claim in sender.fetching.all(Claimed)] == [0]
    assert bytes(resuming.uploads["/up/1"].data) == A


@BOTH
async def test_an_upload_that_is_forgotten_again_and_again(
    sender: Sending, protocol: Upload
) -> None:
    with HostileServer(Resuming(patch=[status(404)] * 10)) as server:
        event = await sender.fails(f"{server.url}/up", upload=protocol)
    assert event.error.http_status == 404
    assert methods(server).count("POST") == 4


@BOTH
async def test_a_server_that_takes_a_little_at_a_time(sender: Sending, protocol: Upload) -> None:
    class Sipping(Resuming):
        def append(self, request: Request, wire: Wire, one: Kept) -> None:
            body = wire.take(request)
            one.data += body[:1_000_000]
            one.complete = len(one.data) == one.length
            more = {} if one.complete else {"Upload_Complete": "?0"}
            wire.answer(204, b"", Upload_Offset=len(one.data), **more)

    sipping = Sipping()
    with HostileServer(sipping) as server:
        event = await sender.send(f"{server.url}/up", upload=protocol)
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "PATCH", "PATCH"]
    assert [claim.claimed for claim in sender.fetching.all(Claimed)] == [1_000_000, 2_000_000]
    assert bytes(sipping.only.data) == A


OFFSETS: list[object] = [len(A) + 1, -1, "x", "1, 2", "", 10**30]


@pytest.mark.parametrize("offset", OFFSETS)
@BOTH
async def test_head_with_an_offset_that_cannot_be(
    sender: Sending, protocol: Upload, offset: object
) -> None:
    resuming = Resuming()
    resuming.takes = 1000
    with HostileServer(resuming) as server:
        await sender.fails(f"{server.url}/up", upload=protocol)
        resuming.lies["HEAD"] = [status(204, Upload_Offset=offset)]
        event = await sender.fails(f"{server.url}/up", upload=sender.noted[-1])
    assert event.error.reason is Reason.INVALID_RESPONSE
    assert event.error.transient
    assert methods(server)[2:] == ["HEAD"]


@pytest.mark.parametrize("offset", [len(A) + 1, 10**18, -1, "x"])
@BOTH
async def test_patch_with_an_offset_that_cannot_be(
    sender: Sending, protocol: Upload, offset: object
) -> None:
    with HostileServer(Resuming(patch=[status(204, Upload_Offset=offset)])) as server:
        event = await sender.fails(f"{server.url}/up", upload=protocol)
    assert event.error.reason is Reason.INVALID_RESPONSE


async def test_nothing_is_taken_for_there_that_was_not_sent(sender: Sending) -> None:
    def early(request: Request, wire: Wire) -> None:
        wire.take(request, 1000)
        wire.answer(204, b"", Upload_Offset=len(A) * 20, Connection="close")
        wire.close()

    sender.write(A * 20)
    with HostileServer(Resuming(patch=[early])) as server:
        event = await sender.fails(f"{server.url}/up", upload=TUS)
    assert event.error.transient


async def test_patch_without_an_offset_is_looked_at_again(sender: Sending) -> None:
    resuming = Resuming(patch=[status(204)] * 2)
    with HostileServer(resuming) as server:
        event = await sender.send(f"{server.url}/up", upload=TUS)
    assert isinstance(event, Finished), event
    assert methods(server) == ["POST", "PATCH", "HEAD", "PATCH", "HEAD", "PATCH"]
    assert bytes(resuming.only.data) == A


@BOTH
async def test_a_server_that_never_moves(sender: Sending, protocol: Upload) -> None:
    standing: list[Lie] = [status(204, Upload_Offset=0, Upload_Complete="?0")] * 10
    with HostileServer(Resuming(patch=standing)) as server:
        event = await sender.fails(f"{server.url}/up", upload=protocol)
    assert event.error.transient
    assert methods(server).count("PATCH") == 4


async def test_another_files_length(sender: Sending) -> None:
    resuming = Resuming()
    resuming.takes = 1000
    with HostileServer(resuming) as server:
        await sender.fails(f"{server.url}/up", upload=TUS)
        resuming.lies["HEAD"] = [status(204, Upload_Offset=5, Upload_Length=7)]
        event = await sender.send(f"{server.url}/up", upload=sender.noted[-1])
    assert isinstance(event, Finished)
    assert bytes(resuming.uploads["/up/1"].data) == A


# Creation.


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", Reason.UPLOAD_PROTOCOL_MISMATCH),
        ("ftp://host/x", Reason.REDIRECT_REFUSED),
        ("file:///etc/passwd", Reason.REDIRECT_REFUSED),
        ("http://u:p@host/x", Reason.REDIRECT_REFUSED),
        ("/" + "x" * 9000, Reason.INVALID_RESPONSE),
    ],
)
async def test_a_place_that_is_none(sender: Sending, location: str, reason: Reason) -> None:
    resuming = Resuming()
    resuming.location = location
    with HostileServer(resuming) as server:
        event = await sender.fails(f"{server.url}/up", upload=TUS)
    assert event.error.reason is reason
    assert methods(server) == ["POST"]


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (status(200, Location="/x"), Reason.UPLOAD_PROTOCOL_MISMATCH),
        (status(412), Reason.UPLOAD_PROTOCOL_MISMATCH),
        (status(413), Reason.HTTP_STATUS),
        (status(307, Location="/x"), Reason.REDIRECT_REFUSED),
    ],
)
async def test_a_creation_that_is_none(sender: Sending, lie: Lie, reason: Reason) -> None:
    with HostileServer(Resuming(post=[lie])) as server:
        event = await sender.fails(f"{server.url}/up", upload=TUS)
    assert event.error.reason is reason
    assert not event.error.transient


async def test_secrets_stay_at_their_origin(sender: Sending) -> None:
    resuming = Resuming()
    secret = HttpOptions(headers=(HttpHeader("X-Key", "s", secret=True), HttpHeader("X-A", "b")))
    with HostileServer(resuming) as there, HostileServer(resuming) as here:
        resuming.location = f"{there.url}/up/0"
        event = await sender.send(f"{here.url}/up", upload=TUS, http=secret)
    assert isinstance(event, Finished), event
    [create], [append] = here.requests, there.requests
    assert (create.fields["x-key"], create.fields["x-a"]) == ("s", "b")
    assert "x-key" not in append.fields
    assert append.fields["x-a"] == "b"


@BOTH
async def test_an_empty_file(sender: Sending, protocol: Upload) -> None:
    sender.write(b"")
    resuming = Resuming()
    with HostileServer(resuming) as server:
        event = await sender.send(f"{server.url}/up", upload=protocol)
    assert isinstance(event, Finished), event
    assert not resuming.only.data
    assert methods(server)[:2] == ["POST", "HEAD"]


async def test_stop_in_the_middle(sender: Sending) -> None:
    def hanging(request: Request, wire: Wire) -> None:
        wire.take(request, 1000)
        wire.hang()

    sender.write(A * 20)
    with HostileServer(Resuming(patch=[hanging])) as server:
        sender.start(f"{server.url}/up", upload=TUS)
        await sender.fetching.first(Received)
        sender.fetching.engine.stop("job")
        event = await sender.fetching.end()
    assert isinstance(event, Stopped)
    assert event.claimed == 0
