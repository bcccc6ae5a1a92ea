"""What operators do, as `AsyncClient.admin`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Unpack

from bgcopy import _admin_models as models
from bgcopy._calls import Calls, Timeout
from bgcopy._convert_options import to_duration
from bgcopy._enums import Scope
from bgcopy._pages import each
from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import identity_pb2
from bgcopy.v1.admin_service_pb2_grpc import AdminServiceStub


class AdminClient:
    """AdminService, for administrators: one method per RPC. `AsyncClient.admin` is one.

    ::

        async with bgcopy.AsyncClient() as client:
            await client.admin.update_policy(max_bytes_per_second=2 << 20)

    Everybody else gets `AdminRequired`. Deadlines, errors and retries are those of AsyncClient.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_policy(self, *, timeout: Timeout | None = None) -> models.Policy:
        """The limits in force."""
        response = await self._calls.call(
            lambda channel: AdminServiceStub(channel).GetPolicy, pb.GetPolicyRequest(), timeout
        )
        return models.policy(response.policy)

    async def update_policy(
        self,
        *,
        etag: str = "",
        timeout: Timeout | None = None,
        **changes: Unpack[models.PolicyChanges],
    ) -> models.Policy:
        """Change limits; they are in force when this returns, and outlive a restart.

        Args:
            etag: the etag that the policy must have; empty means any.
            timeout: the deadline of the call.
            changes: new limits by name; None is the value of the daemon's settings again.

        Raises:
            TypeError: a name is no limit.
        """
        request = models.changes_to_proto(changes, etag)
        response = await self._calls.call(
            lambda channel: AdminServiceStub(channel).UpdatePolicy, request, timeout
        )
        return models.policy(response.policy)

    async def get_stats(self, *, timeout: Timeout | None = None) -> models.Stats:
        """How the daemon does."""
        response = await self._calls.call(
            lambda channel: AdminServiceStub(channel).GetStats, pb.GetStatsRequest(), timeout
        )
        return models.stats(response)

    async def create_token(
        self,
        principal_name: str,
        *,
        admin: bool = False,
        scopes: Iterable[Scope] = (),
        roots: Iterable[str] = (),
        lifetime: timedelta | None = None,
        timeout: Timeout | None = None,
    ) -> models.CreatedToken:
        """Make a bearer token; its text is in this answer and nowhere else. Never retried.

        Args:
            principal_name: whom it stands for: up to 128 letters, digits and . _ @ + -.
            admin: adds ADMIN to the scopes, or all of them where none is named.
            scopes: what it is good for; READ and WRITE where none is named.
            roots: the only roots it is good for; all that are open to the principal where none is.
            lifetime: how long it is good for; None is until it is revoked.
            timeout: the deadline of the call.
        """
        request = pb.CreateTokenRequest(
            principal_name=principal_name,
            admin=admin,
            scopes=[identity_pb2.Scope.ValueType(scope.value) for scope in scopes],
            roots=roots,
        )
        if lifetime is not None:
            request.lifetime.CopyFrom(to_duration(lifetime))
        response = await self._calls.call(
            lambda channel: AdminServiceStub(channel).CreateToken, request, timeout
        )
        return models.CreatedToken(response.token, models.token_info(response.info))

    async def list_tokens(
        self, *, page_size: int = 0, page_token: str = "", timeout: Timeout | None = None
    ) -> models.TokenPage:
        """One page of tokens, oldest first, without their texts; `tokens` goes through all."""
        request = pb.ListTokensRequest(page_size=page_size, page_token=page_token)
        response = await self._calls.call(
            lambda channel: AdminServiceStub(channel).ListTokens, request, timeout
        )
        return models.TokenPage(
            tuple(models.token_info(token) for token in response.tokens), response.next_page_token
        )

    def tokens(
        self, *, page_size: int = 0, timeout: Timeout | None = None
    ) -> AsyncIterator[models.TokenInfo]:
        """Every token, oldest first, fetched page by page; `timeout` is each page's."""
        return each(
            lambda token: self.list_tokens(page_size=page_size, page_token=token, timeout=timeout),
            lambda page: page.tokens,
        )

    async def revoke_token(self, token_id: str, *, timeout: Timeout | None = None) -> None:
        """End a token at once; one that has ended stays so."""
        request = pb.RevokeTokenRequest(token_id=token_id)
        await self._calls.call(
            lambda channel: AdminServiceStub(channel).RevokeToken, request, timeout
        )

    async def drain_server(self, *, undo: bool = False, timeout: Timeout | None = None) -> int:
        """Let no further job start and send back those that run, or end that.

        Until then new jobs are refused with `Draining`; a restart of the daemon ends it.

        Returns:
            How many jobs are still stopping.
        """
        request = pb.DrainServerRequest(undo=undo)
        response = await self._calls.call(
            lambda channel: AdminServiceStub(channel).DrainServer, request, timeout
        )
        return response.running_jobs
