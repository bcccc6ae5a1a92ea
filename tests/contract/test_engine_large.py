"""Files beyond 4 GiB, of which next to nothing is written; how many files are open at a time."""

from __future__ import annotations

import contextlib
import gc
import os
import random
from pathlib import Path

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.queue.transfers import Finished, Placement, Stopped
from bgcopyd.transfer.disk.files import LocalFiles
from tests.support.fetching import Fetching, fetching
from tests.support.http_files import process
from tests.support.http_hostile import HostileServer, Request, Wire

HAVE = (4 << 30) + 12_345
TAIL = random.Random(1).randbytes(300_000)
SIZE = HAVE + len(TAIL)
KNOWN = {"size": SIZE, "validators": Validators(etag='"a"')}


def tail(request: Request, wire: Wire) -> None:
    """Knows the last bytes of a large file; all before are zero."""
    start, end = request.span(SIZE)
    assert start >= HAVE
    span = f"bytes {start}-{end - 1}/{SIZE}"
    wire.answer(206, TAIL[start - HAVE : end - HAVE], Content_Range=span, ETag='"a"')


def sparse(fetcher: Fetching) -> Path:
    partial = fetcher.partial()
    with partial.open("wb") as file:
        file.truncate(HAVE)
    return partial


async def test_the_rest_of_a_file_beyond_4_gib(tmp_path: Path) -> None:
    async with fetching(tmp_path / "data") as fetcher:
        sparse(fetcher)
        with HostileServer(tail) as server:
            event = await fetcher.fetch(f"{server.url}/file", claimed=HAVE, **KNOWN)
        assert isinstance(event, Finished), event
        assert (event.size, event.verification) == (SIZE, Verification.VALIDATOR)
        assert event.device is not None
        assert event.inode is not None
        files = LocalFiles({"data": fetcher.root})
        placement = Placement(0, "data", "file", ".file.part", event.device, event.inode)
        [placed] = await files.place([placement])
        files.close()
    assert not placed.problem
    with (fetcher.root / "file").open("rb") as file:
        state = os.fstat(file.fileno())
        assert state.st_size == SIZE
        assert os.pread(file.fileno(), len(TAIL) + 1, HAVE) == TAIL
        assert os.pread(file.fileno(), 4096, HAVE - 4096) == bytes(4096)
    # What was there was not written anew.
    assert state.st_blocks * 512 < 64 << 20


async def test_a_part_beyond_4_gib_of_a_file_that_has_holes(tmp_path: Path) -> None:
    wanted = (FileRange(HAVE + 1000, 5000),)
    async with fetching(tmp_path / "data") as fetcher:
        with HostileServer(tail) as server:
            event = await fetcher.fetch(f"{server.url}/file", requested=wanted)
        assert isinstance(event, Stopped), event
        assert event.satisfied
        assert (event.claimed, event.filled, event.size) == (0, wanted, SIZE)
        with fetcher.partial().open("rb") as file:
            assert os.pread(file.fileno(), 5000, HAVE + 1000) == TAIL[1000:6000]
            assert os.fstat(file.fileno()).st_blocks * 512 < 64 << 20


def opened(place: Path) -> tuple[int, int]:
    """How many files below a place this process has open, and how many sockets.

    Nothing else: a thread that ends, or a mount table, has one of its own for a moment more.
    """
    links = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - as quick as can be
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - likewise
    files = sum(link.startswith(f"{place}/") for link in links)
    return files, sum(link.startswith("socket:") for link in links)


async def test_a_bounded_number_of_files_is_open(tmp_path: Path) -> None:
    count, connections, settling = 600, 20, 10
    source, data = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    (source / "file").write_bytes(TAIL[:2000])
    limits = {"connections_per_host": connections, "settling": settling, "sync_threads": 2}
    async with process(source) as url:
        gc.collect()  # sockets that tests before this one left open would close while it counts
        _, before = opened(data)
        async with fetching(data, **limits) as fetcher:
            most_files = most_sockets = 0
            for index in range(count):
                fetcher.start(f"{url}/file", index=index, path=f"f{index}", job_id=f"j{index % 9}")
            for index in range(count):
                assert isinstance(await fetcher.end(index), Finished)
                files, sockets = opened(data)
                most_files = max(most_files, files)
                most_sockets = max(most_sockets, sockets - before)
            assert 0 < most_sockets <= connections
            # For each connection a file, the files that settle, and the directories of both.
            assert 0 < most_files <= 2 * (connections + settling)
        files, sockets = opened(data)
        assert (files, max(sockets, before)) == (0, before)
