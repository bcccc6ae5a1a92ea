"""Addresses where nobody answers, and proxies of others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from tests.support.http_proxies import join


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 address of its own."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def black_hole(address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port at which connections are never made nor refused: its queue is full. Gives the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind((address, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        while True:
            filler = stack.enter_context(socket.socket(family))
            filler.settimeout(0.3)
            try:
                filler.connect((address, port))
            except TimeoutError:
                break
        yield port


@contextlib.contextmanager
def in_tls(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port at which a server of this machine is reached by TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(connection, server_side=True) as safe,
                socket.create_connection(("127.0.0.1", port)) as plain,
            ):
                join(safe, plain)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def free_port() -> int:
    """A port of the loopback that nobody had a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


async def answers(port: int, child: asyncio.subprocess.Process) -> bool:
    """Whether the child accepts connections; another may have taken its port meanwhile."""
    while child.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return child.returncode is None
    return False


@contextlib.asynccontextmanager
async def _running(command: Callable[[int], Sequence[str]]) -> AsyncIterator[int]:
    async with asyncio.timeout(30):
        while True:
            port = free_port()
            child = await asyncio.create_subprocess_exec(
                *command(port),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            if await answers(port, child):
                break
    try:
        yield port
    finally:
        child.terminate()
        await child.wait()


@contextlib.asynccontextmanager
async def microsocks(user: str, password: str) -> AsyncIterator[int]:
    """A SOCKS5 proxy that wants a password; its port."""

    def command(port: int) -> list[str]:
        return ["microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", user, "-P", password]

    async with _running(command) as port:
        yield port


@contextlib.asynccontextmanager
async def tinyproxy(directory: Path, user: str, password: str) -> AsyncIterator[int]:
    """An HTTP proxy that wants a password; its port."""
    settings = directory / "tinyproxy.conf"

    def command(port: int) -> list[str]:
        settings.write_text(
            f"Port {port}\nListen 127.0.0.1\nTimeout 30\nMaxClients 20\nLogLevel Critical\n"
            f'LogFile "{directory}/tinyproxy.log"\nBasicAuth {user} {password}\n'
        )
        return ["tinyproxy", "-d", "-c", str(settings)]

    async with _running(command) as port:
        yield port
