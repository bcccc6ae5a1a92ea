"""How every call is made: stub, deadline, token, size check, error translation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

import grpc
from google.protobuf.message import Message

from bgcopy._call_details import CallDetails
from bgcopy._channel import Target, open_channel
from bgcopy._local import LocalIdentity, Metadata
from bgcopy._status import to_call_error
from bgcopy.auth import BearerToken
from bgcopy.errors import CallError, ClientClosed, DeadlineExceeded, RequestTooLarge
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

# A server takes 100 streams on a connection and resets what comes beyond them. Watches stay open,
# so they have connections of their own.
CALLS_AT_ONCE = 80
WATCHES_ON_A_CHANNEL = 80

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


class _Lane:
    """A channel for watches, and how many of them are open on it."""

    __slots__ = ("channel", "open")

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.open = 0

    def leave(self, _call: object) -> None:
        """A watch has ended."""
        self.open -= 1


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
        self._metadata: Metadata = (token.metadata(),) if token else ()
        self._identity = None
        if token is None and target.socket_path is not None:
            self._identity = LocalIdentity(target.socket_path)
        self._timeout = to_seconds(timeout)
        self._channels: dict[bool, grpc.aio.Channel] = {}
        self._lanes: list[_Lane] = []
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._closed = False

    async def unary(
        self,
        method: Callable[[AsyncStub], grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]],
        request: RequestT,
        timeout: Timeout | None,
    ) -> ResponseT:
        """Make a call of BackgroundCopyManager and return its answer.

        Raises:
            BgcopyError: the call failed.
        """
        return await self.call(
            lambda channel: method(BackgroundCopyManagerStub(channel)), request, timeout
        )

    async def call(
        self,
        method: Callable[[grpc.aio.Channel], grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]],
        request: RequestT,
        timeout: Timeout | None,
    ) -> ResponseT:
        """Make a call of any service and return its answer.

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
        channel = self._channel(retries=not getattr(request, "etag", ""))
        seconds = self._timeout if timeout is None else to_seconds(timeout)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        await self._turn(seconds)
        try:
            while True:
                metadata = await self._credential()
                left = max(0.0, deadline - loop.time())
                try:
                    return await method(channel)(request, timeout=left, metadata=metadata)
                except grpc.aio.AioRpcError as error:
                    problem = to_call_error(error)
                    # With the same token again it would be refused again.
                    if not self.renews(problem) or metadata == await self._credential():
                        raise problem from error
        except asyncio.CancelledError:
            self.raise_if_closed()
            raise
        finally:
            self._turns.release()

    async def _credential(self) -> Metadata:
        return self._metadata if self._identity is None else await self._identity.metadata()

    def renews(self, error: CallError) -> bool:
        """Whether the call may succeed with another token, which the next one brings."""
        return self._identity is not None and self._identity.renews(error)

    async def _turn(self, seconds: float) -> None:
        """Waits until another call may be made on the connection."""
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            message = f"{CALLS_AT_ONCE} other calls of this client were under way all the time"
            raise DeadlineExceeded(
                CallDetails(grpc.StatusCode.DEADLINE_EXCEEDED, message)
            ) from None

    async def stream(
        self,
        method: Callable[[AsyncStub], grpc.aio.UnaryStreamMultiCallable[RequestT, ResponseT]],
        request: RequestT,
    ) -> AsyncGenerator[ResponseT, None]:
        """Make a call that answers with a stream; however its loop is left, the call ends.

        Raises:
            BgcopyError: the call failed.
        """
        await self._turn(self._timeout)
        try:
            stub = BackgroundCopyManagerStub(self._channel(retries=True))
            call = method(stub)(request, metadata=await self._credential())
            try:
                while (message := await call.read()) is not grpc.aio.EOF:
                    yield cast("ResponseT", message)
            finally:
                call.cancel()
        except grpc.aio.AioRpcError as error:
            problem = to_call_error(error)
            self.renews(problem)
            raise problem from error
        except asyncio.CancelledError:
            self.raise_if_closed()
            raise
        finally:
            self._turns.release()

    async def watch(self, request: manager_pb2.WatchJobsRequest) -> WatchCall:
        """Open the stream of a watch; the caller cancels it."""
        if self._closed:
            raise ClientClosed("the client is closed")
        metadata = await self._credential()
        lane = next((lane for lane in self._lanes if lane.open < WATCHES_ON_A_CHANNEL), None)
        if lane is None:
            lane = _Lane(open_channel(self.target, self._credentials, retries=True))
            self._lanes.append(lane)
        call = BackgroundCopyManagerStub(lane.channel).WatchJobs(request, metadata=metadata)
        lane.open += 1
        call.add_done_callback(lane.leave)
        return call

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
        channels = [*self._channels.values(), *(lane.channel for lane in self._lanes)]
        self._channels, self._lanes = {}, []
        for channel in channels:
            await channel.close()

    def _channel(self, *, retries: bool) -> grpc.aio.Channel:
        if self._closed:
            raise ClientClosed("the client is closed")
        channel = self._channels.get(retries)
        if channel is None:
            channel = open_channel(self.target, self._credentials, retries=retries)
            self._channels[retries] = channel
        return channel
