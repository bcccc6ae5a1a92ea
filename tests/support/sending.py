"""An engine for tests of uploads: what it notes is safe at once, as a quick store would have it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bgcopyd.jobs.http_options import HttpOptions
from bgcopyd.jobs.upload import Upload, UploadProtocol
from bgcopyd.queue.transfers import Event, Failed, Finished, Noted, Stopped, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import Handler, Request, Wire

A = random.Random(1).randbytes(3_000_000)
# Nobody is asked what he speaks.
PLAIN = Upload(protocol=UploadProtocol.PLAIN)


@dataclass
class Sending:
    """A running engine whose root "data" holds what is sent."""

    fetching: Fetching
    noted: list[Upload]

    def write(self, content: bytes, path: str = "file") -> Path:
        """A file to send."""
        source = self.fetching.root / path
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(content)
        return source

    def start(self, url: str, *, method: str = "PUT", **fields: Any) -> None:
        """Begins an upload; `http` are options of its requests."""
        http = replace(fields.pop("http", HttpOptions()), method=method)
        options = replace(fields.pop("options", TransferOptions()), http=http)
        self.fetching.start(
            url, **{"upload": PLAIN, "partial_name": "", "options": options, **fields}
        )

    async def send(self, url: str, **fields: Any) -> Finished | Failed | Stopped:
        """Begins an upload and awaits its end."""
        self.fetching.events.clear()
        self.start(url, **fields)
        return await self.fetching.end()

    async def fails(self, url: str, **fields: Any) -> Failed:
        """The failure of an upload."""
        event = await self.send(url, **fields)
        assert isinstance(event, Failed), event
        return event


@asynccontextmanager
async def sending(root: Path, **options: Any) -> AsyncIterator[Sending]:
    """An engine that does not wait long."""
    async with fetching(root, **options) as fetcher:
        one = Sending(fetcher, [])

        def take(events: Sequence[Event]) -> None:
            fetcher.take(events)
            for event in events:
                if isinstance(event, Noted):
                    one.noted.append(event.upload)
                    fetcher.engine.proceed(event.job_id, event.index)

        fetcher.engine.on_events(take)
        yield one


class Keeper:
    """Takes every body and keeps it; `status` is the answer."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.bodies: list[bytes] = []

    def __call__(self, request: Request, wire: Wire) -> None:
        self.bodies.append(wire.take(request))
        wire.answer(self.status, b"thanks")


def cut(request: Request, wire: Wire) -> None:
    """Breaks the connection in the middle of a body."""
    wire.take(request, 100_000)
    wire.reset()


def deaf(handler: Handler) -> Handler:
    """Knows no OPTIONS; everything else is the handler's."""

    def handle(request: Request, wire: Wire) -> None:
        if request.method == "OPTIONS":
            wire.answer(405, b"no")
        else:
            handler(request, wire)

    return handle
