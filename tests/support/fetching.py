"""An engine for tests: start a transfer, await its end, look at the file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import blake3

from bgcopyd.jobs.file import Digest, DigestAlgorithm, Validators
from bgcopyd.queue.clock import SystemClock
from bgcopyd.queue.transfers import Event, Failed, Finished, Placement, Stopped, Transfer
from bgcopyd.transfer.disk.files import LocalFiles
from bgcopyd.transfer.engine import CurlEngine
from bgcopyd.transfer.options import EngineOptions

E = TypeVar("E")
END = (Finished, Failed, Stopped)


@dataclass
class Fetching:
    """A running engine with one root, "data"."""

    root: Path
    engine: CurlEngine
    events: list[Event] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, events: Sequence[Event]) -> None:
        self.events.extend(events)
        self.changed.set()

    async def until(self, found: Callable[[], E | None]) -> E:
        """Waits until the events hold what is looked for."""
        async with asyncio.timeout(20):
            while (result := found()) is None:
                self.changed.clear()
                await self.changed.wait()
        return result

    async def first(self, kind: type[E], index: int = 0) -> E:
        """The first event of a kind."""

        def found() -> E | None:
            return next(iter(self.all(kind, index)), None)

        return await self.until(found)

    def all(self, kind: type[E], index: int = 0) -> list[E]:
        """All events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind) and event.index == index]

    def forget(self, index: int) -> None:
        """Drops the events of a transfer that has ended."""
        self.events = [event for event in self.events if event.index != index]

    async def end(self, index: int = 0) -> Finished | Failed | Stopped:
        """The terminal event."""

        def found() -> Finished | Failed | Stopped | None:
            return next((e for e in self.events if isinstance(e, END) and e.index == index), None)

        return await self.until(found)

    def partial(self, path: str = "file") -> Path:
        parent, _, name = path.rpartition("/")
        return self.root / parent / f".{name}.part"

    def start(self, url: str, *, have: bytes = b"", path: str = "file", **fields: Any) -> Transfer:
        """Starts a transfer; `have` is on disk and claimed."""
        if have:
            self.partial(path).write_bytes(have)
        transfer = Transfer(
            **{
                "job_id": "job",
                "claim_id": "claim",
                "index": 0,
                "url": url,
                "root": "data",
                "path": path,
                "partial_name": self.partial(path).name,
                "claimed": len(have),
                "size": None,
                "validators": Validators(),
                "digests": (),
                **fields,
            }
        )
        self.engine.start([transfer])
        return transfer

    async def fetch(self, url: str, **fields: Any) -> Finished | Failed | Stopped:
        """Starts a transfer and awaits its end."""
        transfer = self.start(url, **fields)
        event = await self.end(transfer.index)
        ends = [e for e in self.events if isinstance(e, END) and e.index == transfer.index]
        assert ends == [event]
        return event

    async def placed(self, event: Finished, path: str = "file") -> bytes:
        """Gives a finished file its name; its content."""
        assert event.device is not None
        assert event.inode is not None
        files = LocalFiles({"data": self.root})
        try:
            [done] = await files.place(
                [
                    Placement(
                        event.index,
                        "data",
                        path,
                        self.partial(path).name,
                        event.device,
                        event.inode,
                    )
                ]
            )
        finally:
            files.close()
        assert not done.problem
        content = (self.root / path).read_bytes()
        assert len(content) == event.size
        return content


@asynccontextmanager
async def fetching(root: Path, **options: Any) -> AsyncIterator[Fetching]:
    """An engine that does not wait long; `clock` and `space` may be others than the plain ones."""
    root.mkdir(exist_ok=True)
    clock = options.pop("clock", None) or SystemClock()
    space = options.pop("space", None)
    settings = {"second_look": 0.01, "connect_timeout": 5.0, "report_interval": 0.02, **options}
    engine = CurlEngine({"data": root}, EngineOptions(**settings), clock, space)
    fetching = Fetching(root, engine)
    engine.on_events(fetching.take)
    try:
        yield fetching
    finally:
        await engine.close()


def digest(algorithm: DigestAlgorithm, value: bytes) -> Digest:
    """A digest of some content, computed by other code than the engine's own."""
    if algorithm is DigestAlgorithm.BLAKE3:
        return Digest(algorithm, blake3.blake3(value).digest())
    return Digest(algorithm, hashlib.new(algorithm.name.lower(), value).digest())


def sha256(value: bytes) -> tuple[Digest, ...]:
    """The expected digest of some content."""
    return (digest(DigestAlgorithm.SHA256, value),)
