"""AdminService over gRPC. Each method: decode, call, encode."""

from __future__ import annotations

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopyd.api import admin, decode
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.administration import Administration


class AdminServicer:
    """One method per RPC, each with its caller."""

    def __init__(self, administration: Administration) -> None:
        self._administration = administration

    async def get_policy(
        self, caller: Principal, request: pb.GetPolicyRequest
    ) -> pb.GetPolicyResponse:
        """GetPolicy."""
        policy, etag = self._administration.get_policy(caller)
        decode.whole(request)
        return pb.GetPolicyResponse(policy=admin.policy(policy, etag))

    async def update_policy(
        self, caller: Principal, request: pb.UpdatePolicyRequest
    ) -> pb.UpdatePolicyResponse:
        """UpdatePolicy."""
        command = admin.update_policy(request)
        policy, etag = await self._administration.update_policy(caller, command)
        return pb.UpdatePolicyResponse(policy=admin.policy(policy, etag))

    async def get_stats(
        self, caller: Principal, request: pb.GetStatsRequest
    ) -> pb.GetStatsResponse:
        """GetStats."""
        stats = await self._administration.get_stats(caller)
        decode.whole(request)
        return admin.stats(stats)

    async def create_token(
        self, caller: Principal, request: pb.CreateTokenRequest
    ) -> pb.CreateTokenResponse:
        """CreateToken."""
        command = admin.create_token(request)
        text, token = await self._administration.create_token(caller, command)
        return pb.CreateTokenResponse(token=text, info=admin.token_info(token))

    async def list_tokens(
        self, caller: Principal, request: pb.ListTokensRequest
    ) -> pb.ListTokensResponse:
        """ListTokens."""
        command = admin.list_tokens(request)
        return admin.tokens_page(*await self._administration.list_tokens(caller, command))

    async def revoke_token(
        self, caller: Principal, request: pb.RevokeTokenRequest
    ) -> pb.RevokeTokenResponse:
        """RevokeToken."""
        await self._administration.revoke_token(caller, admin.revoke_token(request))
        return pb.RevokeTokenResponse()

    async def drain_server(
        self, caller: Principal, request: pb.DrainServerRequest
    ) -> pb.DrainServerResponse:
        """DrainServer."""
        running = self._administration.drain_server(caller, admin.drain_server(request))
        return pb.DrainServerResponse(running_jobs=running)
