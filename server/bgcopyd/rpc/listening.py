"""A grpc.aio server for each listener, made anew where a caller has broken it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from bgcopyd.rpc.sockets import Listener

logger = logging.getLogger(__name__)

# A server that broke leaves its listener unanswered for so long at most.
LOOK = 0.5
# Calls that a broken server still serves may end within this time.
LAST_CALLS = 60.0
REBIND_PAUSE = 0.1


# Opens a listener on a server: with port 0 it takes a free one, and is known by its port then.
Bind = Callable[[grpc.aio.Server], None]


@dataclass
class Listening:
    """One listener and who serves it.

    A call whose `:path` is no UTF-8 ends the loop that takes calls of grpc.aio (grpcio 1.80 to
    1.85: it decodes outside of the call's own task), and so all of a server. Nobody needs a
    credential for that. So no two listeners share a server, and one that broke is replaced: its
    connections are told to go, its calls go on.

    Args:
        make: a server with all services, bound to nothing.
        bind: opens the listener on it.
    """

    name: str
    make: Callable[[], grpc.aio.Server]
    bind: Bind
    _server: grpc.aio.Server = field(init=False)
    _keeper: asyncio.Task[None] | None = None
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)

    def open(self) -> None:
        """Opens the listener; nobody is served yet.

        Raises:
            Listener: it could not be opened.
        """
        self._server = self.make()
        self.bind(self._server)

    async def start(self) -> None:
        """Serves."""
        await self._server.start()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self, grace: float) -> None:
        """Lets open calls end within `grace` seconds, then ends them."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        leaving = tuple(self._leaving)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await self._server.stop(grace)

    async def _keep(self) -> None:
        while True:
            try:
                while await self._server.wait_for_termination(timeout=LOOK):
                    pass
            except Exception as problem:  # noqa: BLE001 - whatever it was, others want to be served
                kind = type(problem).__name__
                logger.error("a caller broke the server of %s (%s): made anew", self.name, kind)  # noqa: TRY400 - the traceback is grpc's
                await self._replace()
            else:
                return

    async def _replace(self) -> None:
        task = asyncio.create_task(_end(self._server))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        self._server = self.make()
        await self._bind_again()
        await self._server.start()

    async def _bind_again(self) -> None:
        told = False
        while True:
            try:
                self.bind(self._server)
            except (Listener, OSError) as problem:
                # The broken one may not have let go of it yet, or another has taken the port.
                if not told:
                    logger.warning("%s is tried again: %s", self.name, problem)
                told = True
                await asyncio.sleep(REBIND_PAUSE)
            else:
                return


async def _end(server: grpc.aio.Server) -> None:
    # What broke it is told again, to whoever ends it.
    with contextlib.suppress(Exception):
        await server.stop(LAST_CALLS)
