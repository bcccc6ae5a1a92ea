"""CreateToken, ListTokens, RevokeToken."""

from __future__ import annotations

import logging
import re
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from bgcopy.v1 import admin_service_pb2 as pb
from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1 import identity_pb2
from tests.support.rpc_admin import begin
from tests.support.rpc_house import Caller, House
from tests.support.rpc_status import refusal

INFO = manager_pb2.GetServerInfoRequest()


async def listed(caller: Caller, **fields: Any) -> list[pb.TokenInfo]:
    """All pages."""
    tokens: list[pb.TokenInfo] = []
    page_token = ""
    while True:
        page = await begin(caller, "ListTokens", page_token=page_token, **fields)
        tokens += page.tokens
        page_token = page.next_page_token
        if not page_token:
            return tokens


async def test_a_token_is_good_for_its_bearer_until_it_is_revoked(home: House) -> None:
    made = await begin(home.local, "CreateToken", principal_name="anna@example.org")
    assert re.fullmatch(r"bgc_[A-Za-z0-9_-]{43}", made.token)
    assert (made.info.principal, made.info.admin) == ("user:anna@example.org", False)
    assert not made.info.HasField("expire_time")
    anna = home.caller(made.token, tcp=True)
    told = (await anna.call("GetServerInfo", INFO)).caller
    assert told == manager_pb2.Caller(
        principal="user:anna@example.org",
        scopes=[identity_pb2.SCOPE_READ, identity_pb2.SCOPE_WRITE],
    )
    assert (await refusal(begin(anna, "ListTokens"))).reason == "ADMIN_REQUIRED"
    (used,) = await listed(home.local)
    used.ClearField("last_use_time")
    assert used == made.info
    await begin(home.local, "RevokeToken", token_id=made.info.token_id)
    refused = await refusal(anna.call("GetServerInfo", INFO))
    assert refused.reason == "CREDENTIAL_INVALID"
    (token,) = await listed(home.local)
    assert token.revoked
    await begin(home.local, "RevokeToken", token_id=made.info.token_id)


async def test_an_administrators_token(home: House) -> None:
    made = await begin(home.local, "CreateToken", principal_name="root", admin=True)
    root = home.caller(made.token, tcp=True)
    again = await begin(root, "CreateToken", principal_name="root", admin=True)
    assert again.token != made.token
    assert [token.admin for token in await listed(root)] == [True, True]


async def test_a_token_that_ends(home: House) -> None:
    lifetime = Duration(seconds=3600)
    made = await begin(home.local, "CreateToken", principal_name="anna", lifetime=lifetime)
    info = made.info
    assert info.expire_time.ToDatetime(UTC) - info.create_time.ToDatetime(UTC) == timedelta(hours=1)
    anna = home.caller(made.token, tcp=True)
    await anna.call("GetServerInfo", INFO)
    home.clock.ahead = timedelta(hours=1)
    refused = await refusal(anna.call("GetServerInfo", INFO))
    assert refused.reason == "CREDENTIAL_EXPIRED"


async def test_the_text_is_in_the_answer_alone(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = await begin(home.local, "CreateToken", principal_name="anna")
        answers = [str(await listed(home.local)), str(made.info)]
    assert made.info.token_id in caplog.text
    assert made.token not in caplog.text
    assert made.token not in "".join(answers)
    for path in home.settings.state_dir.iterdir():
        if path.is_file():
            assert made.token.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({}, "principal_name"),
        ({"principal_name": "a b"}, "principal_name"),
        ({"principal_name": ".a"}, "principal_name"),
        ({"principal_name": "a:b"}, "principal_name"),
        ({"principal_name": "ä"}, "principal_name"),
        ({"principal_name": "a" * 129}, "principal_name"),
        ({"principal_name": "a", "lifetime": Duration()}, "lifetime"),
        ({"principal_name": "a", "lifetime": Duration(seconds=-1)}, "lifetime"),
        ({"principal_name": "a", "lifetime": Duration(seconds=11 * 365 * 86_400)}, "lifetime"),
    ],
)
async def test_what_makes_no_token(home: House, fields: dict[str, Any], at_fault: str) -> None:
    refused = await refusal(begin(home.local, "CreateToken", **fields))
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
    )
    assert refused.fields == [at_fault]
    assert not await listed(home.local)


async def test_the_longest_name(home: House) -> None:
    made = await begin(home.local, "CreateToken", principal_name="a" * 128)
    assert made.info.principal == "user:" + "a" * 128


async def test_pages_oldest_first(home: House) -> None:
    names = [f"user{number}" for number in range(7)]
    for name in names:
        await begin(home.local, "CreateToken", principal_name=name)
    whole = await listed(home.local)
    assert [token.principal for token in whole] == [f"user:{name}" for name in names]
    for size in (1, 3, 7, 5000):
        assert await listed(home.local, page_size=size) == whole
    first = await begin(home.local, "ListTokens", page_size=3)
    assert (len(first.tokens), bool(first.next_page_token)) == (3, True)


@pytest.mark.parametrize("page_token", ["nonsense", "AAAA", "\u00fc"])
async def test_bad_pages(home: House, page_token: str) -> None:
    refused = await refusal(begin(home.local, "ListTokens", page_token=page_token))
    assert (refused.reason, refused.fields) == ("PAGE_TOKEN_INVALID", ["page_token"])
    refused = await refusal(begin(home.local, "ListTokens", page_size=-1))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["page_size"])


async def test_the_token_of_another_list_is_none_of_this(home: House) -> None:
    for _ in range(2):
        request = manager_pb2.CreateJobRequest()
        request.job.display_name = "a job"
        await home.local.call("CreateJob", request)
    page = await home.local.call("ListJobs", manager_pb2.ListJobsRequest(page_size=1))
    refused = await refusal(begin(home.local, "ListTokens", page_token=page.next_page_token))
    assert refused.reason == "PAGE_TOKEN_INVALID"


async def test_revoking_what_is_not_there(home: House) -> None:
    refused = await refusal(begin(home.local, "RevokeToken", token_id="nobody"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "TOKEN_NOT_FOUND")
    for bad in ("", "x" * 65):
        refused = await refusal(begin(home.local, "RevokeToken", token_id=bad))
        assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["token_id"])
