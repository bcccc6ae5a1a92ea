"""Uploads of one stream against real sockets: the server has the very file, or it is an error."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
)
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Failed,
    Finished,
    Noted,
    Received,
    Stopped,
    TransferOptions,
)
from tests.support.http_hostile import Handler, HostileServer, Request, Wire
from tests.support.sending import A, Keeper, Sending, cut, sending

PLACE = "place/file"


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sending]:
    async with sending(tmp_path / "data") as one:
        yield one


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("size", [0, 1, 65_536, len(A)])
async def test_the_server_gets_the_file(sender: Sending, method: str, size: int) -> None:
    source = sender.write(A[:size], PLACE)
    keeper = Keeper()
    with HostileServer(keeper) as server:
        event = await sender.send(f"{server.url}/up?x=1", method=method, path=PLACE)
    assert isinstance(event, Finished), event
    assert keeper.bodies == [A[:size]]
    [request] = server.requests
    assert (request.method, request.target) == (method, "/up?x=1")
    assert request.fields["content-length"] == str(size)
    assert "transfer-encoding" not in request.fields
    assert (event.size, event.verification, event.device) == (size, None, None)
    assert (event.attempt.http_status, event.attempt.received) == (201, size)
    assert event.attempt.url == f"{server.url}/up"
    assert source.read_bytes() == A[:size]
    assert list(source.parent.iterdir()) == [source]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_what_says_that_the_file_is_there(sender: Sending, status: int) -> None:
    sender.write(A)
    with HostileServer(Keeper(status)) as server:
        assert isinstance(await sender.send(server.url), Finished)


async def test_what_the_source_was_is_known_before_a_byte_is_sent(tmp_path: Path) -> None:
    async with sending(tmp_path / "data") as one:
        fetcher = one.fetching
        # Nobody says that it is safe.
        fetcher.engine.on_events(fetcher.take)
        source = one.write(A)
        with HostileServer(Keeper()) as server:
            one.start(server.url)
            noted = await fetcher.first(Noted)
            assert not server.requests
            known = source.stat()
            assert noted.upload.source is not None
            assert (noted.upload.source.device, noted.upload.source.inode) == (
                known.st_dev,
                known.st_ino,
            )
            assert noted.upload.source.size == len(A)
            assert noted.upload.source.modified == known.st_mtime_ns
            fetcher.engine.stop("job")
            assert isinstance(await fetcher.end(), Stopped)
            assert not server.requests


async def test_progress_is_told(tmp_path: Path) -> None:
    told = threading.Event()

    def slow(request: Request, wire: Wire) -> None:
        wire.take(request, 1_000_000)
        told.wait(20)
        wire.read(len(A) - 1_000_000)
        wire.answer(200, b"")

    async with sending(tmp_path / "data") as one:
        one.write(A)
        with HostileServer(slow) as server:
            one.start(server.url)
            connected = await one.fetching.first(Connected)
            assert connected.size == len(A)
            received = await one.fetching.first(Received)
            told.set()
            assert isinstance(await one.fetching.end(), Finished)
        sent = [event.received for event in one.fetching.all(Received)]
    assert 0 < received.received <= len(A)
    assert sent == sorted(sent)
    assert not one.fetching.all(Claimed)


async def test_header_fields_and_credentials(sender: Sending) -> None:
    sender.write(A)
    http = HttpOptions(
        headers=(HttpHeader("Content-Type", "text/plain"), HttpHeader("X-Key", "s", secret=True))
    )
    key = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
    options = TransferOptions(credentials=(Credentials(key, "anna", "word"),))
    keeper = Keeper()
    with HostileServer(keeper) as server:
        assert isinstance(await sender.send(server.url, http=http, options=options), Finished)
    fields = server.requests[-1].fields
    assert fields["content-type"] == "text/plain"
    assert fields["x-key"] == "s"
    assert fields["authorization"].startswith("Basic ")
    assert keeper.bodies[-1] == A


async def test_a_challenge_is_answered_with_the_whole_file(sender: Sending) -> None:
    sender.write(A)
    key = CredentialsKey(AuthTarget.SERVER, AuthScheme.DIGEST)
    options = TransferOptions(credentials=(Credentials(key, "anna", "word"),))
    bodies = []

    def strict(request: Request, wire: Wire) -> None:
        body = wire.take(request)
        if "authorization" not in request.fields:
            wire.answer(401, b"", WWW_Authenticate='Digest realm="r", nonce="n", qop="auth"')
            return
        bodies.append(body)
        wire.answer(200, b"")

    with HostileServer(strict) as server:
        event = await sender.send(server.url, options=options)
    assert isinstance(event, Finished), event
    assert bodies == [A]


def early(request: Request, wire: Wire) -> None:
    """Refuses before the body has come, and reads no more of it."""
    wire.take(request, 100_000)
    wire.answer(413, b"no", Connection="close")
    # One that goes at once resets the connection, and its answer may be lost with that.
    wire.hang()


def content(request: Request, wire: Wire) -> None:
    """Is content before the body has come, and goes."""
    wire.take(request, 100_000)
    wire.answer(200, b"yes", Connection="close")
    wire.close()


async def test_48_an_answer_before_the_end_is_read_and_sending_stops(tmp_path: Path) -> None:
    large = tmp_path / "data" / "large"
    async with sending(tmp_path / "data") as one:
        with large.open("wb") as file:
            file.truncate(1 << 30)
        with HostileServer(early) as server:
            event = await one.fails(server.url, path="large")
    assert event.error.reason is Reason.HTTP_STATUS
    assert event.error.http_status == 413
    assert event.error.context is ErrorContext.REMOTE_APPLICATION
    assert not event.error.transient
    assert event.attempt.received < 64 << 20


async def test_a_refusal_at_once_needs_no_body(sender: Sending) -> None:
    sender.write(A)
    with HostileServer(lambda _, wire: wire.answer(413, b"", Connection="close")) as server:
        event = await sender.fails(server.url)
    assert (event.error.http_status, event.attempt.received) == (413, 0)


async def test_content_before_the_end_is_no_success(sender: Sending) -> None:
    sender.write(A * 20)
    with HostileServer(content) as server:
        event = await sender.fails(server.url)
    assert event.error.transient
    assert event.error.reason in {Reason.INVALID_RESPONSE, Reason.CONNECTION_CLOSED}


@pytest.mark.parametrize(
    ("status", "transient"),
    [(400, False), (403, False), (404, False), (409, True), (429, True), (500, True),
     (501, False), (503, True), (507, True)],
)  # fmt: skip
async def test_statuses_are_classed_as_for_downloads(
    sender: Sending, status: int, *, transient: bool
) -> None:
    sender.write(A)

    def refusing(request: Request, wire: Wire) -> None:
        wire.take(request)
        wire.answer(status, b"", Retry_After="7")

    with HostileServer(refusing) as server:
        event = await sender.fails(server.url)
    assert (event.error.http_status, event.error.transient) == (status, transient)
    assert event.retry_after == 7
    assert event.claimed == 0


@pytest.mark.parametrize("status", [206, 207, 299])
async def test_an_unexpected_success_is_asked_again_then_final(
    sender: Sending, status: int
) -> None:
    sender.write(A)
    with HostileServer(Keeper(status)) as server:
        event = await sender.fails(server.url)
    assert len(server.requests) == 2
    assert event.error.reason is Reason.INVALID_RESPONSE
    assert not event.error.transient


@pytest.mark.parametrize("status", [301, 303, 307, 308])
async def test_redirects_are_not_followed(sender: Sending, status: int) -> None:
    sender.write(A)

    def elsewhere(request: Request, wire: Wire) -> None:
        wire.take(request)
        wire.answer(status, b"", Location="/there")

    with HostileServer(elsewhere) as server:
        event = await sender.fails(server.url)
    assert len(server.requests) == 1
    assert event.error.reason is Reason.REDIRECT_REFUSED


def _silent(request: Request, wire: Wire) -> None:
    wire.take(request)
    wire.close()


def _garbage(request: Request, wire: Wire) -> None:
    wire.take(request)
    wire.send(b"nonsense\r\n\r\n")
    wire.close()


@pytest.mark.parametrize("handler", [cut, _silent, _garbage])
async def test_a_broken_exchange_passes(sender: Sending, handler: Handler) -> None:
    sender.write(A)
    with HostileServer(handler) as server:
        event = await sender.fails(server.url)
    assert event.error.transient
    assert event.claimed == 0


@pytest.mark.parametrize("before", [0, 100_000])
async def test_a_server_that_hangs(tmp_path: Path, before: int) -> None:
    def hanging(request: Request, wire: Wire) -> None:
        wire.take(request, before or None)
        wire.hang()

    # More than all buffers on the way hold.
    async with sending(tmp_path / "data", idle_timeout=0.5, header_timeout=0.5) as one:
        one.write(A * 20 if before else A)
        with HostileServer(hanging) as server:
            event = await one.fails(server.url)
    assert event.error.reason is Reason.TIMEOUT
    assert event.error.transient


# Life.


async def test_stop_in_the_middle_and_from_the_start(sender: Sending) -> None:
    source = sender.write(A * 20)

    def hanging(request: Request, wire: Wire) -> None:
        wire.take(request, 100_000)
        wire.hang()

    with HostileServer(hanging) as server:
        sender.start(server.url)
        await sender.fetching.first(Received)
        sender.fetching.engine.stop("job")
        event = await sender.fetching.end()
    assert isinstance(event, Stopped)
    assert (event.claimed, event.size) == (0, len(A) * 20)
    assert event.attempt.received > 0
    assert source.read_bytes() == A * 20
    assert not [one for one in Path("/proc/self/fd").iterdir() if _leads_to(one, source)]


def _leads_to(descriptor: Path, path: Path) -> bool:
    try:
        return descriptor.readlink() == path
    except OSError:
        return False


async def test_a_limit_holds_and_may_be_lifted(sender: Sending) -> None:
    sender.write(A)
    keeper = Keeper()
    with HostileServer(keeper) as server:
        sender.start(server.url, rate=10_000)
        slow = await sender.fetching.first(Received)
        assert slow.received < 1_000_000
        sender.fetching.engine.set_rate("job", 0)
        assert isinstance(await sender.fetching.end(), Finished)
    assert keeper.bodies == [A]


async def test_connections_are_kept(sender: Sending) -> None:
    sender.write(A)
    with HostileServer(Keeper()) as server:
        for _ in range(3):
            assert isinstance(await sender.send(server.url), Finished)
    assert {request.connection for request in server.requests} == {0}


async def test_a_download_beside_it_is_one(sender: Sending) -> None:
    """Handles of uploads are none of downloads."""
    sender.write(A)
    content = A[:1000]

    def both(request: Request, wire: Wire) -> None:
        if request.method == "PUT":
            wire.take(request)
            wire.answer(200, b"")
        else:
            wire.answer(200, content)

    with HostileServer(both) as server:
        assert isinstance(await sender.send(server.url), Finished)
        sender.fetching.events.clear()
        event = await sender.fetching.fetch(f"{server.url}/get", path="got")
        assert isinstance(event, Finished)
        assert not isinstance(event, Failed)
        assert await sender.fetching.placed(event, "got") == content
    assert [request.method for request in server.requests] == ["PUT", "GET"]
