"""What a job says of its requests: header fields, method, redirects; and what is told of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import trustme

from bgcopyd.jobs.file import SourceBytes, Validators
from bgcopyd.jobs.http_options import HttpHeader, HttpOptions, RedirectPolicy
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, Received, Stopped, TransferOptions
from tests.support.fetching import fetching, sha256
from tests.support.http_hostile import Handler, HostileServer, Request, Wire
from tests.support.tls import context, write_ca

A = random.Random(1).randbytes(100_000)
HEADERS = (
    HttpHeader("X-Plain", "1"),
    HttpHeader("X-Empty", ""),
    HttpHeader("X-Api-Key", "hidden", secret=True),
    HttpHeader("Authorization", "Token hidden"),
    HttpHeader("Cookie", "a=hidden"),
    HttpHeader("User-Agent", "mine/1"),
)
SECRET = {"x-api-key": "hidden", "authorization": "Token hidden", "cookie": "a=hidden"}


def options(**http: Any) -> TransferOptions:
    return TransferOptions(http=HttpOptions(**http))


def whole(_: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


def moved(location: str, status: int = 302) -> HostileServer:
    return HostileServer(lambda _, wire: wire.answer(status, b"moved", Location=location))


async def test_header_fields_come_with_every_request(tmp_path: Path) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.head(200, Content_Length=len(A), ETag='"a"')
            wire.send(A[:50_000])
            wire.close()
        else:
            wire.part(A, request.start or 0, ETag='"a"')

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            cut = await fetcher.fetch(f"{server.url}/a", options=options(headers=HEADERS))
            assert isinstance(cut, Failed)
            fetcher.events.clear()
            end = await fetcher.fetch(
                f"{server.url}/a",
                claimed=cut.claimed,
                size=len(A),
                validators=Validators(etag='"a"'),
                options=options(headers=HEADERS),
            )
            assert isinstance(end, Finished)
            assert server.requests[1].start == 50_000
        for request in server.requests:
            assert request.fields.items() >= {"x-plain": "1", "x-empty": "", **SECRET}.items()
            assert request.fields["user-agent"] == "mine/1"
            assert request.fields["accept-encoding"] == "identity"


async def test_secrets_stay_at_their_origin(tmp_path: Path) -> None:
    def at_home(request: Request, wire: Wire) -> None:
        if request.target == "/a":
            wire.answer(302, b"", Location="/b")
        else:
            wire.answer(302, b"", Location=f"{end.url}/c")

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as end, HostileServer(at_home) as home:
            event = await fetcher.fetch(f"{home.url}/a", options=options(headers=HEADERS))
    assert isinstance(event, Finished)
    assert [request.fields.items() >= SECRET.items() for request in home.requests] == [True, True]
    [last] = end.requests
    assert not SECRET.keys() & last.fields.keys()
    assert last.fields["x-plain"] == "1"


async def test_another_method_is_sent_whole_and_not_redirected(tmp_path: Path) -> None:
    post = options(method="POST")
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as server:
            event = await fetcher.fetch(
                f"{server.url}/a",
                have=A[:5],
                size=len(A),
                validators=Validators(etag='"a"'),
                options=post,
            )
        assert isinstance(event, Finished)
        assert await fetcher.placed(event) == A
        [request] = server.requests
        assert (request.method, request.start) == ("POST", None)
        assert request.fields["content-length"] == "0"
        fetcher.events.clear()
        with moved("/b") as server:
            refused = await fetcher.fetch(f"{server.url}/a", options=post)
    assert isinstance(refused, Failed)
    assert (refused.error.reason, refused.error.transient) == (Reason.REDIRECT_REFUSED, False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (lambda _, wire: wire.answer(204, b""), Reason.INVALID_RESPONSE),
        (lambda _, wire: wire.answer(503, b""), Reason.HTTP_STATUS),
        (lambda _, wire: wire.answer(200, b"other"), Reason.DIGEST_MISMATCH),
    ],
)
async def test_another_method_is_sent_once(
    tmp_path: Path, handler: Handler, reason: Reason
) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as first, HostileServer(handler) as mirror:
            event = await fetcher.fetch(
                f"{first.url}/a",
                mirrors=(f"{mirror.url}/a",),
                digests=sha256(A),
                options=options(method="POST"),
            )
    assert isinstance(event, Failed)
    assert event.error.reason is reason
    assert (len(first.requests), len(mirror.requests)) == (1, 1)


async def test_a_handle_that_posted_does_not_post_for_others(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as server:
            for index, method in enumerate(("POST", "", "PUT", "GET")):
                await fetcher.fetch(
                    f"{server.url}/a", index=index, path=f"f{index}", options=options(method=method)
                )
    assert [request.method for request in server.requests] == ["POST", "GET", "PUT", "GET"]


@pytest.mark.parametrize(
    ("policy", "reported"),
    [(RedirectPolicy.ALLOW_SILENT, ""), (RedirectPolicy.ALLOW_REPORT, "/b/c")],
)
async def test_redirects_are_reported_where_that_is_asked(
    tmp_path: Path, policy: RedirectPolicy, reported: str
) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as end, moved(f"{end.url}/b/c?token=hidden") as start:
            event = await fetcher.fetch(f"{start.url}/a", options=options(redirect_policy=policy))
    assert isinstance(event, Finished)
    assert event.attempt.file.final_url == (f"{end.url}{reported}" if reported else "")
    assert "hidden" not in repr(event)


async def test_nothing_is_reported_without_a_redirect(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(whole) as server:
            report = options(redirect_policy=RedirectPolicy.ALLOW_REPORT)
            event = await fetcher.fetch(f"{server.url}/a", options=report)
    assert event.attempt.file.final_url == ""


async def test_redirects_may_be_forbidden(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        with moved("/b") as server:
            event = await fetcher.fetch(
                f"{server.url}/a", options=options(redirect_policy=RedirectPolicy.DISALLOW)
            )
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.REDIRECT_REFUSED, False)
    assert event.attempt.http_status == 302


async def test_https_to_http_may_be_allowed(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = write_ca(authority, tmp_path)
    with HostileServer(whole) as plain:
        start = HostileServer(
            lambda _, wire: wire.answer(302, b"", Location=f"{plain.url}/b"),
            context=context(authority),
        )
        async with fetching(tmp_path / "data", ca_file=ca_file) as fetcher:
            with start as server:
                allowed = options(allow_https_to_http=True, headers=HEADERS)
                event = await fetcher.fetch(f"{server.url}/a", options=allowed)
    assert isinstance(event, Finished)
    assert not SECRET.keys() & plain.requests[0].fields.keys()


async def test_what_an_attempt_tells(tmp_path: Path) -> None:
    def handler(_: Request, wire: Wire) -> None:
        secrets = {"Set_Cookie": "a=hidden", "WWW_Authenticate": "hidden", "X_Odd": "a\x01\xe9"}
        wire.answer(200, A, ETag='"a"', **secrets)

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            event = await fetcher.fetch(f"{server.url}/a?key=hidden")
    told = event.attempt
    url = f"{server.url}/a"
    address = server.url.removeprefix("http://")
    assert (told.url, told.address, told.protocol) == (url, address, "HTTP/1.1")
    assert (told.http_status, told.received) == (200, len(A))
    assert told.file.sources == (SourceBytes(url, len(A)),)
    shown = {header.name: header.value for header in told.file.response_headers}
    assert shown.keys() == {"date", "content-length", "etag", "x-odd"}
    assert (shown["etag"], shown["x-odd"]) == ('"a"', "a?\xe9")
    assert "hidden" not in repr(event)


async def test_response_headers_are_bounded(tmp_path: Path) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.answer(200, A, **{f"X_{number}": "\xe9" * 1000 for number in range(20)})

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            event = await fetcher.fetch(f"{server.url}/a")
    headers = event.attempt.file.response_headers
    size = sum(len(header.name) + len(header.value.encode()) for header in headers)
    assert 14_000 < size <= 16 << 10


async def test_what_a_failed_and_a_stopped_attempt_tell(tmp_path: Path) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/gone":
            wire.answer(404, b"no")
            return
        wire.head(200, Content_Length=len(A), ETag='"a"')
        wire.send(A[:60_000])
        wire.hang()

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            gone = await fetcher.fetch(f"{server.url}/gone", index=0, path="x")
            fetcher.start(f"{server.url}/slow", index=1)

            def arrived() -> bool | None:
                return any(e.received == 60_000 for e in fetcher.all(Received, 1)) or None

            await fetcher.until(arrived)
            fetcher.engine.stop("job")
            stopped = await fetcher.end(1)
        nobody = await fetcher.fetch(f"{server.url}/a", index=2, path="y")
    assert isinstance(gone, Failed)
    assert (gone.attempt.http_status, gone.attempt.received) == (404, 0)
    assert isinstance(stopped, Stopped)
    assert (stopped.attempt.http_status, stopped.attempt.received) == (200, 60_000)
    assert stopped.attempt.address
    assert isinstance(nobody, Failed)
    assert (nobody.attempt.url, nobody.attempt.address) == ("", "")
