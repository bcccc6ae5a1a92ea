"""A scripted AdminService with a policy and tokens in memory, beside a scripted queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import identity_pb2, job_pb2
from bgcopy.v1.admin_service_pb2_grpc import AdminServiceServicer
from tests.support.fake_server import Context, Handler, Scripted, refuse, scripted

RPCS = [method.name for method in pb.DESCRIPTOR.services_by_name["AdminService"].methods]
START = Timestamp(seconds=1_780_000_000)

# Untyped on purpose: the methods of its RPCs are made below, all alike.
_Servicer: Any = AdminServiceServicer


def settings() -> pb.Policy:
    """The policy before anybody changes it."""
    return pb.Policy(
        etag="0",
        jobs_per_owner=10,
        jobs_per_machine=20,
        files_per_job=30,
        ranges_per_file=40,
        files_per_owner=0,
        bytes_per_owner=0,
        watches_per_owner=50,
        background_jobs=4,
        max_bytes_per_second=0,
        max_bytes_per_second_per_owner=0,
        max_bytes_per_second_per_host=0,
        rate_timetable="off",
        retention=Duration(seconds=86_400),
        inactivity_timeout=Duration(seconds=7_776_000),
        network_cost=job_pb2.COST_STATE_UNRESTRICTED,
    )


@dataclass
class Office(Scripted, _Servicer):  # type: ignore[misc] # see above
    """Does what the API says, as far as the command line needs it."""

    policy: pb.Policy = field(default_factory=settings)
    tokens: list[pb.TokenInfo] = field(default_factory=list)
    draining: bool = False
    stopping: int = 0

    def __post_init__(self) -> None:
        defaults: dict[str, Handler] = {
            "GetPolicy": self.get_policy,
            "UpdatePolicy": self.update_policy,
            "GetStats": self.get_stats,
            "CreateToken": self.create_token,
            "ListTokens": self.list_tokens,
            "RevokeToken": self.revoke_token,
            "DrainServer": self.drain_server,
        }
        self.handlers = {**defaults, **self.handlers}

    async def get_policy(self, _: pb.GetPolicyRequest, __: Context) -> pb.GetPolicyResponse:
        return pb.GetPolicyResponse(policy=self.policy)

    async def update_policy(
        self, request: pb.UpdatePolicyRequest, _: Context
    ) -> pb.UpdatePolicyResponse:
        for path in request.update_mask.paths:
            source: Any = request.policy if request.policy.HasField(path) else settings()  # type: ignore[arg-type] # a path
            kept = pb.Policy()
            kept.CopyFrom(self.policy)
            kept.ClearField(path)  # type: ignore[arg-type] # a path
            value = getattr(source, path)
            kept.MergeFrom(pb.Policy(**{path: value}))
            self.policy = kept
        self.policy.etag = str(int(self.policy.etag) + 1)
        return pb.UpdatePolicyResponse(policy=self.policy)

    async def get_stats(self, _: pb.GetStatsRequest, __: Context) -> pb.GetStatsResponse:
        return pb.GetStatsResponse(
            jobs=[
                pb.StateCount(state=job_pb2.JOB_STATE_QUEUED, count=3),
                pb.StateCount(state=job_pb2.JOB_STATE_ERROR, count=0),
            ],
            running_jobs=2,
            bytes_per_second=2048,
            max_bytes_per_second=512 << 10,
            bytes_received=1 << 20,
            attempts_finished=5,
            attempts_failed=1,
            watches=7,
            memory_bytes=64 << 20,
            store_bytes=8 << 20,
            start_time=START,
            draining=self.draining,
        )

    async def create_token(
        self, request: pb.CreateTokenRequest, _: Context
    ) -> pb.CreateTokenResponse:
        info = pb.TokenInfo(
            token_id=f"id{len(self.tokens)}",
            principal=f"user:{request.principal_name}",
            admin=request.admin,
            create_time=START,
            scopes=request.scopes or [identity_pb2.SCOPE_READ],
            roots=request.roots,
        )
        if request.HasField("lifetime"):
            info.expire_time.seconds = START.seconds + request.lifetime.seconds
        self.tokens.append(info)
        return pb.CreateTokenResponse(token=f"bgc_secret{len(self.tokens)}", info=info)

    async def list_tokens(self, request: pb.ListTokensRequest, _: Context) -> pb.ListTokensResponse:
        first = int(request.page_token or "0")
        end = first + (request.page_size or 100)
        more = str(end) if len(self.tokens) > end else ""
        return pb.ListTokensResponse(tokens=self.tokens[first:end], next_page_token=more)

    async def revoke_token(
        self, request: pb.RevokeTokenRequest, context: Context
    ) -> pb.RevokeTokenResponse:
        found = [token for token in self.tokens if token.token_id == request.token_id]
        if not found:
            await refuse(
                context, grpc.StatusCode.NOT_FOUND, "TOKEN_NOT_FOUND", "there is no such token"
            )
        found[0].revoked = True
        return pb.RevokeTokenResponse()

    async def drain_server(
        self, request: pb.DrainServerRequest, _: Context
    ) -> pb.DrainServerResponse:
        self.draining = not request.undo
        return pb.DrainServerResponse(running_jobs=0 if request.undo else self.stopping)


scripted(Office, RPCS)
