"""UpdateFile, RemoveFiles, ReplaceRemotePrefix and RequestFileRanges, at rest and while it runs."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, job_pb2
from bgcopyd.jobs.file import FileRange
from bgcopyd.jobs.reasons import Reason
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import URL, created, got, spec, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived, watching

SUSPENDED = job_pb2.JOB_STATE_SUSPENDED
ERROR = job_pb2.JOB_STATE_ERROR
TRANSFERRED = job_pb2.JOB_STATE_TRANSFERRED
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
PART = job_pb2.FileRange


async def call(home: House, rpc: str, job_id: str, **fields: Any) -> Any:
    return await home.local.call(rpc, getattr(pb, f"{rpc}Request")(job_id=job_id, **fields))


async def files_of(home: House, job_id: str) -> list[job_pb2.File]:
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job_id))
    return list(page.files)


async def transferred(home: House, *paths: str) -> job_pb2.Job:
    job = await created(home.local, *(spec(path) for path in paths), start=True)
    for one in await home.engine.take(len(paths)):
        home.engine.finish(one, 10)
    return await arrived(home.local, job.job_id, TRANSFERRED)


async def test_another_url(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"))
    answer = await call(home, "UpdateFile", job.job_id, file_index=1, remote_url=ELSEWHERE)
    assert answer.file.spec.remote_url == ELSEWHERE
    assert answer.job.etag != job.etag
    assert [file.spec.remote_url for file in await files_of(home, job.job_id)] == [URL, ELSEWHERE]


async def test_another_url_while_it_runs(home: House) -> None:
    job = await created(home.local, spec("a"), start=True)
    first = await home.engine.next()
    home.engine.connect(first, 10)
    home.engine.claim(first, 4, 10)
    await call(home, "UpdateFile", job.job_id, file_index=0, remote_url=ELSEWHERE)
    second = await home.engine.next()
    assert (second.url, second.claimed, second.claim_id) == (ELSEWHERE, 4, first.claim_id)


async def test_a_transferred_file_does_not_move(home: House) -> None:
    job = await transferred(home, "a")
    refused = await refusal(
        call(home, "UpdateFile", job.job_id, file_index=0, remote_url=ELSEWHERE)
    )
    assert refused.reason == "INVALID_STATE"


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"file_index": 0}, "INVALID_REQUEST", "remote_url"),
        ({"file_index": -1, "remote_url": URL}, "INVALID_REQUEST", "file_index"),
        ({"file_index": 1 << 24, "remote_url": URL}, "INVALID_REQUEST", "file_index"),
        ({"file_index": 0, "remote_url": "ftp://a/"}, "URL_INVALID", "remote_url"),
        ({"file_index": 0, "remote_url": ""}, "URL_INVALID", "remote_url"),
        ({"file_index": 0, "remote_url": "http://h/" + "x" * 2200}, "URL_INVALID", "remote_url"),
    ],
)
async def test_bad_changes_of_a_file(
    home: House, fields: dict[str, Any], reason: str, field: str
) -> None:
    job = await created(home.local, spec("a"))
    refused = await refusal(call(home, "UpdateFile", job.job_id, **fields))
    assert (refused.reason, refused.fields) == (reason, [field])
    assert await got(home.local, job.job_id) == job


@pytest.mark.parametrize("rpc", ["UpdateFile", "RequestFileRanges"])
async def test_a_file_that_is_not_there(home: House, rpc: str) -> None:
    job = await created(home.local, spec("a"))
    more: dict[str, Any] = (
        {"remote_url": URL} if rpc == "UpdateFile" else {"ranges": [PART(offset=0, length=1)]}
    )
    refused = await refusal(call(home, rpc, job.job_id, file_index=1, **more))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "FILE_NOT_FOUND")
    assert refused.info.metadata["file_index"] == "1"


async def test_an_invalid_file_is_fetched_anew(home: House) -> None:
    job = await transferred(home, "a", "b")
    answer = await call(home, "UpdateFile", job.job_id, file_index=1, validation_state=False)
    assert answer.job.state == ERROR
    assert answer.job.error.reason == Reason.VALIDATION_FAILED
    assert (answer.job.error.file_index, answer.job.error.hresult) == (1, "0x80200053")
    assert not answer.file.transferred
    assert answer.file.bytes_transferred == 0
    assert answer.job.progress.files_transferred == 1
    resumed = (await verb(home.local, "ResumeJob", job.job_id)).job
    again = await home.engine.next()
    assert (again.index, again.claimed) == (1, 0)
    home.engine.finish(again, 10)
    assert (await arrived(home.local, resumed.job_id, TRANSFERRED)).progress.files_transferred == 2
    (_, file) = await files_of(home, job.job_id)
    assert not file.HasField("validation_state")


async def test_a_valid_file_stays(home: House) -> None:
    job = await transferred(home, "a")
    answer = await call(home, "UpdateFile", job.job_id, file_index=0, validation_state=True)
    assert answer.job.state == TRANSFERRED
    assert answer.file.validation_state


async def test_what_changes_nothing_leaves_the_job_and_its_transfers_alone(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    first, _ = await home.engine.take(2)
    home.engine.finish(first, 10)
    parts = [PART(offset=5, length=5)]
    await call(home, "RequestFileRanges", job.job_id, file_index=1, ranges=parts)
    await home.engine.next()
    await call(home, "UpdateFile", job.job_id, file_index=0, validation_state=True)
    before = await got(home.local, job.job_id)
    for rpc, fields in (
        ("UpdateFile", {"file_index": 1, "remote_url": URL}),
        ("UpdateFile", {"file_index": 0, "validation_state": True}),
        ("ReplaceRemotePrefix", {"old_prefix": "http:", "new_prefix": "http:"}),
        ("RequestFileRanges", {"file_index": 1, "ranges": parts}),
    ):
        assert (await call(home, rpc, job.job_id, **fields)).job == before
    assert home.engine.started == 3


async def test_an_invalid_file_that_has_its_name_is_given_it_anew(home: House) -> None:
    job = await transferred(home, "a", "b")
    home.files.problems = {1: "It is in the way."}
    refused = await refusal(verb(home.local, "CompleteJob", job.job_id))
    assert (refused.reason, home.files.named) == ("DESTINATION_UNWRITABLE", {"a"})
    home.files.problems.clear()
    answer = await call(home, "UpdateFile", job.job_id, file_index=0, validation_state=False)
    assert not answer.file.completed
    await verb(home.local, "ResumeJob", job.job_id)
    home.engine.finish(await home.engine.next(), 10)
    await arrived(home.local, job.job_id, TRANSFERRED)
    await verb(home.local, "CompleteJob", job.job_id)
    assert [one.path for one in home.files.placements] == ["a", "b", "a", "b"]


async def test_only_a_transferred_file_can_be_judged(home: House) -> None:
    job = await created(home.local, spec("a"))
    for judgement in (True, False):
        refused = await refusal(
            call(home, "UpdateFile", job.job_id, file_index=0, validation_state=judgement)
        )
        assert (refused.reason, refused.info.metadata["hresult_name"]) == (
            "FILE_NOT_READY",
            "E_PENDING",
        )


async def test_a_file_judged_while_another_runs_stops_the_job(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    first, _ = await home.engine.take(2)
    async with watching(home.local, job_ids=[job.job_id], file_events=True) as reader:
        await reader.snapshot()
        home.engine.connect(first, 10)
        home.engine.finish(first, 10)
        told = await reader.file()
    assert (told.index, told.transferred) == (0, True)
    answer = await call(home, "UpdateFile", job.job_id, file_index=0, validation_state=False)
    assert answer.job.state == ERROR
    assert not home.engine.active
    assert (await got(home.local, job.job_id)).state == ERROR


async def test_removed_files_are_gone(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), spec("c"))
    answer = await call(home, "RemoveFiles", job.job_id, file_indexes=[1, 1, 7])
    assert answer.removed_files == 1
    assert answer.job.progress.files_total == 2
    assert answer.job.etag != job.etag
    assert [file.index for file in await files_of(home, job.job_id)] == [0, 2]
    assert [partial.path for partial in home.files.discarded] == ["b"]
    again = await call(home, "RemoveFiles", job.job_id, file_indexes=[1])
    assert (again.removed_files, again.job) == (0, answer.job)
    added = await home.local.call("AddFiles", pb.AddFilesRequest(
        job_id=job.job_id, files=[spec("b")]))  # fmt: skip
    assert added.first_index == 3


async def test_the_highest_index_is_not_given_again(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"))
    await call(home, "RemoveFiles", job.job_id, file_indexes=[1])
    added = await home.local.call("AddFiles", pb.AddFilesRequest(
        job_id=job.job_id, files=[spec("c")]))  # fmt: skip
    assert added.first_index == 2


async def test_without_unfinished_files_a_job_is_transferred(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    first, second = await home.engine.take(2)
    home.engine.finish(first, 10)
    home.engine.fail(second, failure(Reason.HTTP_STATUS, transient=False))
    await arrived(home.local, job.job_id, ERROR)
    answer = await call(home, "RemoveFiles", job.job_id, file_indexes=[1])
    assert answer.job.state == TRANSFERRED
    assert not answer.job.HasField("error")


async def test_a_job_that_completes_by_itself_does_so_when_the_rest_is_removed(
    home: House,
) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True, auto_complete=True)
    first, second = await home.engine.take(2)
    home.engine.finish(first, 10)
    home.engine.fail(second, failure(Reason.HTTP_STATUS, transient=False))
    await arrived(home.local, job.job_id, ERROR)
    await call(home, "RemoveFiles", job.job_id, file_indexes=[1])
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ACKNOWLEDGED)
    assert home.files.named == {"a"}


async def test_without_files_a_job_is_suspended(home: House) -> None:
    job = await created(home.local, spec("a"), start=True)
    await home.engine.next()
    answer = await call(home, "RemoveFiles", job.job_id, file_indexes=[0])
    assert answer.job.state == SUSPENDED
    assert not home.engine.active
    refused = await refusal(verb(home.local, "ResumeJob", job.job_id))
    assert refused.reason == "JOB_EMPTY"


async def test_removal_stops_what_writes_to_the_file_first(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), start=True)
    first, second = await home.engine.take(2)
    home.engine.connect(first, 10)
    home.engine.connect(second, 10)
    await call(home, "RemoveFiles", job.job_id, file_indexes=[0])
    again = await home.engine.next()
    assert (again.index, again.claim_id != second.claim_id) == (1, True)
    assert (await got(home.local, job.job_id)).progress.files_total == 1


@pytest.mark.parametrize("indexes", [[], [-1], [1 << 24]])
async def test_bad_indexes(home: House, indexes: list[int]) -> None:
    job = await created(home.local, spec("a"))
    refused = await refusal(call(home, "RemoveFiles", job.job_id, file_indexes=indexes))
    assert set(refused.fields) == {"file_indexes"}
    assert await got(home.local, job.job_id) == job


async def test_a_prefix_is_replaced_where_it_stands_and_is_unfinished(home: House) -> None:
    job = await created(
        home.local,
        spec("a", remote_url="http://old.example/a"),
        spec("b", remote_url="http://OLD.example/b"),
        spec("c", remote_url="http://old.example/c"),
        start=True,
    )
    first, *_ = await home.engine.take(3)
    home.engine.finish(first, 10)
    await verb(home.local, "SuspendJob", job.job_id)
    while home.daemon.runs.active(job.job_id):
        await got(home.local, job.job_id)
    fields = {"old_prefix": "http://old.example/", "new_prefix": "https://new.example/x/"}
    answer = await call(home, "ReplaceRemotePrefix", job.job_id, **fields)
    urls = [file.spec.remote_url for file in await files_of(home, job.job_id)]
    assert urls == ["http://old.example/a", "http://OLD.example/b", "https://new.example/x/c"]
    assert answer.replaced_files == 1
    again = await call(home, "ReplaceRemotePrefix", job.job_id, **fields)
    assert (again.replaced_files, again.job) == (0, answer.job)


async def test_a_prefix_that_makes_no_url_changes_nothing(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"))
    refused = await refusal(
        call(home, "ReplaceRemotePrefix", job.job_id, old_prefix="http:", new_prefix="ftp:")
    )
    assert (refused.reason, refused.fields) == ("URL_INVALID", ["new_prefix"])
    assert [file.spec.remote_url for file in await files_of(home, job.job_id)] == [URL, URL]


async def test_an_on_demand_job_fetches_what_it_is_asked_for(home: House) -> None:
    job = await created(home.local, spec("a"), spec("b"), on_demand_mode=True)
    parts = [PART(offset=10, length=5), PART(offset=12, length=8), PART(offset=90)]
    answer = await call(home, "RequestFileRanges", job.job_id, file_index=1, ranges=parts)
    assert answer.job.state == job_pb2.JOB_STATE_QUEUED
    one = await home.engine.next()
    assert (one.index, one.requested) == (1, (FileRange(10, 10), FileRange(90)))
    assert home.engine.started == 1
    home.engine.connect(one, 100)
    home.engine.satisfy(one, FileRange(10, 10), FileRange(90, 10))
    await arrived(home.local, job.job_id, SUSPENDED)
    (_, file) = await files_of(home, job.job_id)
    assert [(part.offset, part.length) for part in file.filled_ranges] == [(10, 10), (90, 10)]
    again = await call(home, "RequestFileRanges", job.job_id, file_index=1, ranges=parts[:1])
    assert again.job.state == SUSPENDED


async def test_ranges_that_are_asked_for_while_others_come(home: House) -> None:
    job = await created(home.local, spec("a"), on_demand_mode=True)
    await call(home, "RequestFileRanges", job.job_id, file_index=0, ranges=[PART(length=5)])
    first = await home.engine.next()
    home.engine.connect(first, 100)
    more = [PART(offset=50, length=5)]
    await call(home, "RequestFileRanges", job.job_id, file_index=0, ranges=more)
    second = await home.engine.next()
    assert second.requested == (FileRange(0, 5), FileRange(50, 5))


async def test_an_on_demand_job_is_transferred_when_all_of_it_is_here(home: House) -> None:
    job = await created(home.local, spec("a"), on_demand_mode=True)
    await call(home, "RequestFileRanges", job.job_id, file_index=0, ranges=[PART(offset=0)])
    home.engine.finish(await home.engine.next(), 10)
    await arrived(home.local, job.job_id, TRANSFERRED)


async def test_any_other_job_fetches_the_ranges_first_and_then_the_rest(home: House) -> None:
    job = await created(home.local, spec("a"))
    wanted = [PART(offset=50, length=5)]
    answer = await call(home, "RequestFileRanges", job.job_id, file_index=0, ranges=wanted)
    assert answer.job.state == SUSPENDED
    await verb(home.local, "ResumeJob", job.job_id)
    first = await home.engine.next()
    assert first.requested == (FileRange(50, 5),)
    home.engine.connect(first, 100)
    home.engine.satisfy(first, FileRange(50, 5))
    second = await home.engine.next()
    assert (second.requested, second.filled) == (None, (FileRange(50, 5),))


async def test_the_order_is_only_a_wish(home: House) -> None:
    job = await created(home.local, spec("a"))
    wanted = [PART(offset=50, length=5)]
    await call(home, "RequestFileRanges", job.job_id, file_index=0, ranges=wanted)
    await verb(home.local, "ResumeJob", job.job_id)
    no_ranges = failure(Reason.INSUFFICIENT_RANGE_SUPPORT, transient=False)
    home.engine.fail(await home.engine.next(), no_ranges)
    second = await home.engine.next()
    assert second.requested is None
    home.engine.fail(second, failure(Reason.DISK_FULL, transient=False))
    seen = await arrived(home.local, job.job_id, ERROR)
    assert seen.error.reason == error_pb2.REASON_DISK_FULL


@pytest.mark.parametrize(
    ("job", "file", "parts", "reason"),
    [
        ({"dynamic_content": True}, {}, [PART(length=1)], "RANDOM_ACCESS_NOT_SUPPORTED"),
        ({}, {"ranges": [PART(length=5)]}, [PART(length=1)], "RANDOM_ACCESS_NOT_SUPPORTED"),
        ({}, {}, [], "INVALID_REQUEST"),
        ({}, {}, [PART(length=1)] * 1001, "INVALID_REQUEST"),
        ({}, {}, [PART(offset=-1)], "RANGE_INVALID"),
        ({}, {}, [PART(offset=0, length=0)], "RANGE_INVALID"),
        ({}, {}, [PART(offset=(1 << 63) - 1, length=2)], "RANGE_INVALID"),
    ],
)
async def test_bad_ranges(
    home: House, job: dict[str, Any], file: dict[str, Any], parts: list[Any], reason: str
) -> None:
    there = await created(home.local, spec("a", **file), **job)
    refused = await refusal(
        call(home, "RequestFileRanges", there.job_id, file_index=0, ranges=parts)
    )
    assert refused.reason == reason
    assert await got(home.local, there.job_id) == there


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("UpdateFile", {"remote_url": ELSEWHERE}),
        ("RemoveFiles", {"file_indexes": [0]}),
        ("ReplaceRemotePrefix", {"old_prefix": "http", "new_prefix": "https"}),
        ("RequestFileRanges", {"ranges": [PART(length=1)]}),
    ],
)
async def test_etags_and_ends(home: House, rpc: str, fields: dict[str, Any]) -> None:
    job = await created(home.local, spec("a"))
    refused = await refusal(call(home, rpc, job.job_id, etag="other", **fields))
    assert refused.reason == "ETAG_MISMATCH"
    await verb(home.local, "CancelJob", job.job_id)
    refused = await refusal(call(home, rpc, job.job_id, **fields))
    assert refused.reason == "INVALID_STATE"


@pytest.mark.parametrize(
    ("ranges", "reason", "field"),
    [
        ([PART(offset=0, length=5), PART(offset=4, length=1)], "RANGES_OVERLAP", "ranges"),
        ([PART(offset=9), PART(offset=10, length=1)], "RANGES_OVERLAP", "ranges"),
        ([PART(offset=-1, length=1)], "RANGE_INVALID", "ranges"),
        ([PART(offset=0, length=0)], "RANGE_INVALID", "ranges"),
    ],
)
async def test_ranges_of_a_new_file(
    home: House, ranges: list[Any], reason: str, field: str
) -> None:
    request = pb.CreateJobRequest(
        job=job_pb2.Job(display_name="x"), files=[spec("a", ranges=ranges)]
    )
    refused = await refusal(home.local.call("CreateJob", request))
    assert (refused.reason, refused.fields) == (reason, [f"files[0].{field}"])


@pytest.mark.parametrize("name", ["on_demand_mode", "dynamic_content"])
async def test_a_job_with_ranges_stays_one_that_fetches_them(home: House, name: str) -> None:
    job = await created(home.local, spec("a"), spec("b", ranges=[PART(length=5)]))
    value: dict[str, Any] = {name: True}
    values = job_pb2.Job(**value)
    mask = FieldMask(paths=[name])
    refused = await refusal(call(home, "UpdateJob", job.job_id, job=values, update_mask=mask))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", [f"job.{name}"])
    await call(home, "RemoveFiles", job.job_id, file_indexes=[1])
    await call(home, "UpdateJob", job.job_id, job=values, update_mask=mask)


async def test_ranges_and_mirrors_reach_the_engine(home: House) -> None:
    ranges = [PART(offset=10, length=5), PART(offset=2, length=1)]
    asked = spec("a", ranges=ranges, mirrors=[ELSEWHERE], expected_size=6)
    made = await created(home.local, asked, start=True)
    one = await home.engine.next()
    assert one.expected_size == 6
    request = pb.ListFilesRequest(job_id=made.job_id)
    [file] = (await home.local.call("ListFiles", request)).files
    assert file.spec.expected_size == 6
    assert one.ranges == (FileRange(10, 5), FileRange(2, 1))
    assert one.mirrors == (ELSEWHERE,)


@pytest.mark.parametrize(
    ("mirrors", "field"),
    [(["ftp://a/"], "mirrors[0]"), ([URL] * 17, "mirrors")],
)
async def test_bad_mirrors(home: House, mirrors: list[str], field: str) -> None:
    request = pb.CreateJobRequest(
        job=job_pb2.Job(display_name="x"), files=[spec("a", mirrors=mirrors)]
    )
    refused = await refusal(home.local.call("CreateJob", request))
    assert refused.fields == [f"files[0].{field}"]
