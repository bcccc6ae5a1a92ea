"""A download that survives kill -9, shown with real processes: `make demo`.

Everything lies in one temporary directory, which is deleted at the end, and nothing but loopback
is used. Exit code 0 only if every promise held.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import bgcopy
from tests.support.daemon import DaemonProcess

MIB = 1 << 20
SIZE = 256 * MIB
# What may be sent twice: what arrived since the last claim.
SURPLUS = 8 * MIB
KILL_AT = SIZE // 2
SECONDS = 55
_BAR = 24


class DemoFailed(Exception):
    """A promise did not hold."""


def say(text: str = "") -> None:
    """One line for the person who watches."""
    print(text, flush=True)


class ProgressLine:
    """The job's bar: redrawn on a terminal, a line every two seconds elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._next = 0.0

    def show(self, info: bgcopy.JobInfo) -> None:
        """Draws the job as it is."""
        done = info.progress.bytes_transferred
        bar = "#" * (_BAR * done // SIZE)
        speed = info.progress.bytes_per_second / MIB
        line = f"     [{bar:<{_BAR}}] {done / MIB:5.0f} MiB  {speed:5.1f} MiB/s  {info.state.name}"
        if self._terminal:
            print(f"\r{line:<76}", end="", flush=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + 2.0
            say(line)

    def end(self) -> None:
        """Leaves the bar's line."""
        if self._terminal:
            say()


def make_file(path: Path) -> str:
    """Random bytes, and their sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            block = os.urandom(MIB)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


@asynccontextmanager
async def file_server(path: Path) -> AsyncIterator[str]:
    """The web server in a process of its own; its base URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.file_server", str(path), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = (await process.stdout.readline()).decode().strip()
        if not port:
            raise DemoFailed("the file server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass(frozen=True)
class Stats:
    """Bytes that the server has sent, where it was asked to go on, how many it served at once."""

    bytes: int
    resumed_at: list[int]
    most: int


def stats_of(url: str) -> Stats:
    """What the server has counted."""
    with urllib.request.urlopen(f"{url}/stats", timeout=10) as answer:  # noqa: S310 - our own http
        return Stats(**json.load(answer))


async def transfer(daemon: DaemonProcess, job: bgcopy.Job, url: str) -> Stats:
    """Watches the job to its last byte; the server's counters when the daemon was killed."""
    before: Stats | None = None
    line = ProgressLine()
    # One watch for all of it: the client library mends the connection.
    async with job.watch() as changes:
        async for info in changes:
            line.show(info)
            if info.state is bgcopy.JobState.ERROR:
                raise DemoFailed(f"the job failed: {info.error and info.error.message}")
            if info.state is bgcopy.JobState.TRANSFERRED:
                break
            if before is None and info.progress.bytes_transferred >= KILL_AT:
                line.end()
                before = await crash_and_restart(daemon, url)
    line.end()
    if before is None:
        raise DemoFailed("the download was over before the daemon could be killed")
    return before


async def crash_and_restart(daemon: DaemonProcess, url: str) -> Stats:
    """The crash, and a new daemon on the same queue."""
    first = daemon.pid
    await daemon.kill()
    stats = await asyncio.to_thread(stats_of, url)
    sent = f"{stats.bytes / MIB:.1f} MiB, by {stats.most} connections at once"
    say(f"  3. kill -9 of the daemon (process {first}); the server has sent {sent}")
    await daemon.start()
    say(f"  4. Daemon started again (process {daemon.pid}); nobody told it about the job")
    return stats


def check_resume(url: str, before: Stats) -> None:
    """The new daemon has asked for the rest only."""
    resumed = stats_of(url).resumed_at[len(before.resumed_at) :]
    if not resumed:
        raise DemoFailed("the download began anew instead of going on")
    say(f"     It asked for what was not safely on disk, from {resumed[0] / MIB:.1f} MiB on")


def check_file(directory: Path, url: str, digest: str) -> None:
    """The right bytes, not sent much more than once, and nothing beside them."""
    sent = stats_of(url).bytes
    with (directory / "payload.bin").open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != digest:
        raise DemoFailed(f"sha256 is {actual}, not {digest}")
    say(f"  6. sha256 is the same on both sides: {digest[:16]}...")
    twice = (sent - SIZE) / MIB
    if sent > SIZE + SURPLUS:
        raise DemoFailed(f"{twice:.1f} MiB were sent twice, more than {SURPLUS // MIB}")
    say(f"  7. The server sent {sent / MIB:.1f} MiB for {SIZE // MIB} MiB: {twice:.1f} MiB twice")
    leftovers = [path.name for path in directory.iterdir() if path.name != "payload.bin"]
    if leftovers:
        raise DemoFailed(f"left beside the file: {', '.join(leftovers)}")


@asynccontextmanager
async def private_daemon(directory: Path) -> AsyncIterator[DaemonProcess]:
    """A daemon that nobody else sees; its log is shown where the story fails."""
    daemon = DaemonProcess(directory)
    try:
        yield await daemon.start()
    except BaseException:
        say(f"\nThe daemon's last words:\n{daemon.log[-2000:]}")
        raise
    finally:
        await daemon.close()


async def story(directory: Path) -> None:
    """The whole of it, in a directory that the caller deletes."""
    say("bgcopy: hand a daemon a URL and walk away\n")
    source = directory / "source.bin"
    digest = await asyncio.to_thread(make_file, source)
    async with file_server(source) as url, private_daemon(directory / "daemon") as daemon:
        say(f"  1. {SIZE // MIB} MiB of random bytes are served at {url}, by a slow web server")
        async with bgcopy.AsyncClient(daemon.target) as client:
            spec = bgcopy.FileSpec(f"{url}/payload.bin", "payload.bin", sha256=digest)
            job = await client.create_job("demo", [spec], start=True)
            say(f"  2. Daemon started (process {daemon.pid}), job {job.job_id} created")
            before = await transfer(daemon, job, url)
            await asyncio.to_thread(check_resume, url, before)
            await job.complete()
        say("  5. Every byte is here and verified; Complete gave the file its name")
        await asyncio.to_thread(check_file, daemon.root_dir, url, digest)
        if await daemon.terminate() != 0:
            raise DemoFailed("the daemon did not end in peace")


async def run(directory: Path) -> None:
    """The story against the clock; SIGTERM ends it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(SECONDS):
        await story(directory)


def main() -> int:
    """Runs the demo; 0 only if all of it held."""
    began = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="bgcopy-demo-"))
    try:
        asyncio.run(run(directory))
    except (DemoFailed, TimeoutError, bgcopy.BgcopyError) as error:
        say(f"\nThe demo FAILED: {error or f'not done after {SECONDS} s'}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("\nInterrupted.")
        return 130
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    say(f"\nAll of it held, in {time.monotonic() - began:.0f} s; nothing is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
