"""ListJobs and ListFiles: pages, tokens, filters, sizes."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from tests.support.rpc_house import House
from tests.support.rpc_requests import URL, create, created, listed, new_id, spec, verb
from tests.support.rpc_status import refusal

PAGE_BYTES = 1 << 20
SUSPENDED = job_pb2.JOB_STATE_SUSPENDED
CANCELLED = job_pb2.JOB_STATE_CANCELLED


async def page_of(home: House, size: int = 0, token: str = "", **filters: Any) -> Any:
    request = pb.ListJobsRequest(filter=pb.JobFilter(**filters), page_size=size, page_token=token)
    return await home.local.call("ListJobs", request)


async def test_pages_have_neither_gaps_nor_doubles_while_jobs_are_added(home: House) -> None:
    made = [(await created(home.local)).job_id for _ in range(25)]
    seen: list[str] = []
    token = ""
    while True:
        page = await page_of(home, 4, token)
        assert len(page.jobs) <= 4
        seen += [job.job_id for job in page.jobs]
        await created(home.local)
        token = page.next_page_token
        if not token:
            break
    assert seen == list(reversed(made))


@pytest.mark.parametrize(("size", "got"), [(0, 100), (1, 1), (1000, 105), (2**31 - 1, 105)])
async def test_page_sizes(home: House, size: int, got: int) -> None:
    for _ in range(105):
        await created(home.local)
    page = await page_of(home, size)
    assert len(page.jobs) == got
    assert bool(page.next_page_token) == (got < 105)


@pytest.mark.parametrize("rpc", ["ListJobs", "ListFiles"])
@pytest.mark.parametrize("size", [-1, -(2**31)])
async def test_negative_page_sizes(home: House, rpc: str, size: int) -> None:
    job = await created(home.local)
    request = getattr(pb, f"{rpc}Request")(page_size=size)
    if rpc == "ListFiles":
        request.job_id = job.job_id
    refused = await refusal(home.local.call(rpc, request))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["page_size"])


async def test_tokens_are_good_for_their_own_list(home: House) -> None:
    jobs = [await created(home.local, spec(), spec(), spec()) for _ in range(3)]
    token = (await page_of(home, 1)).next_page_token
    files = [
        (
            await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id, page_size=1))
        ).next_page_token
        for job in jobs
    ]
    wrong = [
        pb.ListJobsRequest(page_token="garbled"),
        pb.ListJobsRequest(page_token="\u00fc"),
        pb.ListJobsRequest(page_token="A" * 100_000),
        pb.ListJobsRequest(page_token=files[0]),
        pb.ListJobsRequest(page_token=token, filter=pb.JobFilter(text="x")),
        pb.ListJobsRequest(page_token=token, filter=pb.JobFilter(all_owners=True)),
        pb.ListFilesRequest(job_id=jobs[0].job_id, page_token=token),
        pb.ListFilesRequest(job_id=jobs[0].job_id, page_token=files[1]),
    ]
    for request in wrong:
        rpc = type(request).__name__.removesuffix("Request")
        refused = await refusal(home.local.call(rpc, request))
        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        assert (refused.reason, refused.fields) == ("PAGE_TOKEN_INVALID", ["page_token"])
    # The size may change between pages.
    assert len((await page_of(home, 2, token)).jobs) == 2


async def test_filters(home: House) -> None:
    red = await created(home.local, display_name="Alpha", labels={"team": "red", "x": "1"})
    blue = await created(home.local, description="of ALPHA", labels={"team": "blue"})
    other = await created(home.local, spec(), display_name="100%_done\u00c4")
    ended = await created(home.local, display_name="ended")
    await verb(home.local, "CancelJob", ended.job_id)

    async def names(**filters: Any) -> set[str]:
        kinds = {red.job_id: "red", blue.job_id: "blue", other.job_id: "other"}
        return {kinds.get(job.job_id, "ended") for job in await listed(home.local, **filters)}

    assert await names() == {"red", "blue", "other"}  # finished ones are left out
    assert await names(states=[CANCELLED]) == {"ended"}
    assert await names(states=[CANCELLED, SUSPENDED]) == {"red", "blue", "other", "ended"}
    assert await names(states=[job_pb2.JOB_STATE_QUEUED]) == set()
    assert await names(job_ids=[ended.job_id, red.job_id]) == {"ended", "red"}
    assert await names(job_ids=[f"{{{red.job_id.upper()}}}", new_id()]) == {"red"}
    assert await names(job_id_prefix=red.job_id) == {"red"}
    assert await names(job_id_prefix=red.job_id[:13].upper()) == {"red"}
    assert await names(display_name="Alpha") == {"red"}
    assert await names(display_name="alpha") == set()
    assert await names(text="aLPHa") == {"red", "blue"}
    assert await names(text="%_") == {"other"}
    assert await names(text="_") == {"other"}
    assert await names(text="\u00c4") == {"other"}
    assert await names(text="\u00e4") == set()  # of ASCII alike, and of nothing else
    assert await names(labels={"team": "red"}) == {"red"}
    assert await names(labels={"team": "red", "x": "2"}) == set()
    assert await names(labels={"x": "1", "team": "red"}) == {"red"}
    assert await names(text="alpha", labels={"team": "blue"}) == {"blue"}


async def test_bad_filters(home: House) -> None:
    wanted = pb.JobFilter(job_ids=["x"], job_id_prefix="z", states=[10])  # type: ignore[list-item] # unknown
    refused = await refusal(home.local.call("ListJobs", pb.ListJobsRequest(filter=wanted)))
    assert refused.reason == "INVALID_REQUEST"
    assert refused.fields == ["filter.job_ids[0]", "filter.job_id_prefix", "filter.states[0]"]
    newer = pb.ListJobsRequest()
    newer.filter.MergeFromString(b"\xf8\x3f\x01")
    refused = await refusal(home.local.call("ListJobs", newer))
    assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", ["filter[1023]"])


async def test_pages_of_large_jobs_stay_below_a_mebibyte(home: House) -> None:
    big = {f"{'k' * 58}{number:05}": "\U0001f600" * 256 for number in range(64)}
    request = create(labels=big, description="\U0001f600" * 1024, display_name="\U0001f600" * 256)
    made = [(await home.local.call("CreateJob", request)).job.job_id for _ in range(40)]
    seen: list[str] = []
    token = ""
    while True:
        page = await page_of(home, 1000, token)
        assert page.ByteSize() <= PAGE_BYTES
        assert page.jobs
        seen += [job.job_id for job in page.jobs]
        token = page.next_page_token
        if not token:
            break
    assert seen == list(reversed(made))


async def test_pages_of_large_files_stay_below_a_mebibyte(home: House) -> None:
    long = "/".join(["p" * 250] * 14)
    url = f"{URL}?{'x' * 2000}"
    files = [spec(f"{long}/{number}", remote_url=url) for number in range(500)]
    job = await created(home.local, *files)
    seen: list[int] = []
    token = ""
    while True:
        request = pb.ListFilesRequest(job_id=job.job_id, page_size=1000, page_token=token)
        page = await home.local.call("ListFiles", request)
        assert page.ByteSize() <= PAGE_BYTES
        seen += [file.index for file in page.files]
        token = page.next_page_token
        if not token:
            break
    assert seen == list(range(500))


async def test_files_of_a_new_job(home: House) -> None:
    digest = job_pb2.Digest(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"d" * 32)
    job = await created(home.local, spec("a/./b", digests=[digest]), spec("c"))
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    assert list(page.files) == [
        job_pb2.File(
            index=0,
            spec=job_pb2.FileSpec(
                remote_url=URL, root="default", local_path="a/b", digests=[digest]
            ),
        ),
        job_pb2.File(
            index=1,
            spec=job_pb2.FileSpec(remote_url=URL, root="default", local_path="c"),
        ),
    ]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("filter.labels", {"labels": {str(number): "" for number in range(65)}}),
        ("filter.states", {"states": [SUSPENDED] * 65}),
    ],
)
@pytest.mark.parametrize("rpc", ["ListJobs", "WatchJobs"])
async def test_a_filter_is_bounded(
    home: House, rpc: str, field: str, wanted: dict[str, Any]
) -> None:
    """5,000 labels in one filter kept the store's reader busy for ever, and with it everybody."""
    request = getattr(pb, f"{rpc}Request")(filter=pb.JobFilter(**wanted))
    call = home.local.call(rpc, request)
    refused = await refusal(call if rpc == "ListJobs" else call.read())
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", [field])
