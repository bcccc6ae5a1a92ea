"""AdminService: messages to commands, and values to messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.api import encode, fields
from bgcopyd.api.encode_times import duration, timestamp
from bgcopyd.api.tokens import page_position, page_token
from bgcopyd.api.violations import Violations
from bgcopyd.jobs import limits, rules
from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import POLICY_FIELDS, Policy, Value
from bgcopyd.jobs.principal import Principal, Scope, scopes_of
from bgcopyd.jobs.reasons import Reason
from bgcopyd.queue.administration import (
    CreateToken,
    DrainServer,
    ListTokens,
    RevokeToken,
    Stats,
    UpdatePolicy,
)
from bgcopyd.queue.storage import Token
from bgcopyd.queue.tokens import user_id

_PAGES = b"tokens"
_SHORTEST_LIFETIME = 1e-6
_TOKEN_ID_CHARACTERS = 64


def update_policy(request: pb.UpdatePolicyRequest) -> UpdatePolicy:
    """New limits: the fields that the mask names, as the message has them."""
    found = fields.unknown(request)
    fields.refuse_unknown(found, request.policy, "policy")
    if not request.update_mask.paths:
        found.add("update_mask", "is empty; name the fields to change")
    values = {
        path: _limit(found, path, request.policy)
        for path in _paths(found, request.update_mask.paths)
    }
    return UpdatePolicy(values, request.etag, found.refusal())


def _paths(found: Violations, paths: Iterable[str]) -> list[str]:
    """The fields of a mask, each once; what is none of the policy is taken down."""
    known = []
    for path in dict.fromkeys(paths):
        if path in POLICY_FIELDS:
            known.append(path)
        elif path == "etag":
            found.add("update_mask", "names etag, which the server sets", Reason.READ_ONLY_PROPERTY)
        else:
            found.add(
                "update_mask",
                f"names '{path[:64]}', which is no field of the policy; {', '.join(POLICY_FIELDS)} "
                "are",
                Reason.UNKNOWN_PROPERTY,
            )
    return known


def _limit(found: Violations, name: str, message: pb.Policy) -> Value | None:
    """A limit; None where it is not set."""
    if not message.HasField(name):  # type: ignore[arg-type] # a name of the table
        return None
    row, field = POLICY_FIELDS[name], f"policy.{name}"
    given = getattr(message, name)
    if row.kind is float:
        return fields.interval(found, field, given, (row.lowest, row.lowest, row.highest))
    if row.kind is CostState:
        return fields.enum_value(found, field, given, CostState, CostState.UNRESTRICTED)
    value: int | str = given
    found.judge(field, row.problem(value))
    return value


def create_token(request: pb.CreateTokenRequest) -> CreateToken:
    """A token to make."""
    found = fields.unknown(request)
    found.judge("principal_name", rules.principal_name_problem(request.principal_name))
    lifetime = None
    if request.HasField("lifetime"):
        bounds = (_SHORTEST_LIFETIME, 1.0, limits.LONGEST_DURATION)
        lifetime = timedelta(seconds=fields.interval(found, "lifetime", request.lifetime, bounds))
    scopes = fields.flags(found, "scopes", request.scopes, Scope)
    for place, root in enumerate(request.roots):
        found.judge(f"roots[{place}]", rules.root_name_problem(root))
    principal = Principal(
        user_id(request.principal_name),
        scopes_of(scopes, admin=request.admin),
        frozenset(request.roots) or None,
    )
    return CreateToken(principal, lifetime, found.refusal())


def list_tokens(request: pb.ListTokensRequest) -> ListTokens:
    """A page of tokens."""
    found = fields.unknown(request)
    size = fields.page_size(found, request.page_size)
    skipped = found.attempt(lambda: page_position(request.page_token, _PAGES))
    return ListTokens(size, max(0, skipped or 0), found.refusal())


def revoke_token(request: pb.RevokeTokenRequest) -> RevokeToken:
    """A token to end."""
    found = fields.unknown(request)
    if not 0 < len(request.token_id) <= _TOKEN_ID_CHARACTERS:
        found.add("token_id", "is no id of a token; send one that ListTokens tells")
    return RevokeToken(request.token_id, found.refusal())


def drain_server(request: pb.DrainServerRequest) -> DrainServer:
    """To drain or not."""
    return DrainServer(request.undo, fields.unknown(request).refusal())


def policy(value: Policy, etag: str) -> pb.Policy:
    """The policy, whole."""
    return pb.Policy(
        etag=etag,
        jobs_per_owner=value.jobs_per_owner,
        jobs_per_machine=value.jobs_per_machine,
        files_per_job=value.files_per_job,
        files_per_owner=value.files_per_owner,
        bytes_per_owner=value.bytes_per_owner,
        ranges_per_file=value.ranges_per_file,
        watches_per_owner=value.watches_per_owner,
        background_jobs=value.background_jobs,
        max_bytes_per_second=value.max_bytes_per_second,
        max_bytes_per_second_per_owner=value.max_bytes_per_second_per_owner,
        max_bytes_per_second_per_host=value.max_bytes_per_second_per_host,
        rate_timetable=value.rate_timetable,
        retention=duration(value.retention),
        inactivity_timeout=duration(value.inactivity_timeout),
        network_cost=job_pb2.CostState.ValueType(int(value.network_cost)),
    )


def stats(value: Stats) -> pb.GetStatsResponse:
    """How the daemon does; states in the order of their numbers."""
    return pb.GetStatsResponse(
        jobs=[
            pb.StateCount(state=job_pb2.JobState.ValueType(int(state)), count=count)
            for state, count in sorted(value.jobs.items())
        ],
        running_jobs=value.running_jobs,
        bytes_per_second=value.bytes_per_second,
        bytes_received=value.bytes_received,
        attempts_finished=value.attempts_finished,
        attempts_failed=value.attempts_failed,
        watches=value.watches,
        memory_bytes=value.footprint.memory,
        store_bytes=value.footprint.store,
        start_time=timestamp(value.start_time),
        draining=value.draining,
        max_bytes_per_second=value.max_bytes_per_second,
    )


def token_info(token: Token) -> pb.TokenInfo:
    """A token without its text."""
    return pb.TokenInfo(
        token_id=token.token_id,
        principal=token.principal.id,
        admin=token.principal.admin,
        create_time=timestamp(token.create_time),
        expire_time=timestamp(token.expire_time),
        revoked=token.revoked,
        scopes=encode.scopes(token.principal.scopes),
        roots=sorted(token.principal.roots or ()),
        last_use_time=timestamp(token.last_use_time),
    )


def tokens_page(tokens: list[Token], following: int | None) -> pb.ListTokensResponse:
    """A page of tokens."""
    return pb.ListTokensResponse(
        tokens=[token_info(token) for token in tokens],
        next_page_token=page_token(_PAGES, following),
    )
