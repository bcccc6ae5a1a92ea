"""A real daemon in a child process, for tests, benchmarks and the demo.

Its readiness is what it tells the service manager: READY=1 with
`STATUS=listening on unix:/run/x.sock, tcp://127.0.0.1:40123`, the ports as they were bound.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

# Where `make test` puts a pycurl that is built on the system's libcurl, which has NTLM.
SYSTEM_PYCURL = Path(__file__).resolve().parents[2] / ".tools" / "system-pycurl"
START_SECONDS = 30.0
_STATUS = "STATUS=listening on "
_DATAGRAM_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with nothing that leads to the tester's own daemon."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BGCOPY_", "XDG_")) and name != "NOTIFY_SOCKET"
    }
    # Whoever runs tests as root, in a container say, wants it.
    ours = {"HOME": str(home), "PYTHONUNBUFFERED": "1", "BGCOPY_ALLOW_ROOT": "true"}
    return {**kept, **ours, **(extra or {})}


async def run_bgcopyd(
    *arguments: str, home: Path, environment: Mapping[str, str] | None = None
) -> Completed:
    """Runs a `bgcopyd` command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bgcopyd",
        *arguments,
        env=clean_environment(home, environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Completed(process.returncode, out.decode(), err.decode())


class DaemonProcess:
    """`python -m bgcopyd serve` in directories of its own.

    Args:
        directory: holds state, roots, log; a temporary one, deleted at the end, if absent.
        flags: further flags of `serve`.
        tcp: also listens on a free loopback port.
        environment: further variables.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        flags: Sequence[str] = (),
        tcp: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        # Socket paths are short by law, pytest's directories are not.
        self._scratch = Path(tempfile.mkdtemp(prefix="bgcopy-"))
        self.directory = self._scratch if directory is None else directory
        self.state_dir = self.directory / "state"
        self.root_dir = self.directory / "root"
        self.socket_path = self._scratch / "bgcopyd.sock"
        self.log_path = self.directory / "bgcopyd.log"
        self.targets: tuple[str, ...] = ()
        self.status = ""
        self._flags = tuple(flags)
        self._tcp = tcp
        self._environment = dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None
        self.root_dir.mkdir(parents=True, exist_ok=True)

    @property
    def target(self) -> str:
        """The Unix socket as the client's target."""
        return f"unix:{self.socket_path}"

    @property
    def tcp_target(self) -> str:
        """The loopback port as the client's target, `127.0.0.1:PORT`."""
        return next(one for one in self.targets if not one.startswith("unix:"))

    @property
    def pid(self) -> int:
        """The running process."""
        return self._running().pid

    @property
    def log(self) -> str:
        """Everything the daemon has logged, over all its starts."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    def arguments(self) -> list[str]:
        """The command that `start` runs."""
        listen = ["--listen", self.target, *(["--listen", "tcp://127.0.0.1:0"] * self._tcp)]
        places = ["--state-dir", str(self.state_dir), "--root", f"default={self.root_dir}"]
        return [sys.executable, "-m", "bgcopyd", "serve", *listen, *places, *self._flags]

    async def start(self) -> Self:
        """Starts the daemon and returns when it says that it is ready.

        Raises:
            RuntimeError: it ended instead; the message holds its log.
            TimeoutError: it did neither in time.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            address = self._scratch / "notify.sock"
            channel.bind(str(address))
            try:
                await self._spawn(NOTIFY_SOCKET=str(address))
                async with asyncio.timeout(START_SECONDS):
                    await self._ready(channel)
            except BaseException:
                await self.kill()
                raise
            finally:
                address.unlink()
        return self

    async def spawn(self) -> None:
        """Starts the daemon without waiting for it: for those that are meant to end."""
        await self._spawn()

    async def _spawn(self, **variables: str) -> None:
        environment = clean_environment(self.directory, {**self._environment, **variables})
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.arguments(),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def _ready(self, channel: socket.socket) -> None:
        """Reads what the daemon tells its manager until it is ready or has ended."""
        loop = asyncio.get_running_loop()
        ended = asyncio.ensure_future(self._running().wait())
        while True:
            message = asyncio.ensure_future(loop.sock_recv(channel, _DATAGRAM_BYTES))
            try:
                await asyncio.wait({message, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not message.done():
                    message.cancel()
            if not message.done():
                raise RuntimeError(f"the daemon ended with {ended.result()}:\n{self.log}")
            if self._learn(message.result().decode().splitlines()):
                ended.cancel()
                return

    def _learn(self, lines: Sequence[str]) -> bool:
        """Keeps the status; whether the daemon is ready."""
        for line in lines:
            if line.startswith("STATUS="):
                self.status = line.removeprefix("STATUS=")
            if line.startswith(_STATUS):
                texts = line.removeprefix(_STATUS).split(",")
                self.targets = tuple(text.strip().removeprefix("tcp://") for text in texts)
        return "READY=1" in lines

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "the daemon was not started"
        return self._process

    async def wait(self) -> int:
        """Waits for the daemon to end by itself; its exit code."""
        return await self._running().wait()

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        process = self._running()
        if process.returncode is None:
            process.terminate()
        return await process.wait()

    async def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def restart(self) -> Self:
        """A crash and a new start on the same state."""
        await self.kill()
        return await self.start()

    async def command(self, *arguments: str) -> Completed:
        """Another `bgcopyd` command on this daemon's state directory."""
        return await run_bgcopyd(
            *arguments, "--state-dir", str(self.state_dir), home=self.directory
        )

    async def token(self, principal: str, *flags: str) -> str:
        """Makes a token."""
        done = await self.command("token", "create", "--principal", principal, *flags)
        assert done.code == 0, done.stderr
        return done.stdout.split()[-1]

    async def close(self) -> None:
        """Ends the daemon and deletes what was temporary."""
        await self.kill()
        shutil.rmtree(self._scratch, ignore_errors=True)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
