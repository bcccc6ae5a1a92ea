"""Combinations of answers that nobody listed: a right file or a named error, always."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import Digest, FileRange, Validators, Verification
from bgcopyd.queue.transfers import Connected, Failed, Finished
from tests.support.fetching import Fetching, fetching, sha256
from tests.support.http_hostile import OLD, HostileServer, Request, Wire

SIZE, HAVE = 100_000, 70_000
# Stands for any encoding: bytes of other values, of which a part cannot be joined.
ENCODED = bytes(range(255, -1, -1))
VERSIONS = [random.Random(number).randbytes(SIZE) for number in range(2)]

# What a case is made of, and how likely each value is.
DIMENSIONS: tuple[tuple[tuple[Any, ...], tuple[int, ...]], ...] = (
    ((200, 206, 416, 503), (2, 12, 1, 1)),
    (
        ("asked", "start", "late", "early", "short", "star", "wrong total", "absent"),
        (4, 1, 1, 2, 4, 2, 1, 1),
    ),
    (("length", "chunked", "close", "too long", "too short"), (4, 2, 2, 1, 1)),
    (("", "gzip"), (5, 1)),
    (("strong", "weak", "date", "both", "none"), (1, 1, 1, 1, 1)),
    ((False, True), (3, 2)),
    ((None, 0, 100, 29_999), (6, 1, 1, 1)),
    ((None, 0, 1), (4, 1, 1)),
)
# So many in `make test`; HOSTILE_SPACE=all takes every one of them, in a few minutes.
CHOSEN = 2_400
PARTS = 8
AT_ONCE = 8


@dataclass(frozen=True)
class Case:
    """How the server answers every request that carries a Range; others get the whole file.

    The job expects the digest of the version that `digest` tells.
    """

    status: int
    span: str
    framing: str
    encoding: str
    validator: str
    changed: bool
    cut: int | None
    digest: int | None = None

    @property
    def content(self) -> bytes:
        return VERSIONS[self.changed]

    def fields(self) -> dict[str, object]:
        version = int(self.changed)
        etag, date = f'"{version}"', OLD.replace("10:00", f"1{version}:00")
        fields: dict[str, dict[str, object]] = {
            "strong": {"ETag": etag},
            "weak": {"ETag": f"W/{etag}"},
            "date": {"Last_Modified": date},
            "both": {"ETag": etag, "Last_Modified": date},
            "none": {},
        }
        return fields[self.validator]

    def known(self) -> Validators:
        match self.validator:
            case "strong":
                return Validators(etag='"0"')
            case "weak":
                return Validators(etag='W/"0"')
            case "date":
                return Validators(last_modified=OLD, last_modified_strong=True)
            case "both":
                return Validators('"0"', OLD, last_modified_strong=True)
        return Validators()

    def digests(self) -> tuple[Digest, ...]:
        return () if self.digest is None else sha256(VERSIONS[self.digest])

    def handle(self, request: Request, wire: Wire) -> None:
        if "range" not in request.fields:
            wire.answer(200, self.content, **self.fields())
            return
        first, last, total = self._span(*request.span(SIZE))
        fields = self.fields()
        if self.encoding:
            fields["Content_Encoding"] = self.encoding
        if self.status == 206 and self.span != "absent":
            fields["Content_Range"] = f"bytes {first}-{last}/{total}"
        if self.status == 416:
            fields["Content_Range"] = f"bytes */{total}"
        content = self.content.translate(ENCODED) if self.encoding else self.content
        bodies = {200: content, 206: content[first : last + 1]}
        self._send(wire, bodies.get(self.status, b"<html>no</html>"), fields)

    def _span(self, start: int, end: int) -> tuple[int, int, object]:
        last = end - 1
        spans: dict[str, tuple[int, int, object]] = {
            "asked": (start, last, SIZE),
            "start": (0, last, SIZE),
            "late": (start + 7, min(last + 7, SIZE - 1), SIZE),
            "early": (max(start - 7, 0), last, SIZE),
            "short": (start, min(start + 9_999, last), SIZE),
            "star": (start, last, "*"),
            "wrong total": (start, last, SIZE + 5),
            "absent": (start, last, SIZE),
        }
        return spans[self.span]

    def _send(self, wire: Wire, body: bytes, fields: dict[str, object]) -> None:
        sent = body[: self.cut]
        if self.framing == "chunked":
            wire.head(self.status, Transfer_Encoding="chunked", **fields)
            if sent:
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


def _differ(case: Case) -> bool:
    """Whether the case is not another one under a new name."""
    ranged = case.status == 206 or (case.status == 416 and case.span in {"asked", "star"})
    return ranged or case.span == "asked"


@functools.cache
def space() -> list[Case]:
    """All of it."""
    every = itertools.product(*(values for values, _ in DIMENSIONS))
    return [case for case in itertools.starmap(Case, every) if _differ(case)]


@functools.cache
def chosen(count: int) -> list[Case]:
    """So many of them; those of few faults are likelier, for each fault hides others."""
    chance, found = random.Random(7), dict[Case, None]()
    while len(found) < count:
        case = Case(*(chance.choices(values, weights)[0] for values, weights in DIMENSIONS))
        if _differ(case):
            found[case] = None
    return list(found)


def taken() -> list[Case]:
    """Those of this run."""
    return space() if os.environ.get("HOSTILE_SPACE") == "all" else chosen(CHOSEN)


def cases() -> list[Case]:
    """Some, without digests, for the tests that make more of each."""
    return [case for case in chosen(CHOSEN) if case.digest is None][:400]


def test_the_space_is_as_large_as_it_says() -> None:
    assert len(set(space())) == len(space()) >= 10_000
    assert len(set(taken())) >= 2_000
    for name in Case.__dataclass_fields__:
        mine, there = ({getattr(case, name) for case in some} for some in (taken(), space()))
        assert mine == there


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
async def test_every_answer_gives_a_right_file_or_a_named_error(tmp_path: Path, part: int) -> None:
    mine = taken()[part::PARTS]

    def handle(request: Request, wire: Wire) -> None:
        mine[int(request.target.removeprefix("/file"))].handle(request, wire)

    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(handle) as server:
            await asyncio.gather(
                *(_run(fetcher, server, range(n, len(mine), AT_ONCE), mine) for n in range(AT_ONCE))
            )


async def _run(
    fetcher: Fetching, server: HostileServer, indexes: Iterable[int], mine: Sequence[Case]
) -> None:
    """Some cases, one after the other."""
    for index in indexes:
        case, path = mine[index], f"file{index}"
        event = await fetcher.fetch(
            f"{server.url}/{path}",
            path=path,
            index=index,
            have=VERSIONS[0][:HAVE],
            size=SIZE,
            validators=case.known(),
            digests=case.digests(),
        )
        asked = [request for request in server.requests if request.target == f"/{path}"]
        assert len(asked) <= 7, case
        if isinstance(event, Finished):
            assert await fetcher.placed(event, path) in _allowed(case, event), case
            assert event.verification is not None
            assert event.verification <= _provable(case, asked), case
        else:
            assert isinstance(event, Failed), case
            assert event.error.message, case
            disk = fetcher.partial(path).read_bytes()[: event.claimed] if event.claimed else b""
            assert len(disk) == event.claimed, case
            assert any(content.startswith(disk) for content in (*VERSIONS, *_contents(case))), case
        for connected in fetcher.all(Connected, index):
            sizes = {None, SIZE, SIZE + 5, SIZE + 3, SIZE - 3, 0, 100, 29_999}
            assert connected.size in sizes, case
        fetcher.forget(index)


def _provable(case: Case, asked: Sequence[Request]) -> Verification:
    """The most that what was compared proves."""
    if case.digest is not None:
        return Verification.DIGEST
    whole = any("range" not in request.fields for request in asked)
    began_anew = whole or case.status == 200
    if began_anew or case.validator in {"strong", "date", "both"}:
        return Verification.VALIDATOR
    return Verification.OVERLAP


# Ranges, parts and mirrors in the same space.

RANGES = (FileRange(60_000, 30_000), FileRange(0, 10_000), FileRange(95_000))
RISING = (FileRange(100, 40_000), FileRange(50_000, 10_000), FileRange(70_000))
LOCAL = 45_000
ROUNDS = 6


def cut(content: bytes, ranges: tuple[FileRange, ...]) -> bytes:
    ends = (SIZE if one.length is None else one.offset + one.length for one in ranges)
    return b"".join(content[one.offset : end] for one, end in zip(ranges, ends, strict=True))


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("ranges", [RANGES, RISING], ids=["mixed", "rising"])
async def test_every_answer_to_ranges_gives_a_right_file_or_a_named_error(
    tmp_path: Path, part: int, ranges: tuple[FileRange, ...]
) -> None:
    wholes = [cut(content, ranges) for content in VERSIONS]
    async with fetching(tmp_path / "data") as fetcher:
        for index, case in enumerate(cases()[part::8]):
            with HostileServer(case.handle) as server:
                path = f"file{index}"
                event = await fetcher.fetch(
                    f"{server.url}/{path}",
                    path=path,
                    index=index,
                    ranges=ranges,
                    have=wholes[0][: LOCAL if index % 2 else 0],
                    size=len(wholes[0]),
                    validators=case.known(),
                )
            if isinstance(event, Finished):
                got = await fetcher.placed(event, path)
                whole = wholes[case.changed]
                unsure = event.verification is Verification.NONE
                declared = case.status == 200 and case.framing == "too short"
                assert got in {whole, whole[:-3] if declared else whole} or (
                    unsure and whole.startswith(got)
                ), case
            else:
                assert isinstance(event, Failed), case
                disk = fetcher.partial(path)
                begun = disk.read_bytes()[: event.claimed] if event.claimed else b""
                assert len(begun) == event.claimed, case
                assert any(whole.startswith(begun) for whole in wholes), case
            assert len(server.requests) <= 24, case


@pytest.mark.parametrize("part", range(2))
async def test_parts_on_disk_are_always_of_one_version(tmp_path: Path, part: int) -> None:
    chance = random.Random(part)
    async with fetching(tmp_path / "data") as fetcher:
        for index, case in enumerate(cases()[part::16]):
            path, state = f"file{index}", dict[str, Any]()
            with HostileServer(case.handle) as server:
                for _ in range(ROUNDS):
                    start = chance.randrange(SIZE - 9_000)
                    wanted = (FileRange(start, 9_000), FileRange(chance.randrange(SIZE - 10), 10))
                    fetcher.events.clear()
                    event = await fetcher.fetch(
                        f"{server.url}/x", path=path, index=index, requested=wanted, **state
                    )
                    if isinstance(event, Finished):
                        break
                    state = {
                        "claimed": event.claimed,
                        "size": event.size,
                        "validators": event.validators,
                        "filled": event.filled,
                    }
                    parts = (FileRange(0, event.claimed), *event.filled)
                    disk = fetcher.partial(path).read_bytes() if parts[-1].length else b""
                    for one in parts:
                        here = slice(one.offset, one.offset + (one.length or 0))
                        assert disk[here] == case.content[here], case


@pytest.mark.parametrize("part", range(4))
async def test_every_answer_of_a_mirror_gives_a_right_file(tmp_path: Path, part: int) -> None:
    """The first source breaks off, the second is hostile, the third is proper."""

    def breaks_off(request: Request, wire: Wire) -> None:
        if request.number == 0:
            wire.head(200, Content_Length=SIZE, ETag='"0"')
            wire.send(VERSIONS[0][:HAVE])
        wire.close()

    def proper(request: Request, wire: Wire) -> None:
        start, end = request.span(SIZE)
        if "range" in request.fields:
            wire.part(VERSIONS[0], start, end)
        else:
            wire.answer(200, VERSIONS[0])

    async with fetching(tmp_path / "data") as fetcher:
        for index, case in enumerate(cases()[part::8]):
            path = f"file{index}"
            with (
                HostileServer(breaks_off) as first,
                HostileServer(case.handle) as second,
                HostileServer(proper) as third,
            ):
                event = await fetcher.fetch(
                    f"{first.url}/x",
                    mirrors=(f"{second.url}/x", f"{third.url}/x"),
                    path=path,
                    index=index,
                )
            if isinstance(event, Finished):
                content = await fetcher.placed(event, path)
                assert content in _allowed(case, event) or content == VERSIONS[0], case
            else:
                # Only where the second began anew, was cut, and the third knows better.
                assert isinstance(event, Failed), case
                assert case.cut is not None, case
                begun = fetcher.partial(path).read_bytes()[: event.claimed]
                assert any(whole.startswith(begun) for whole in (*VERSIONS, *_contents(case))), case


def _allowed(case: Case, event: Finished) -> list[bytes]:
    if case.digest is not None:
        return [VERSIONS[case.digest]]
    contents = _contents(case)
    if event.verification is Verification.NONE:
        # Without a length the end is where the connection ends.
        return [*contents, *(content[: case.cut] for content in contents)]
    if case.status == 200 and case.framing == "too short":
        return [content[:-3] for content in contents]  # what was declared to be the whole file
    return contents


def _contents(case: Case) -> list[bytes]:
    """What the server has: what is encoded counts as it comes, where it comes whole."""
    encoded = bool(case.encoding) and case.status == 200
    return [case.content, *([case.content.translate(ENCODED)] if encoded else [])]
