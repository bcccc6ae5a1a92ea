"""Probes: what a server says of a file, without fetching it."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.http_options import HttpHeader, HttpOptions, ProxySettings, ProxyUsage
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Probe, TransferOptions
from tests.support.fetching import fetching
from tests.support.http_hostile import OLD, Handler, HostileServer, Request, Wire
from tests.support.http_proxies import forwarder

A = random.Random(1).randbytes(100_000)
PLAIN = TransferOptions()


def first_byte(request: Request, wire: Wire) -> None:
    assert request.method == "GET"
    assert request.fields["range"] == "bytes=0-0"
    wire.part(A, 0, 1, ETag='"a"', Last_Modified=OLD, Content_Type="text/plain; charset=x")


async def probed(
    tmp_path: Path, handler: Handler, options: TransferOptions = PLAIN, **engine: Any
) -> tuple[Probe, HostileServer]:
    async with fetching(tmp_path / "data", **engine) as fetcher:
        with HostileServer(handler) as server:
            found = await fetcher.engine.probe(f"{server.url}/dir/file%20a.iso?k=hidden", options)
    assert "hidden" not in repr(found)
    assert not list(tmp_path.rglob("*file*"))
    return found, server


async def test_what_a_probe_tells(tmp_path: Path) -> None:
    options = TransferOptions(http=HttpOptions(headers=(HttpHeader("X-A", "1"),)))
    found, server = await probed(tmp_path, first_byte, options)
    assert found == Probe(
        http_status=206,
        size=len(A),
        accepts_ranges=True,
        etag='"a"',
        last_modified=OLD,
        content_type="text/plain; charset=x",
        suggested_name="file a.iso",
        redirect_chain=(f"{server.url}/dir/file%20a.iso",),
        protocol="HTTP/1.1",
        address=server.url.removeprefix("http://"),
    )
    assert server.requests[0].fields["x-a"] == "1"


def ignored(_: Request, wire: Wire) -> None:
    wire.head(200, Content_Length=1 << 40, Accept_Ranges="bytes", Content_Disposition="x")
    wire.send(bytes(64 << 20))
    wire.hang()


async def test_ranges_are_tried_not_believed(tmp_path: Path) -> None:
    found, server = await probed(tmp_path, ignored)
    assert (found.http_status, found.size, found.accepts_ranges) == (200, 1 << 40, False)
    assert found.error is None
    assert server.sent < 32 << 20


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"Content_Range": "bytes 0-0/*"}, None),
        ({"Content_Range": "bytes 1-1/100"}, 100),
        ({"Content_Range": "bytes 0-0/100", "Content_Encoding": "gzip"}, 100),
        ({"Content_Type": "multipart/byteranges; boundary=x"}, None),
        ({}, None),
    ],
)
async def test_odd_ranges(tmp_path: Path, fields: dict[str, str], size: int | None) -> None:
    found, _ = await probed(tmp_path, lambda _, wire: wire.answer(206, b"x", **fields))
    honest = fields.get("Content_Range") == "bytes 0-0/*"
    assert (found.size, found.accepts_ranges) == (size, honest)


async def test_an_empty_file_and_a_server_without_ranges(tmp_path: Path) -> None:
    def handler(request: Request, wire: Wire) -> None:
        if "range" in request.fields:
            wire.answer(416, b"no", Content_Range="bytes */0")
        else:
            wire.answer(200, b"")

    found, server = await probed(tmp_path, handler)
    assert (found.http_status, found.size, found.accepts_ranges, found.error) == (
        200,
        0,
        False,
        None,
    )
    assert len(found.redirect_chain) == 1
    assert len(server.requests) == 2


async def test_errors_are_data(tmp_path: Path) -> None:
    found, _ = await probed(tmp_path, lambda _, wire: wire.answer(403, b"no"))
    assert found.http_status == 403
    assert found.error is not None
    assert (found.error.reason, found.error.http_status) == (Reason.HTTP_STATUS, 403)
    assert found.error.file_index is None
    async with fetching(tmp_path / "none") as fetcher:
        found = await fetcher.engine.probe("http://localhost:1/", PLAIN)
        assert found.error is not None
        assert (found.http_status, found.error.reason) == (None, Reason.CONNECT_FAILED)
        found = await fetcher.engine.probe("file:///etc/passwd", PLAIN)
        assert found.error is not None


async def test_redirects(tmp_path: Path) -> None:
    secret = HttpHeader("X-Key", "hidden", secret=True)
    options = TransferOptions(http=HttpOptions(headers=(secret,)))
    with HostileServer(first_byte) as end:

        def start(_: Request, wire: Wire) -> None:
            wire.answer(302, b"", Location=f"{end.url}/b?token=hidden")

        found, server = await probed(tmp_path, start, options)
    assert found.redirect_chain == (f"{server.url}/dir/file%20a.iso", f"{end.url}/b")
    assert found.suggested_name == "b"
    assert server.requests[0].fields["x-key"] == "hidden"
    assert "x-key" not in end.requests[0].fields


async def test_the_same_redirects_are_refused(tmp_path: Path) -> None:
    found, _ = await probed(
        tmp_path, lambda _, wire: wire.answer(302, b"", Location="ftp://u:hidden@h/x")
    )
    assert found.error is not None
    assert (found.http_status, found.error.reason) == (302, Reason.REDIRECT_REFUSED)


async def test_through_a_proxy(tmp_path: Path) -> None:
    with HostileServer(forwarder()) as proxy:
        settings = ProxySettings(ProxyUsage.OVERRIDE, (proxy.url,))
        options = TransferOptions(http=HttpOptions(proxy=settings))
        found, _ = await probed(tmp_path, first_byte, options)
    assert found.http_status == 206
    assert found.address == ""


async def test_the_time_is_bounded(tmp_path: Path) -> None:
    found, server = await probed(tmp_path, lambda _, wire: wire.hang(), probe_timeout=0.2)
    assert found.error is not None
    assert (found.error.reason, len(server.requests)) == (Reason.TIMEOUT, 1)


async def test_an_end_and_a_caller_that_goes_away(tmp_path: Path) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handler(_: Request, wire: Wire) -> None:
        loop.call_soon_threadsafe(reached.set)
        wire.hang()

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handler) as server:
            gone = asyncio.create_task(fetcher.engine.probe(f"{server.url}/a", PLAIN))
            await reached.wait()
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            reached.clear()
            left = asyncio.create_task(fetcher.engine.probe(f"{server.url}/a", PLAIN))
            await reached.wait()
            await fetcher.engine.close()
            found = await left
    assert found.error is not None
    assert found.error.reason is Reason.INTERNAL
    with pytest.raises(RuntimeError):
        await fetcher.engine.probe(f"{server.url}/a", PLAIN)
