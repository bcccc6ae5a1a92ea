"""The resumable upload draft against an implementation that is not ours; tusd speaks both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopyd.jobs.upload import NEW_UPLOAD, Upload, UploadProtocol
from bgcopyd.queue.transfers import Claimed, Finished, Received, Stopped, TransferOptions
from tests.support.sending import A, Sending, sending
from tests.support.tus_hostile import DRAFT, TUS
from tests.support.tusd import Tusd, tusd

pytestmark = [pytest.mark.needs("go"), pytest.mark.timeout(600)]


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sending]:
    async with sending(tmp_path / "data") as one:
        one.write(A)
        yield one


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Tusd]:
    async with tusd(tmp_path / "tusd", "-resumable") as running:
        yield running


@pytest.mark.parametrize("upload", [TUS, DRAFT, NEW_UPLOAD], ids=["tus", "draft", "asked"])
@pytest.mark.parametrize("size", [0, 1, len(A)])
async def test_the_server_gets_the_file(
    server: Tusd, sender: Sending, upload: Upload, size: int
) -> None:
    sender.write(A[:size])
    event = await sender.send(server.url, upload=upload)
    assert isinstance(event, Finished), event
    assert server.contents() == [A[:size]]
    assert sender.noted[-1].protocol is (upload.protocol or UploadProtocol.TUS)


@pytest.mark.parametrize("upload", [TUS, DRAFT], ids=["tus", "draft"])
async def test_goes_on_where_it_was_stopped(server: Tusd, sender: Sending, upload: Upload) -> None:
    fetcher = sender.fetching
    sender.start(server.url, upload=upload, rate=200_000)
    await fetcher.until(
        lambda: next((e for e in fetcher.all(Received) if e.received > 100_000), None)
    )
    fetcher.engine.stop("job")
    assert isinstance(await fetcher.end(), Stopped)
    event = await sender.send(server.url, upload=sender.noted[-1])
    assert isinstance(event, Finished), event
    assert server.contents() == [A]
    [claim] = fetcher.all(Claimed)
    assert 0 < claim.claimed < len(A)
    assert event.attempt.received <= len(A) - claim.claimed


@pytest.mark.parametrize("upload", [TUS, DRAFT], ids=["tus", "draft"])
async def test_what_is_not_finished_is_dropped(
    server: Tusd, sender: Sending, upload: Upload
) -> None:
    fetcher = sender.fetching
    sender.start(server.url, upload=upload, rate=200_000)
    await fetcher.until(
        lambda: next((e for e in fetcher.all(Received) if e.received > 100_000), None)
    )
    fetcher.engine.stop("job")
    assert isinstance(await fetcher.end(), Stopped)
    assert len(server.contents()) == 1
    noted = sender.noted[-1]
    assert not await fetcher.engine.part("job", server.url, noted, TransferOptions())
    assert server.contents() == []
