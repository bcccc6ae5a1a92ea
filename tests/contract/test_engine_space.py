"""Combinations of answers that nobody listed: a right file or a named error, always."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.queue.transfers import Connected, Failed, Finished
from tests.support.fetching import fetching
from tests.support.http_hostile import OLD, HostileServer, Request, Wire

SIZE, HAVE = 100_000, 70_000
VERSIONS = [random.Random(number).randbytes(SIZE) for number in range(2)]

STATUSES = (200, 206)
SPANS = ("asked", "start", "late", "early", "short", "star", "wrong total", "absent")
FRAMINGS = ("length", "chunked", "close", "too long", "too short")
ENCODINGS = ("", "gzip")
VALIDATORS = ("strong", "weak", "date", "none")
CHANGES = (False, True)
CUTS = (None, 100)


@dataclass(frozen=True)
class Case:
    """How the server answers every request that carries a Range; others get the whole file."""

    status: int
    span: str
    framing: str
    encoding: str
    validator: str
    changed: bool
    cut: int | None

    @property
    def content(self) -> bytes:
        return VERSIONS[self.changed]

    def fields(self) -> dict[str, object]:
        version = int(self.changed)
        match self.validator:
            case "strong":
                return {"ETag": f'"{version}"'}
            case "weak":
                return {"ETag": f'W/"{version}"'}
            case "date":
                return {"Last_Modified": OLD.replace("10:00", f"1{version}:00")}
        return {}

    def known(self) -> Validators:
        match self.validator:
            case "strong":
                return Validators(etag='"0"')
            case "weak":
                return Validators(etag='W/"0"')
            case "date":
                return Validators(last_modified=OLD, last_modified_strong=True)
        return Validators()

    def handle(self, request: Request, wire: Wire) -> None:
        if request.start is None:
            wire.answer(200, self.content, **self.fields())
            return
        first, last, total = self._span(request.start)
        fields = self.fields()
        if self.encoding:
            fields["Content_Encoding"] = self.encoding
        if self.status == 206 and self.span != "absent":
            fields["Content_Range"] = f"bytes {first}-{last}/{total}"
        body = self.content if self.status == 200 else self.content[first : last + 1]
        self._send(wire, body, fields)

    def _span(self, start: int) -> tuple[int, int, object]:
        spans: dict[str, tuple[int, int, object]] = {
            "asked": (start, SIZE - 1, SIZE),
            "start": (0, SIZE - 1, SIZE),
            "late": (start + 7, SIZE - 1, SIZE),
            "early": (max(start - 7, 0), SIZE - 1, SIZE),
            "short": (start, min(start + 9_999, SIZE - 1), SIZE),
            "star": (start, SIZE - 1, "*"),
            "wrong total": (start, SIZE - 1, SIZE + 5),
            "absent": (start, SIZE - 1, SIZE),
        }
        return spans[self.span]

    def _send(self, wire: Wire, body: bytes, fields: dict[str, object]) -> None:
        sent = body[: self.cut]
        if self.framing == "chunked":
            wire.head(self.status, Transfer_Encoding="chunked", **fields)
            wire.chunk(sent)
            if self.cut is None:
                wire.chunk(b"")
        elif self.framing == "close":
            wire.head(self.status, Connection="close", **fields)
            wire.send(sent)
        else:
            slack = {"length": 0, "too long": 3, "too short": -3}[self.framing]
            wire.head(self.status, Content_Length=len(body) + slack, **fields)
            wire.send(sent)
        wire.close()


def cases() -> list[Case]:
    space = itertools.product(STATUSES, SPANS, FRAMINGS, ENCODINGS, VALIDATORS, CHANGES, CUTS)
    every = [Case(*values) for values in space if values[0] == 206 or values[1] == "asked"]
    return random.Random(7).sample(every, 400)


@pytest.mark.parametrize("part", range(8))
async def test_every_answer_gives_a_right_file_or_a_named_error(tmp_path: Path, part: int) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        for index, case in enumerate(cases()[part::8]):
            with HostileServer(case.handle) as server:
                path = f"file{index}"
                event = await fetcher.fetch(
                    f"{server.url}/{path}",
                    path=path,
                    index=index,
                    have=VERSIONS[0][:HAVE],
                    size=SIZE,
                    validators=case.known(),
                )
            disk = fetcher.partial(path).read_bytes()
            if isinstance(event, Finished):
                assert await fetcher.placed(event, path) in _allowed(case, event), case
            else:
                assert isinstance(event, Failed), case
                assert event.error.message, case
                versions = [content[: event.claimed] for content in VERSIONS]
                assert disk[: event.claimed] in versions, case
            assert len(server.requests) <= 6, case
            for connected in fetcher.all(Connected, index):
                assert connected.size in {None, SIZE, SIZE + 5, SIZE + 3, SIZE - 3, 100}, case


def _allowed(case: Case, event: Finished) -> list[bytes]:
    content = case.content
    if event.verification is Verification.NONE:
        # Without a length the end is where the connection ends.
        return [content, content[: case.cut]]
    if case.status == 200 and case.framing == "too short":
        return [content[:-3]]  # what the server declared to be the whole file
    return [content]
