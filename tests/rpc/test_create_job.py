"""CreateJob: what each property does, what is refused, and that a refusal leaves nothing."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2 as details_pb2

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, http_pb2, job_pb2
from bgcopyd.jobs.file import DigestAlgorithm
from bgcopyd.jobs.properties import PROPERTIES
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import URL, create, created, listed, spec
from tests.support.rpc_status import Refused, refusal

ALGORITHMS = list(DigestAlgorithm)

INVALID = grpc.StatusCode.INVALID_ARGUMENT

OUTPUT_ONLY: dict[str, Any] = {
    "job_id": "00000000-0000-4000-8000-000000000000",
    "etag": "x",
    "revision": 1,
    "state": job_pb2.JOB_STATE_QUEUED,
    "owner": "user:anna",
    "progress": job_pb2.JobProgress(),
    "error": error_pb2.TransferError(),
    "error_count": 1,
    "blocked_reason": "x",
    "create_time": Timestamp(),
    "modification_time": Timestamp(),
    "transferred_time": Timestamp(),
    "expire_time": Timestamp(),
    "next_attempt_time": Timestamp(),
    "credentials": [http_pb2.CredentialsKey()],
    "download_time": Duration(),
    "inactivity_time": Timestamp(),
    "partially_completed": True,
}


async def refused_create(home: House, request: pb.CreateJobRequest) -> Refused:
    """The refusal of a CreateJob, after a look at whether it has left anything."""
    before = await listed(home.local)
    refused = await refusal(home.local.call("CreateJob", request))
    assert await listed(home.local) == before
    return refused


def test_what_the_server_sets_is_what_no_caller_may() -> None:
    fields = {field.name for field in job_pb2.Job.DESCRIPTOR.fields}
    assert set(OUTPUT_ONLY) == fields - PROPERTIES.keys()


@pytest.mark.parametrize("field", OUTPUT_ONLY)
async def test_what_the_server_sets_is_refused_by_name(home: House, field: str) -> None:
    refused = await refused_create(home, create(**{field: OUTPUT_ONLY[field]}))
    assert (refused.code, refused.reason) == (INVALID, "INVALID_REQUEST")
    assert refused.fields == [f"job.{field}"]


async def test_start_queues_at_once(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    assert job.state == job_pb2.JOB_STATE_QUEUED
    assert (await home.engine.next()).job_id == job.job_id


async def test_start_needs_files(home: House) -> None:
    refused = await refused_create(home, create(start=True))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "JOB_EMPTY"
    assert refused.info.metadata["hresult"] == "0x80200003"
    assert refused.detail(details_pb2.PreconditionFailure).violations[0].type == "JOB_EMPTY"


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"display_name": ""}, "display_name"),
        ({"display_name": "x" * 257}, "display_name"),
        ({"display_name": "a\0b"}, "display_name"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"display_name": "a\x7fb"}, "display_name"),
        ({"description": "x" * 1025}, "description"),
        ({"description": "a\x1bb"}, "description"),
        ({"labels": {f"k{number}": "" for number in range(65)}}, "labels"),
        ({"labels": {"": "x"}}, "labels"),
        ({"labels": {"Upper": "x"}}, "labels"),
        ({"labels": {"k" * 64: "x"}}, "labels"),
        ({"labels": {"k\n": "x"}}, "labels"),
        ({"labels": {"k": "x" * 257}}, "labels"),
        ({"labels": {"k": "a\rb"}}, "labels"),
        ({"max_bytes_per_second": -1}, "max_bytes_per_second"),
        ({"type": 9}, "type"),
        ({"type": -1}, "type"),
        ({"priority": 5}, "priority"),
        ({"priority": 2**31 - 1}, "priority"),
        ({"minimum_retry_delay": Duration(seconds=-1)}, "minimum_retry_delay"),
        ({"minimum_retry_delay": Duration(seconds=2**62)}, "minimum_retry_delay"),
        ({"no_progress_timeout": Duration(nanos=-1)}, "no_progress_timeout"),
        ({"no_progress_timeout": Duration(seconds=2**62)}, "no_progress_timeout"),
    ],
)
async def test_bad_properties(home: House, job: dict[str, Any], field: str) -> None:
    refused = await refused_create(home, create(**job))
    assert (refused.code, refused.reason) == (INVALID, "INVALID_REQUEST")
    assert refused.fields == [f"job.{field}"]


async def test_limits_are_still_allowed(home: House) -> None:
    job = await created(
        home.local,
        display_name="\u00fc" * 256,
        description="\u00fc\n\t" * 341,
        labels={f"{'k' * 58}{number:05}": "v" * 256 for number in range(64)},
        minimum_retry_delay=Duration(),
        no_progress_timeout=Duration(),
    )
    assert job.minimum_retry_delay == Duration(seconds=5)  # as BITS does
    assert job.HasField("no_progress_timeout")
    assert job.no_progress_timeout == Duration()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file",
        "/etc/passwd",
        "//host/file",
        "file:///etc/passwd",
        "ftp://host/file",
        "ftp://host/directory/",
        "ftp://host/a;type=a",
        "ftp://host/a?b",
        "ftp://host/a%0d%0aDELE%20a",
        "ftps://user:secret@host/file",
        "ftp://host:0/file",
        "http://[fe80::1%25eth0]/file",
        "javascript:alert(1)",
        "http://",
        "http:///file",
        "http://user:secret@host/file",
        "http://secret@host/file",
        "http://host:0/file",
        "http://host:65536/file",
        "http://host:port/file",
        "http://[::1/file",
        "http://host/a b",
        "http://host/a\nb",
        "http://host/a\0b",
        "http://host/a\\b",
        "http://host/\u00fc",
        "http://b\u00fccher.example/",
        " http://host/file",
        "http://host/" + "x" * (2201 - 12),
    ],
)
async def test_bad_urls(home: House, url: str) -> None:
    refused = await refused_create(home, create(spec(), spec(remote_url=url)))
    assert (refused.code, refused.reason) == (INVALID, "URL_INVALID")
    assert refused.fields == ["files[1].remote_url"]
    assert "secret" not in str(refused.status)


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "HTTP://HOST/",
        "https://host:8443/a?b=c#d",
        "http://[::1]:80/x",
        "http://host/%20?q={}|^`",
        "http://host/" + "x" * (2200 - 12),
    ],
)
async def test_good_urls_are_kept_as_they_are(home: House, url: str) -> None:
    job = await created(home.local, spec(remote_url=url))
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    assert page.files[0].spec.remote_url == url


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "/",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "a/",
        "a\0b",
        "a\nb",
        "a/b\x7f",
        "a\u0085b",
        "x" * 256,
        "\u00fc" * 128,
        "a/" * 2048 + "x",
        "dot.",
        "space ",
        "space /x",
        "CON",
        "nul.txt",
        "a/LPT1/b",
        ".bgcopy-x",
    ],
)
async def test_bad_paths(home: House, path: str) -> None:
    refused = await refused_create(home, create(spec(local_path=path)))
    assert (refused.code, refused.reason) == (INVALID, "PATH_INVALID")
    assert refused.fields == ["files[0].local_path"]


async def test_a_file_needs_a_path(home: House) -> None:
    bare = job_pb2.FileSpec(remote_url=URL)
    refused = await refused_create(home, create(bare))
    assert (refused.reason, refused.fields) == ("PATH_INVALID", ["files[0].local_path"])


@pytest.mark.parametrize("root", ["unknown", "Default", "../default", "\U0001f600" * 4000, "a\nb"])
async def test_unknown_roots(home: House, root: str) -> None:
    refused = await refused_create(home, create(spec("x", root=root)))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert refused.reason == "PATH_NOT_ALLOWED"
    assert refused.fields == ["files[0].root"]


async def test_absolute_paths_lie_under_a_root(home: House) -> None:
    job = await created(
        home.local, spec(f"{home.root}/a//./b"), spec(f"{home.root}/c", root="default")
    )
    page = await home.local.call("ListFiles", pb.ListFilesRequest(job_id=job.job_id))
    assert [(file.spec.root, file.spec.local_path) for file in page.files] == [
        ("default", "a/b"),
        ("default", "c"),
    ]
    outside = create(spec("/etc/passwd", root="default"))
    refused = await refused_create(home, outside)
    assert (refused.reason, refused.fields) == ("PATH_INVALID", ["files[0].local_path"])
    escaping = create(spec(f"{home.root}/../x", root="default"))
    assert (await refused_create(home, escaping)).reason == "PATH_INVALID"


@pytest.mark.parametrize("one", [spec("/tmp/x"), spec("tmp/x", root="fs")])
async def test_the_host_is_open_to_administrators_only(home: House, one: job_pb2.FileSpec) -> None:
    anna = await home.user("anna")
    refused = await refusal(anna.call("CreateJob", create(one)))
    assert refused.code in {INVALID, grpc.StatusCode.PERMISSION_DENIED}
    assert refused.reason in {"PATH_INVALID", "PATH_NOT_ALLOWED"}
    job = await created(anna)
    adding = pb.AddFilesRequest(job_id=job.job_id, files=[one])
    assert (await refusal(anna.call("AddFiles", adding))).reason == refused.reason
    info = await anna.call("GetServerInfo", pb.GetServerInfoRequest())
    assert list(info.roots) == ["default"]
    assert await created(await home.user("root", admin=True), one)


async def test_a_neighbour_of_a_root_is_not_below_it(home: House) -> None:
    refused = await refused_create(home, create(spec(f"{home.root}-x/y", root="default")))
    assert refused.reason == "PATH_INVALID"


@pytest.mark.parametrize(
    ("digest", "field"),
    [
        ({"value": b"x" * 32}, "algorithm"),
        ({"algorithm": 99, "value": b"x" * 32}, "algorithm"),
        ({"algorithm": 1}, "value"),
        ({"algorithm": 1, "value": b"x" * 31}, "value"),
        ({"algorithm": 1, "value": b"0" * 64}, "value"),
        *(({"algorithm": int(one), "value": b"x" * (one.size + 1)}, "value") for one in ALGORITHMS),
        *(({"algorithm": int(one)}, "value") for one in ALGORITHMS),
    ],
)
async def test_bad_digests(home: House, digest: dict[str, Any], field: str) -> None:
    refused = await refused_create(home, create(spec(digests=[job_pb2.Digest(**digest)])))
    assert refused.reason == "INVALID_REQUEST"
    assert refused.fields == [f"files[0].digests[0].{field}"]


def _number(one: DigestAlgorithm) -> job_pb2.DigestAlgorithm.ValueType:
    return job_pb2.DigestAlgorithm.ValueType(one)


async def test_two_digests_of_one_algorithm(home: House) -> None:
    digests = [job_pb2.Digest(algorithm=_number(one), value=b"x" * one.size) for one in ALGORITHMS]
    digests.append(
        job_pb2.Digest(algorithm=_number(ALGORITHMS[2]), value=b"y" * ALGORITHMS[2].size)
    )
    refused = await refused_create(home, create(spec(digests=digests)))
    assert (refused.reason, refused.fields) == (
        "INVALID_REQUEST",
        ["files[0].digests[5].algorithm"],
    )
    made = await home.local.call("CreateJob", create(spec(digests=digests[:5])))
    request = pb.ListFilesRequest(job_id=made.job.job_id)
    [file] = (await home.local.call("ListFiles", request)).files
    assert list(file.spec.digests) == digests[:5]


async def test_too_many_digests(home: House) -> None:
    one = job_pb2.Digest(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"x" * 32)
    refused = await refused_create(home, create(spec(digests=[one] * 9)))
    assert refused.fields == ["files[0].digests"]


@pytest.mark.parametrize("request_id", ["x", "0" * 32, "{}"])
async def test_bad_request_ids(home: House, request_id: str) -> None:
    request = create()
    request.request_id = request_id
    assert (await refused_create(home, request)).fields == ["request_id"]


@pytest.mark.parametrize(
    ("where", "field"),
    [("job", "job[1023]"), ("file", "files[0][1023]"), ("digest", "files[0].digests[0][1023]")],
)
async def test_fields_of_a_newer_client(home: House, where: str, field: str) -> None:
    digest = job_pb2.Digest(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"x" * 32)
    request = create(spec(digests=[digest]))
    one = request.files[0]
    target: Any = {"job": request.job, "file": one, "digest": one.digests[0]}[where]
    target.MergeFromString(b"\xf8\x3f\x01")
    refused = await refused_create(home, request)
    assert refused.code is grpc.StatusCode.UNIMPLEMENTED
    assert (refused.reason, refused.fields) == ("NOT_SUPPORTED", [field])


async def test_everything_wrong_is_said_at_once(home: House) -> None:
    request = create(spec("../x", remote_url="ftp://x"), spec("y", root="z"), display_name="")
    request.request_id = "bad"
    refused = await refused_create(home, request)
    assert refused.fields == [
        "request_id",
        "job.display_name",
        "files[0].remote_url",
        "files[0].local_path",
        "files[1].root",
    ]
    assert "(and 4 more)" in refused.message
    assert refused.reason == "INVALID_REQUEST"  # the first one's


async def test_fifty_thousand_bad_files_make_a_small_answer(home: House) -> None:
    bad = job_pb2.FileSpec(remote_url="x", local_path="../" + "y" * 20)
    refused = await refused_create(home, create(*[bad] * 50_000))
    assert refused.status is not None
    assert refused.status.ByteSize() < 4096
    assert refused.trailer_bytes < 8192
    told = len(refused.fields)
    assert told > 5
    assert int(refused.info.metadata["omitted"]) == 100_000 - told


async def test_one_destination_twice_in_one_request(home: House) -> None:
    refused = await refused_create(home, create(spec("a"), spec("b"), spec(f"{home.root}/./a")))
    assert (refused.code, refused.fields) == (INVALID, ["files[2].local_path"])


@pytest.mark.parametrize("end", ["CancelJob", "CompleteJob"])
async def test_a_destination_of_another_live_job(home: House, end: str) -> None:
    first = await created(home.local, spec("a"))
    request = create(spec("b"), spec("a"))
    refused = await refused_create(home, request)
    assert refused.code is grpc.StatusCode.ALREADY_EXISTS
    assert refused.reason == "DESTINATION_IN_USE"
    assert refused.fields == ["files[1].local_path"]
    assert first.job_id not in str(refused.status)
    options = {"allow_partial": True} if end == "CompleteJob" else {}
    ending = getattr(pb, f"{end}Request")(job_id=first.job_id, **options)
    await home.local.call(end, ending)
    await home.local.call("CreateJob", request)


async def test_more_files_than_allowed() -> None:
    async with house(files_per_job=2) as home:
        refused = await refused_create(home, create(spec(), spec(), spec()))
        assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.reason == "FILE_QUOTA_EXCEEDED"
        assert refused.fields == ["files"]
        violation = refused.detail(details_pb2.QuotaFailure).violations[0]
        assert violation.subject == "files_per_job"
        job = await created(home.local, spec(), spec())
        more = pb.AddFilesRequest(job_id=job.job_id, files=[spec()])
        refused = await refusal(home.local.call("AddFiles", more))
        assert refused.reason == "FILE_QUOTA_EXCEEDED"


async def test_far_more_files_than_allowed_are_not_looked_at() -> None:
    """4 MiB hold 2,000,000 empty files, which took 7 s in which nobody else was answered."""
    nothing = [job_pb2.FileSpec()] * 3
    async with house(files_per_job=2) as home:
        refused = await refused_create(home, create(*nothing))
        assert refused.reason == "FILE_QUOTA_EXCEEDED"
        anna, bert = await home.user("anna"), await home.user("bert")
        request = pb.AddFilesRequest(job_id=(await created(anna)).job_id, files=nothing)
        assert (await refusal(anna.call("AddFiles", request))).reason == "FILE_QUOTA_EXCEEDED"
        assert (await refusal(bert.call("AddFiles", request))).reason == "NOT_JOB_OWNER"


async def test_many_files_are_judged_aside(home: House) -> None:
    good = [spec() for _ in range(300)]
    assert (await created(home.local, *good)).progress.files_total == 300
    refused = await refused_create(home, create(*good, spec("..")))
    assert refused.fields == ["files[300].local_path"]


async def test_more_jobs_than_allowed() -> None:
    async with house(jobs_per_owner=2) as home:
        anna = await home.user("anna")
        jobs = [await created(anna) for _ in range(2)]
        refused = await refusal(anna.call("CreateJob", create()))
        assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.reason == "JOB_QUOTA_EXCEEDED"
        assert refused.detail(details_pb2.QuotaFailure).violations[0].subject == "jobs_per_owner"
        assert "limit 2" in refused.detail(details_pb2.QuotaFailure).violations[0].description
        await created(await home.user("bert"))  # his own count
        await anna.call("CancelJob", pb.CancelJobRequest(job_id=jobs[0].job_id))
        await created(anna)
