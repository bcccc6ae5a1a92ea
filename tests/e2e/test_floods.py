"""What a stranger with a socket can do to the daemon: nothing that others notice."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator

import psutil
import pytest

import bgcopy
from bgcopy.v1 import background_copy_manager_pb2 as pb
from tests.support.daemon import DaemonProcess
from tests.support.http2_frames import (
    ACK,
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    call_headers,
    connected,
    frame,
    opening,
    unary,
)

SERVICE = "/bgcopy.v1.BackgroundCopyManager"
INFO = f"{SERVICE}/GetServerInfo"
MIB = 1 << 20


def memory(daemon: DaemonProcess) -> int:
    return int(psutil.Process(daemon.pid).memory_info().rss)


@pytest.fixture
async def attacked(make_daemon: Callable[..., DaemonProcess]) -> AsyncIterator[DaemonProcess]:
    """A daemon that is alive and serves others afterwards."""
    daemon = await make_daemon(tcp=True).start()
    yield daemon
    async with bgcopy.AsyncClient(daemon.target) as client:
        info = await client.get_server_info(timeout=20)
        assert info.caller.admin
    assert "incident" not in daemon.log


def address(daemon: DaemonProcess) -> tuple[str, int]:
    host, _, port = daemon.tcp_target.rpartition(":")
    return host, int(port)


def send_all(daemon: DaemonProcess, pieces: Iterator[bytes]) -> None:
    """Sends until the daemon hangs up or all is said, and waits until it has."""
    # It may hang up at any byte.
    with contextlib.suppress(OSError), connected(*address(daemon)) as link:
        say(link, pieces)


def say(link: socket.socket, pieces: Iterator[bytes]) -> None:
    """Says all of it, and reads to the end."""
    for piece in pieces:
        link.sendall(piece)
    link.shutdown(socket.SHUT_WR)
    while link.recv(1 << 16):
        pass


def once(*pieces: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(pieces)


def endless_continuation() -> Iterator[bytes]:
    yield opening() + frame(HEADERS, 0, 1, call_headers(INFO))
    block = call_headers(INFO, x="y" * 1000)
    for _ in range(20_000):
        yield frame(CONTINUATION, 0, 1, block)


def many(piece: bytes, count: int) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield opening()
        for _ in range(count // 100):
            yield piece * 100

    return pieces


ATTACKS: dict[str, Callable[[], Iterator[bytes]]] = {
    "nothing but noise": once(random.Random(1).randbytes(1 << 20)),
    "HTTP/1.1": once(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "TLS": once(bytes.fromhex("160301020001")),
    "a preface cut off": once(PREFACE[:10]),
    "a frame of 16 MiB": once(opening() + b"\xff\xff\xff\0\0\0\0\0\1" + bytes(1 << 20)),
    "data on no stream": once(opening() + frame(DATA, 0, 0, b"x")),
    "data on a stream that is not open": once(opening() + frame(DATA, 0, 7, b"x")),
    "headers on an even stream": once(opening() + frame(HEADERS, 5, 2, call_headers(INFO))),
    "headers that are no HPACK": once(opening() + frame(HEADERS, 5, 1, b"\xff" * 200)),
    "an HPACK integer without end": once(opening() + frame(HEADERS, 5, 1, b"\x7f" + b"\xff" * 99)),
    "continuation without headers": once(opening() + frame(CONTINUATION, 4, 1, b"\x82")),
    "continuation without end": endless_continuation,
    "a window that overflows": once(
        opening() + frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 9
    ),
    "a window update of nothing": once(opening() + frame(WINDOW_UPDATE, 0, 0, bytes(4))),
    "settings of odd length": once(opening() + frame(SETTINGS, 0, 0, b"12345")),
    "settings that make no sense": once(
        opening() + frame(SETTINGS, 0, 0, struct.pack(">HIHI", 4, 0xFFFFFFFF, 5, 1))
    ),
    "settings again and again": many(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)), 50_000),
    "pings again and again": many(frame(PING, 0, 0, bytes(8)), 5_000),
    "pongs that nobody asked for": many(frame(PING, ACK, 0, bytes(8)), 50_000),
    "priorities again and again": many(frame(PRIORITY, 0, 1, b"\0\0\0\3\xff"), 50_000),
    "a dependency on itself": once(opening() + frame(PRIORITY, 0, 1, b"\0\0\0\1\xff")),
    "empty data again and again": many(frame(DATA, 0, 1), 50_000),
    "unknown frames": many(frame(99, 0xFF, 1, b"x" * 100), 20_000),
    "a message that claims 4 GiB": once(
        opening()
        + frame(HEADERS, END_HEADERS, 1, call_headers(INFO))
        + frame(DATA, END_STREAM, 1, b"\0\xff\xff\xff\xff")
    ),
    "a message said to be compressed": once(
        opening()
        + frame(HEADERS, END_HEADERS, 1, call_headers(INFO))
        + frame(DATA, END_STREAM, 1, b"\1\0\0\0\3abc")
    ),
    "a message that is no protobuf": once(opening() + unary(1, INFO, b"\xff" * 50)),
    "a method of nobody": once(opening() + unary(1, "/x.y/Z", b"")),
    "a path with a NUL": once(opening() + unary(1, "/\0", b"")),
    "metadata of 100 KiB": once(opening() + unary(1, INFO, b"", x="y" * 100_000)),
}


@pytest.mark.timeout(240)
async def test_attacks_one_after_the_other(attacked: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(attacked.target) as client:
        for name, attack in ATTACKS.items():
            before = memory(attacked)
            await asyncio.to_thread(send_all, attacked, attack())
            await client.get_server_info(timeout=20)
            assert memory(attacked) - before < 48 * MIB, name


def mutated(seed: int) -> bytes:
    """A good call of which some bytes are other ones."""
    dice = random.Random(seed)
    good = bytearray(opening() + unary(1, INFO, b"") + unary(3, f"{SERVICE}/ListJobs", b"\x08\x05"))
    for _ in range(dice.randint(1, 8)):
        good[dice.randrange(len(PREFACE), len(good))] = dice.randrange(256)
    return bytes(good)


async def test_mutated_calls(attacked: DaemonProcess) -> None:
    def attack() -> None:
        for seed in range(300):
            with contextlib.suppress(OSError), connected(*address(attacked)) as link:
                link.sendall(mutated(seed))

    before = memory(attacked)
    await asyncio.to_thread(attack)
    assert memory(attacked) - before < 48 * MIB


async def test_a_path_that_is_no_text_breaks_nothing_for_others(attacked: DaemonProcess) -> None:
    """It ends the loop of grpc.aio that takes calls: grpc's own defect."""
    token = await attacked.token("anna")
    broken = opening() + unary(1, b"/\xff", b"")
    async with (
        bgcopy.AsyncClient(attacked.target) as local,
        bgcopy.AsyncClient(attacked.tcp_target, token=token) as remote,
    ):
        job = await remote.create_job("watched")
        async with job.watch() as events:
            await anext(events)
            for attempt in range(3):
                await asyncio.to_thread(send_all, attacked, iter([broken]))
                await local.get_server_info(timeout=20)
                assert (await remote.get_job(job.job_id, timeout=20)).job_id == job.job_id
                await job.update(description=f"{attempt}")
                while (await anext(events)).description != f"{attempt}":
                    pass
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(str(attacked.socket_path))
        await asyncio.to_thread(say, link, iter([broken]))
    async with bgcopy.AsyncClient(attacked.target) as local:
        await local.get_server_info(timeout=20)
    assert attacked.socket_path.stat().st_mode & 0o777 == 0o600
    assert attacked.log.count("made anew") == 4


async def test_rapid_resets(attacked: DaemonProcess) -> None:
    def calls() -> Iterator[bytes]:
        yield opening()
        block = call_headers(f"{SERVICE}/WatchJobs")
        for number in range(20_000):
            stream = 2 * number + 1
            yield frame(HEADERS, END_HEADERS, stream, block) + frame(
                RST_STREAM, 0, stream, struct.pack(">I", CANCEL)
            )

    before = memory(attacked)
    await asyncio.to_thread(send_all, attacked, calls())
    assert memory(attacked) - before < 64 * MIB


async def test_five_thousand_connections(attacked: DaemonProcess) -> None:
    before = memory(attacked)
    links: list[socket.socket] = []
    try:
        for number in range(5000):
            link = socket.socket()
            link.setblocking(False)
            links.append(link)
            with contextlib.suppress(BlockingIOError):
                link.connect(address(attacked))
            if number % 100 == 0:
                await asyncio.sleep(0)
        async with bgcopy.AsyncClient(attacked.target) as client:
            job = await client.create_job("beside a crowd", timeout=20)
            assert (await client.get_job(job.job_id, timeout=20)).display_name == "beside a crowd"
        assert memory(attacked) - before < 256 * MIB
    finally:
        for link in links:
            link.close()


async def test_readers_that_do_not_read(attacked: DaemonProcess) -> None:
    async with bgcopy.AsyncClient(attacked.target) as client:
        for number in range(300):
            await client.create_job(f"{number}", description="d" * 1024, labels=LABELS)
    token = await attacked.token("reader", "--admin")
    request = pb.ListJobsRequest(
        page_size=1000, filter=pb.JobFilter(all_owners=True)
    ).SerializeToString()
    path = f"{SERVICE}/ListJobs"
    before = memory(attacked)
    links = []
    try:
        for _ in range(20):
            link = connected(*address(attacked))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            links.append(link)
            calls = [
                unary(2 * number + 1, path, request, authorization=f"Bearer {token}")
                for number in range(50)
            ]
            link.sendall(opening() + b"".join(calls))
        async with bgcopy.AsyncClient(attacked.target) as client:
            for _ in range(20):
                await client.get_server_info(timeout=20)
        assert memory(attacked) - before < 160 * MIB
    finally:
        for link in links:
            link.close()


LABELS = {f"label-{number}": "v" * 200 for number in range(10)}
