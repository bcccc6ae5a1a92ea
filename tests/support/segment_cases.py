"""A generated server: what each connection for one file is answered, good, bad and broken.

It never gives one name to two contents; everything else it may do.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from tests.support.hostile_cases import A, B
from tests.support.http_hostile import Request, Wire

SIZE = len(A)
FIRST = 40_000
Fields = dict[str, Any]
Defect = Callable[["GeneratedServer", Request, Wire, bytes, str], None]


class GeneratedServer:
    """Answers of one seed. `versions` are the contents that it has had so far."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        names = list(DEFECTS)
        self.script = [chance.choice(names) for _ in range(chance.randint(1, 5))]
        self.shift = chance.choice([-5000, -1, 1, 700])
        self.cut = chance.choice([0, 1, 500, 20_000])
        self.lead_ends_at = chance.choice([SIZE, SIZE, SIZE, 100_000, 250_000])
        self.lead_ends = chance.choice(["close", "reset"])
        self.current: tuple[bytes, str] = (A, '"a"')
        self.versions = {A}
        self.helped = 0
        self._led = False
        self._lock = threading.Lock()
        self._answered = threading.Event()

    def __call__(self, request: Request, wire: Wire) -> None:
        with self._lock:
            first, self._led = not self._led, True
        if first:
            self._lead(wire)
            return
        with self._lock:
            defect = self.script.pop(0) if self.script else "honest"
            self.helped += "range" in request.fields
        try:
            DEFECTS[defect](self, request, wire, *self.current)
        finally:
            self._answered.set()

    def _lead(self, wire: Wire) -> None:
        """Enough for others to be hired, then the rest little by little."""
        wire.head(200, Content_Length=SIZE, ETag='"a"')
        wire.send(A[:FIRST])
        while not self._answered.wait(0.02) and not wire.released.is_set():
            pass
        for offset in range(FIRST, self.lead_ends_at, 10_000):
            wire.send(A[offset : min(offset + 10_000, self.lead_ends_at)])
            wire.released.wait(0.001)
        if self.lead_ends_at < SIZE:
            getattr(wire, self.lead_ends)()

    def replace(self) -> None:
        """From now on it is another file."""
        self.current = (B, '"b"')
        self.versions.add(B)


def _span(request: Request) -> tuple[int, int]:
    start, end = request.span(SIZE)
    return min(start, SIZE - 1), end


def _part(
    request: Request, wire: Wire, content: bytes, etag: str, *, body: bytes | None = None,
    **fields: Any,
) -> None:  # fmt: skip
    start, end = _span(request)
    known: Fields = {"ETag": etag} if etag else {}
    span = f"bytes {start}-{end - 1}/{len(content)}"
    body = content[start:end] if body is None else body
    wire.head(206, **{"Content_Range": span, "Content_Length": end - start, **known, **fields})
    wire.send(body)


def honest(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    if request.fields.get("if-range", etag) != etag or "range" not in request.fields:
        wire.answer(200, content, ETag=etag)
    else:
        _part(request, wire, content, etag)


def short(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    start, end = _span(request)
    end = max(start + 1, end - 9_000)
    wire.part(content, start, end, ETag=etag)


def long(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    start, end = _span(request)
    wire.part(content, start, min(end + 30_000, SIZE), ETag=etag)


def surplus(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    start, end = _span(request)
    _part(request, wire, content, etag, body=content[start:end] + b"surplus")
    wire.close()


def of_another(etag: str) -> Defect:
    def answer(server: GeneratedServer, request: Request, wire: Wire, *_: object) -> None:
        server.versions.add(B)
        _part(request, wire, B, etag)

    return answer


def replaced(server: GeneratedServer, request: Request, wire: Wire, *_: object) -> None:
    server.replace()
    honest(server, request, wire, *server.current)


def whole(_: GeneratedServer, __: Request, wire: Wire, content: bytes, etag: str) -> None:
    wire.answer(200, content, ETag=etag)


def whole_of_another(server: GeneratedServer, _: Request, wire: Wire, *__: object) -> None:
    server.versions.add(B)
    wire.answer(200, B, ETag='"b"')


def shifted(
    server: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str
) -> None:
    start, end = _span(request)
    start = min(max(start + server.shift, 0), SIZE - 1)
    wire.part(content, start, max(end, start + 1), ETag=etag)


def other_total(
    _: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str
) -> None:
    start, end = _span(request)
    _part(request, wire, content, etag, Content_Range=f"bytes {start}-{end - 1}/{SIZE + 7}")


def no_total(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    start, end = _span(request)
    _part(request, wire, content, etag, Content_Range=f"bytes {start}-{end - 1}/*")


def encoded(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    _part(request, wire, content, etag, Content_Encoding="gzip")


def multipart(_: GeneratedServer, __: Request, wire: Wire, content: bytes, etag: str) -> None:
    kind = "multipart/byteranges; boundary=x"
    wire.answer(206, b"--x\r\n\r\n" + content + b"--x--", Content_Type=kind, ETag=etag)


def weak(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    _part(request, wire, content, f"W/{etag}")


def nameless(_: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str) -> None:
    _part(request, wire, content, "")


def status(code: int, **fields: Any) -> Defect:
    def answer(_: GeneratedServer, __: Request, wire: Wire, *___: object) -> None:
        wire.answer(code, b"<html>no</html>", **fields)

    return answer


def broken(how: str, *, after_head: bool) -> Defect:
    def answer(
        server: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str
    ) -> None:
        if after_head:
            start, end = _span(request)
            cut = min(start + server.cut, end)
            _part(request, wire, content, etag, body=content[start:cut])
        getattr(wire, how)()

    return answer


def garbage(_: GeneratedServer, __: Request, wire: Wire, *___: object) -> None:
    wire.send(b"\x00\x01nothing of HTTP\r\n\r\n")
    wire.close()


def chunked(
    server: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str
) -> None:
    start, end = _span(request)
    span = f"bytes {start}-{end - 1}/{SIZE}"
    wire.head(206, Content_Range=span, Transfer_Encoding="chunked", ETag=etag)
    wire.chunk(content[start : end - server.cut])
    wire.chunk(b"")


def undelimited(
    server: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str
) -> None:
    start, end = _span(request)
    span = f"bytes {start}-{end - 1}/{SIZE}"
    wire.head(206, Content_Range=span, Connection="close", ETag=etag)
    wire.send(content[start : max(start, end - server.cut)])
    wire.close()


def contradiction(
    _: GeneratedServer, request: Request, wire: Wire, content: bytes, etag: str
) -> None:
    start, end = _span(request)
    _part(request, wire, content, etag, Content_Length=end - start - 1)
    wire.close()


DEFECTS: dict[str, Defect] = {
    "honest": honest,
    "short": short,
    "long": long,
    "surplus": surplus,
    "other node": of_another('"b"'),
    "nameless other node": of_another(""),
    "weak other node": of_another('W/"a"'),
    "replaced": replaced,
    "whole": whole,
    "whole of another": whole_of_another,
    "shifted": shifted,
    "other total": other_total,
    "no total": no_total,
    "encoded": encoded,
    "multipart": multipart,
    "weak": weak,
    "nameless": nameless,
    "403": status(403),
    "404": status(404),
    "429": status(429, Retry_After="0"),
    "500": status(500),
    "503": status(503, Retry_After="9"),
    "204": status(204),
    "302": status(302, Location="/elsewhere"),
    "416": status(416, Content_Range=f"bytes */{SIZE}"),
    "416 of another": status(416, Content_Range="bytes */7"),
    "closed": broken("close", after_head=False),
    "reset": broken("reset", after_head=False),
    "closed within": broken("close", after_head=True),
    "reset within": broken("reset", after_head=True),
    "garbage": garbage,
    "chunked": chunked,
    "undelimited": undelimited,
    "contradiction": contradiction,
}
