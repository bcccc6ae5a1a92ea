"""`root_rights` in the calls that give files to jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, spec
from tests.support.rpc_status import refusal

UPLOAD = job_pb2.JOB_TYPE_UPLOAD


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[House]:
    roots = {name: tmp_path / name for name in ("default", "annas", "public", "inbox")}
    for place in roots.values():
        place.mkdir()
    (roots["public"] / "a").write_bytes(b"for all")
    rights = {"annas": "owner:user:anna", "public": "read", "inbox": "write"}
    async with house(roots=roots, root_rights=rights) as one:
        yield one


async def test_whose_roots_are_whose(estate: House) -> None:
    anna, bert = await estate.user("anna"), await estate.user("bert")
    await created(anna, spec("a", root="annas"))
    await created(estate.local, spec("b", root="annas"))
    request = pb.CreateJobRequest(
        job=job_pb2.Job(display_name="x"), files=[spec("c", root="annas")]
    )
    refused = await refusal(bert.call("CreateJob", request))
    assert refused.reason == "PATH_NOT_ALLOWED"
    info = await bert.call("GetServerInfo", pb.GetServerInfoRequest())
    assert list(info.roots) == ["default", "inbox", "public"]
    assert "annas" not in refused.message.partition("it has:")[2]


async def test_what_roots_are_for(estate: House) -> None:
    anna = await estate.user("anna")
    job = await created(anna, spec("a", root="inbox"))
    adding = pb.AddFilesRequest(job_id=job.job_id, files=[spec("b", root="public")])
    refused = await refusal(anna.call("AddFiles", adding))
    assert (refused.reason, refused.fields) == ("PATH_NOT_ALLOWED", ["files[0].root"])
    for root, good in (("public", True), ("inbox", False)):
        request = pb.CreateJobRequest(
            job=job_pb2.Job(display_name="x", type=UPLOAD), files=[spec("a", root=root)]
        )
        if good:
            await anna.call("CreateJob", request)
        else:
            refused = await refusal(anna.call("CreateJob", request))
            assert refused.reason == "PATH_NOT_ALLOWED"
