"""Answers to uploads that are kept: whole and on disk, or it is an error."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import Upload
from bgcopyd.queue.transfers import Failed, Finished, Placement, Stopped
from bgcopyd.transfer.disk.files import LocalFiles
from bgcopyd.transfer.uploads import reply as upload_reply
from tests.support.http_hostile import Handler, HostileServer, Request, Wire
from tests.support.sending import A, Sending, sending

ANSWER = random.Random(7).randbytes(2_000_000)
KEEPING = Upload(reply="answers/one")
PARTIAL = ".bgcopy-job-0"


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sending]:
    async with sending(tmp_path / "data") as one:
        one.write(A)
        yield one


async def asked(sender: Sending, url: str, **more: Any) -> Finished | Failed | Stopped:
    return await sender.send(url, **{"upload": KEEPING, "partial_name": PARTIAL, **more})


def answering(content: bytes, status: int = 200) -> Handler:
    def handler(request: Request, wire: Wire) -> None:
        wire.take(request)
        wire.answer(status, content)

    return handler


@pytest.mark.parametrize("size", [0, 1, len(ANSWER)])
async def test_the_answer_is_kept_and_gets_its_name(sender: Sending, size: int) -> None:
    with HostileServer(answering(ANSWER[:size])) as server:
        event = await asked(sender, server.url)
    assert isinstance(event, Finished), event
    # No question before it: only of one request it is certain which answer is meant.
    assert [request.method for request in server.requests] == ["PUT"]
    assert event.upload is not None
    assert (event.size, event.upload.reply_size) == (len(A), size)
    assert event.device is not None
    assert event.inode is not None
    root = sender.fetching.root
    files = LocalFiles({"data": root})
    place = Placement(0, "data", "answers/one", PARTIAL, event.device, event.inode)
    [placed] = await files.place([place])
    files.close()
    assert not placed.problem
    assert (root / "answers" / "one").read_bytes() == ANSWER[:size]
    assert (root / "file").read_bytes() == A


async def test_another_attempt_begins_its_answer_anew(sender: Sending) -> None:
    def half(request: Request, wire: Wire) -> None:
        wire.take(request)
        wire.head(200, Content_Length=len(ANSWER))
        wire.send(ANSWER[:1_000_000])
        wire.close()

    with HostileServer(half) as server:
        event = await asked(sender, server.url)
    assert isinstance(event, Failed), event
    assert event.error.reason is Reason.CONNECTION_CLOSED
    assert event.error.transient
    with HostileServer(answering(b"short")) as server:
        event = await asked(sender, server.url, upload=sender.noted[-1])
    assert isinstance(event, Finished), event
    partial = sender.fetching.root / "answers" / PARTIAL
    assert partial.read_bytes() == b"short"


async def test_a_refusal_is_no_answer(sender: Sending) -> None:
    with HostileServer(answering(b"no", 403)) as server:
        event = await asked(sender, server.url)
    assert isinstance(event, Failed), event
    assert event.error.http_status == 403


@pytest.mark.parametrize("over", [0, 1])
async def test_an_answer_is_bounded(
    sender: Sending, monkeypatch: pytest.MonkeyPatch, over: int
) -> None:
    monkeypatch.setattr(upload_reply, "LIMIT", len(ANSWER) - over)
    with HostileServer(answering(ANSWER)) as server:
        event = await asked(sender, server.url)
    if over:
        assert isinstance(event, Failed), event
        assert event.error.reason is Reason.REPLY_TOO_LARGE
        assert not event.error.transient
    else:
        assert isinstance(event, Finished), event


async def test_nothing_is_sent_where_the_answer_cannot_be_kept(sender: Sending) -> None:
    (sender.fetching.root / "answers").symlink_to("/tmp")
    with HostileServer(answering(b"")) as server:
        event = await asked(sender, server.url)
    assert isinstance(event, Failed), event
    assert event.error.reason is Reason.DESTINATION_INVALID
    assert not server.requests
