"""The grpc.aio server: listeners, services, and the order of their end."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from bgcopy.v1 import admin_service_pb2, background_copy_manager_pb2
from bgcopyd.jobs import limits
from bgcopyd.jobs.audit import AUDITED
from bgcopyd.queue.authorizer import SERVICES, Permission
from bgcopyd.queue.callers import TlsFiles
from bgcopyd.rpc.calls import Calls, Handler, Method, Service, refusal_of
from bgcopyd.rpc.listening import Bind, Listening
from bgcopyd.rpc.sockets import Listener, Peers, identity_path, make_way
from bgcopyd.rpc.tls import credentials

DESCRIPTORS: Mapping[str, ServiceDescriptor] = {
    **background_copy_manager_pb2.DESCRIPTOR.services_by_name,
    **admin_service_pb2.DESCRIPTOR.services_by_name,
}

# Clients may ping each 10 s, also between calls (bgcopy does each 5.5 minutes); grpc's own limit is
# 5 minutes, and beyond it the server hangs up with GOAWAY too_many_pings.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", limits.REQUEST_BYTES),
    ("grpc.max_metadata_size", 8192),
    ("grpc.absolute_max_metadata_size", 8192),
    ("grpc.max_concurrent_streams", 100),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A peer that vanished without a word holds its watches no longer than this.
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # One that says nothing at first, or has no calls; clients connect again by themselves.
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.max_connection_idle_ms", 900_000),
    # An old one is told to go after a day, give or take a tenth; watches have ten more minutes.
    ("grpc.max_connection_age_ms", 86_400_000),
    ("grpc.max_connection_age_grace_ms", 600_000),
)


class RpcServer:
    """Serves our services and grpc.health.v1.Health, all on every listener.

    Args:
        servicers: what serves each service; each has methods for some RPCs, by the RPC's name.
        listen: `unix:PATH` and `tcp://HOST:PORT`, `tls://` or `mtls://`, judged already; port 0
            takes a free one.
        files: certificates of those with TLS.
        peers: answers beside each shared Unix socket.
    """

    def __init__(
        self,
        calls: Calls,
        servicers: Mapping[str, Sequence[object]],
        listen: Sequence[str],
        files: TlsFiles | None = None,
        peers: Peers | None = None,
    ) -> None:
        self._files = files
        self._peers = peers
        self._listen = tuple(listen)
        self._health = health.aio.HealthServicer()
        self._sockets: list[Path] = []
        self._listening: list[Listening] = []
        self._names = [DESCRIPTORS[name].full_name for name in servicers]
        methods: dict[str, Method] = {}
        for name, some in servicers.items():
            methods |= _methods(calls, DESCRIPTORS[name], some)
        self._service = Service(methods)

    def _made(self) -> grpc.aio.Server:
        """A server of all services that is bound to nothing."""
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers([self._service])
        unregistered: Any = _Unregistered(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, unregistered)
        return server

    def bind(self) -> list[str]:
        """Opens the listeners; returns the targets that clients reach. Nobody is served yet.

        Raises:
            Listener: one could not be opened.
        """
        for path in self._paths:
            make_way(path, shared=self._peers is not None)
        # A socket must never be open to others, not even for a moment. Directories are made
        # before: under this mask their own user could not enter them.
        mask = os.umask(0o177 if self._peers is None else 0o111)
        try:
            return [self._open(listener) for listener in self._listen]
        finally:
            os.umask(mask)

    async def start(self) -> None:
        """Serves."""
        for one in self._listening:
            await one.start()
        if self._peers is not None:
            await self._peers.start()
        for service in ("", *self._names):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def refuse_new(self) -> None:
        """Tells health checks that the server is about to end."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """Lets open calls end within `grace` seconds, then ends them; removes the sockets."""
        if self._peers is not None:
            await self._peers.stop()
        await asyncio.gather(*(one.stop(grace) for one in self._listening))
        for path in self._sockets:
            path.unlink(missing_ok=True)

    @property
    def _paths(self) -> list[Path]:
        kinds = (listener.partition(":") for listener in self._listen)
        return [_path(rest) for kind, _, rest in kinds if kind == "unix"]

    def _open(self, listener: str) -> str:
        kind, _, rest = listener.partition(":")
        if kind == "unix":
            return self._open_unix(_path(rest), listener)
        address = rest.removeprefix("//")
        host, _, _ = address.rpartition(":")
        port = 0

        def bind(server: grpc.aio.Server) -> None:
            nonlocal port
            port = self._bind(server, f"{host}:{port}" if port else address, listener)

        self._listen_by(listener, bind)
        return f"{kind}://{host}:{port}"

    def _listen_by(self, listener: str, bind: Bind) -> None:
        one = Listening(listener, self._made, bind)
        one.open()
        self._listening.append(one)

    def _open_unix(self, path: Path, listener: str) -> str:
        # As the mask has it that holds while listeners are opened; a new one is opened without.
        mode = 0o600 if self._peers is None else 0o666

        def bind(server: grpc.aio.Server) -> None:
            self._bind(server, f"unix:{path}", listener)
            path.chmod(mode)

        self._listen_by(listener, bind)
        self._sockets.append(path)
        if self._peers is not None:
            beside = identity_path(path)
            try:
                self._peers.bind(beside)
            except OSError as error:
                raise Listener(f"cannot listen on unix:{beside}: {error.strerror}") from None
            self._sockets.append(beside)
        return f"unix:{path}"

    def _bind(self, server: grpc.aio.Server, address: str, listener: str) -> int:
        kind = listener.partition("://")[0]
        try:
            if kind in {"tls", "mtls"}:
                assert self._files is not None
                secured = credentials(self._files, clients=kind == "mtls")
                return server.add_secure_port(address, secured)
            return server.add_insecure_port(address)
        except RuntimeError:
            raise Listener(
                f"cannot listen on {listener}: the address is in use or not to be had"
            ) from None


def _path(rest: str) -> Path:
    return Path(rest.partition("?")[0])


class _Unregistered:
    """A server to which generated code adds its handlers, but does not register them.

    For each registered method grpc.aio keeps a future of its own, and waits anew for all of them
    at every call of any method.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Adds them, for the methods that are open to all."""
        self._server.add_generic_rpc_handlers([_Open(one) for one in handlers])

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """Leaves them to the generic handlers, which find them as well."""


class _Open(grpc.GenericRpcHandler):
    """Finds the methods of a service that anybody may call without a credential."""

    def __init__(self, inner: grpc.GenericRpcHandler) -> None:
        self._inner = inner

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The handler of one call, or None where no row says that it is open."""
        service, _, method = handler_call_details.method.rpartition("/")
        need = SERVICES.get(service.rpartition(".")[2], {}).get(method)
        open_ = need is not None and need.permission is Permission.OPEN
        return self._inner.service(handler_call_details) if open_ else None


def _methods(
    calls: Calls, service: ServiceDescriptor, servicers: Sequence[object]
) -> dict[str, Method]:
    """Every method of the service by its path, by name, so that none can be forgotten.

    A method without a row in the table of permissions is not served.
    """
    needs = SERVICES[service.name]
    methods: dict[str, Method] = {}
    for method in service.methods:
        need = needs.get(method.name)
        if need is None:
            continue
        name = _snake(method.name)
        work = next((getattr(one, name) for one in servicers if hasattr(one, name)), None)
        if work is None:
            continue
        path = f"/{service.full_name}/{method.name}"
        decoder = message_factory.GetMessageClass(method.input_type).FromString
        if method.server_streaming:
            methods[path] = calls.stream(method.name, work, decoder, need.scope)
        else:
            encoder = message_factory.GetMessageClass(method.output_type).SerializeToString
            if method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS:
                if method.name in AUDITED:
                    work = calls.auditor.audited(method.name, work, refusal_of)
                work = calls.to_the_end(work)
            fields = method.output_type.fields
            long = any(
                one.name == "next_page_token" or one.type == one.TYPE_BYTES for one in fields
            )
            methods[path] = calls.unary(method.name, work, decoder, encoder, need.scope, long=long)
    return methods


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
