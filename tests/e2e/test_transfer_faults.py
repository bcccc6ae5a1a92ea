"""Servers that misbehave and destinations that move, through the whole daemon.

Each has one right outcome: the right file, or an error with a name and no file.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import bgcopy
from bgcopy import FileSpec, JobState, Reason
from tests.support.daemon import DaemonProcess
from tests.support.site import Site, content

MIB = 1 << 20
SOON = timedelta(seconds=5)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[bgcopy.AsyncClient]:
    async with bgcopy.AsyncClient(daemon.target) as connected:
        yield connected


async def fetched(client: bgcopy.AsyncClient, url: str, path: str = "file") -> bgcopy.JobInfo:
    """The job at its end, or in ERROR; what waits to try again is told to do it at once."""
    job = await client.create_job(
        "fault", [FileSpec(url, path)], start=True, auto_complete=True, minimum_retry_delay=SOON
    )
    async with job.watch() as changes:
        async for info in changes:
            if info.state.final or info.state is JobState.ERROR:
                return info
            if info.state is JobState.TRANSIENT_ERROR:
                await job.resume()
    raise AssertionError("a watch ends with a final state")


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "fault",
    [
        f"cut:{MIB}:1",
        "cut:0:1",
        "cut:700000:3",
        "ignores-range",
        "shifted",
        "status:503:1",
        "status:429:2",
    ],
)
async def test_right_file_in_the_end(
    fault: str, site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    size = 2 * MIB
    info = await fetched(client, site.url("file", size, fault=fault))
    assert info.state is JobState.ACKNOWLEDGED, info.error
    assert names(daemon.root_dir) == ["file"]
    assert (daemon.root_dir / "file").read_bytes() == content("file", size)


async def test_replaced_file_is_never_mixed(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    size = 2 * MIB
    info = await fetched(client, site.url("file", size, fault="replaced"))
    assert info.state is JobState.ACKNOWLEDGED, info.error
    assert (daemon.root_dir / "file").read_bytes() == content("file-replaced", size)


async def test_length_that_never_comes_is_an_error_and_no_file(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    job = await client.create_job(
        "long",
        [FileSpec(site.url("long", 100_000, fault="long:10"), "long")],
        start=True,
        auto_complete=True,
    )
    async with job.watch() as changes:
        async for info in changes:
            if info.error is not None:
                break
    assert info.state in {JobState.TRANSIENT_ERROR, JobState.ERROR}
    assert info.error is not None
    assert info.error.reason in {Reason.CONNECTION_CLOSED, Reason.INVALID_RESPONSE}
    assert "long" not in names(daemon.root_dir)
    await job.cancel()
    assert names(daemon.root_dir) == []


async def test_bytes_beyond_the_length_are_not_the_files(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    info = await fetched(client, site.url("short", 100_000, fault="short:10"))
    assert info.state is JobState.ACKNOWLEDGED, info.error
    assert (daemon.root_dir / "file").read_bytes() == content("short", 100_000)[:-10]


@pytest.mark.parametrize("code", [403, 404, 410, 501])
async def test_status_is_named(
    code: int, site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    info = await fetched(client, site.url("no", 1000, fault=f"status:{code}"))
    assert info.state is JobState.ERROR
    assert info.error is not None
    assert (info.error.reason, info.error.http_status) == (Reason.HTTP_STATUS, code)
    assert names(daemon.root_dir) == []


async def test_server_that_restarts_meanwhile(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    size = 4 * MIB
    url = site.url("file", size, rate=2 * MIB)
    job = await client.create_job(
        "restart", [FileSpec(url, "file")], start=True, auto_complete=True
    )
    async with job.watch() as changes:
        async for info in changes:
            if info.progress.bytes_transferred > MIB:
                break
    await site.stop()
    async with job.watch() as changes:
        async for info in changes:
            if info.state is JobState.TRANSIENT_ERROR:
                break
    assert info.error is not None
    assert info.error.transient
    await site.start()
    await job.resume()
    assert (await job.wait(30)).state is JobState.ACKNOWLEDGED
    assert (daemon.root_dir / "file").read_bytes() == content("file", size)
    # It went on, and did not begin anew.
    assert (await site.stats())["file"].starts[0] > 0


async def test_query_of_a_url_is_in_no_log_and_no_error(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    info = await fetched(client, site.url("no", 1000, fault="status:404", key="s3cr3t"))
    assert "s3cr3t" not in repr(info)
    assert "s3cr3t" not in daemon.log


async def test_symlink_out_of_the_root_is_refused(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (daemon.root_dir / "way").symlink_to(outside)
    try:
        info = await fetched(client, site.url("file", 1000), "way/out/file")
    except bgcopy.PathInvalid:
        pass
    else:
        assert info.state is JobState.ERROR
        assert info.error is not None
        assert info.error.reason is Reason.DESTINATION_INVALID
    assert list(outside.rglob("*")) == []


async def test_directory_that_becomes_a_symlink_before_complete(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"not yours")
    job = await client.create_job("moved", [FileSpec(site.url("f", 1000), "d/file")], start=True)
    await job.wait(30)
    (daemon.root_dir / "d").rename(daemon.root_dir / "aside")
    (daemon.root_dir / "d").symlink_to(outside)
    with pytest.raises(bgcopy.DestinationUnwritable):
        await job.complete()
    assert (outside / "file").read_bytes() == b"not yours"
    assert (await job.info()).state is JobState.TRANSFERRED
    # Put right, it can be completed.
    (daemon.root_dir / "d").unlink()
    (daemon.root_dir / "aside").rename(daemon.root_dir / "d")
    assert (await job.complete()).state is JobState.ACKNOWLEDGED
    assert (daemon.root_dir / "d" / "file").read_bytes() == content("f", 1000)


async def test_symlink_in_place_of_the_file_is_not_written_through(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"not yours")
    job = await client.create_job("link", [FileSpec(site.url("f", 1000), "file")], start=True)
    await job.wait(30)
    (daemon.root_dir / "file").symlink_to(precious)
    try:
        await job.complete()
    except bgcopy.DestinationUnwritable:
        assert (await job.info()).state is JobState.TRANSFERRED
    else:
        assert not (daemon.root_dir / "file").is_symlink()
    assert precious.read_bytes() == b"not yours"


async def test_partial_file_that_a_person_shortened(
    site: Site, daemon: DaemonProcess, client: bgcopy.AsyncClient
) -> None:
    size = 6 * MIB
    job = await client.create_job(
        "cut", [FileSpec(site.url("file", size, rate=6 * MIB), "file")], start=True
    )
    async with job.watch() as changes:
        async for info in changes:
            if info.progress.bytes_transferred > 2 * MIB:
                break
    await job.suspend()
    (partial,) = daemon.root_dir.rglob(".*")
    os.truncate(partial, 1000)
    await job.resume()
    await job.wait(30)
    await job.complete()
    assert (daemon.root_dir / "file").read_bytes() == content("file", size)
