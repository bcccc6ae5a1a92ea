"""BackgroundCopyManager over gRPC: bytes, attempts and probes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.api import decode, encode_looking
from bgcopyd.api.tokens import page_token
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.looking import Looker


class LookingServicer:
    """One method per RPC, each with its caller."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker

    async def list_attempts(
        self, caller: Principal, request: pb.ListAttemptsRequest
    ) -> pb.ListAttemptsResponse:
        """ListAttempts."""
        command = decode.list_attempts(request)
        page, following = await self._looker.list_attempts(caller, command)
        scope = decode.attempts_scope(command.job_id, command.index)
        return pb.ListAttemptsResponse(
            attempts=[encode_looking.attempt(one) for one in page],
            next_page_token=page_token(scope, following),
        )

    async def read_file(
        self, caller: Principal, request: pb.ReadFileRequest
    ) -> AsyncIterator[bytes]:
        """ReadFile; the responses are encoded."""
        command = decode.read_file(request)
        async with contextlib.aclosing(self._looker.read_file(caller, command)) as pieces:
            async for offset, data in pieces:
                yield pb.ReadFileResponse(offset=offset, data=data).SerializeToString()

    async def probe_url(
        self, caller: Principal, request: pb.ProbeUrlRequest
    ) -> pb.ProbeUrlResponse:
        """ProbeUrl."""
        probe = await self._looker.probe_url(caller, decode.probe_url(request))
        return encode_looking.probe(probe)
