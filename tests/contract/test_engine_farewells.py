"""Uploads that nobody will finish: the server is told, where that means something to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    Credentials,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
)
from bgcopyd.jobs.s3 import S3Store
from bgcopyd.jobs.upload import Upload, UploadProtocol
from bgcopyd.queue.transfers import TransferOptions
from tests.support.fetching import Fetching, fetching
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.s3_hostile import Lie, Store, error, says

URL = "s3://bucket/key"
STORED = Upload(session="up/1+=")
_KEY = CredentialsKey(AuthTarget.SERVER, AuthScheme.BASIC)
SECRETS = TransferOptions(
    http=HttpOptions(headers=(HttpHeader("X-Key", "hidden", secret=True),), method="POST"),
    credentials=(Credentials(_KEY, "anna", "hidden"),),
)


def hang(_: Request, wire: Wire) -> None:
    wire.hang()


async def told(tmp_path: Path, store: Store, server: HostileServer) -> str:
    known = S3Store("ours", server.url, "r", path_style=True, uploads=True)
    limits = {"probe_timeout": 0.5 if hang in store.lies.get("abort", []) else 30.0}
    options = {"schemes": ("s3",), "s3_stores": (known,), **limits}
    async with fetching(tmp_path / "data", **options) as one:
        return await one.engine.part("job", URL, STORED, TransferOptions())


async def test_a_store_drops_the_parts(tmp_path: Path) -> None:
    store = Store()
    store.uploads = {STORED.session: {1: b"a"}, "another": {}}
    with HostileServer(store) as server:
        assert not await told(tmp_path, store, server)
        assert store.uploads == {"another": {}}
        assert not await told(tmp_path, store, server)
    assert store.asked == ["abort", "abort"]
    assert server.requests[0].target == "/bucket/key?uploadId=up%2F1%2B%3D"


@pytest.mark.parametrize(
    ("lie", "word"),
    [
        (says(503, error("SlowDown")), "503"),
        (hang, "did not answer"),
        (says(403, error("AccessDenied")), ""),
        (says(307, b"", Location="http://elsewhere.test/"), ""),
    ],
)
async def test_what_is_tried_again(tmp_path: Path, lie: Lie, word: str) -> None:
    store = Store(abort=[lie])
    with HostileServer(store) as server:
        problem = await told(tmp_path, store, server)
    assert word in problem
    assert bool(word) is bool(problem)


async def test_nobody_is_there(tmp_path: Path) -> None:
    store = Store()
    with HostileServer(store) as server:
        pass
    assert "connect" in await told(tmp_path, store, server)


@pytest.fixture
async def fetcher(tmp_path: Path) -> AsyncIterator[Fetching]:
    async with fetching(tmp_path / "data") as one:
        yield one


class Ending:
    """Keeps what it is asked; `extensions` is what it says that it does."""

    def __init__(self, extensions: str = "creation,termination", status: int = 204) -> None:
        self.extensions = extensions
        self.status = status
        self.asked: list[str] = []

    def __call__(self, request: Request, wire: Wire) -> None:
        self.asked.append(f"{request.method} {request.target}")
        wire.take(request)
        if request.method == "OPTIONS":
            wire.answer(200, b"", Tus_Extension=self.extensions)
        else:
            wire.answer(self.status, b"")


async def test_tus(fetcher: Fetching) -> None:
    ending = Ending()
    with HostileServer(ending) as server:
        upload = Upload(session=f"{server.url}/up/7", protocol=UploadProtocol.TUS)
        assert not await fetcher.engine.part("job", f"{server.url}/up", upload, SECRETS)
    assert ending.asked == ["OPTIONS /up", "DELETE /up/7"]
    for request in server.requests:
        assert request.fields["tus-resumable"] == "1.0.0"
        assert request.fields["x-key"] == "hidden"
        assert request.fields["authorization"].startswith("Basic ")


async def test_tus_without_termination(fetcher: Fetching) -> None:
    ending = Ending("creation")
    with HostileServer(ending) as server:
        upload = Upload(session=f"{server.url}/up/7", protocol=UploadProtocol.TUS)
        assert not await fetcher.engine.part("job", f"{server.url}/up", upload, SECRETS)
    assert ending.asked == ["OPTIONS /up"]


@pytest.mark.parametrize("status", [204, 404, 405, 410])
async def test_the_draft(fetcher: Fetching, status: int) -> None:
    ending = Ending(status=status)
    with HostileServer(ending) as server:
        upload = Upload(session=f"{server.url}/up/7", protocol=UploadProtocol.RESUMABLE)
        assert not await fetcher.engine.part("job", f"{server.url}/up", upload, SECRETS)
    assert ending.asked == ["DELETE /up/7"]
    assert server.requests[0].fields["upload-draft-interop-version"] == "6"


async def test_secrets_stay_with_the_origin_of_the_job_s_url(fetcher: Fetching) -> None:
    with HostileServer(Ending()) as server, HostileServer(Ending()) as other:
        upload = Upload(session=f"{other.url}/up/7", protocol=UploadProtocol.TUS)
        assert not await fetcher.engine.part("job", f"{server.url}/up", upload, SECRETS)
    [request] = other.requests
    assert request.method == "DELETE"
    assert "hidden" not in str(request.fields)
    assert "authorization" not in request.fields


async def test_without_a_session_nobody_is_asked(fetcher: Fetching) -> None:
    with HostileServer(Ending()) as server:
        assert not await fetcher.engine.part("job", server.url, Upload(), SECRETS)
    assert not server.requests
