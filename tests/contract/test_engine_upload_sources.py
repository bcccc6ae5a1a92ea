"""The source of an upload: plain, readable, and the same from its start to its end."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.transfers import Finished
from tests.support.http_hostile import HostileServer, Request, Wire
from tests.support.sending import A, Keeper, Sending, cut, sending


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sending]:
    async with sending(tmp_path / "data") as one:
        yield one


def _grow(source: Path) -> None:
    with source.open("ab") as file:
        file.write(b"more")


def _touch(source: Path) -> None:
    os.utime(source, ns=(0, 0))


def _replace(source: Path) -> None:
    other = source.with_name("other")
    other.write_bytes(A)
    other.rename(source)


def _shorten(source: Path) -> None:
    os.truncate(source, 10)


CHANGES: list[Callable[[Path], None]] = [_grow, _touch, _replace, _shorten, Path.unlink]


@pytest.mark.parametrize("change", CHANGES)
async def test_47_a_source_that_changes_while_it_is_sent(
    sender: Sending, change: Callable[[Path], None]
) -> None:
    source = sender.write(A)

    def handler(request: Request, wire: Wire) -> None:
        wire.take(request, 100_000)
        change(source)
        wire.read(len(A) - 100_000)
        wire.answer(200, b"")

    with HostileServer(handler) as server:
        event = await sender.fails(server.url)
    assert event.error.reason is Reason.LOCAL_FILE_CHANGED
    assert event.error.context is ErrorContext.LOCAL_FILE
    assert not event.error.transient


@pytest.mark.parametrize("change", CHANGES)
async def test_47_a_source_that_changes_between_attempts(
    sender: Sending, change: Callable[[Path], None]
) -> None:
    source = sender.write(A)
    with HostileServer(cut) as server:
        await sender.fails(server.url)
    change(source)
    keeper = Keeper()
    with HostileServer(keeper) as server:
        event = await sender.fails(server.url, upload=sender.noted[-1])
    assert event.error.reason is Reason.LOCAL_FILE_CHANGED
    assert not keeper.bodies


async def test_a_source_that_is_the_same_is_sent_again_from_its_start(sender: Sending) -> None:
    sender.write(A)
    with HostileServer(cut) as server:
        await sender.fails(server.url)
    keeper = Keeper()
    with HostileServer(keeper) as server:
        event = await sender.send(server.url, upload=sender.noted[-1])
    assert isinstance(event, Finished)
    assert keeper.bodies == [A]
    assert len(sender.noted) == 1


def _link(directory: Path) -> None:
    (directory / "real").write_bytes(A)
    (directory / "file").symlink_to("real")


def _linked_directory(directory: Path) -> None:
    (directory / "there").mkdir()
    (directory / "there" / "file").write_bytes(A)
    (directory / "place").symlink_to("there")


def _pipe(directory: Path) -> None:
    os.mkfifo(directory / "file")


def _directory(directory: Path) -> None:
    (directory / "file").mkdir()


def _nothing(_directory: Path) -> None:
    """Nothing is there."""


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (_link, "file"),
        (_linked_directory, "place/file"),
        (_pipe, "file"),
        (_directory, "file"),
        (_nothing, "file"),
        (_nothing, "no/where"),
        (_nothing, "../data/file"),
        (_nothing, "/etc/passwd"),
    ],
)
async def test_a_source_that_is_no_plain_file(
    sender: Sending, make: Callable[[Path], None], path: str
) -> None:
    make(sender.fetching.root)
    with HostileServer(Keeper()) as server:
        event = await sender.fails(server.url, path=path)
    assert event.error.reason is Reason.SOURCE_INVALID
    assert event.error.context is ErrorContext.LOCAL_FILE
    assert not event.error.transient
    assert not server.requests
    assert not (sender.fetching.root / "no").exists()


async def test_a_source_that_may_not_be_read(
    sender: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sender.write(A)
    source.chmod(0)
    if os.access(source, os.R_OK):
        # Root's capabilities open every file.
        opening = os.open

        def refusing(path: Any, flags: int, *more: Any, **options: Any) -> int:
            if path == source.name:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return opening(path, flags, *more, **options)

        monkeypatch.setattr(os, "open", refusing)
    with HostileServer(Keeper()) as server:
        event = await sender.fails(server.url)
    assert event.error.reason is Reason.SOURCE_INVALID


async def test_two_may_read_one_source(sender: Sending) -> None:
    sender.write(A)
    keeper = Keeper()
    with HostileServer(keeper) as server:
        sender.start(server.url, index=0)
        sender.start(server.url, index=1)
        assert isinstance(await sender.fetching.end(0), Finished)
        assert isinstance(await sender.fetching.end(1), Finished)
    assert keeper.bodies == [A, A]
