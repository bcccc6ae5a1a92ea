"""Load in a process of its own: `python -m tests.bench.load`, told on stdin, answering on stdout.

Unary calls, a fixed number of them under way, over a few connections. What it measures of the
server it takes itself, within the same seconds: its processor time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.http2 import Connection, connect
from tests.bench.setup import cpu_seconds, python_module
from tests.support.http2_frames import message

WARM_UP = 0.5
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `pause` seconds between two calls of a caller, for latency without load."""

    target: str
    path: str
    payloads: str
    server_pid: int
    seconds: float
    callers: int = 64
    connections: int = 4
    pause: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. Latencies are seconds; `busy` is the server's share of one core."""

    rate: float
    calls: int
    failures: int
    p50: float
    p99: float
    busy: float
    client_busy: float
    cpu_per_call: float


def write_payloads(path: Path, payloads: Sequence[bytes]) -> None:
    """Requests for `Order.payloads`, each taken once and then again from the first."""
    path.write_bytes(b"".join(_LENGTH.pack(len(one)) + one for one in payloads))


def _read_payloads(path: Path) -> list[bytes]:
    data = path.read_bytes()
    payloads, place = [], 0
    while place < len(data):
        (length,) = _LENGTH.unpack_from(data, place)
        payloads.append(message(data[place + 4 : place + 4 + length]))
        place += 4 + length
    return payloads


async def run_load(order: Order) -> Outcome:
    """Runs the load in a child process."""
    process = await asyncio.create_subprocess_exec(
        *python_module("tests.bench.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(dataclasses.asdict(order)).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    outcome = Outcome(**json.loads(out))
    if outcome.failures:
        raise RuntimeError(f"{outcome.failures} of {outcome.calls} calls of {order.path} failed")
    return outcome


class Load:
    """The callers of one order."""

    def __init__(self, order: Order, payloads: list[bytes]) -> None:
        self._order = order
        self._payloads = self._endless(payloads)
        self._begun: dict[tuple[int, int], float] = {}
        self._answered: set[tuple[int, int]] = set()
        self._connections: list[Connection] = []
        self.latencies: list[float] = []
        self.failures = 0

    @staticmethod
    def _endless(payloads: list[bytes]) -> Iterator[bytes]:
        while True:
            yield from payloads

    async def start(self) -> None:
        """Connects and sets every caller to work."""
        order = self._order
        for number in range(order.connections):
            self._connections.append(
                await connect(order.target, order.path, order.metadata, self._receiver(number))
            )
        for caller in range(order.callers):
            self._call(caller % order.connections)
        for connection in self._connections:
            connection.flush()

    def close(self) -> None:
        """Hangs up."""
        for connection in self._connections:
            connection.close()

    def _call(self, number: int) -> None:
        stream = self._connections[number].call(next(self._payloads))
        self._begun[number, stream] = time.perf_counter()

    def _later(self, number: int) -> None:
        self._call(number)
        self._connections[number].flush()

    def _receiver(self, number: int) -> Any:
        def received(stream: int, end: bool, data: bytes) -> None:  # noqa: FBT001 - a callback
            key = number, stream
            if data:
                self._answered.add(key)
            if not end:
                return
            self.latencies.append(time.perf_counter() - self._begun.pop(key))
            # A refusal has trailers only.
            self.failures += key not in self._answered
            self._answered.discard(key)
            if self._order.pause:
                asyncio.get_running_loop().call_later(self._order.pause, self._later, number)
            else:
                self._call(number)

        return received


async def measure(order: Order) -> Outcome:
    """Loads, and takes what is measured between the warm-up and the end."""
    load = Load(order, _read_payloads(Path(order.payloads)))
    await load.start()
    await asyncio.sleep(WARM_UP)
    load.latencies.clear()
    cpu, own, begun = cpu_seconds(order.server_pid), time.process_time(), time.perf_counter()
    await asyncio.sleep(order.seconds)
    wall = time.perf_counter() - begun
    used = cpu_seconds(order.server_pid) - cpu
    own = time.process_time() - own
    latencies = sorted(load.latencies)
    load.close()
    count = len(latencies)
    if not count:
        raise RuntimeError("no call was answered")
    return Outcome(
        rate=count / wall,
        calls=count,
        failures=load.failures,
        p50=latencies[count // 2],
        p99=latencies[min(count - 1, count * 99 // 100)],
        busy=used / wall,
        client_busy=own / wall,
        cpu_per_call=used / count,
    )


def main() -> None:
    """Reads the order, prints the outcome."""
    order = Order(**json.load(sys.stdin))
    print(json.dumps(dataclasses.asdict(asyncio.run(measure(order)))))


if __name__ == "__main__":
    main()
