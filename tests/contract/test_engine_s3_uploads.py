"""Uploads to an S3 server that checks signatures, and to one of ours that lies."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.http_options import HttpHeader, HttpOptions
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.jobs.upload import NEW_UPLOAD, Source, Upload
from bgcopyd.queue.transfers import Claimed, Connected, Finished, Noted, Stopped
from bgcopyd.transfer.uploads.objects import LARGEST_PART, part_bytes
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.s3_hostile import Lie, Store, created, error, listing, md5, says
from tests.support.s3_server import BUCKET, REGION, S3Site
from tests.support.sending import A, Sending, sending

LEAST = 5 << 20
# Of the hostile store, which takes any: three parts, the last one of 600,000 bytes.
PART = 1_200_000
URL = "s3://bucket/a/b%20c"
PATH = "/bucket/a/b%20c"


@pytest.fixture
async def site() -> AsyncIterator[S3Site]:
    async with S3Site() as running:
        yield running


def options(*stores: S3Store, part: int) -> dict[str, Any]:
    return {"schemes": ("s3",), "s3_stores": stores, "part_bytes": part}


def store_at(url: str, **fields: Any) -> S3Store:
    return S3Store("ours", url, REGION, **{"path_style": True, "uploads": True, **fields})


def real(site: S3Site, **fields: Any) -> dict[str, Any]:
    keys = {"key_id": site.key_id, "secret": site.secret, **fields}
    return options(store_at(site.url, **keys), part=LEAST)


@pytest.mark.parametrize("size", [0, 1, LEAST])
async def test_one_request_to_a_real_store(tmp_path: Path, site: S3Site, size: int) -> None:
    await site.tell(secure=True)
    content = (A * 2)[:size]
    http = HttpOptions(
        headers=(HttpHeader("Content-Type", "text/x-a"), HttpHeader("X-Amz-Meta-Who", "ada"))
    )
    async with sending(tmp_path / "data", **real(site)) as one:
        one.write(content)
        event = await one.send(f"s3://{BUCKET}/a%20(1)+b", upload=NEW_UPLOAD, http=http)
    assert isinstance(event, Finished), event
    assert (event.attempt.http_status, event.attempt.received) == (200, size)
    found = await site.get("a (1)+b", tmp_path / "found")
    assert (tmp_path / "found").read_bytes() == content
    assert (found["content-type"], found["x-amz-meta-who"]) == ("text/x-a", "ada")


async def test_parts_to_a_real_store(tmp_path: Path, site: S3Site) -> None:
    await site.tell(secure=True)
    content = A * 4
    http = HttpOptions(headers=(HttpHeader("Content-Type", "text/x-a"),))
    async with sending(tmp_path / "data", **real(site)) as one:
        one.write(content)
        event = await one.send(f"s3://{BUCKET}/key", upload=NEW_UPLOAD, http=http)
        assert isinstance(event, Finished), event
        noted = one.noted[-1]
    assert (event.size, event.attempt.received) == (len(content), len(content))
    assert noted.parts == tuple(md5(content[n : n + LEAST]) for n in range(0, 12_000_000, LEAST))
    found = await site.get("key", tmp_path / "found")
    assert (tmp_path / "found").read_bytes() == content
    assert found["content-type"] == "text/x-a"
    assert await site.pending() == []


async def test_goes_on_at_a_real_store(tmp_path: Path, site: S3Site) -> None:
    """Stopped behind the first part, whose record is then lost: its MD5 tells that it is there."""
    await site.tell(secure=True)
    content = A * 4
    async with sending(tmp_path / "data", **real(site)) as one:
        one.write(content)
        one.start(f"s3://{BUCKET}/key", upload=NEW_UPLOAD)
        await one.fetching.until(lambda: next((u for u in one.noted if u.parts), None))
        one.fetching.engine.stop("job")
        assert isinstance(await one.fetching.end(), Stopped)
        assert [count >= 1 for count in await site.pending()] == [True]
        known = next(u for u in one.noted if u.session)
        assert not known.parts
        event = await one.send(f"s3://{BUCKET}/key", upload=known)
    assert isinstance(event, Finished), event
    assert event.attempt.received <= len(content) - LEAST
    await site.get("key", tmp_path / "found")
    assert (tmp_path / "found").read_bytes() == content


async def test_a_key_that_may_not_write(tmp_path: Path, site: S3Site) -> None:
    await site.tell(secure=True)
    async with sending(tmp_path / "data", **real(site, secret="hidden")) as one:
        one.write(A)
        event = await one.fails(f"s3://{BUCKET}/key", upload=NEW_UPLOAD)
    assert (event.error.reason, event.error.http_status) == (Reason.HTTP_STATUS, 403)
    assert not event.error.transient
    assert "hidden" not in repr(event)


async def test_a_store_that_is_for_reading_alone(tmp_path: Path) -> None:
    store = store_at("http://127.0.0.1:9", uploads=False)
    async with sending(tmp_path / "data", **options(store, part=PART)) as one:
        one.write(A)
        event = await one.fails(URL, upload=NEW_UPLOAD)
    assert event.error.reason is Reason.NOT_SUPPORTED
    assert "S3" in event.error.message


@pytest.mark.parametrize("http", [{"method": "POST"}, {"headers": (HttpHeader("X-Key", "1"),)}])
async def test_what_means_nothing_to_a_store(tmp_path: Path, http: dict[str, Any]) -> None:
    store = store_at("http://127.0.0.1:9")
    async with sending(tmp_path / "data", **options(store, part=PART)) as one:
        one.write(A)
        method = http.pop("method", "PUT")
        event = await one.fails(URL, upload=NEW_UPLOAD, method=method, http=HttpOptions(**http))
    assert event.error.reason is Reason.NOT_SUPPORTED


class Lying:
    """A sender whose one store is ours."""

    def __init__(self, one: Sending, store: Store, server: HostileServer) -> None:
        self.one, self.store, self.server = one, store, server


@pytest.fixture
async def lying(tmp_path: Path) -> AsyncIterator[Lying]:
    store = Store()
    with HostileServer(store) as server:
        async with sending(tmp_path / "data", **options(store_at(server.url), part=PART)) as one:
            one.write(A)
            yield Lying(one, store, server)


NORMAL = ["create", "part", "part", "part", "complete"]


async def test_the_words(lying: Lying) -> None:
    event = await lying.one.send(URL, upload=NEW_UPLOAD)
    assert isinstance(event, Finished), event
    assert lying.store.asked == NORMAL
    assert lying.store.objects == {PATH: A}
    part = lying.server.requests[2]
    assert part.target == f"{PATH}?partNumber=2&uploadId=up%2F1%2B%3D"
    digest = hashlib.md5(A[PART : 2 * PART]).digest()
    assert part.fields["content-md5"] == base64.b64encode(digest).decode()
    assert lying.one.fetching.all(Connected)
    assert [claim.claimed for claim in lying.one.fetching.all(Claimed)] == [PART, 2 * PART, len(A)]


async def test_the_id_is_safe_before_a_part_is_sent_and_each_part_before_the_next(
    lying: Lying,
) -> None:
    one, fetcher = lying.one, lying.one.fetching
    fetcher.engine.on_events(fetcher.take)
    one.start(URL, upload=NEW_UPLOAD)
    for count, asked in enumerate([[], NORMAL[:1], NORMAL[:2]], 1):
        await fetcher.until(lambda count=count: fetcher.all(Noted)[count - 1 :] or None)  # type: ignore[misc] # a default binds the loop's value
        assert lying.store.asked == asked
        fetcher.engine.proceed("job", 0)
    fetcher.engine.stop("job")
    assert isinstance(await fetcher.end(), Stopped)
    noted = fetcher.all(Noted)
    assert (noted[1].upload.session, noted[1].upload.parts) == ("up/1+=", ())
    assert noted[2].upload.parts == (md5(A[:PART]),)


async def test_finished_parts_are_not_sent_again(lying: Lying) -> None:
    store, one = lying.store, lying.one

    def first_alone(request: Request, wire: Wire) -> None:
        store.asked.pop()
        store(request, wire)
        store.lies["part"] = [says(503, error("SlowDown"))]

    store.lies["part"] = [first_alone]
    first = await one.fails(URL, upload=NEW_UPLOAD)
    assert first.error.transient
    assert first.claimed == PART
    store.asked.clear()
    store.page = 1
    event = await one.send(URL, upload=one.noted[-1])
    assert isinstance(event, Finished), event
    assert store.asked == ["list", "part", "part", "complete"]
    assert store.objects == {PATH: A}
    assert event.attempt.received == len(A) - PART


def begun(one: Sending, *parts: str, session: str = "up") -> Upload:
    """An upload of A that is in the records."""
    known = (one.fetching.root / "file").stat()
    source = Source(known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns)
    return Upload(source=source, session=session, parts=parts)


SPANS = [A[n : n + PART] for n in range(0, len(A), PART)]


@pytest.mark.parametrize(
    ("recorded", "there", "asked"),
    [
        ((), {}, ["list", "part", "part", "part"]),
        ((1, 2), {1: 0, 2: 1}, ["list", "part"]),
        ((), {1: 0, 2: 1}, ["list", "part"]),
        ((1, 2), {2: 1}, ["list", "part", "part"]),
        ((1, 2), {1: 1, 2: 1}, ["list", "part", "part"]),
        ((1, 2, 3), {1: 0, 2: 1, 3: 2}, ["list"]),
        ((1, 2, 3, 3), {1: 0, 2: 1, 3: 2}, ["list"]),
        ((1, 2, 3), {1: 0, 2: 1, 3: 1}, ["list", "part"]),
    ],
)
async def test_the_store_s_list_counts(
    lying: Lying, recorded: tuple[int, ...], there: dict[int, int], asked: list[str]
) -> None:
    """`there` says which part of the file each listed one holds."""
    store, one = lying.store, lying.one
    store.uploads["up"] = {number: SPANS[which] for number, which in there.items()}
    known = begun(one, *(md5(SPANS[number - 1]) for number in recorded))
    event = await one.send(URL, upload=known)
    assert isinstance(event, Finished), event
    assert store.asked == [*asked, "complete"]
    assert store.objects == {PATH: A}


async def test_etags_that_are_no_md5(lying: Lying) -> None:
    """The parts that both sides know are kept; the one that one side knows is sent again."""
    store, one = lying.store, lying.one
    store.uploads["up"] = dict(enumerate(SPANS, 1))
    sizes = [len(span) for span in SPANS]
    parts = {n: (f"opaque-{n}", size) for n, size in enumerate(sizes, 1)}
    store.lies["list"] = [says(200, listing(parts))]
    store.lies["complete"] = [says(200, error("InternalError"))]
    event = await one.fails(URL, upload=begun(one, "opaque-1", "opaque-2"))
    assert event.error.transient
    assert store.asked == ["list", "part", "complete"]


async def test_an_etag_that_the_store_does_not_stand_by(lying: Lying) -> None:
    store, one = lying.store, lying.one

    def lie(request: Request, wire: Wire) -> None:
        store.uploads["up/1+="][1] = wire.take(request)
        wire.answer(200, b"", ETag='"another"')

    store.lies["part"] = [lie]
    event = await one.send(URL, upload=NEW_UPLOAD)
    assert isinstance(event, Finished), event
    assert store.asked == [*NORMAL, "list", "complete"]
    assert store.objects == {PATH: A}


async def test_a_store_that_never_stands_by_its_parts(lying: Lying) -> None:
    lying.store.lies["complete"] = [says(400, error("InvalidPart"))] * 9
    event = await lying.one.fails(URL, upload=NEW_UPLOAD)
    assert lying.store.asked.count("complete") == 4
    assert not event.error.transient
    assert "InvalidPart" in event.error.message


async def test_a_lost_answer_to_the_end(lying: Lying) -> None:
    store, one = lying.store, lying.one
    store.objects[PATH] = A
    digests = b"".join(hashlib.md5(span).digest() for span in SPANS)
    store.etags[PATH] = f"{md5(digests)}-3"
    known = begun(one, *map(md5, SPANS))
    event = await one.send(URL, upload=known)
    assert isinstance(event, Finished), event
    assert store.asked == ["list", "head"]


@pytest.mark.parametrize(("content", "etag"), [(A, "another"), (A[1:], ""), (None, "")])
async def test_another_object_where_ours_should_be(
    lying: Lying, content: bytes | None, etag: str
) -> None:
    store, one = lying.store, lying.one
    if content is not None:
        store.objects[PATH] = content
        digests = b"".join(hashlib.md5(span).digest() for span in SPANS)
        store.etags[PATH] = etag or f"{md5(digests)}-3"
    event = await one.send(URL, upload=begun(one, *map(md5, SPANS)))
    assert isinstance(event, Finished), event
    assert store.asked == ["list", "head", *NORMAL]
    assert store.objects == {PATH: A}


@pytest.mark.parametrize("parts", [0, 1])
async def test_an_upload_that_is_gone_begins_anew(lying: Lying, parts: int) -> None:
    one = lying.one
    event = await one.send(URL, upload=begun(one, *(md5(span) for span in SPANS[:parts])))
    assert isinstance(event, Finished), event
    assert lying.store.asked == ["list", *NORMAL]
    assert lying.store.objects == {PATH: A}
    assert one.noted[0].session == ""


async def test_an_upload_that_goes_in_the_middle(lying: Lying) -> None:
    lie = says(404, error("NoSuchUpload"))
    lying.store.lies["part"] = [lie]
    event = await lying.one.send(URL, upload=NEW_UPLOAD)
    assert isinstance(event, Finished), event
    assert lying.store.asked == ["create", "part", *NORMAL]
    lying.store.asked.clear()
    lying.store.lies["part"] = [lie] * 9
    failed = await lying.one.fails(URL, upload=NEW_UPLOAD)
    assert failed.error.reason is Reason.INVALID_RESPONSE
    assert lying.store.asked.count("create") == 4


BOMB = b'<!DOCTYPE a [<!ENTITY b "c">]><Error><Code>&b;</Code></Error>'
DEEP = b"<a>" * 50 + b"</a>" * 50


@pytest.mark.parametrize(
    ("kind", "lie"),
    [
        ("create", says(200, b"")),
        ("create", says(200, b"hello")),
        ("create", says(200, BOMB)),
        ("create", says(200, created(""))),
        ("create", says(200, created("a b"))),
        ("create", says(200, created("a" * 5000))),
        ("create", says(200, created("a" * 2_000_000))),
        ("create", says(200, DEEP)),
        ("part", says(200, b"")),
        ("part", says(200, b"", ETag='"a"b"')),
        ("part", says(200, b"", ETag='"' + "a" * 500 + '"')),
        ("complete", says(200, b"")),
        ("complete", says(200, BOMB)),
        ("complete", says(200, b"<Other/>")),
        ("complete", says(200, error("InternalError"))),
        ("complete", says(200, error("<b>no</b>"))),
    ],
)
async def test_answers_that_mean_nothing(lying: Lying, kind: str, lie: Lie) -> None:
    lying.store.lies[kind] = [lie]
    event = await lying.one.fails(URL, upload=NEW_UPLOAD)
    assert (event.error.reason, event.error.transient) == (Reason.INVALID_RESPONSE, True)
    assert not lying.store.objects


PARTS = {1: (md5(SPANS[0]), PART)}


@pytest.mark.parametrize(
    "lie",
    [
        says(200, b""),
        says(200, created("a")),
        says(200, BOMB),
        says(200, listing(PARTS, more=True, following=-1)),
        says(200, listing(PARTS, more=True, following=10_001)),
        says(200, listing({1: ("a\tb", 7)})),
        says(200, b"<ListPartsResult><Part><Size>x</Size></Part></ListPartsResult>"),
    ],
)
async def test_lists_that_cannot_be(lying: Lying, lie: Lie) -> None:
    lying.store.lies["list"] = [lie]
    event = await lying.one.fails(URL, upload=begun(lying.one))
    assert (event.error.reason, event.error.transient) == (Reason.INVALID_RESPONSE, True)


@pytest.mark.parametrize(
    ("kind", "lie", "transient"),
    [
        ("create", says(404, error("NoSuchBucket")), False),
        ("create", says(501, error("NotImplemented")), False),
        ("create", says(403, b"no XML"), False),
        ("part", says(400, error("BadDigest")), True),
        ("part", says(400, error("RequestTimeout")), True),
        ("part", says(400, error("InvalidDigest")), False),
        ("part", says(503, error("SlowDown"), Retry_After="7"), True),
        ("complete", says(500, error("InternalError")), True),
    ],
)
async def test_errors(lying: Lying, kind: str, lie: Lie, *, transient: bool) -> None:
    lying.store.lies[kind] = [lie]
    event = await lying.one.fails(URL, upload=NEW_UPLOAD)
    assert (event.error.reason, event.error.transient) == (Reason.HTTP_STATUS, transient)
    assert event.retry_after == (7.0 if event.error.http_status == 503 else None)


async def test_the_code_is_told(lying: Lying) -> None:
    lying.store.lies["create"] = [says(404, error("NoSuchBucket"))]
    event = await lying.one.fails(URL, upload=NEW_UPLOAD)
    assert "does not have the bucket (NoSuchBucket, HTTP status 404)" in event.error.message


async def test_a_redirect_means_another_region(lying: Lying) -> None:
    lying.store.lies["create"] = [says(301, b"", Location="https://elsewhere.test/")]
    event = await lying.one.fails(URL, upload=NEW_UPLOAD)
    assert event.error.reason is Reason.REDIRECT_REFUSED
    assert "region" in event.error.message


async def test_a_source_that_changes_between_two_parts(lying: Lying) -> None:
    one, store = lying.one, lying.store

    def change(request: Request, wire: Wire) -> None:
        one.write(A[::-1])
        store.asked.pop()
        store(request, wire)

    store.lies["part"] = [change]
    event = await one.fails(URL, upload=NEW_UPLOAD)
    assert event.error.reason is Reason.LOCAL_FILE_CHANGED
    assert "complete" not in store.asked
    assert not store.objects


@pytest.mark.parametrize(
    ("size", "least", "wanted"),
    [
        (1, 16 << 20, 16 << 20),
        ((16 << 20) * 10_000, 16 << 20, 16 << 20),
        ((16 << 20) * 10_000 + 1, 16 << 20, 17 << 20),
        (48 << 40, 16 << 20, 5034 << 20),
    ],
)
def test_there_are_never_too_many_parts(size: int, least: int, wanted: int) -> None:
    found = part_bytes(size, least)
    assert found == wanted
    assert -(-size // found) <= 10_000
    assert found <= LARGEST_PART
