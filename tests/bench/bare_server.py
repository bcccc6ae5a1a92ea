"""The peer of R1 and R2: a grpc.aio server with one empty method and nothing around it.

`python -m tests.bench.bare_server UNIX_SOCKET`; prints a line when it serves.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

PATH = "/bgcopy.bench.Bare/Nothing"


async def _nothing(_request: Empty, _context: grpc.aio.ServicerContext[Any, Any]) -> Empty:
    return Empty()


async def serve(socket: str) -> None:
    """Serves until killed."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        _nothing,
        request_deserializer=Empty.FromString,
        response_serializer=Empty.SerializeToString,
    )
    service, _, method = PATH[1:].partition("/")
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {method: handler})]
    )
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
