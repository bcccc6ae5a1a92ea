"""Servers for tests of several connections for one file, and an engine that hires at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from bgcopyd.queue.transfers import Finished, Received
from tests.support.fetching import Fetching
from tests.support.hostile_cases import A, ranged
from tests.support.http_hostile import Handler, HostileServer, Request, Wire

SIZE = len(A)
FIRST = 50_000
# Helpers are hired as soon as possible, whatever they bring.
EAGER: dict[str, Any] = {
    "segment_bytes": 16 << 10,
    "segment_window": 0.0,
    "segment_gain": -99.0,
    "segment_worth": 0.0,
    "segment_patience": 3600.0,
    "report_interval": 0.005,
}


@dataclass
class Held:
    """A server whose first answer stops after some bytes until `enough` helpers were answered."""

    helper: Handler = ranged
    enough: int = 3
    content: bytes = A
    fields: dict[str, Any] = field(default_factory=lambda: {"ETag": '"a"'})
    led: bool = False
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    go: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request, wire: Wire) -> None:
        if not self.led:
            self.led = True
            self.lead(wire)
            return
        self.asked.set()
        try:
            self.helper(request, wire)
        finally:
            with self.lock:
                self.answered += 1
                if self.answered >= self.enough:
                    self.go.set()

    def lead(self, wire: Wire) -> None:
        wire.head(200, Content_Length=len(self.content), **self.fields)
        wire.send(self.content[:FIRST])
        self.wait(wire)
        wire.send(self.content[FIRST:])

    def wait(self, wire: Wire) -> None:
        while not self.go.wait(0.05) and not wire.released.is_set():
            pass


class Stepped(Held):
    """The first answer comes in steps that the test takes, each of which the engine looks at."""

    def __init__(self, **fields: str) -> None:
        super().__init__(fields=fields)
        self.taken = 0
        self._steps = threading.Semaphore(0)

    def lead(self, wire: Wire) -> None:
        wire.head(200, Content_Length=SIZE, **self.fields)
        sent = 0
        while sent < SIZE and not self.go.is_set():
            while not self._steps.acquire(timeout=0.05):
                if wire.released.is_set():
                    return
            wire.send(A[sent : sent + 1000])
            sent += 1000
        wire.send(A[sent:])

    async def step(self, fetcher: Fetching, count: int, index: int = 0) -> None:
        for _ in range(count):
            self.taken += 1
            self._steps.release()
            await fetcher.until(lambda: reached(fetcher, self.taken * 1000, index))

    def finish(self) -> None:
        self.go.set()
        self._steps.release()


def reached(fetcher: Fetching, count: int, index: int = 0) -> Received | None:
    return next((one for one in fetcher.all(Received, index) if one.received >= count), None)


def helpers(server: HostileServer) -> list[Request]:
    return [request for request in server.requests if request.number]


def begun(request: Request, wire: Wire, count: int) -> tuple[int, int]:
    """Sends the head of a part and its first bytes; what is left of it."""
    start, end = request.span(SIZE)
    span = f"bytes {start}-{end - 1}/{SIZE}"
    wire.head(206, Content_Range=span, Content_Length=end - start, ETag='"a"')
    wire.send(A[start : min(start + count, end)])
    return min(start + count, end), end


def together(count: int) -> Handler:
    """Finishes none of so many answers before all of them have begun."""
    barrier = threading.Barrier(count)

    def handler(request: Request, wire: Wire) -> None:
        start, end = begun(request, wire, 1000)
        if request.number <= count:
            barrier.wait(20)
        wire.send(A[start:end])

    return handler


def by_path(**handlers: Handler) -> Handler:
    return lambda request, wire: handlers[request.target.strip("/")](request, wire)


async def fetched(
    fetcher: Fetching, handler: Handler, **fields: Any
) -> tuple[Finished, bytes, HostileServer]:
    with HostileServer(handler) as server:
        event = await fetcher.fetch(f"{server.url}/file", **fields)
        assert isinstance(event, Finished), event
        return event, await fetcher.placed(event), server
