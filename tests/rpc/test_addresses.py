"""URLs that spell an address that jobs may not connect to are refused in every call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, got, spec
from tests.support.rpc_status import refusal

GOOD = "http://host.example/file"


@pytest.fixture
async def shared_home() -> AsyncIterator[House]:
    async with house(shared=True, allow_networks="10.1.0.0/16, ::1") as one:
        yield one


@pytest.mark.parametrize(
    "place", ["10.0.0.1", "[::ffff:10.0.0.1]:80", "0xa.1", "127.0.0.1", "LOCALHOST", "localhost."]
)
async def test_refused_in_every_call(shared_home: House, place: str) -> None:
    caller, url = shared_home.local, f"http://{place}/file"
    job = await created(caller, spec("a", remote_url=GOOD))
    requests = {
        "CreateJob": pb.CreateJobRequest(
            job=job_pb2.Job(display_name="x"), files=[spec("a", remote_url=GOOD, mirrors=[url])]
        ),
        "AddFiles": pb.AddFilesRequest(job_id=job.job_id, files=[spec("b", remote_url=url)]),
        "UpdateFile": pb.UpdateFileRequest(job_id=job.job_id, file_index=0, remote_url=url),
        "ReplaceRemotePrefix": pb.ReplaceRemotePrefixRequest(
            job_id=job.job_id, old_prefix=GOOD[:-1], new_prefix=url[:-1]
        ),
        "ProbeUrl": pb.ProbeUrlRequest(remote_url=url),
    }
    for method, request in requests.items():
        refused = await refusal(caller.call(method, request))
        assert refused.reason == "ADDRESS_NOT_ALLOWED", method
        assert "allow_networks" in refused.message
        assert len(refused.fields) == 1
    assert not shared_home.engine.probed
    assert (await got(caller, job.job_id)).etag == job.etag


@pytest.mark.parametrize("place", ["10.1.2.3", "[::1]", "example.com", "8.8.8.8"])
async def test_others_are_not(shared_home: House, place: str) -> None:
    await created(shared_home.local, spec("a", remote_url=f"http://{place}/file"))


async def test_who_shares_nothing_is_refused_metadata_alone(home: House) -> None:
    await created(home.local, spec("a", remote_url="http://10.0.0.1/file"))
    request = pb.ProbeUrlRequest(remote_url="http://169.254.169.254/latest/")
    refused = await refusal(home.local.call("ProbeUrl", request))
    assert refused.reason == "ADDRESS_NOT_ALLOWED"
    assert "metadata" in refused.message


@pytest.mark.parametrize("place", ["127.0.0.1", "localhost", "2130706433"])
async def test_webhooks_do_not_get_there(shared_home: House, place: str) -> None:
    caller = await shared_home.user("anna")
    request = pb.CreateWebhookRequest(url=f"http://{place}/hook")
    refused = await refusal(caller.call("CreateWebhook", request))
    assert (refused.reason, refused.fields) == ("ADDRESS_NOT_ALLOWED", ["url"])
    assert "allow_networks" in refused.message
