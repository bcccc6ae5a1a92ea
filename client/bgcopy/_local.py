"""Who a user is to a daemon that he shares with others of his machine (docs/identities.md).

Such a daemon has a socket beside the one of gRPC, named as that with `.id`: whoever connects hears
one line of JSON with a token that is good for a while.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress

import grpc

from bgcopy._call_details import CallDetails
from bgcopy.auth import BearerToken
from bgcopy.errors import CallError, CredentialMissing, Unauthenticated

SUFFIX = ".id"

_PATIENCE = 5.0
_LONGEST_LINE = 4096
# A token is renewed when this part of its life is over.
_WORN = 0.8
_ABSENT = float("inf")

Metadata = tuple[tuple[str, str], ...]


class LocalIdentity:
    """The token for one Unix socket, fetched when it is needed; none where no daemon hands any out.

    Args:
        socket_path: the daemon's gRPC socket.
    """

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path + SUFFIX
        self._metadata: Metadata = ()
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """What to send with a call.

        Raises:
            Unauthenticated: the daemon knows no identity for this user.
        """
        loop = asyncio.get_running_loop()
        if loop.time() >= self._until:
            async with self._lock:
                if loop.time() >= self._until:
                    await self._fetch(loop)
        return self._metadata

    def renews(self, error: CallError) -> bool:
        """Whether a call that failed may succeed with a new token, which is fetched then."""
        if not isinstance(error, Unauthenticated):
            return False
        self._until = 0.0
        return self._there()

    def _there(self) -> bool:
        return os.path.exists(self._path)  # noqa: PTH110 - a str, as sockets want it

    async def _fetch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._metadata, self._until = (), _ABSENT
        if not self._there():
            return
        # Where nobody answers the call itself tells that.
        with suppress(OSError, TimeoutError, ValueError, TypeError, KeyError):
            async with asyncio.timeout(_PATIENCE):
                answer = json.loads(await self._line())
            if "error" in answer:
                raise CredentialMissing(
                    CallDetails(grpc.StatusCode.UNAUTHENTICATED, str(answer["error"]))
                )
            self._metadata = (BearerToken(str(answer["token"])).metadata(),)
            self._until = loop.time() + float(answer["expires_in"]) * _WORN

    async def _line(self) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=_LONGEST_LINE)
        try:
            return await reader.readline()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
