"""What the tests of misbehaving servers share: two contents, an honest server, judged outcomes."""

from __future__ import annotations

import random
from typing import Any

from bgcopyd.jobs.file import Validators
from bgcopyd.queue.transfers import Failed, Finished
from tests.support.fetching import Fetching
from tests.support.http_hostile import Handler, HostileServer, Request, Wire

A = random.Random(1).randbytes(300_000)
B = random.Random(2).randbytes(300_000)
HAVE = 200_000
STRONG = Validators(etag='"a"')
KNOWN = {"have": A[:HAVE], "size": len(A), "validators": STRONG}


async def finished(
    fetcher: Fetching, handler: Handler, **fields: object
) -> tuple[Finished, bytes, HostileServer]:
    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **fields)
        assert isinstance(event, Finished), event
        return event, await fetcher.placed(event), server


async def failed(
    fetcher: Fetching, handler: Handler, **fields: object
) -> tuple[Failed, HostileServer]:
    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **fields)
        assert isinstance(event, Failed), event
        assert "127.0.0.1" in event.error.message or event.error.context.name == "LOCAL_FILE"
        return event, server


def honest(request: Request, wire: Wire, content: bytes = A, etag: str = '"a"') -> None:
    """A proper server: ranges, If-Range, a strong ETag."""
    fields: dict[str, Any] = {"ETag": etag} if etag else {}
    if request.start is None or request.fields.get("if-range", etag) != etag:
        wire.answer(200, content, **fields)
    elif request.start >= len(content):
        wire.answer(416, b"<html>no</html>", Content_Range=f"bytes */{len(content)}")
    else:
        wire.part(content, request.start, **fields)


def ranged(request: Request, wire: Wire, content: bytes = A, etag: str = '"a"') -> None:
    """A proper server of any range."""
    fields: dict[str, Any] = {"ETag": etag} if etag else {}
    start, end = request.span(len(content))
    if "range" not in request.fields or request.fields.get("if-range", etag) != etag:
        wire.answer(200, content, **fields)
    elif start >= len(content):
        wire.answer(416, b"", Content_Range=f"bytes */{len(content)}")
    else:
        wire.part(content, start, end, **fields)
