"""Ends of one job that meet each other: a Complete that fails, its repetition, a Cancel."""

from __future__ import annotations

import asyncio

import grpc

from bgcopy.v1 import job_pb2
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, spec, verb
from tests.support.rpc_watch import arrived

ROUNDS = 40


async def test_a_cancel_behind_a_failing_complete_leaves_nothing(home: House) -> None:
    home.files.problems = {0: "is a directory"}
    for number in range(ROUNDS):
        job = await created(home.local, spec(f"a{number}"), start=True)
        home.engine.finish(await home.engine.next(), 5)
        await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
        await asyncio.gather(
            _stubborn(home, "CompleteJob", job.job_id, tries=2),
            _stubborn(home, "CompleteJob", job.job_id, tries=1),
            _stubborn(home, "CancelJob", job.job_id, tries=1000),
        )
        # Refused while its leftovers are not deleted.
        await verb(home.local, "DeleteJob", job.job_id)
    assert await home.store.transact(lambda tx: tx.unsettled()) == []


async def _stubborn(home: House, name: str, job_id: str, *, tries: int) -> None:
    for _ in range(tries):
        try:
            await verb(home.local, name, job_id)
        except grpc.aio.AioRpcError as refused:
            if refused.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise
        else:
            return
