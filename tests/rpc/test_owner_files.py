"""`files_per_owner`: the files of all live jobs of an owner together."""

from __future__ import annotations

from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_admin import changed
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_status import refusal


async def test_files_of_all_live_jobs_count(home: House) -> None:
    anna, bert = await home.user("anna"), await home.user("bert")
    await changed(home.local, files_per_owner=3)
    first = await created(anna, spec("a"), spec("b"))
    second = await created(anna, spec("c"))
    adding = pb.AddFilesRequest(job_id=second.job_id, files=[spec("d")])
    refused = await refusal(anna.call("AddFiles", adding))
    assert refused.reason == "FILE_QUOTA_EXCEEDED"
    assert "complete or cancel" in refused.message
    assert refused.detail(details_pb2.QuotaFailure).violations[0].subject == "files_per_owner"
    assert (await got(anna, second.job_id)).etag == second.etag
    # Others have room of their own, administrators no more than they.
    await created(bert, spec("e"), spec("f"), spec("g"))
    await created(home.local, spec("h"), spec("i"), spec("j"))
    for who in (anna, bert, home.local):
        job = pb.CreateJobRequest(job=job_pb2.Job(display_name="x"), files=[spec("k")])
        assert (await refusal(who.call("CreateJob", job))).reason == "FILE_QUOTA_EXCEEDED"
    await verb(anna, "CancelJob", first.job_id)
    await anna.call("AddFiles", adding)
    await changed(home.local, files_per_owner=0)
    await created(anna, spec("a"), spec("b"), spec("k"))
