"""The visible list of transfer.md, third part: rows of redirects, secrets, time and names.

Each outcome is a file that the server really had, byte for byte, or a named error.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from bgcopyd.jobs.file import FileRange, Verification
from bgcopyd.jobs.http_options import HttpHeader, HttpOptions
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.hostile_cases import HAVE, KNOWN, A, B, failed, finished, honest, ranged
from tests.support.http2_hostile import Asked, Http2Server, Stream
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.tls import context, write_ca


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


# Several connections, several sources.


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_14_an_extra_connection_that_is_refused_costs_no_bytes(
    fetcher: Fetching, status: int
) -> None:
    first_is_here, refused = threading.Event(), threading.Event()

    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/one":
            wire.head(200, Content_Length=len(A), ETag='"a"')
            wire.send(A[:HAVE])
            first_is_here.set()
            assert refused.wait(20)
            wire.send(A[HAVE:])
        elif not refused.is_set():
            wire.answer(status, b"one at a time", Retry_After="0")
            refused.set()
        else:
            honest(request, wire)

    with HostileServer(handler) as server:
        fetcher.start(f"{server.url}/one", path="one", index=0)
        assert await asyncio.to_thread(first_is_here.wait, 20)
        two = await fetcher.fetch(
            f"{server.url}/two", path="two", index=1, have=A[:1000], size=len(A),
            validators=KNOWN["validators"],
        )  # fmt: skip
        one = await fetcher.end(0)
    assert isinstance(one, Finished)
    assert await fetcher.placed(one, "one") == A
    if status == 403:
        # The download was alive: it is looked at once more.
        assert isinstance(two, Finished)
    else:
        assert isinstance(two, Failed)
        assert (two.error.transient, two.claimed) == (True, 1000)


async def test_21_a_mirror_of_equal_size_and_other_content(fetcher: Fetching) -> None:
    def breaks_off(request: Request, wire: Wire) -> None:
        if not request.number:
            wire.head(200, Content_Length=len(A), ETag='"a"')
            wire.send(A[:HAVE])
        wire.close()

    def other(request: Request, wire: Wire) -> None:
        ranged(request, wire, B, etag='"b"')

    with (
        HostileServer(breaks_off) as first,
        HostileServer(other) as second,
        HostileServer(ranged) as third,
    ):
        event = await fetcher.fetch(
            f"{first.url}/x", mirrors=(f"{second.url}/x", f"{third.url}/x"), digests=sha256(A)
        )
    assert isinstance(event, Finished)
    assert (await fetcher.placed(event), event.verification) == (A, Verification.DIGEST)


# HTTP/2.


@pytest.mark.parametrize("how", ["reset", "go_away"])
async def test_30_http2_that_breaks_off_keeps_the_bytes(tmp_path: Path, how: str) -> None:
    authority = trustme.CA()

    def answer(asked: Asked, stream: Stream) -> None:
        start = asked.start or 0
        fields: dict[str, Any] = {"ETag": '"a"', "Content_Length": len(A) - start}
        if start:
            fields["Content_Range"] = f"bytes {start}-{len(A) - 1}/{len(A)}"
        stream.head(206 if start else 200, **fields)
        stream.send(A[start : start + 20_000])
        getattr(stream, how)()

    options = {"ca_file": write_ca(authority, tmp_path)}
    async with fetching(tmp_path / "data", **options) as fetcher:
        with Http2Server(context(authority), A, answer) as server:
            state: dict[str, Any] = {}
            for _ in range(10):
                fetcher.events.clear()
                event = await fetcher.fetch(f"{server.url}/x", **state)
                if isinstance(event, Finished):
                    break
                assert isinstance(event, Failed)
                assert event.error.transient, event
                assert event.claimed % 20_000 == 0
                state = {
                    "claimed": event.claimed,
                    "size": event.size,
                    "validators": event.validators,
                }
        assert isinstance(event, Finished)
        assert (await fetcher.placed(event), event.verification) == (A, Verification.VALIDATOR)
        protocols = [one.protocol for one in server.requests]
        assert protocols == ["HTTP/2", "HTTP/2", "HTTP/1.1"]


# Encodings.


async def test_31_ranges_are_not_cut_out_of_gzip(fetcher: Fetching) -> None:
    body = gzip.compress(A)
    event, _ = await failed(
        fetcher,
        lambda _, wire: wire.answer(200, body, Content_Encoding="gzip"),
        ranges=(FileRange(10, 100), FileRange(1_000, 100)),
    )
    assert event.error.reason is Reason.INSUFFICIENT_RANGE_SUPPORT
    assert event.claimed == 0


async def test_32_a_gzip_bomb_is_not_unpacked(fetcher: Fetching) -> None:
    bomb = gzip.compress(bytes(100 << 20))
    event, content, _ = await finished(
        fetcher,
        lambda _, wire: wire.answer(200, bomb, Content_Encoding="gzip"),
        options=TransferOptions(max_size=1 << 20),
    )
    assert (content == bomb, event.size) == (True, len(bomb))


# URLs that expire.


@pytest.mark.parametrize("expired", [401, 403])
async def test_34_a_signed_url_that_expired_is_asked_for_again(
    fetcher: Fetching, expired: int
) -> None:
    """Each signed URL is good for one part."""
    used: set[str] = set()

    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/file":
            wire.answer(302, b"", Location=f"/signed?{request.number}")
        elif request.target in used:
            wire.answer(expired, b"expired")
        else:
            used.add(request.target)
            start = request.start or 0
            wire.part(A, start, min(start + 40_000, len(A)), ETag='"a"')

    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **KNOWN)
        if expired == 403:
            assert isinstance(event, Finished)
            assert await fetcher.placed(event) == A
        else:
            assert isinstance(event, Failed)
            assert event.claimed == 240_000
            assert fetcher.partial().read_bytes()[: event.claimed] == A[: event.claimed]
        assert [one.target for one in server.requests].count("/file") == (
            3 if expired == 403 else 1
        )


async def test_35_a_target_that_changes_is_another_file(fetcher: Fetching) -> None:
    """The redirect is resolved again, and what is there now is judged anew."""

    def handler(request: Request, wire: Wire) -> None:
        if request.target == "/file":
            wire.answer(302, b"", Location=f"/version{min(request.number, 1)}")
        elif request.target == "/version0":
            if request.number == 1:
                wire.part(A, request.start or 0, 260_000, ETag='"a"')
            else:
                wire.answer(410, b"gone")
        else:
            honest(request, wire, B, '"b"')

    event, content, server = await finished(fetcher, handler, **KNOWN)
    assert (content, event.verification) == (B, Verification.VALIDATOR)
    assert [one.target for one in server.requests][:4] == [
        "/file",
        "/version0",
        "/version0",
        "/file",
    ]


async def test_38_secrets_do_not_follow_a_redirect(fetcher: Fetching) -> None:
    headers = (HttpHeader("X-Api-Key", "hidden", True), HttpHeader("Cookie", "hidden"))
    options = TransferOptions(http=HttpOptions(headers=headers))
    with HostileServer(honest) as other:

        def handler(_: Request, wire: Wire) -> None:
            wire.answer(302, b"", Location=f"{other.url}/x")

        _, content, server = await finished(fetcher, handler, options=options)
    assert content == A
    assert server.requests[0].fields["x-api-key"] == "hidden"
    assert "hidden" not in repr([one.fields for one in other.requests])


# Time.


async def test_39_silence_at_the_end_costs_no_bytes(tmp_path: Path) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if request.number:
            honest(request, wire)
            return
        wire.head(200, Content_Length=len(A), ETag='"a"')
        wire.send(A[:-3_000])
        wire.hang()

    async with fetching(tmp_path / "data", idle_timeout=0.5) as fetcher:
        with HostileServer(handler) as server:
            event = await fetcher.fetch(f"{server.url}/file")
            assert isinstance(event, Failed)
            assert (event.error.reason, event.error.transient) == (Reason.TIMEOUT, True)
            assert event.claimed == len(A) - 3_000
            fetcher.events.clear()
            again = await fetcher.fetch(
                f"{server.url}/file",
                claimed=event.claimed,
                size=event.size,
                validators=event.validators,
            )
            assert isinstance(again, Finished)
            assert await fetcher.placed(again) == A
            assert server.requests[1].start == event.claimed


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


async def test_41_no_such_name_passes_and_is_named(fetcher: Fetching) -> None:
    event = await fetcher.fetch("http://nowhere.invalid/x")
    assert isinstance(event, Failed)
    assert (event.error.reason, event.error.transient) == (Reason.NAME_NOT_RESOLVED, True)
    assert "nowhere.invalid" in event.error.message


@pytest.mark.ipv6
async def test_41_an_ipv6_black_hole_is_gone_around(fetcher: Fetching) -> None:
    """A full backlog swallows what comes over IPv6; the same name has an address that answers."""
    with HostileServer(honest) as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_server(("::1", port), family=socket.AF_INET6, backlog=0):
            fillers = []
            for _ in range(3):
                filler = socket.socket(socket.AF_INET6)
                filler.setblocking(False)
                filler.connect_ex(("::1", port))
                fillers.append(filler)
            event = await fetcher.fetch(f"http://localhost:{port}/file")
            for filler in fillers:
                filler.close()
    assert isinstance(event, Finished)
    assert await fetcher.placed(event) == A


# Names.

NAMES: dict[str, Callable[[str], bool]] = {
    'attachment; filename="../../x"': lambda name: name == "x",
    "attachment; filename=/etc/passwd": lambda name: name == "passwd",
    'attachment; filename="NUL"': lambda name: name == "_NUL",
    'attachment; filename="trailing."': lambda name: name == "trailing",
    f'attachment; filename="{"x" * 300}.iso"': lambda name: len(name) < 250 and name[-4:] == ".iso",
    'attachment; filename="\xff\xfe\x80"': str.isprintable,
    "attachment; filename*=utf-8''%ff%fe": lambda name: name == "file",
    'attachment; filename=".."': lambda name: name == "file",
    'attachment; filename="a\\"b"': lambda name: "/" not in name,
}


@pytest.mark.parametrize("disposition", NAMES)
async def test_42_the_callers_name_wins(fetcher: Fetching, disposition: str) -> None:
    def handler(request: Request, wire: Wire) -> None:
        wire.part(A, *request.span(len(A)), Content_Disposition=disposition)

    with HostileServer(handler) as server:
        found = await fetcher.engine.probe(f"{server.url}/file", TransferOptions())
    assert NAMES[disposition](found.suggested_name), found.suggested_name
    _, content, _ = await finished(fetcher, handler)
    assert content == A
    assert [path.name for path in fetcher.root.iterdir()] == ["file"]
