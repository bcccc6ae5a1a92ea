"""Targets, channel options and the service config."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from bgcopy._paths import default_socket
from bgcopy.v1 import admin_service_pb2 as admin_pb2
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2

SERVICES = (
    manager_pb2.DESCRIPTOR.services_by_name["BackgroundCopyManager"],
    admin_pb2.DESCRIPTOR.services_by_name["AdminService"],
)

# sun_path holds 108 bytes with its end (unix(7)).
_LONGEST_SOCKET_PATH = 107
_SAFE_TO_REPEAT = frozenset({MethodOptions.NO_SIDE_EFFECTS, MethodOptions.IDEMPOTENT})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a daemon listens: gRPC's name for it, and whether its traffic can leave the machine."""

    name: str
    local: bool
    socket_path: str | None = None


def parse_target(target: str | os.PathLike[str] | None) -> Target:
    """The target of a `unix:PATH`, `dns:///host:port` or `host:port`; None is the default socket.

    Raises:
        ValueError: it is none of these.
    """
    if target is None:
        return _unix(str(default_socket()))
    if isinstance(target, os.PathLike):
        return _unix(os.fspath(target))
    if target.startswith("unix:"):
        path = target.removeprefix("unix:")
        return _unix(path.removeprefix("//") if path.startswith("///") else path)
    return _host_port(target.removeprefix("dns:///"), target)


def _unix(path: str) -> Target:
    if not path or path.startswith("//") or "\0" in path:
        raise ValueError("the target's socket path must be as in unix:/run/bgcopy/bgcopyd.sock")
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise ValueError(
            f"the socket path {path!r} is longer than the {_LONGEST_SOCKET_PATH} bytes a Unix "
            "socket can have"
        )
    return Target(f"unix:{Path(path)}", local=True, socket_path=path)


def _host_port(address: str, given: str) -> Target:
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    bracketed = host.startswith("[") and host.endswith("]")
    if (
        not colon
        or not bare
        or not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16)
        or (":" in bare and not bracketed)
        or any(character in bare for character in "/@?# ")
    ):
        raise ValueError(
            f"the target {given!r} is none of unix:PATH, dns:///host:port and host:port"
        )
    return Target(f"dns:///{address}", local=_is_loopback(bare))


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def safe_to_repeat(method: MethodDescriptor) -> bool:
    """Whether the proto says that repeating the method changes nothing more."""
    return method.GetOptions().idempotency_level in _SAFE_TO_REPEAT


def service_config() -> str:
    """Retry policy as gRPC reads it: UNAVAILABLE is retried where the proto calls it safe.

    Watches are not listed: they resume from where they were instead of starting again.
    """
    names = [
        {"service": service.full_name, "method": method.name}
        for service in SERVICES
        for method in service.methods
        if safe_to_repeat(method) and not method.server_streaming
    ]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]})


def channel_options(*, retries: bool) -> list[tuple[str, Any]]:
    """Options of a channel, with or without retries of calls that the server may have seen."""
    options: list[tuple[str, Any]] = [
        # A library does not take its proxy from the environment.
        ("grpc.enable_http_proxy", 0),
        # Channels with the same options would share a connection, and with it its bound of streams.
        ("grpc.use_local_subchannel_pool", 1),
        # Servers answer pings more often than every 5 minutes with GOAWAY (gRFC A8).
        ("grpc.keepalive_time_ms", 330_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # A daemon that restarts is back in seconds, not in the two minutes that are the default.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]
    if retries:
        return [*options, ("grpc.service_config", service_config())]
    return [*options, ("grpc.enable_retries", 0)]


def open_channel(
    target: Target, credentials: grpc.ChannelCredentials | None, *, retries: bool
) -> grpc.aio.Channel:
    """A channel to the target; without credentials it is plain."""
    options = channel_options(retries=retries)
    if credentials is None:
        return grpc.aio.insecure_channel(target.name, options=options)
    return grpc.aio.secure_channel(target.name, credentials, options=options)
