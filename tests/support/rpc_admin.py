"""AdminService as tests call it."""

from __future__ import annotations

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.support.rpc_house import Caller


def begin(caller: Caller, rpc: str, request: Any | None = None, **fields: Any) -> Any:
    """Begins a call; the request is made of the fields where none is given."""
    stub: Any = AdminServiceStub(caller.channel)
    message = request if request is not None else getattr(pb, f"{rpc}Request")(**fields)
    return getattr(stub, rpc)(message, metadata=caller.metadata, timeout=30)


def change(*reset: str, etag: str = "", **fields: Any) -> pb.UpdatePolicyRequest:
    """New limits, and the names of those that are to be the settings' again."""
    mask = FieldMask(paths=[*fields, *reset])
    return pb.UpdatePolicyRequest(policy=pb.Policy(**fields), update_mask=mask, etag=etag)


def only(name: str, value: object) -> dict[str, Any]:
    """One limit, named by a table."""
    return {name: value}


async def policy(caller: Caller) -> pb.Policy:
    """The policy in force."""
    found: pb.Policy = (await begin(caller, "GetPolicy")).policy
    return found


async def changed(caller: Caller, *reset: str, etag: str = "", **fields: Any) -> pb.Policy:
    """The policy after a change."""
    response = await begin(caller, "UpdatePolicy", change(*reset, etag=etag, **fields))
    found: pb.Policy = response.policy
    return found


async def stats(caller: Caller) -> pb.GetStatsResponse:
    """How the daemon does."""
    found: pb.GetStatsResponse = await begin(caller, "GetStats")
    return found
