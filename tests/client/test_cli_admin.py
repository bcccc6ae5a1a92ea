"""policy, token, drain and status against a scripted server, as processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from bgcopy.v1 import background_copy_manager_pb2 as manager_pb2
from bgcopy.v1 import job_pb2
from tests.support.cli import Command
from tests.support.fake_server import Context, refusing, serving
from tests.support.fake_server_admin import Office
from tests.support.fake_server_queue import Queue


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def office(queue: Queue) -> Office:
    assert isinstance(queue.admin, Office)
    return queue.admin


@pytest.fixture
async def bgcopy_(queue: Queue, tmp_path: Path, short_path: Path) -> AsyncIterator[Command]:
    async with serving(queue, short_path) as target:
        yield Command(tmp_path, target)


async def test_the_policy_is_shown(bgcopy_: Command) -> None:
    shown = await bgcopy_("policy")
    assert (shown.code, shown.err) == (0, "")
    assert dict(line.split(None, 1) for line in shown.out.splitlines()) == {
        "jobs_per_owner:": "10",
        "jobs_per_machine:": "20",
        "files_per_job:": "30",
        "files_per_owner:": "0",
        "bytes_per_owner:": "0 (no limit)",
        "ranges_per_file:": "40",
        "watches_per_owner:": "50",
        "background_jobs:": "4",
        "max_bytes_per_second:": "0 (no limit)",
        "max_bytes_per_second_per_owner:": "0 (no limit)",
        "max_bytes_per_second_per_host:": "0 (no limit)",
        "rate_timetable:": "off",
        "retention:": "1 d 00 h",
        "inactivity_timeout:": "90 d 00 h",
        "network_cost:": "unrestricted",
    }
    told = await bgcopy_("policy", "get", "--json")
    assert (told.json["retention"], told.json["network_cost"]) == (86_400, "UNRESTRICTED")
    assert told.json["etag"] == "0"


async def test_limits_are_set(bgcopy_: Command, office: Office) -> None:
    pairs = ["background-jobs=2", "max_bytes_per_second=2M", "retention=1h", "files_per_job="]
    done = await bgcopy_("policy", "set", *pairs, "network_cost=near-cap", "--json")
    assert done.code == 0, done.err
    assert (done.json["background_jobs"], done.json["max_bytes_per_second"]) == (2, 2 << 20)
    assert (done.json["retention"], done.json["network_cost"]) == (3600, "NEAR_CAP")
    request = office.called("UpdatePolicy")[0].request
    assert len(request.update_mask.paths) == 5
    assert not request.policy.HasField("files_per_job")
    assert request.policy.retention.ToTimedelta() == timedelta(hours=1)
    assert request.policy.network_cost == job_pb2.COST_STATE_NEAR_CAP
    lifted = await bgcopy_(
        "policy", "set", "max_bytes_per_second=0", "max-bytes-per-second-per-host=1M"
    )
    assert "1048576 (1.0 MiB/s)" in lifted.out
    table = "Mon-08:00,512K Fri-18:00,off"
    assert table in (await bgcopy_("policy", "set", f"rate_timetable={table}")).out
    assert office.called("UpdatePolicy")[2].request.policy.rate_timetable == table
    assert "0 (no limit)" in lifted.out
    assert office.called("UpdatePolicy")[1].request.policy.HasField("max_bytes_per_second")


@pytest.mark.parametrize(
    "pair",
    ["nonsense=1", "files_per_job", "files_per_job=many", "etag=x", "retention=soon", "=",
     "network_cost=cheap", "max_bytes_per_second=fast"],
)  # fmt: skip
async def test_what_is_no_limit(bgcopy_: Command, office: Office, pair: str) -> None:
    done = await bgcopy_("policy", "set", pair)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert not office.calls


async def test_a_limit_that_the_daemon_refuses(bgcopy_: Command, office: Office) -> None:
    office.handlers["UpdatePolicy"] = refusing(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "policy.files_per_job: is 0; 1 to"
    )
    done = await bgcopy_("policy", "set", "files_per_job=0")
    assert (done.code, "policy.files_per_job: is 0" in done.err) == (2, True)


async def test_tokens(bgcopy_: Command, office: Office) -> None:
    none = await bgcopy_("token", "list")
    assert (none.code, none.out) == (0, "")
    made = await bgcopy_("token", "create", "--principal", "anna", "--admin", "--expires", "90d")
    assert (made.code, made.out) == (0, "bgc_secret1\n")
    assert "user:anna" in made.err
    request = office.called("CreateToken")[0].request
    assert (request.principal_name, request.admin) == ("anna", True)
    assert request.lifetime.ToTimedelta() == timedelta(days=90)
    scopes = ("--scope", "write", "--scope", "take-ownership", "--root", "media")
    other = await bgcopy_("token", "create", "--principal", "bert", *scopes, "--json")
    assert (other.json["token"], other.json["expire_time"]) == ("bgc_secret2", None)
    assert (other.json["scopes"], other.json["roots"]) == (["WRITE", "TAKE_OWNERSHIP"], ["media"])
    request = office.called("CreateToken")[1].request
    assert (list(request.scopes), request.roots) == ([2, 4], ["media"])
    revoked = await bgcopy_("token", "revoke", "id0")
    assert (revoked.code, "id0 is revoked" in revoked.err) == (0, True)
    listed = await bgcopy_("token", "list")
    head, *rows = [line.split() for line in listed.out.splitlines()]
    assert head[0] == "ID"
    assert [row[:5] for row in rows] == [
        ["id0", "revoked", "user:anna", "read", "all"],
        ["id1", "valid", "user:bert", "write,take-ownership", "media"],
    ]
    assert "secret" not in listed.out
    told = await bgcopy_("token", "list", "--json")
    assert [one["revoked"] for one in told.json] == [True, False]


async def test_a_token_that_is_not_there(bgcopy_: Command) -> None:
    done = await bgcopy_("token", "revoke", "nobody", "--json")
    assert (done.code, done.error["reason"]) == (5, "TOKEN_NOT_FOUND")
    assert "token list" in done.error["hint"]


async def test_draining(bgcopy_: Command, office: Office) -> None:
    office.stopping = 2
    begun = await bgcopy_("drain")
    assert (begun.code, "2 jobs are still stopping" in begun.err) == (0, True)
    assert office.draining
    status = await bgcopy_("status")
    assert "draining: yes" in status.out
    office.stopping = 0
    assert "no job runs" in (await bgcopy_("drain")).err
    assert (await bgcopy_("drain", "--json")).json == {"draining": True, "running_jobs": 0}
    assert (await bgcopy_("drain", "--undo")).code == 0
    assert not office.draining


async def test_status_tells_administrators_how_the_daemon_does(
    bgcopy_: Command, queue: Queue, office: Office
) -> None:
    shown = await bgcopy_("status")
    assert shown.code == 0, shown.err
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    for line in (
        "jobs: 3 queued",
        "moving: 2 jobs, 2.0 KiB/s of at most 512.0 KiB/s",
        "received: 1.0 MiB",
        "attempts: 5 finished, 1 failed",
        "watches: 7",
        "memory: 64.0 MiB",
        "queue: 8.0 MiB on disk",
    ):
        assert line in lines
    assert "draining" not in shown.out
    told = await bgcopy_("status", "--json")
    assert told.json["stats"]["jobs"] == {"QUEUED": 3, "ERROR": 0}
    office.handlers["GetStats"] = refusing(grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED")
    assert "received" not in (await bgcopy_("status")).out

    async def anna(_: object, __: Context) -> manager_pb2.GetServerInfoResponse:
        return manager_pb2.GetServerInfoResponse(
            version="1", caller=manager_pb2.Caller(principal="user:anna")
        )

    queue.handlers["GetServerInfo"] = anna
    count = len(office.calls)
    told = await bgcopy_("status", "--json")
    assert "stats" not in told.json
    assert len(office.calls) == count


async def test_who_is_no_administrator(bgcopy_: Command, office: Office) -> None:
    office.handlers["DrainServer"] = refusing(
        grpc.StatusCode.PERMISSION_DENIED, "ADMIN_REQUIRED", "draining needs an administrator"
    )
    done = await bgcopy_("drain")
    assert (done.code, "--token-file" in done.err) == (4, True)
