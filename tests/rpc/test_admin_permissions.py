"""AdminService, called by administrators, others and nobody; and what newer clients send."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import background_copy_manager_pb2
from bgcopyd.queue.authorizer import ADMIN_PERMISSIONS, SERVICES, Permission
from tests.support.rpc_admin import begin, change, policy
from tests.support.rpc_house import House
from tests.support.rpc_status import refusal

SERVICE = pb.DESCRIPTOR.services_by_name["AdminService"]
RPCS = [method.name for method in SERVICE.methods]
BAD: dict[str, dict[str, Any]] = {
    "UpdatePolicy": {},
    "CreateToken": {"principal_name": "!"},
    "ListTokens": {"page_size": -1},
    "RevokeToken": {"token_id": "nobody"},
}


async def good(home: House, rpc: str) -> Any:
    """A request that has nothing wrong with it."""
    if rpc == "UpdatePolicy":
        return change(files_per_job=7)
    if rpc == "CreateToken":
        return pb.CreateTokenRequest(principal_name="anna")
    if rpc == "RevokeToken":
        return pb.RevokeTokenRequest(token_id=f"id-{await home.token('victim')}")
    return getattr(pb, f"{rpc}Request")()


def test_the_tables_name_every_rpc_of_every_service() -> None:
    described: dict[str, Any] = {
        **pb.DESCRIPTOR.services_by_name,
        **background_copy_manager_pb2.DESCRIPTOR.services_by_name,
        **health_pb2.DESCRIPTOR.services_by_name,
    }
    rows = {(service, rpc) for service, needs in SERVICES.items() for rpc in needs}
    assert rows == {
        (service, method.name)
        for service, one in described.items()
        for method in one.methods
        if (service, method.name) != ("Health", "List")
    }
    assert {need.permission for need in ADMIN_PERMISSIONS.values()} == {Permission.ADMIN}


@pytest.mark.parametrize("rpc", RPCS)
async def test_for_administrators_alone(home: House, rpc: str) -> None:
    admin = await home.user("admin", admin=True)
    request = await good(home, rpc)
    await begin(admin, rpc, request)
    anna = await home.user("anna")
    for one in (request, getattr(pb, f"{rpc}Request")(**BAD.get(rpc, {}))):
        refused = await refusal(begin(anna, rpc, one))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "ADMIN_REQUIRED",
        )
    refused = await refusal(begin(home.caller(tcp=True), rpc, request))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "CREDENTIAL_MISSING",
    )


async def test_what_is_refused_has_no_effect(home: House) -> None:
    before = await policy(home.local)
    anna = await home.user("anna")
    await refusal(begin(anna, "UpdatePolicy", change(files_per_job=7)))
    await refusal(begin(anna, "CreateToken", principal_name="x", admin=True))
    await refusal(begin(anna, "DrainServer"))
    assert await policy(home.local) == before
    assert [token.principal.id for token in await home.store.tokens()] == ["user:anna"]
    assert not home.daemon.scheduler.draining


@pytest.mark.parametrize("rpc", RPCS)
async def test_fields_of_a_newer_client_are_refused_by_number(home: House, rpc: str) -> None:
    raw = (await good(home, rpc)).SerializeToString() + b"\xf8\x3f\x01"  # field 1023
    newer = getattr(pb, f"{rpc}Request").FromString(raw)
    refused = await refusal(begin(home.local, rpc, newer))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED")
    assert refused.fields == ["request[1023]"]
    anna = await home.user("anna")
    assert (await refusal(begin(anna, rpc, newer))).reason == "ADMIN_REQUIRED"


async def test_limits_of_a_newer_client_are_refused_by_number(home: House) -> None:
    request = change(files_per_job=7)
    request.policy.MergeFromString(b"\xf8\x3f\x01")
    refused = await refusal(begin(home.local, "UpdatePolicy", request))
    assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", ["policy[1023]"])
