"""What the visible list of hostile servers leaves out: framing, headers, lengths without measure.

Each outcome is a file that the server really had, byte for byte, or a named error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.hostile_cases import HAVE, KNOWN, STRONG, A, B, failed, finished, honest
from tests.support.http_hostile import DATE, HostileServer, Request, Wire

LIMITED = TransferOptions(max_size=1 << 20)


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data", idle_timeout=0.5, header_timeout=2.0) as one:
        yield one


def raw(wire: Wire, *lines: str, body: bytes = b"", end: str = "\r\n") -> None:
    """Header lines as they are, and a body."""
    wire.connection.sendall(end.join([*lines, "", ""]).encode("latin-1"))
    wire.send(body)


async def outcome(
    fetcher: Fetching, *lines: str, body: bytes = A, end: str = "\r\n", **fields: Any
) -> Finished | Failed:
    """Of an answer to each request with these lines, after which the connection ends."""

    def handler(_: Request, wire: Wire) -> None:
        raw(wire, *lines, body=body, end=end)
        wire.close()

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **fields)
    assert isinstance(event, Finished | Failed)
    return event


# Status lines and framing.


@pytest.mark.parametrize(
    "status",
    ["HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 \xff\xfe", "HTTP/1.0 200 OK"],
)
async def test_odd_status_lines_of_a_whole_file(fetcher: Fetching, status: str) -> None:
    event = await outcome(fetcher, status, f"Content-Length: {len(A)}")
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A


@pytest.mark.parametrize(
    "status",
    ["HTTP/1.1 2000 OK", "HTTP/1.1 99 OK", "HTTP/9.9 200 OK", "ICY 200 OK", "HTTP/1.1  200"],
)
async def test_status_lines_that_are_none(fetcher: Fetching, status: str) -> None:
    event = await outcome(fetcher, status, f"Content-Length: {len(A)}")
    assert isinstance(event, Failed)
    assert event.claimed == 0


async def test_http_1_0_that_keeps_alive_without_a_length(fetcher: Fetching) -> None:
    def handler(_: Request, wire: Wire) -> None:
        raw(wire, "HTTP/1.0 200 OK", "Connection: keep-alive", body=A[:HAVE])
        wire.hang()

    event, _ = await failed(fetcher, handler)
    assert (event.error.reason, event.error.transient) == (Reason.TIMEOUT, True)


async def test_http_1_0_with_chunks(fetcher: Fetching) -> None:
    """HTTP/1.0 knows no chunks: the bytes are the file, or it is refused."""
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(A), A)
    event = await outcome(
        fetcher, "HTTP/1.0 200 OK", "Transfer-Encoding: chunked", "Connection: close", body=chunked
    )
    if isinstance(event, Finished):
        assert await fetcher.placed(event) in {A, chunked}


async def test_a_second_answer_behind_the_first_is_nobodys(fetcher: Fetching) -> None:
    """What comes unasked on a connection must not be taken for the answer to the next request."""

    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/one":
            wire.answer(200, A)
            wire.answer(200, B)
        else:
            wire.answer(200, A[::-1])

    with HostileServer(handler) as server:
        for index, path in enumerate(["one", "two", "three"]):
            event = await fetcher.fetch(f"{server.url}/{path}", path=path, index=index)
            assert isinstance(event, Finished)
            content = await fetcher.placed(event, path)
            assert content == (A if path == "one" else A[::-1])


@pytest.mark.parametrize("count", [50, 100_000])
async def test_floods_of_interim_answers(fetcher: Fetching, count: int) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.send(b'HTTP/1.1 103 Early Hints\r\nETag: "hint"\r\nContent-Length: 5\r\n\r\n' * count)
        wire.answer(200, A, ETag='"a"')
        wire.close()

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file")
    if count == 50:
        assert isinstance(event, Finished)
        assert event.validators == STRONG
        assert await fetcher.placed(event) == A
    else:
        assert isinstance(event, Failed)
        assert event.error.transient
        assert not fetcher.partial().exists()


@pytest.mark.parametrize("line", [b"X-Flood: y\r\n", b"x" * 4096, b" folded\r\n"])
async def test_headers_without_end(fetcher: Fetching, line: bytes) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nX-First: y\r\n")
        for _count in range(4000):
            wire.send(line * 16)
        wire.close()

    event, server = await failed(fetcher, handler)
    assert event.error.transient
    assert event.error.reason in {Reason.INVALID_RESPONSE, Reason.CONNECTION_CLOSED, Reason.TIMEOUT}
    assert server.sent < 64 << 20
    assert not fetcher.partial().exists()


async def test_interim_answers_without_end_are_waited_for_no_longer_than_headers(
    fetcher: Fetching,
) -> None:
    def handler(_: Request, wire: Wire) -> None:
        while not wire.released.wait(0.05):
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    event, _ = await failed(fetcher, handler)
    assert event.error.transient


# Fields.


@pytest.mark.parametrize(
    ("lines", "content"),
    [
        # Folded (RFC 9112 section 5.2).
        ((f"Content-Length:\r\n {len(A)}",), A),
        ((f"Content-Length: {len(A)}", "X-Folded: a\r\n Content-Length: 5"), A),
        ((f"Content-Length: {len(A)}", 'X-Folded: a\r\n\tETag: "b"'), A),
        # Repeated.
        ((f"Content-Length: {len(A)}", f"Content-Length: {len(A)}"), A),
        ((f"Content-Length: {len(A)}, {len(A)}",), A),
        ((f"Content-Length: {len(A)}", "Content-Length: 5"), None),
        (("Content-Length: 5", f"Content-Length: {len(A)}"), None),
        (("Content-Length: 5, 6",), None),
        # No numbers.
        (("Content-Length: -1",), None),
        (("Content-Length: +5",), None),
        (("Content-Length: 0x10",), None),
        (("Content-Length: 1 2",), None),
        (("Content-Length: 99999999999999999999",), None),
        (("Content-Length: \xb2",), None),
        # Of no sense.
        ((f"Content-Length: {len(A)}", "no colon here"), None),
        ((f"Content-Length: {len(A)}", ": no name", "\xff\xfe: \x80"), A),
        ((f"Content-Length: {len(A)}", 'ETag: "' + "x" * 5000 + '"'), A),
        ((f"Content-Length: {len(A)}", "ETag: unquoted", "Last-Modified: yesterday"), A),
        ((f"Content-Length: {len(A)}", "Date: \x80", "Last-Modified: Mon, 99 Foo 99999"), A),
        ((f"Content-Length: {len(A)}", "Content-Range: bytes 0-4/300000"), A),
    ],
)
async def test_odd_fields_of_a_whole_file(
    fetcher: Fetching, lines: tuple[str, ...], content: bytes | None
) -> None:
    """A length that is none is refused, or the file ends where the connection does."""
    event = await outcome(fetcher, "HTTP/1.1 200 OK", *lines, "Connection: close")
    if isinstance(event, Finished):
        assert event.verification is not None
        assert event.verification <= Verification.VALIDATOR
        got = await fetcher.placed(event)
        assert got == A or (content is None and event.verification is Verification.NONE)
    else:
        assert content is None
        assert event.error.message
        assert event.claimed == 0


@pytest.mark.parametrize("end", ["\n", "\r"])
async def test_odd_ends_of_lines(fetcher: Fetching, end: str) -> None:
    event = await outcome(fetcher, "HTTP/1.1 200 OK", f"Content-Length: {len(A)}", end=end)
    if isinstance(event, Finished):
        assert await fetcher.placed(event) == A


REST = f"{HAVE}-{len(A) - 1}"


@pytest.mark.parametrize(
    "lines",
    [
        (f"Content-Range: bytes {REST}/300000", "Content-Range: bytes 0-99999/300000"),
        ("Content-Range: bytes 0-99999/300000", f"Content-Range: bytes {REST}/300000"),
        (f"Content-Range: bytes {REST}/300000, bytes 0-4/300000",),
        (f"Content-Range: bytes {HAVE}-{len(A)}/300000",),
        (f"Content-Range: bytes {len(A) - 1}-{HAVE}/300000",),
        (f"Content-Range: bytes -{HAVE}-299999/300000",),
        (f"Content-Range: bytes {REST}/-1",),
        (f"Content-Range: bytes {REST}/99999999999999999999",),
        (f"Content-Range: bytes {REST}/0",),
        (f"Content-Range: items {REST}/300000",),
        (f"Content-Range: {REST}/300000",),
        (f"Content-Range: bytes={REST}/300000",),
        (f"Content-Range: bytes {REST}/300000\x00",),
        ("Content-Range: bytes */300000",),
        ("X-Folded: a\r\n Content-Range: bytes 200000-299999/300000",),
    ],
)
async def test_odd_content_ranges_join_nothing(fetcher: Fetching, lines: tuple[str, ...]) -> None:
    """The bytes would be others than those that were asked for."""

    def handler(request: Request, wire: Wire) -> None:
        if "range" in request.fields:
            raw(
                wire, "HTTP/1.1 206 Partial Content", 'ETag: "a"', *lines, "Content-Length: 100000",
                body=B[:100_000],
            )  # fmt: skip
        else:
            wire.answer(200, A, ETag='"a"')
        wire.close()

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **KNOWN)
    if isinstance(event, Finished):
        assert await fetcher.placed(event) == A
    else:
        assert isinstance(event, Failed)
        assert fetcher.partial().read_bytes()[: event.claimed] == A[: event.claimed]


# Lengths.


@pytest.mark.parametrize("size", [1 << 50, (1 << 59) - 1, (1 << 63) - 1])
async def test_a_length_beyond_all_measure(fetcher: Fetching, size: int) -> None:
    event = await outcome(fetcher, "HTTP/1.1 200 OK", f"Content-Length: {size}")
    assert isinstance(event, Failed)
    assert event.error.message
    path = fetcher.partial()
    assert not path.exists() or path.stat().st_size <= len(A)


async def test_a_length_beyond_the_jobs_limit_is_not_begun(fetcher: Fetching) -> None:
    event = await outcome(fetcher, "HTTP/1.1 200 OK", f"Content-Length: {1 << 40}", options=LIMITED)
    assert isinstance(event, Failed)
    assert event.error.reason is Reason.DOWNLOAD_SIZE_EXCEEDED
    assert not fetcher.partial().exists()


def without_end(wire: Wire, *lines: str, chunked: bool = False) -> None:
    """A body that ends when the client goes away."""
    raw(wire, *lines)
    piece = b"10000\r\n" + bytes(65536) + b"\r\n" if chunked else bytes(65536)
    while not wire.released.is_set():
        wire.send(piece)


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ("200 OK", "Connection: close"),
        ("200 OK", "Transfer-Encoding: chunked"),
        ("200 OK", "Content-Length: 1000"),
        ("206 Partial Content", "Content-Range: bytes 0-999/1000"),
        ("302 Found", "Location: /file"),
        ("404 Not Found", "Connection: close"),
        ("416 Range Not Satisfiable", "Connection: close"),
        ("503 Unavailable", "Transfer-Encoding: chunked"),
    ],
)
async def test_a_body_without_end_is_left(fetcher: Fetching, status: str, field: str) -> None:
    def handler(_: Request, wire: Wire) -> None:
        chunked = "chunked" in field
        without_end(wire, f"HTTP/1.1 {status}", field, chunked=chunked)

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", options=LIMITED)
        assert server.sent < 64 << 20
    if isinstance(event, Finished):
        assert await fetcher.placed(event) == bytes(1000)
    else:
        assert isinstance(event, Failed)
        path = fetcher.partial()
        assert not path.exists() or path.stat().st_size <= 2 << 20


async def test_an_empty_file_where_there_was_more(fetcher: Fetching) -> None:
    """A 416 with the size 0 says that the file is empty now."""

    def handler(request: Request, wire: Wire) -> None:
        if "range" in request.fields:
            wire.answer(416, b"", Content_Range="bytes */0")
        else:
            wire.answer(200, b"", ETag='"empty"')

    event, content, _ = await finished(fetcher, handler, **KNOWN)
    assert (content, event.size) == (b"", 0)


@pytest.mark.parametrize("span", ["bytes 0-0/0", "bytes */0", "bytes 0--1/0"])
async def test_an_empty_range_of_nothing(fetcher: Fetching, span: str) -> None:
    event = await outcome(
        fetcher, "HTTP/1.1 206 Partial Content", f"Content-Range: {span}", "Content-Length: 0",
        body=b"",
    )  # fmt: skip
    assert isinstance(event, Failed)
    assert event.claimed == 0


# Chunks.


@pytest.mark.parametrize(
    ("coding", "body", "whole"),
    [
        ("chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(A), A), True),
        ("CHUNKED", b'%x;name="v"\r\n%s\r\n0\r\n\r\n' % (len(A), A), True),
        ("chunked", b"%x\r\n%s\r\n" % (len(A), A), False),
        ("chunked", b"%x\r\n%s\r\n0\r\n" % (len(A), A), False),
        ("chunked", b"ffffffffffffffffff\r\n" + A, False),
        ("chunked", b"-5\r\n" + A, False),
        ("chunked", b"xyz\r\n" + A, False),
        ("chunked", b"5" + b"\r\n" + A, False),
        ("chunked", b"5;" + b"x" * 200_000 + b"\r\n" + A, False),
        ("chunked, chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(A), A), False),
        ("gzip, chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(A), A), False),
        ("nonsense", A, False),
        ("identity", A, True),
    ],
)
async def test_transfer_codings(
    fetcher: Fetching, coding: str, body: bytes, *, whole: bool
) -> None:
    lines = ("HTTP/1.1 200 OK", f"Transfer-Encoding: {coding}", "Connection: close")
    event = await outcome(fetcher, *lines, body=body)
    if isinstance(event, Finished):
        # What no coding explains is marked as what nothing vouches for.
        content = await fetcher.placed(event)
        assert content == A or event.verification is Verification.NONE
        assert content in {A, body}
    else:
        assert not whole
        assert event.error.message


async def test_a_206_of_chunks_that_ends_early(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number:
            honest(request, wire)
            return
        span = f"bytes {HAVE}-{len(A) - 1}/{len(A)}"
        wire.head(206, Content_Range=span, Transfer_Encoding="chunked", ETag='"a"')
        wire.chunk(A[HAVE : HAVE + 1000])
        wire.chunk(b"")

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **KNOWN)
    assert isinstance(event, Failed)
    assert (event.error.reason, event.claimed) == (Reason.CONNECTION_CLOSED, HAVE + 1000)
    assert fetcher.partial().read_bytes()[: event.claimed] == A[: event.claimed]


TRAILERS = (
    'ETag: "trailer"',
    "Content-Range: bytes 0-4/5",
    "Content-Length: 5",
    "Last-Modified: Mon, 09 Nov 2026 10:00:00 GMT",
    "HTTP/1.1 404 Not Found",
    "Repr-Digest: sha-256=:AAAA:",
)


@pytest.mark.parametrize("body", [A, b""])
async def test_trailers_are_no_fields_of_the_answer(fetcher: Fetching, body: bytes) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.head(200, Transfer_Encoding="chunked", ETag='"a"', Trailer="ETag")
        if body:
            wire.chunk(body)
        wire.send(b"0\r\n" + "\r\n".join([*TRAILERS, "", ""]).encode())

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file")
    if isinstance(event, Finished):
        assert event.validators == STRONG
        assert await fetcher.placed(event) == body
    else:
        assert isinstance(event, Failed)
        assert event.error.transient


# Versions and redirects.


async def test_another_etag_with_each_part(fetcher: Fetching) -> None:
    """The first part goes on with what is here, the next one is of another version."""

    def handler(request: Request, wire: Wire) -> None:
        start, end = request.span(len(A))
        if "range" not in request.fields or (request.number and request.fields.get("if-range")):
            wire.answer(200, B, ETag='"b"')
        elif not request.number:
            wire.part(A, start, start + 20_000, ETag='"a"')
        else:
            wire.part(B, start, end, ETag='"b"')

    event, content, _ = await finished(fetcher, handler, **KNOWN)
    assert (content, event.validators) == (B, Validators(etag='"b"'))


async def test_parts_whose_etag_always_changes_end(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        start, _ = request.span(len(A))
        wire.part(A, start, min(start + 20_000, len(A)), ETag=f'"{request.number}"')

    event, server = await failed(fetcher, handler, **KNOWN)
    assert event.error.reason in {Reason.REMOTE_FILE_CHANGED, Reason.INVALID_RESPONSE}
    assert len(server.requests) < 20


async def test_a_redirect_to_itself_with_a_changing_query_ends(fetcher: Fetching) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.answer(302, b"", Location=f"/file?{request.number}")

    event, server = await failed(fetcher, handler)
    assert event.error.reason is Reason.REDIRECT_REFUSED
    assert len(server.requests) < 20


@pytest.mark.parametrize(
    "location",
    [
        "",
        " ",
        "http://",
        "http://:80/",
        "//",
        "http://[::1",
        "http://a b/",
        "\x80\xff",
        "http://h:99999/",
    ],
)
async def test_redirects_to_nowhere(fetcher: Fetching, location: str) -> None:
    event = await outcome(
        fetcher, "HTTP/1.1 302 Found", f"Location: {location}", "Content-Length: 0", body=b""
    )
    assert isinstance(event, Failed)
    assert event.error.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("-5", None), ("1e9", None), ("999999999999", 86_400), ("9" * 400, None), ("soon", None),
        ("Mon, 09 Nov 2026 10:00:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("\xb2", None), (DATE, 0),
    ],
)  # fmt: skip
async def test_pauses_that_servers_ask_for(
    fetcher: Fetching, text: str, seconds: float | None
) -> None:
    def handler(_: Request, wire: Wire) -> None:
        wire.answer(503, b"", Retry_After=text)

    event, _ = await failed(fetcher, handler)
    assert event.retry_after == seconds
