"""AsyncClient.admin against a scripted server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor

import bgcopy
from bgcopy import CostState, JobState
from bgcopy._admin_models import LIMITS
from bgcopy.v1 import admin_service_pb2 as pb
from tests.support.fake_server import Manager, refusing, serving
from tests.support.fake_server_admin import START, Office


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def manager(office: Office) -> Manager:
    return Manager(admin=office)


def names(message: Descriptor) -> set[str]:
    return set(message.fields_by_name)


def test_models_have_the_fields_of_their_messages() -> None:
    messages = pb.DESCRIPTOR.message_types_by_name
    for model, message in (
        (bgcopy.Policy, "Policy"),
        (bgcopy.Stats, "GetStatsResponse"),
        (bgcopy.TokenInfo, "TokenInfo"),
        (bgcopy.TokenPage, "ListTokensResponse"),
        (bgcopy.CreatedToken, "CreateTokenResponse"),
    ):
        assert set(model.__dataclass_fields__) == names(messages[message])
    assert set(bgcopy.PolicyChanges.__annotations__) == set(LIMITS)
    assert {"etag", *LIMITS} == names(messages["Policy"])


async def test_the_policy(client: bgcopy.AsyncClient) -> None:
    assert await client.admin.get_policy() == bgcopy.Policy(
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
        retention=timedelta(days=1),
        inactivity_timeout=timedelta(days=90),
        network_cost=CostState.UNRESTRICTED,
    )


async def test_only_what_is_named_changes(client: bgcopy.AsyncClient, office: Office) -> None:
    policy = await client.admin.update_policy(
        etag="0",
        background_jobs=2,
        retention=timedelta(milliseconds=1500),
        network_cost=CostState.ROAMING,
        max_bytes_per_second=0,
        files_per_job=None,
    )
    assert (policy.background_jobs, policy.network_cost) == (2, CostState.ROAMING)
    assert (policy.retention, policy.files_per_job) == (timedelta(milliseconds=1500), 30)
    request = office.called("UpdatePolicy")[0].request
    assert request.etag == "0"
    assert set(request.update_mask.paths) == {
        "background_jobs", "retention", "network_cost", "max_bytes_per_second", "files_per_job",
    }  # fmt: skip
    assert request.policy.HasField("max_bytes_per_second")
    assert not request.policy.HasField("files_per_job")


async def test_what_is_no_change(client: bgcopy.AsyncClient, office: Office) -> None:
    nonsense: Any = {"etags": "x"}
    with pytest.raises(TypeError, match="'etags' is no limit; jobs_per_owner"):
        await client.admin.update_policy(**nonsense)
    with pytest.raises(ValueError, match="UNKNOWN"):
        await client.admin.update_policy(network_cost=CostState.UNKNOWN)
    assert not office.calls


async def test_a_cost_of_a_newer_server(client: bgcopy.AsyncClient, office: Office) -> None:
    office.policy.network_cost = 99  # type: ignore[assignment] # unknown on purpose
    assert (await client.admin.get_policy()).network_cost is CostState.UNKNOWN


async def test_statistics(client: bgcopy.AsyncClient) -> None:
    stats = await client.admin.get_stats()
    assert stats.jobs == {JobState.QUEUED: 3, JobState.ERROR: 0}
    assert (stats.bytes_received, stats.attempts_finished, stats.attempts_failed) == (1 << 20, 5, 1)
    assert stats.start_time == datetime.fromtimestamp(START.seconds, UTC)


async def test_tokens(client: bgcopy.AsyncClient, office: Office) -> None:
    made = await client.admin.create_token("anna", admin=True, lifetime=timedelta(hours=1))
    assert made.token == "bgc_secret1"
    assert "secret" not in repr(made)
    assert made.info.principal == "user:anna"
    assert made.info.create_time is not None
    assert made.info.expire_time == made.info.create_time + timedelta(hours=1)
    endless = await client.admin.create_token("bert")
    assert endless.info.expire_time is None
    narrow = await client.admin.create_token(
        "carl", scopes=[bgcopy.Scope.ADMIN, bgcopy.Scope.READ], roots=["media"]
    )
    assert narrow.info.scopes == (bgcopy.Scope.ADMIN, bgcopy.Scope.READ)
    assert (narrow.info.roots, narrow.info.last_use_time) == (("media",), None)
    office.tokens.pop()
    assert not office.called("CreateToken")[1].request.HasField("lifetime")
    assert [info async for info in client.admin.tokens(page_size=1)] == [made.info, endless.info]
    page = await client.admin.list_tokens(page_size=1)
    assert (page.tokens, page.next_page_token) == ((made.info,), "1")
    await client.admin.revoke_token(made.info.token_id)
    assert [info.revoked async for info in client.admin.tokens()] == [True, False]
    with pytest.raises(bgcopy.NotFound, match="no such token"):
        await client.admin.revoke_token("nobody")


async def test_draining(client: bgcopy.AsyncClient, office: Office) -> None:
    office.stopping = 3
    assert await client.admin.drain_server() == 3
    assert office.draining
    assert await client.admin.drain_server(undo=True) == 0
    assert not office.draining


async def test_who_is_no_administrator(client: bgcopy.AsyncClient, office: Office) -> None:
    office.handlers["GetPolicy"] = refusing(
        grpc.StatusCode.PERMISSION_DENIED, "ADMIN_REQUIRED", "the policy needs an administrator"
    )
    with pytest.raises(bgcopy.AdminRequired, match="administrator"):
        await client.admin.get_policy()


async def test_a_server_without_the_service(short_path: Path) -> None:
    async with serving(Manager(), short_path) as target, bgcopy.AsyncClient(target) as client:
        with pytest.raises(bgcopy.NotSupported):
            await client.admin.get_stats()
