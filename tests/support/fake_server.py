"""A real grpc.aio server whose servicer does as a test says."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import google.rpc.error_details_pb2 as details_pb2
import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1.admin_service_pb2_grpc import add_AdminServiceServicer_to_server
from bgcopy.v1.background_copy_manager_pb2_grpc import (
    BackgroundCopyManagerServicer,
    add_BackgroundCopyManagerServicer_to_server,
)

RPCS = [m.name for m in pb.DESCRIPTOR.services_by_name["BackgroundCopyManager"].methods]

Context = grpc.aio.ServicerContext[Any, Any]
Handler = Callable[[Any, Context], Awaitable[Any]]
WatchHandler = Callable[[pb.WatchJobsRequest, Context], AsyncIterator[pb.WatchJobsResponse]]


def rich_status(
    code: grpc.StatusCode, message: str, reason: str = "", *details: Message, **metadata: str
) -> tuple[tuple[str, bytes], ...]:
    """Trailers of a refusal as the daemon sends them."""
    status = Status(code=code.value[0], message=message)
    if reason:
        info = details_pb2.ErrorInfo(reason=reason, domain="bgcopy.v1", metadata=metadata)
        details = (info, *details)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


async def refuse(
    context: Context,
    code: grpc.StatusCode,
    reason: str = "",
    message: str = "no",
    *details: Message,
    **metadata: str,
) -> NoReturn:
    """End a call as the daemon refuses one."""
    trailers = rich_status(code, message, reason, *details, **metadata)
    await context.abort(code, message, trailing_metadata=trailers)


def refusing(
    code: grpc.StatusCode, reason: str = "", message: str = "no", *details: Message
) -> Handler:
    """A handler that always refuses."""

    async def handler(_: Any, context: Context) -> NoReturn:
        await refuse(context, code, reason, message, *details)

    return handler


@dataclass
class Call:
    """A call as it arrived."""

    rpc: str
    request: Any
    metadata: dict[str, Any]
    time_remaining: float | None


# Untyped on purpose: the methods of its RPCs are made below, all alike.
_Servicer: Any = BackgroundCopyManagerServicer


@dataclass
class Scripted:
    """Answers with `handlers[rpc]`; records every call."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def called(self, rpc: str) -> list[Call]:
        return [call for call in self.calls if call.rpc == rpc]

    def record(self, rpc: str, request: Any, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        self.calls.append(Call(rpc, request, metadata, context.time_remaining()))

    async def answer(self, rpc: str, request: Any, context: Context) -> Any:
        self.record(rpc, request, context)
        handler = self.handlers.get(rpc)
        if handler is None:
            await refuse(context, grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED", rpc)
        return await handler(request, context)


@dataclass
class Manager(Scripted, _Servicer):  # type: ignore[misc] # see above
    """BackgroundCopyManager, with an AdminService beside it where there is one."""

    watch: WatchHandler | None = None
    admin: Scripted | None = None

    async def WatchJobs(  # noqa: N802 - the RPC's name
        self, request: pb.WatchJobsRequest, context: Context
    ) -> AsyncIterator[pb.WatchJobsResponse]:
        self.record("WatchJobs", request, context)
        assert self.watch is not None
        async for message in self.watch(request, context):
            yield message


def scripted(kind: type[Scripted], rpcs: Iterable[str]) -> None:
    """Gives the class a method for each RPC that it has none for."""

    def method(rpc: str) -> Any:
        async def call(self: Scripted, request: Any, context: Context) -> Any:
            return await self.answer(rpc, request, context)

        return call

    for rpc in rpcs:
        if rpc not in vars(kind):
            setattr(kind, rpc, method(rpc))


scripted(Manager, RPCS)


async def start(manager: BackgroundCopyManagerServicer, address: str) -> grpc.aio.Server:
    """A server at the address, ready for calls."""
    server = grpc.aio.server()
    add_BackgroundCopyManagerServicer_to_server(manager, server)
    admin: Any = getattr(manager, "admin", None)
    if admin is not None:
        add_AdminServiceServicer_to_server(admin, server)
    server.add_insecure_port(address)
    await server.start()
    return server


@contextlib.asynccontextmanager
async def serving(manager: BackgroundCopyManagerServicer, directory: Path) -> AsyncIterator[str]:
    """The target of a server on a Unix socket in the directory."""
    target = f"unix:{directory / 'fake.sock'}"
    server = await start(manager, target)
    try:
        yield target
    finally:
        await server.stop(None)
