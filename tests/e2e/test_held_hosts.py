"""A host that asks to wait: the next job says why it waits, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import bgcopy
from bgcopy import FileSpec, JobInfo, JobState, Reason
from tests.support.daemon import DaemonProcess
from tests.support.http_hostile import HostileServer, Request, Wire


def later(_: Request, wire: Wire) -> None:
    wire.answer(429, b"later", Retry_After=1000)


async def waiting(client: bgcopy.AsyncClient, url: str, name: str) -> JobInfo:
    job = await client.create_job(name, [FileSpec(url, name)], start=True)
    async with job.watch() as changes:
        async for info in changes:
            if info.state is JobState.TRANSIENT_ERROR:
                return info
    raise AssertionError("a watch ends with a final state")


async def test_what_a_host_tells_one_job_the_next_one_heeds(daemon: DaemonProcess) -> None:
    with HostileServer(later) as server, HostileServer(later) as other:
        async with bgcopy.AsyncClient(daemon.target) as client:
            first = await waiting(client, f"{server.url}/a", "first")
            assert "asked too often" in first.blocked_reason
            second = await waiting(client, f"{server.url}/b?secret=1", "second")
            await waiting(client, f"{other.url}/c", "third")
        assert [request.target for request in server.requests] == ["/a"]
        assert len(other.requests) == 1
    assert second.error is not None
    assert (second.error.reason, second.error.http_status) == (Reason.HTTP_STATUS, 429)
    assert "All transfers from it wait, as it asked. Tries again at" in second.blocked_reason
    assert "secret" not in second.blocked_reason
    assert second.next_attempt_time is not None
    left = second.next_attempt_time - datetime.now(UTC)
    assert timedelta(seconds=500) < left <= timedelta(seconds=1000)
