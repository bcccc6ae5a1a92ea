"""Users of this machine: a socket beside the gRPC one tells each who he is to the kernel.

gRPC does not say who is at the other end of a Unix socket. So whoever connects here gets, in one
line of JSON, a token that is good for a while and stands for his user id.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Token

logger = logging.getLogger(__name__)

LIFETIME = 3600.0
_PREFIX = "bgl_"
_SECRET_BYTES = 32
_CREDENTIALS = struct.Struct("3i")
_OVERFLOW_UID = Path("/proc/sys/kernel/overflowuid")


@dataclass(slots=True)
class _Issued:
    text: str
    token: Token
    end: float


class LocalTokens:
    """Tokens of user ids, in memory alone; all processes of a user share one.

    Args:
        principal: the principal of an owner id.
    """

    def __init__(self, principal: Callable[[str], Principal], clock: Clock) -> None:
        self._principal = principal
        self._clock = clock
        self._by_digest: dict[bytes, _Issued] = {}
        self._by_uid: dict[int, _Issued] = {}

    def issue(self, uid: int) -> tuple[str, Token, float]:
        """A token's text, what it stands for, and for how many seconds it is good at least."""
        now = self._clock.monotonic()
        issued = self._by_uid.get(uid)
        if issued is None or issued.end - now < LIFETIME / 2:
            self._forget(now)
            issued = self._by_uid[uid] = self._make(uid, now)
            self._by_digest[issued.token.digest] = issued
        return issued.text, issued.token, issued.end - now

    def find(self, digest: bytes) -> Token | None:
        """The token of a digest; None where there is none any more."""
        issued = self._by_digest.get(digest)
        return None if issued is None or issued.end <= self._clock.monotonic() else issued.token

    def _make(self, uid: int, now: float) -> _Issued:
        text = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        digest = hashlib.sha256(text.encode()).digest()
        token = Token("", digest, self._principal(f"local:{uid}"), self._clock.now())
        return _Issued(text, token, now + LIFETIME)

    def _forget(self, now: float) -> None:
        for table in (self._by_digest, self._by_uid):
            for key in [key for key, issued in table.items() if issued.end <= now]:
                del table[key]  # type: ignore[arg-type] # its own key


class PeerSockets:
    """The sockets that hand out tokens."""

    def __init__(self, tokens: LocalTokens) -> None:
        self._tokens = tokens
        self._overflow = _overflow_uid()
        self._bound: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []

    def bind(self, path: Path) -> None:
        """Makes a socket; nobody is answered yet.

        Raises:
            OSError: it could not be made.
        """
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._bound.append(made)
        made.bind(str(path))

    async def start(self) -> None:
        """Answers."""
        loop = asyncio.get_running_loop()
        for made in self._bound:
            made.setblocking(False)
            self._servers.append(
                await loop.create_unix_server(lambda: _Teller(self.answer), sock=made)
            )

    async def stop(self) -> None:
        """Answers nobody any more."""
        for server in self._servers:
            server.close()
        for made in self._bound:
            made.close()
        self._servers.clear()
        self._bound.clear()

    def answer(self, uid: int) -> dict[str, object]:
        """What the process of a user id is told."""
        if uid == self._overflow:
            # Everybody whose name space has no name here would be the same owner.
            return {"error": "your user id has no meaning to the daemon; use a bearer token"}
        text, token, seconds = self._tokens.issue(uid)
        return {"token": text, "expires_in": int(seconds), "principal": token.principal.id}


class _Teller(asyncio.Protocol):
    """One connection: it hears one line and is closed; nothing is read from it."""

    def __init__(self, answer: Callable[[int], dict[str, object]]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        writer = cast("asyncio.WriteTransport", transport)
        peer = transport.get_extra_info("socket")
        raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(raw)
        writer.write(json.dumps(self._answer(uid)).encode() + b"\n")
        writer.close()


def _overflow_uid() -> int:
    """The user id that stands for those without one here."""
    try:
        return int(_OVERFLOW_UID.read_text())
    except (OSError, ValueError):
        return 65534
