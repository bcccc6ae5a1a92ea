"""Watchers in a process of their own: `python -m tests.bench.watchers`, told on stdin.

It prints a line when all snapshots are there, and at the end of stdin what the readers saw: for
each job the times (CLOCK_MONOTONIC) at which each watch was told of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from bgcopy.v1 import background_copy_manager_pb2 as pb
from tests.bench.http2 import Connection, connect
from tests.support.http2_frames import message

PATH = "/bgcopy.v1.BackgroundCopyManager/WatchJobs"
# A server allows 100 streams a connection; a client seldom needs as many.
PER_CONNECTION = 20


@dataclass(frozen=True, slots=True)
class Order:
    """How many watches; `readers` of them read, the others never do after their snapshot."""

    target: str
    watchers: int
    readers: int


@dataclass
class Watches:
    """All watches of one connection."""

    wanted: int
    done: Callable[[], None]
    told: dict[str, list[float]]
    snapshots: int = 0
    buffers: dict[int, bytearray] = field(default_factory=lambda: defaultdict(bytearray))

    def received(self, stream: int, end: bool, data: bytes) -> None:  # noqa: FBT001 - a callback
        """Puts messages together; one may come in several frames, or several in one."""
        if end:
            raise RuntimeError("the server ended a watch")
        buffer = self.buffers[stream]
        buffer += data
        while len(buffer) >= 5:
            length = int.from_bytes(buffer[1:5], "big")
            if len(buffer) < 5 + length:
                return
            self._event(pb.WatchJobsResponse.FromString(bytes(buffer[5 : 5 + length])))
            del buffer[: 5 + length]

    def _event(self, event: pb.WatchJobsResponse) -> None:
        kind = event.WhichOneof("event")
        if kind == "snapshot_complete":
            self.snapshots += 1
            if self.snapshots == self.wanted:
                self.done()
        elif kind == "job_changed":
            self.told[event.job_changed.job_id].append(time.monotonic())


async def open_all(order: Order, told: dict[str, list[float]]) -> list[Connection]:
    """Connects all watches and waits for their snapshots."""
    request = message(pb.WatchJobsRequest().SerializeToString())
    connections = []
    left = order.watchers
    while left:
        count = min(PER_CONNECTION, left)
        complete = asyncio.Event()
        watches = Watches(count, complete.set, told)
        connection = await connect(order.target, PATH, {}, watches.received)
        for _ in range(count):
            connection.call(request)
        connection.flush()
        await complete.wait()
        if left <= order.watchers - order.readers:
            connection.hang()
        connections.append(connection)
        left -= count
    return connections


async def main() -> None:
    """Opens, waits for the end of stdin, answers."""
    order = Order(**json.loads(sys.stdin.readline()))
    told: dict[str, list[float]] = defaultdict(list)
    connections = await open_all(order, told)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for connection in connections:
        connection.close()
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main())
