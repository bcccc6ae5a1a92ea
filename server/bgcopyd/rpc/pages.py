"""Calls with long answers: each owner has few of them under way at a time, the others wait."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from bgcopyd.jobs import limits


class Pages:
    """Takes turns, per owner.

    An answer that its caller does not read stays in memory until he hangs up. What one owner can
    hold in that way is bounded, and so is how long others wait for the loop that makes them.
    """

    def __init__(self, most: int = limits.PAGES_AT_ONCE) -> None:
        self._most = most
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}

    async def turn(self, owner: str, call: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Waits until the owner may have one more long answer; gives the turn back at its end."""
        turn = self._turns.setdefault(owner, asyncio.Semaphore(self._most))
        self._users[owner] = self._users.get(owner, 0) + 1
        try:
            await turn.acquire()
        except BaseException:
            self._leave(owner)
            raise

        def ended(_: grpc.aio.ServicerContext[Any, Any]) -> None:
            turn.release()
            self._leave(owner)

        call.add_done_callback(ended)  # type: ignore[arg-type] # the stubs know no plain functions

    def _leave(self, owner: str) -> None:
        self._users[owner] -= 1
        if not self._users[owner]:
            del self._users[owner], self._turns[owner]
