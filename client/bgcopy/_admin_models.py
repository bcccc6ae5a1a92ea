"""Frozen values of AdminService, and their messages. Times are aware UTC datetimes, sizes bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypedDict

from bgcopy._convert_options import known, to_datetime, to_duration
from bgcopy._enums import JobState, Scope
from bgcopy._option_enums import CostState
from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import job_pb2


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of a daemon; docs/policy.md says what each means.

    Rates of 0 are no limit; `etag` changes with the policy.
    """

    etag: str = ""
    jobs_per_owner: int = 0
    jobs_per_machine: int = 0
    files_per_job: int = 0
    files_per_owner: int = 0
    bytes_per_owner: int = 0
    ranges_per_file: int = 0
    watches_per_owner: int = 0
    background_jobs: int = 0
    max_bytes_per_second: int = 0
    max_bytes_per_second_per_owner: int = 0
    max_bytes_per_second_per_host: int = 0
    rate_timetable: str = ""
    retention: timedelta = timedelta(0)
    inactivity_timeout: timedelta = timedelta(0)
    network_cost: CostState = CostState.UNRESTRICTED


class PolicyChanges(TypedDict, total=False):
    """Limits to change, as keyword arguments; None is the value of the daemon's settings again."""

    jobs_per_owner: int | None
    jobs_per_machine: int | None
    files_per_job: int | None
    files_per_owner: int | None
    bytes_per_owner: int | None
    ranges_per_file: int | None
    watches_per_owner: int | None
    background_jobs: int | None
    max_bytes_per_second: int | None
    max_bytes_per_second_per_owner: int | None
    max_bytes_per_second_per_host: int | None
    rate_timetable: str | None
    retention: timedelta | None
    inactivity_timeout: timedelta | None
    network_cost: CostState | None


@dataclass(frozen=True, slots=True)
class Stats:
    """How a daemon does; bytes and attempts since it started.

    `jobs` counts the jobs of every owner by state, `running_jobs` those whose bytes move now,
    `max_bytes_per_second` is the limit at present (0 for none), by policy and time table,
    `memory_bytes` is what the process holds, `store_bytes` what the queue takes of its disk.
    """

    jobs: Mapping[JobState, int] = field(default_factory=dict)
    running_jobs: int = 0
    bytes_per_second: int = 0
    bytes_received: int = 0
    attempts_finished: int = 0
    attempts_failed: int = 0
    watches: int = 0
    memory_bytes: int = 0
    store_bytes: int = 0
    start_time: datetime | None = None
    draining: bool = False
    max_bytes_per_second: int = 0


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A bearer token without its text.

    `expire_time` None is without end, no `roots` are all that are open to the principal, and
    `last_use_time`, true to some minutes, is None where it never was used.
    """

    token_id: str
    principal: str
    admin: bool = False
    create_time: datetime | None = None
    expire_time: datetime | None = None
    revoked: bool = False
    scopes: tuple[Scope, ...] = ()
    roots: tuple[str, ...] = ()
    last_use_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenPage:
    """A page of tokens, oldest first; `next_page_token` is empty on the last one."""

    tokens: tuple[TokenInfo, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """A new token: `token` is its text, which nobody can ask for again and `repr` leaves out."""

    token: str = field(repr=False)
    info: TokenInfo


LIMITS = tuple(one.name for one in dataclasses.fields(Policy) if one.name != "etag")


def policy(message: pb.Policy) -> Policy:
    """The limits as the server sent them."""
    return Policy(
        etag=message.etag,
        jobs_per_owner=message.jobs_per_owner,
        jobs_per_machine=message.jobs_per_machine,
        files_per_job=message.files_per_job,
        files_per_owner=message.files_per_owner,
        bytes_per_owner=message.bytes_per_owner,
        ranges_per_file=message.ranges_per_file,
        watches_per_owner=message.watches_per_owner,
        background_jobs=message.background_jobs,
        max_bytes_per_second=message.max_bytes_per_second,
        max_bytes_per_second_per_owner=message.max_bytes_per_second_per_owner,
        max_bytes_per_second_per_host=message.max_bytes_per_second_per_host,
        rate_timetable=message.rate_timetable,
        retention=message.retention.ToTimedelta(),
        inactivity_timeout=message.inactivity_timeout.ToTimedelta(),
        network_cost=known(CostState, message.network_cost),
    )


def changes_to_proto(changes: PolicyChanges, etag: str) -> pb.UpdatePolicyRequest:
    """Limits to change, for a request.

    Raises:
        TypeError: a name is no limit.
        ValueError: the network's cost is UNKNOWN.
    """
    request = pb.UpdatePolicyRequest(etag=etag)
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in LIMITS:
            raise TypeError(f"{name!r} is no limit; {', '.join(LIMITS)} are")
        request.update_mask.paths.append(name)
        if value is not None:
            values[name] = _to_message(value)
    request.policy.MergeFrom(pb.Policy(**values))
    return request


def _to_message(value: object) -> object:
    if isinstance(value, timedelta):
        return to_duration(value)
    if isinstance(value, CostState):
        if value is CostState.UNKNOWN:
            raise ValueError("network_cost: UNKNOWN is no cost that a network can have")
        return job_pb2.CostState.ValueType(value.value)
    return value


def stats(message: pb.GetStatsResponse) -> Stats:
    """How the daemon does."""
    return Stats(
        jobs={known(JobState, one.state): one.count for one in message.jobs},
        running_jobs=message.running_jobs,
        bytes_per_second=message.bytes_per_second,
        bytes_received=message.bytes_received,
        attempts_finished=message.attempts_finished,
        attempts_failed=message.attempts_failed,
        watches=message.watches,
        memory_bytes=message.memory_bytes,
        store_bytes=message.store_bytes,
        start_time=to_datetime(message.start_time),
        draining=message.draining,
        max_bytes_per_second=message.max_bytes_per_second,
    )


def token_info(message: pb.TokenInfo) -> TokenInfo:
    """A token without its text."""
    return TokenInfo(
        token_id=message.token_id,
        principal=message.principal,
        admin=message.admin,
        create_time=to_datetime(message.create_time),
        expire_time=to_datetime(message.expire_time),
        revoked=message.revoked,
        scopes=tuple(known(Scope, scope) for scope in message.scopes),
        roots=tuple(message.roots),
        last_use_time=to_datetime(message.last_use_time),
    )
