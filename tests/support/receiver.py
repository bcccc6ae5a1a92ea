"""A server that webhooks are sent to, on the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The event, once an independent library has believed its signature."""
        Webhook(secret).verify(self.body, self.headers)
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers with the next of `answers`, 204 once there is none; None holds the connection."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=list)
    messages: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    at_once: int = 0
    most_at_once: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, fields, body))

    async def next(self) -> Message:
        async with asyncio.timeout(50):
            return await self.messages.get()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split()
        planned = self.answers.pop(0) if self.answers else (204, {}, b"")
        self.messages.put_nowait(Message(method, target, headers, body))
        if planned is None:
            await self.held.wait()
            return
        status, fields, text = planned
        said = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        length = f"Content-Length: {len(text)}\r\n" if status != 204 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{said}{length}Connection: close\r\n\r\n".encode())
        writer.write(text)
        await writer.drain()


@contextlib.asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on a free port, or on one that another had."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        receiver.held.set()
        server.close()
        await server.wait_closed()
