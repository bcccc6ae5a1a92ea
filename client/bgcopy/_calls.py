"""How every call is made: stub, deadline, token, size check, error translation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.message import Message

from bgcopy._channel import Target, open_channel
from bgcopy._status import to_call_error
from bgcopy.auth import BearerToken
from bgcopy.errors import ClientClosed, RequestTooLarge
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1.background_copy_manager_pb2_grpc import BackgroundCopyManagerStub

if TYPE_CHECKING:
    from bgcopy.v1.background_copy_manager_pb2_grpc import (
        BackgroundCopyManagerAsyncStub as AsyncStub,
    )

    WatchCall = grpc.aio.UnaryStreamCall[
        manager_pb2.WatchJobsRequest, manager_pb2.WatchJobsResponse
    ]

Timeout = timedelta | float
"""A time span; a number is seconds."""

# gRPC core refuses larger messages before any handler sees them, without a word about why.
LARGEST_REQUEST = 4 << 20

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


def to_seconds(timeout: Timeout) -> float:
    """The span in seconds.

    Raises:
        ValueError: it is not positive.
    """
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not seconds > 0:
        raise ValueError("a timeout must be longer than 0 s")
    return seconds


class Calls:
    """The client's end of the wire. Channels open with the first call, in the running loop."""

    def __init__(
        self,
        target: Target,
        *,
        credentials: grpc.ChannelCredentials | None,
        token: BearerToken | None,
        timeout: Timeout,
    ) -> None:
        self.target = target
        self._credentials = credentials
        self._metadata = (token.metadata(),) if token else ()
        self._timeout = to_seconds(timeout)
        self._channels: dict[bool, grpc.aio.Channel] = {}
        self._closed = False

    async def unary(
        self,
        method: Callable[[AsyncStub], grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]],
        request: RequestT,
        timeout: Timeout | None,
    ) -> ResponseT:
        """Make a call and return its answer.

        Raises:
            BgcopyError: the call failed.
        """
        size = request.ByteSize()
        if size > LARGEST_REQUEST:
            raise RequestTooLarge(
                f"the request has {size} bytes and a server takes {LARGEST_REQUEST}; create the "
                "job suspended, add its files in batches, and resume it"
            )
        # A repeated call with an etag would fail on the change that its first try made.
        stub = self._stub(retries=not getattr(request, "etag", ""))
        seconds = self._timeout if timeout is None else to_seconds(timeout)
        try:
            return await method(stub)(request, timeout=seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise to_call_error(error) from error
        except asyncio.CancelledError:
            self.raise_if_closed()
            raise

    def watch(self, request: manager_pb2.WatchJobsRequest) -> WatchCall:
        """Open the stream of a watch; the caller cancels it."""
        stub = self._stub(retries=True)
        return stub.WatchJobs(request, metadata=self._metadata)

    def raise_if_closed(self) -> None:
        """Tell a close of the client from a cancelled task, for both are CancelledError to gRPC.

        Raises:
            ClientClosed: the client was closed and nobody cancelled the task.
        """
        task = asyncio.current_task()
        if self._closed and (task is None or not task.cancelling()):
            raise ClientClosed("the client was closed while the call was under way") from None

    async def close(self) -> None:
        """Close the channels; calls under way end with ClientClosed."""
        self._closed = True
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close()

    def _stub(self, *, retries: bool) -> AsyncStub:
        if self._closed:
            raise ClientClosed("the client is closed")
        channel = self._channels.get(retries)
        if channel is None:
            channel = open_channel(self.target, self._credentials, retries=retries)
            self._channels[retries] = channel
        return BackgroundCopyManagerStub(channel)
