"""Objects from an S3 server that checks signatures, and from one of ours that looks at requests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
)
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.queue.transfers import Failed, Finished, TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.s3_server import BUCKET, REGION, S3Site

A = random.Random(1).randbytes(300_000)
HALF = 150_000


@pytest.fixture
async def site() -> AsyncIterator[S3Site]:
    async with S3Site() as running:
        yield running


def store(site: S3Site, **fields: Any) -> S3Store:
    own = {"key_id": site.key_id, "secret": site.secret, "path_style": True, **fields}
    return S3Store("ours", site.url, REGION, **own)


def options(*stores: S3Store) -> dict[str, Any]:
    return {"schemes": ("s3",), "s3_stores": stores}


async def put(site: S3Site, tmp_path: Path, key: str, content: bytes = A) -> str:
    path = tmp_path / "object"
    path.write_bytes(content)
    await site.put(key, path)
    return f"s3://{BUCKET}/{key}"


async def failed(fetcher: Fetching, url: str, **fields: Any) -> Failed:
    event = await fetcher.fetch(url, **fields)
    assert isinstance(event, Failed), event
    fetcher.events.clear()
    return event


async def test_signed_requests_are_let_in(tmp_path: Path, site: S3Site) -> None:
    await put(site, tmp_path, "a (1)+b!*'\u00fc//c~.bin")
    await site.tell(secure=True)
    url = f"s3://{BUCKET}/a%20(1)+b!*'%C3%BC//c~.bin"
    async with fetching(tmp_path / "data", **options(store(site))) as fetcher:
        event = await fetcher.fetch(url)
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event) == A
        assert event.attempt.url == url
        assert event.attempt.http_status == 200
        fetcher.events.clear()
        found = await fetcher.engine.probe(url, TransferOptions())
        assert (found.size, found.accepts_ranges) == (len(A), True)
        missing = await failed(fetcher, f"s3://{BUCKET}/none")
        assert missing.error.http_status == 404


async def test_others_are_not(tmp_path: Path, site: S3Site) -> None:
    url = await put(site, tmp_path, "a.bin")
    await site.tell(secure=True)
    for wrong in ({"secret": "hidden"}, {"key_id": "hidden"}, {"key_id": "", "secret": ""}):
        async with fetching(tmp_path / "data", **options(store(site, **wrong))) as fetcher:
            event = await failed(fetcher, url)
        assert event.error.http_status in {401, 403}
        assert "hidden" not in repr(event)


async def test_resumes_under_the_object_s_etag(tmp_path: Path, site: S3Site) -> None:
    url = await put(site, tmp_path, "a.bin")
    await site.tell(secure=True)
    async with fetching(tmp_path / "data", **options(store(site))) as fetcher:
        ranges = await fetcher.fetch(url, ranges=(FileRange(10, 5), FileRange(299_000, None)))
        assert isinstance(ranges, Finished), ranges
        assert await fetcher.placed(ranges) == A[10:15] + A[299_000:]
        fetcher.events.clear()
        known = {"size": len(A), "validators": ranges.validators}
        assert ranges.validators.etag
        event = await fetcher.fetch(url, have=A[:HALF], **known)
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event) == A
    assert event.verification is Verification.VALIDATOR
    assert event.attempt.received == len(A) - HALF


async def test_another_object_is_fetched_from_its_start(tmp_path: Path, site: S3Site) -> None:
    url = await put(site, tmp_path, "a.bin")
    async with fetching(tmp_path / "data", **options(store(site))) as fetcher:
        known = {"size": len(A), "validators": Validators(etag='"another"')}
        event = await fetcher.fetch(url, have=bytes(HALF), **known)
        assert isinstance(event, Finished), event
        assert await fetcher.placed(event) == A


def whole(_: Request, wire: Wire) -> None:
    wire.answer(200, A, ETag='"a"')


async def test_what_a_request_says(tmp_path: Path) -> None:
    key = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
    secret = HttpHeader("X-Key", "mine", secret=True)
    with HostileServer(whole) as server:
        endpoint = server.url.replace("127.0.0.1", "localhost")
        asked = S3Store(
            "ours", endpoint, "moon-1", path_style=True, key_id="AKIA", secret="hidden", token="t0k"
        )
        async with fetching(tmp_path / "data", **options(asked)) as fetcher:
            job = TransferOptions(http=HttpOptions(headers=(secret,)))
            event = await fetcher.fetch("s3://bucket/a", options=job)
            assert isinstance(event, Finished), event
            fetcher.events.clear()
            own = TransferOptions(credentials=(Credentials(key, "u", "p"),))
            event = await failed(fetcher, "s3://bucket/a", options=own)
            assert event.error.reason is Reason.NOT_SUPPORTED
    [request] = server.requests
    assert request.target == "/bucket/a"
    assert request.fields["x-amz-security-token"] == "t0k"
    authorization = request.fields["authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert "/moon-1/s3/aws4_request" in authorization
    assert "x-amz-security-token" in authorization
    assert "hidden" not in repr(request)
    # What the job gives for its web servers is no business of a store's.
    assert "x-key" not in request.fields


async def test_no_redirect_is_followed(tmp_path: Path) -> None:
    def elsewhere(_: Request, wire: Wire) -> None:
        wire.answer(307, b"", Location="http://localhost:1/bucket/a")

    with HostileServer(elsewhere) as server:
        asked = S3Store("ours", server.url, "r", path_style=True)
        async with fetching(tmp_path / "data", **options(asked)) as fetcher:
            event = await failed(fetcher, "s3://bucket/a")
    assert event.error.reason is Reason.REDIRECT_REFUSED
    assert "endpoint" in event.error.message


async def test_a_store_is_for_its_owners(tmp_path: Path) -> None:
    with HostileServer(whole) as server:
        one = S3Store("ours", server.url, "r", path_style=True, owners=("user:anna", "user:eve"))
        async with fetching(tmp_path / "data", **options(one)) as fetcher:
            for owner, expected in (("user:anna", Finished), ("user:bert", Failed), ("", Failed)):
                event = await fetcher.fetch("s3://bucket/a", options=TransferOptions(owner=owner))
                assert isinstance(event, expected)
                fetcher.events.clear()
    assert len(server.requests) == 1


async def test_a_bucket_of_no_store(tmp_path: Path) -> None:
    one = S3Store("ours", "https://localhost:1", "r", buckets=("other",))
    async with fetching(tmp_path / "data", **options(one)) as fetcher:
        event = await failed(fetcher, "s3://bucket/a")
    assert (event.error.reason, event.error.transient) == (Reason.NOT_SUPPORTED, False)
    assert "'bucket'" in event.error.message


async def test_a_bucket_may_be_part_of_the_host(tmp_path: Path) -> None:
    with HostileServer(whole) as server:
        endpoint = f"http://localhost:{server.url.rpartition(':')[2]}"
        one = S3Store("ours", endpoint, "r", key_id="AKIA", secret="hidden")
        async with fetching(tmp_path / "data", **options(one)) as fetcher:
            event = await fetcher.fetch("s3://bucket/a/b")
    assert isinstance(event, Finished), event
    [request] = server.requests
    assert request.target == "/a/b"
    assert request.fields["host"].startswith("bucket.localhost:")
