"""The daemon's own parts in this process: its gRPC server on real sockets, its real SQLite store.

Only the engine and the file system are scripted, and the time of day can be set forward.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import grpc

from bgcopy.v1.background_copy_manager_pb2_grpc import BackgroundCopyManagerStub
from bgcopyd import daemon as daemon_module
from bgcopyd.config import Settings
from bgcopyd.config.listeners import SHARED
from bgcopyd.daemon import Daemon
from bgcopyd.jobs.principal import Principal, Scope, scopes_of
from bgcopyd.queue.clock import SystemClock
from bgcopyd.queue.recovery import recover
from bgcopyd.queue.storage import Store, Token
from bgcopyd.store.sqlite import SQLiteStore
from tests.support.rpc_engine import ScriptedEngine, ScriptedFiles

MESSAGE_BYTES = 16 << 20


class ShiftedClock(SystemClock):
    """This machine's clocks. The time of day can be set, all of them can be let run ahead.

    Attributes:
        ahead: how far the time of day has been set forward, or back.
        passed: seconds that went by at once, on all clocks.
        boot: names the start of the machine; `passed` before it are no part of its uptime.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()
        self.passed = 0.0
        self.boot = "first"

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return super().monotonic() + self.passed

    def uptime(self) -> float:
        return super().uptime() + self.passed

    def boot_id(self) -> str:
        return self.boot


class Caller:
    """A channel with a credential on every call, and the raw stub on it."""

    def __init__(self, target: str, token: str = "") -> None:
        self.metadata: tuple[tuple[str, str], ...] = (
            (("authorization", f"Bearer {token}"),) if token else ()
        )
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_metadata_size", 64 << 10),
        ]
        self.channel = grpc.aio.insecure_channel(target, options=options)
        self.stub: Any = BackgroundCopyManagerStub(self.channel)

    def call(self, rpc: str, request: Any, **options: Any) -> Any:
        """Begins a call; a deadline of 30 s unless told."""
        options.setdefault("timeout", 30)
        return getattr(self.stub, rpc)(request, metadata=self.metadata, **options)

    async def close(self) -> None:
        await self.channel.close()


class House:
    """One daemon's parts in this process.

    Args:
        more_listeners: beside a Unix socket and a loopback port.
        open_socket: whether the Unix socket is for every user of the machine.
        settings: further settings.
    """

    def __init__(
        self, more_listeners: Sequence[str] = (), *, open_socket: bool = False, **settings: Any
    ) -> None:
        # Socket paths are short by law, pytest's directories are not.
        self.directory = Path(tempfile.mkdtemp(prefix="bgcopy-"))
        if open_socket:
            self.directory.chmod(0o755)
        self.root = self.directory / "root"
        self.root.mkdir()
        unix = f"unix:{self.directory}/s{SHARED * open_socket}"
        listen: Any = (unix, "tcp://127.0.0.1:0", *more_listeners)
        self.settings = Settings(
            state_dir=self.directory / "state",
            listen=listen,
            daily_backup=False,
            **{"shutdown_grace": 1.0, "roots": {"default": self.root}, **settings},
        )
        self.clock = ShiftedClock()
        self.engine = ScriptedEngine()
        self.files = ScriptedFiles()
        self.callers: list[Caller] = []
        self.unix = ""
        self.tcp = ""
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Starts everything but the signal handlers."""
        self.settings.state_dir.mkdir(exist_ok=True)
        self._sqlite = await SQLiteStore.open(self.settings.state_dir)
        self.store: Store = self._sqlite
        with (
            mock.patch.object(daemon_module, "CurlEngine", return_value=self.engine),
            mock.patch.object(daemon_module, "LocalFiles", return_value=self.files),
        ):
            self.daemon = Daemon(self.settings, self._sqlite, self.clock)
        await self.daemon.policies.load()
        await self.daemon.feed.start()
        await recover(self.store, self.daemon.completion, self.clock)
        daemon = self.daemon
        works = (
            daemon.feed.run(),
            daemon.scheduler.run(),
            daemon.timekeeper.run(),
            daemon.dispatcher.run(),
        )
        self._tasks = [asyncio.create_task(work) for work in works]
        targets = self.daemon.server.bind()
        await self.daemon.server.start()
        self.targets = targets
        self.unix, self.tcp = targets[0], targets[1].removeprefix("tcp://")
        self.local = self.caller()

    async def close(self) -> None:
        """Ends it in the daemon's own order."""
        await self._quiet()
        await self.daemon.close()
        await self._sqlite.close()
        shutil.rmtree(self.directory)

    async def crash(self) -> None:
        """Drops everything that is not on disk, and starts anew with new engine and files."""
        await self._quiet()
        await self.daemon.server.stop(0)
        work = [*self.daemon.runs._tasks.values(), *self.daemon.completion._tasks.values()]
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await self._sqlite.close()
        self.engine, self.files = ScriptedEngine(), ScriptedFiles()
        await self.open()

    def let_pass(self, seconds: float) -> None:
        """Lets time go by, and all who wait for it look at their clocks."""
        self.clock.passed += seconds
        self.look()

    def look(self) -> None:
        """All who wait for a moment look at their clocks."""
        self.daemon.timekeeper.wake()
        self.daemon.scheduler.wake()

    async def _quiet(self) -> None:
        for caller in self.callers:
            await caller.close()
        self.callers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def caller(self, token: str = "", *, tcp: bool = False) -> Caller:
        """A new connection."""
        caller = Caller(self.tcp if tcp else self.unix, token)
        self.callers.append(caller)
        return caller

    async def user(
        self, name: str, *, admin: bool = False, tcp: bool = True, **rights: Any
    ) -> Caller:
        """A connection of a user with a token."""
        return self.caller(await self.token(name, admin=admin, **rights), tcp=tcp)

    async def token(
        self,
        name: str,
        *,
        admin: bool = False,
        scopes: Iterable[Scope] = (),
        roots: frozenset[str] | None = None,
        expire_time: datetime | None = None,
    ) -> str:
        """Makes a token."""
        secret = f"bgc_{name}_{len(self.callers)}"
        token = Token(
            token_id=f"id-{secret}",
            digest=hashlib.sha256(secret.encode()).digest(),
            principal=Principal(f"user:{name}", scopes_of(scopes, admin=admin), roots),
            create_time=self.clock.now(),
            expire_time=expire_time,
        )
        await self.store.transact(lambda tx: tx.insert_token(token))
        return secret


@contextlib.asynccontextmanager
async def house(**settings: Any) -> AsyncIterator[House]:
    """A house for the length of a test."""
    one = House(**settings)
    try:
        await one.open()
        yield one
    finally:
        await one.close()
