"""An engine and a file system that do as a test says, behind the queue's real ports."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bgcopyd.jobs.file import FileRange, Validators, Verification
from bgcopyd.jobs.job import ErrorContext, TransferError
from bgcopyd.jobs.options import OverwritePolicy
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.upload import Upload
from bgcopyd.queue.transfers import (
    Claimed,
    Connected,
    Event,
    Failed,
    Finished,
    Limits,
    Noted,
    Partial,
    Placed,
    Placement,
    Probe,
    Received,
    Stopped,
    Transfer,
    TransferOptions,
    Unwanted,
)

NO_VALIDATORS = Validators()


def failure(
    reason: Reason = Reason.TIMEOUT, *, transient: bool = True, message: str = "It is silent."
) -> TransferError:
    """Why a transfer failed."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return TransferError(reason, ErrorContext.GENERAL_TRANSPORT, message, now, transient)


class ScriptedEngine:
    """Holds what it is given until the test lets it go on.

    `obedient` engines end a transfer that is told to stop at once.
    """

    def __init__(self, *, obedient: bool = True) -> None:
        self.obedient = obedient
        self.active: dict[tuple[str, int], Transfer] = {}
        self.stops: list[str] = []
        self.proceeded: list[tuple[str, int]] = []
        self.rates: list[tuple[str, int]] = []
        self.limits: list[Limits] = []
        self.looks: list[str] = []
        self.started = 0
        self.probed: list[tuple[str, TransferOptions]] = []
        self.answer = Probe()
        self._claimed: dict[tuple[str, int], int] = {}
        self._sizes: dict[tuple[str, int], int | None] = {}
        self._new: asyncio.Queue[Transfer] = asyncio.Queue()
        self._proceeds: asyncio.Queue[None] = asyncio.Queue()
        self._callback: Callable[[Sequence[Event]], None] = lambda _events: None

    def start(self, transfers: Sequence[Transfer]) -> None:
        for transfer in transfers:
            key = (transfer.job_id, transfer.index)
            assert key not in self.active, f"file {key} was started twice"
            self.active[key] = transfer
            self._claimed[key] = transfer.claimed
            self._sizes[key] = transfer.size
            self.started += 1
            self._new.put_nowait(transfer)

    def stop(self, job_id: str) -> None:
        self.stops.append(job_id)
        if self.obedient:
            asyncio.get_running_loop().call_soon(self.let_stop, job_id)

    def proceed(self, job_id: str, index: int) -> None:
        self.proceeded.append((job_id, index))
        self._proceeds.put_nowait(None)

    async def let_proceed(self) -> None:
        """Waits until an upload may go on."""
        async with asyncio.timeout(10):
            await self._proceeds.get()

    def reply(self, one: Transfer, size: int, reply: int) -> None:
        """Ends an upload whose answer has so many bytes."""
        self._end(one)
        assert one.upload is not None
        upload = dataclasses.replace(one.upload, reply_size=reply)
        name = (one.job_id, one.claim_id, one.index)
        self._send(Finished(*name, size, NO_VALIDATORS, None, 1, 1, upload=upload))

    def note(self, one: Transfer, upload: Upload) -> None:
        self._send(Noted(one.job_id, one.claim_id, one.index, upload))

    def set_rate(self, job_id: str, rate: int) -> None:
        self.rates.append((job_id, rate))

    def look_again(self, owner: str) -> None:
        self.looks.append(owner)

    def set_limits(self, limits: Limits) -> None:
        self.limits.append(limits)

    async def probe(self, url: str, options: TransferOptions) -> Probe:
        """Answers with what the test has put there."""
        self.probed.append((url, options))
        return self.answer

    def on_events(self, callback: Callable[[Sequence[Event]], None]) -> None:
        self._callback = callback

    async def close(self) -> None:
        for job_id in {job_id for job_id, _ in self.active}:
            self.let_stop(job_id)

    async def next(self) -> Transfer:
        """The next transfer that was started."""
        async with asyncio.timeout(10):
            return await self._new.get()

    async def take(self, count: int) -> list[Transfer]:
        """The next few."""
        return [await self.next() for _ in range(count)]

    def satisfy(self, one: Transfer, *filled: FileRange) -> None:
        """Ends a transfer because all that was requested is there."""
        claimed, size = self._end(one)
        stopped = Stopped(one.job_id, one.claim_id, one.index, claimed, size, NO_VALIDATORS)
        self._send(dataclasses.replace(stopped, filled=filled, satisfied=True))

    def let_stop(self, job_id: str) -> None:
        """Ends the job's transfers as stopped."""
        for one in [one for (owner, _), one in self.active.items() if owner == job_id]:
            claimed, size = self._end(one)
            self._send(Stopped(one.job_id, one.claim_id, one.index, claimed, size, NO_VALIDATORS))

    def connect(self, one: Transfer, size: int | None) -> None:
        self._sizes[one.job_id, one.index] = size
        self._send(Connected(one.job_id, one.claim_id, one.index, size, NO_VALIDATORS))

    def receive(self, one: Transfer, received: int) -> None:
        self._send(Received(one.job_id, one.claim_id, one.index, received))

    def claim(self, one: Transfer, claimed: int, size: int | None) -> None:
        self._claimed[one.job_id, one.index] = claimed
        self._sizes[one.job_id, one.index] = size
        self._send(Claimed(one.job_id, one.claim_id, one.index, claimed, size, NO_VALIDATORS))

    def finish(self, one: Transfer, size: int) -> None:
        self._end(one)
        verified = Verification.VALIDATOR
        self._send(
            Finished(
                one.job_id, one.claim_id, one.index, size, NO_VALIDATORS, verified, 1, one.index + 1
            )
        )

    def fail(
        self,
        one: Transfer,
        error: TransferError,
        *,
        retry_after: float | None = None,
        held: str = "",
    ) -> None:
        claimed, size = self._end(one)
        self._send(
            Failed(
                one.job_id,
                one.claim_id,
                one.index,
                error,
                claimed,
                size,
                NO_VALIDATORS,
                retry_after,
                held=held,
            )
        )

    def _end(self, one: Transfer) -> tuple[int, int | None]:
        key = (one.job_id, one.index)
        del self.active[key]
        return self._claimed.pop(key), self._sizes.pop(key)

    def _send(self, event: Event) -> None:
        self._callback([event])


class ScriptedFiles:
    """Names files by writing down that it did.

    `problems` are refused names by index; paths in `taken` exist, which a policy may mind; `gate`,
    where set, holds every call back.
    """

    def __init__(self) -> None:
        self.problems: dict[int, str] = {}
        self.taken: set[str] = set()
        self.named: set[str] = set()
        self.placements: list[Placement] = []
        self.discarded: list[Partial] = []
        self.swept: list[tuple[str, str]] = []
        self.leftovers: set[tuple[str, int]] = set()
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()

    async def place(self, placements: Sequence[Placement]) -> list[Placed]:
        await self._pass()
        self.placements += placements
        done = []
        for one in placements:
            exists = one.path in self.taken and one.overwrite is OverwritePolicy.FAIL
            problem = "is there" if exists else self.problems.get(one.index, "")
            if not problem:
                self.named.add(one.path)
            done.append(Placed(one.index, problem, exists=exists))
        return done

    async def discard(self, partials: Sequence[Partial]) -> list[str]:
        await self._pass()
        self.discarded += partials
        return []

    async def sweep(self, directories: Sequence[tuple[str, str]], unwanted: Unwanted) -> int:
        await self._pass()
        self.swept += directories
        return len(await unwanted(frozenset(self.leftovers)))

    def close(self) -> None:
        """Nothing is held."""

    async def _pass(self) -> None:
        self.waiting.set()
        if self.gate is not None:
            await self.gate.wait()
