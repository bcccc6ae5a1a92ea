"""The daemon's own parts without sockets, on any store, where time stands still unless it is told.

Calls go to the servicers, as they come out of the server's hands: decoded, with a known caller.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from google.protobuf.message import Message

from bgcopy.v1 import admin_service_pb2, background_copy_manager_pb2
from bgcopyd import daemon as daemon_module
from bgcopyd.config import Settings
from bgcopyd.daemon import Daemon
from bgcopyd.jobs.principal import Principal
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.clock import SystemClock
from bgcopyd.queue.recovery import recover
from bgcopyd.queue.storage import Store
from bgcopyd.store.memory import MemoryStore
from tests.support.rpc_engine import ScriptedEngine, ScriptedFiles
from tests.support.stores import KINDS

T = TypeVar("T")
MESSAGES = {**vars(admin_service_pb2), **vars(background_copy_manager_pb2)}
# A quiet loop is looked at so often before it is believed: what a thread brings comes in between.
LOOKS = 3


class StillClock(SystemClock):
    """All clocks go on when they are told, and together; the time of day can be set, too."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1_000_000.0
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds + self.ahead)

    def monotonic(self) -> float:
        return self.seconds

    def uptime(self) -> float:
        return self.seconds

    def boot_id(self) -> str:
        return "the only one"


class StillLoop(asyncio.SelectorEventLoop):
    """A loop whose timers go by that clock."""

    def __init__(self, clock: StillClock) -> None:
        super().__init__()
        self._clock = clock

    def time(self) -> float:
        return self._clock.monotonic()

    @property
    def busy(self) -> bool:
        """Whether anything else could run at once."""
        return bool(self._ready)  # type: ignore[attr-defined] # of BaseEventLoop


class CountedStore:
    """A store that knows when no call is under way; `moved` since somebody has looked."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.idle = asyncio.Event()
        self.idle.set()
        self.moved = True
        self._open = 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.store, name)
        if not asyncio.iscoroutinefunction(value):
            return value

        async def counted(*arguments: Any, **options: Any) -> Any:
            self.moved = self.moved or name == "transact"
            self._open += 1
            self.idle.clear()
            try:
                return await value(*arguments, **options)
            finally:
                self._open -= 1
                if not self._open:
                    self.idle.set()

        return counted


class DirectServer:
    """Stands where the gRPC server stands, and serves who asks directly."""

    def __init__(
        self, _calls: object, servicers: Mapping[str, Sequence[object]], *_listen: object
    ) -> None:
        self.servicers = [one for group in servicers.values() for one in group]

    def method(self, rpc: str) -> Any:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()
        (servicer,) = [one for one in self.servicers if hasattr(one, name)]
        return getattr(servicer, name)

    async def refuse_new(self) -> None:
        """Nobody comes by himself."""

    async def stop(self, grace: float) -> None:
        """Nothing is open."""


class Defects(logging.Handler):
    """Remembers what no test may bring about."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


class StillHouse:
    """One daemon's parts; every coroutine is run by `run`, to its end and until all is quiet."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.clock = StillClock()
        self.loop = StillLoop(self.clock)
        self.defects = Defects()
        self._memory = MemoryStore()
        self._memory.last_backup = None  # type: ignore[attr-defined] # none is made
        (directory / "root").mkdir(exist_ok=True)
        self.settings = Settings(
            state_dir=directory,
            listen=(f"unix:{directory}/s",),  # type: ignore[arg-type] # parsed
            roots={"default": directory / "root"},
            files_in_parallel=2,
            daily_backup=False,
        )
        logging.getLogger("bgcopyd").addHandler(self.defects)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs the work and all that comes of it."""

        async def settled() -> T:
            result = await work
            await self._quiet()
            return result

        return self.loop.run_until_complete(settled())

    async def _quiet(self) -> None:
        looks = 0
        while looks < LOOKS:
            await self.store.idle.wait()
            await asyncio.sleep(0)
            quiet = self.store.idle.is_set() and not self.loop.busy
            looks = looks + 1 if quiet else 0
            if looks == LOOKS and self.store.moved:
                newest = (await self.store.store.position()).newest
                self.store.moved = self.daemon.feed.cursor < newest
                looks = 0

    async def open(self) -> None:
        """Starts on what is stored."""
        inner: Store = self._memory
        if self.kind != "memory":
            inner = await KINDS[self.kind](self.settings.state_dir)
        self.store = CountedStore(inner)
        self.engine, self.files = ScriptedEngine(), ScriptedFiles()
        with (
            mock.patch.object(daemon_module, "CurlEngine", return_value=self.engine),
            mock.patch.object(daemon_module, "LocalFiles", return_value=self.files),
            mock.patch.object(daemon_module, "RpcServer", DirectServer),
        ):
            self.daemon = Daemon(self.settings, self.store, self.clock)  # type: ignore[arg-type] # wrapped
        await self.daemon.policies.load()
        await self.daemon.feed.start()
        daemon = self.daemon
        await recover(daemon._store, daemon.completion, self.clock)
        works = (daemon.feed.run(), daemon.scheduler.run(), daemon.timekeeper.run())
        self._tasks = [asyncio.create_task(work) for work in works]

    async def end(self, *, graceful: bool) -> None:
        """Ends as the daemon does, or as a machine without current does."""
        await _cancelled(self._tasks)
        if graceful:
            await self.daemon.close()
        await _cancelled(
            [*self.daemon.runs._tasks.values(), *self.daemon.completion._tasks.values()]
        )
        if self.kind != "memory":
            await self.store.close()

    def close(self) -> None:
        """Ends for good."""
        self.loop.run_until_complete(self.end(graceful=False))
        self.loop.close()
        logging.getLogger("bgcopyd").removeHandler(self.defects)

    async def call(self, rpc: str, caller: Principal, **fields: Any) -> Any:
        """The response, or the name of the reason why there is none."""
        try:
            answer = await self.method(rpc)(caller, MESSAGES[f"{rpc}Request"](**fields))
        except Refusal as refusal:
            return refusal.reason.name
        if isinstance(answer, Message):
            return answer
        return MESSAGES[f"{rpc}Response"].FromString(answer)

    def method(self, rpc: str) -> Any:
        """What serves an RPC."""
        server: Any = self.daemon.server
        return server.method(rpc)


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
