"""Uploads over RPC: what they are born with, what is refused of them, how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.upload import (
    DOWNLOADS_ONLY_FIELDS,
    DOWNLOADS_ONLY_HTTP,
    DOWNLOADS_ONLY_OPTIONS,
    DOWNLOADS_ONLY_RPCS,
    NEW_UPLOAD,
    Source,
    Upload,
)
from bgcopyd.queue.transfers import Transfer
from tests.support.bad_input import GOOD as GOOD_REQUESTS
from tests.support.job_values import GOOD
from tests.support.rpc_engine import failure
from tests.support.rpc_house import House
from tests.support.rpc_requests import URL, created, got, spec, updated, verb
from tests.support.rpc_status import refusal
from tests.support.rpc_watch import arrived

UPLOAD = job_pb2.JOB_TYPE_UPLOAD
REPLY = job_pb2.JOB_TYPE_UPLOAD_REPLY
TRANSFERRED = job_pb2.JOB_STATE_TRANSFERRED
KNOWN = Upload(Source(1, 2, 10, 3))
_DIGEST = job_pb2.Digest(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"x" * 32)
FIELDS: dict[str, Any] = {
    "digests": [_DIGEST],
    "ranges": [job_pb2.FileRange(offset=1, length=1)],
    "mirrors": [f"{URL}/mirror"],
    "expected_size": 0,
}


async def begun(home: House, path: str = "a", **job: Any) -> tuple[job_pb2.Job, Transfer]:
    """An upload under way."""
    job_ = await created(home.local, spec(path), start=True, type=UPLOAD, **job)
    return job_, await home.engine.next()


async def test_what_the_engine_is_asked(home: House) -> None:
    job, asked = await begun(home, "dir/a")
    assert (job.type, job.http_method) == (UPLOAD, "PUT")
    assert (asked.upload, asked.path, asked.partial_name) == (NEW_UPLOAD, "dir/a", "")
    assert asked.options.http.method == "PUT"
    _, other = await begun(home, http_method="POST", max_bytes_per_second=7)
    assert (other.options.http.method, other.rate) == ("POST", 7)


async def test_the_method_may_be_reset(home: House) -> None:
    job = await created(home.local, spec("a"), type=UPLOAD, http_method="POST")
    assert (await updated(home.local, job.job_id, "http_method")).http_method == "PUT"


async def test_what_is_noted_is_kept_before_the_upload_goes_on(home: House) -> None:
    job, asked = await begun(home)
    home.engine.note(asked, KNOWN)
    await home.engine.let_proceed()
    assert home.engine.proceeded == [(job.job_id, 0)]
    [file] = await home.store.files(job.job_id)
    assert file.upload == KNOWN
    home.engine.fail(asked, failure())
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSIENT_ERROR)
    await verb(home.local, "ResumeJob", job.job_id)
    assert (await home.engine.next()).upload == KNOWN


async def test_it_waits_for_the_disk(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = await begun(home)
    seen: list[tuple[bool, int]] = []
    transact = home.store.transact

    async def watched(fn: Any, *, durable: bool = True, brief: bool = False) -> Any:
        result = await transact(fn, durable=durable, brief=brief)
        seen.append((durable, len(home.engine.proceeded)))
        return result

    monkeypatch.setattr(home.store, "transact", watched)
    home.engine.note(asked, KNOWN)
    await home.engine.let_proceed()
    assert (True, 0) in seen


async def test_complete_names_nothing(home: House) -> None:
    job, asked = await begun(home)
    home.engine.finish(asked, 10)
    job = await arrived(home.local, job.job_id, TRANSFERRED)
    assert (job.progress.bytes_transferred, job.progress.files_transferred) == (10, 1)
    answer = await verb(home.local, "CompleteJob", job.job_id)
    assert list(answer.completed_files) == [0]
    assert answer.job.state == job_pb2.JOB_STATE_ACKNOWLEDGED
    assert not home.files.placements
    assert not home.files.discarded
    [file] = (await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))).files
    assert (file.spec.local_path, file.temporary_name, file.completed) == ("a", "", True)


async def test_auto_complete(home: House) -> None:
    job, asked = await begun(home, auto_complete=True)
    home.engine.finish(asked, 10)
    await arrived(home.local, job.job_id, job_pb2.JOB_STATE_ACKNOWLEDGED)
    assert not home.files.placements


@pytest.mark.parametrize("allow_partial", [False, True])
async def test_nothing_is_complete_before_all_is_there(home: House, *, allow_partial: bool) -> None:
    job, _ = await begun(home)
    refused = await refusal(
        verb(home.local, "CompleteJob", job.job_id, allow_partial=allow_partial)
    )
    assert refused.reason == "JOB_NOT_TRANSFERRED"


async def test_cancel_touches_no_file(home: House) -> None:
    job, asked = await begun(home)
    home.engine.note(asked, KNOWN)
    await verb(home.local, "CancelJob", job.job_id)
    assert not home.files.discarded
    assert (await got(home.local, job.job_id)).state == job_pb2.JOB_STATE_CANCELLED
    assert not await home.store.transact(lambda tx: tx.directories())


async def test_a_source_has_any_number_of_readers(home: House) -> None:
    await created(home.local, spec("same"))
    for _ in range(3):
        await begun(home, "same")
    refused = await refusal(created(home.local, spec("same")))
    assert refused.reason == "DESTINATION_IN_USE"


# Answers that are kept.


async def replying(home: House, *fields: str) -> tuple[job_pb2.Job, Transfer]:
    path, *reply = fields
    job = await created(home.local, spec(path, reply_path="".join(reply)), start=True, type=REPLY)
    return job, await home.engine.next()


@pytest.mark.parametrize(
    ("fields", "reply"), [(("d/a",), "d/a.reply"), (("a", "e/b"), "e/b"), (("a", "{root}/b"), "b")]
)
async def test_an_answer_gets_its_name_with_complete(
    home: House, fields: tuple[str, ...], reply: str
) -> None:
    job, asked = await replying(home, *(field.format(root=home.root) for field in fields))
    assert asked.upload is not None
    assert asked.upload.reply == reply
    assert asked.partial_name == f".bgcopy-{job.job_id}-0"
    home.engine.reply(asked, 10, 7)
    await arrived(home.local, job.job_id, TRANSFERRED)
    [file] = (await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))).files
    assert (file.spec.reply_path, file.reply_size, file.bytes_total) == (reply, 7, 10)
    assert not file.filled_ranges
    await verb(home.local, "CompleteJob", job.job_id)
    [placement] = home.files.placements
    assert (placement.path, placement.partial_name) == (reply, asked.partial_name)
    assert (placement.device, placement.inode) == (1, 1)


async def test_cancel_deletes_the_answer_alone(home: House) -> None:
    job, _ = await replying(home, "d/a")
    await verb(home.local, "CancelJob", job.job_id)
    [partial] = home.files.discarded
    assert partial.path == "d/a.reply"


async def test_no_two_answers_have_one_place(home: House) -> None:
    await replying(home, "a", "r")
    refused = await refusal(replying(home, "b", "r"))
    assert (refused.reason, refused.fields) == ("DESTINATION_IN_USE", ["files[0].reply_path"])
    refused = await refusal(created(home.local, spec("r")))
    assert refused.reason == "DESTINATION_IN_USE"
    await replying(home, "a", "s")


async def test_an_answer_never_replaces_what_is_sent(home: House) -> None:
    refused = await refusal(replying(home, "a/b", "./a//b"))
    assert (refused.reason, refused.fields) == ("PATH_INVALID", ["files[0].reply_path"])
    refused = await refusal(replying(home, "x" * 252))
    assert refused.fields == ["files[0].reply_path"]


async def test_an_answer_is_for_those_who_keep_one(home: House) -> None:
    for kind in (UPLOAD, job_pb2.JOB_TYPE_DOWNLOAD):
        refused = await refusal(created(home.local, spec("a", reply_path="r"), type=kind))
        assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", ["files[0].reply_path"])


async def test_an_answer_is_read_when_it_is_there(home: House) -> None:
    job, _ = await replying(home, "a")
    early = home.local.call("ReadFile", pb.ReadFileRequest(job_id=job.job_id))
    assert (await refusal(early.read())).reason == "FILE_NOT_READY"


# What is refused.


def test_the_page_names_all_of_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "uploads.md").read_text()
    every = (*DOWNLOADS_ONLY_OPTIONS, *DOWNLOADS_ONLY_HTTP, "redirect_policy but DISALLOW")
    for names in (every, DOWNLOADS_ONLY_FIELDS, DOWNLOADS_ONLY_RPCS):
        for name in names:
            assert name in page


@pytest.mark.parametrize("name", [*DOWNLOADS_ONLY_OPTIONS, *DOWNLOADS_ONLY_HTTP])
async def test_properties_of_downloads_are_refused_by_name(home: House, name: str) -> None:
    new = await refusal(created(home.local, spec("a"), type=UPLOAD, **{name: GOOD[name]}))
    job = await created(home.local, type=UPLOAD)
    changed = await refusal(updated(home.local, job.job_id, **{name: GOOD[name]}))
    for refused in (new, changed):
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.UNIMPLEMENTED,
            "NOT_SUPPORTED",
        )
        assert refused.fields == [f"job.{name}"]
    assert await got(home.local, job.job_id) == job


async def test_redirects_are_forbidden_anyway(home: House) -> None:
    disallow, report = (
        job_pb2.Job(redirect_policy=number).redirect_policy  # type: ignore[arg-type] # numbers
        for number in (3, 2)
    )
    await created(home.local, spec("a"), type=UPLOAD, redirect_policy=disallow)
    refused = await refusal(created(home.local, spec("a"), type=UPLOAD, redirect_policy=report))
    assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", ["job.redirect_policy"])


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "HEAD"])
async def test_other_methods(home: House, method: str) -> None:
    refused = await refusal(created(home.local, spec("a"), type=UPLOAD, http_method=method))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["job.http_method"])


@pytest.mark.parametrize("name", DOWNLOADS_ONLY_FIELDS)
async def test_fields_of_downloads_are_refused_by_name(home: House, name: str) -> None:
    wrong = spec("a", **{name: FIELDS[name]})
    new = await refusal(created(home.local, wrong, type=UPLOAD))
    job = await created(home.local, type=UPLOAD)
    added = await refusal(
        home.local.call("AddFiles", pb.AddFilesRequest(job_id=job.job_id, files=[wrong]))
    )
    for refused in (new, added):
        assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", [f"files[0].{name}"])


@pytest.mark.parametrize("rpc", DOWNLOADS_ONLY_RPCS)
async def test_calls_of_downloads_are_refused_by_name(home: House, rpc: str) -> None:
    job = await created(home.local, spec("a"), type=UPLOAD)
    request = getattr(pb, f"{rpc}Request")(job_id=job.job_id, **GOOD_REQUESTS.get(rpc, {}))
    call = home.local.call(rpc, request)
    refused = await refusal(call.read() if rpc == "ReadFile" else call)
    assert refused.reason == "NOT_SUPPORTED"
    assert rpc in refused.message
    assert await got(home.local, job.job_id) == job


async def test_one_file_each(home: House) -> None:
    new = await refusal(created(home.local, spec("a"), spec("b"), type=UPLOAD))
    job = await created(home.local, type=UPLOAD)
    add = pb.AddFilesRequest(job_id=job.job_id, files=[spec("a")])
    await home.local.call("AddFiles", add)
    added = await refusal(
        home.local.call("AddFiles", pb.AddFilesRequest(job_id=job.job_id, files=[spec("b")]))
    )
    for refused in (new, added):
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "TOO_MANY_FILES",
        )
        assert refused.info.metadata["hresult_name"] == "BG_E_TOO_MANY_FILES"
