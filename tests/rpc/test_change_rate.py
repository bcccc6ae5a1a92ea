"""`changes_per_second`: who asks for too much is told when to come again."""

from __future__ import annotations

from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_house import house
from tests.support.rpc_requests import created
from tests.support.rpc_status import refusal


async def test_who_asks_for_too_much_waits() -> None:
    async with house(changes_per_second=1) as home:
        anna = await home.user("anna")
        for _ in range(10):
            job = await created(anna)
        refused = await refusal(anna.call("SuspendJob", pb.SuspendJobRequest(job_id=job.job_id)))
        assert refused.reason == "CHANGE_RATE_EXCEEDED"
        assert (
            refused.detail(details_pb2.QuotaFailure).violations[0].subject == "changes_per_second"
        )
        assert refused.detail(details_pb2.RetryInfo).retry_delay.ToSeconds() <= 1
        # To look is free, and others have not asked.
        await anna.call("GetJob", pb.GetJobRequest(job_id=job.job_id))
        await created(await home.user("bert"))
        request = pb.CreateJobRequest(job=job_pb2.Job(display_name="of an administrator"))
        for _ in range(15):
            await home.local.call("CreateJob", request)
