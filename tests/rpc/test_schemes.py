"""Jobs with URLs of other schemes than http and https: the operator's to allow, everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, job_pb2
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import URL, created, got, spec
from tests.support.rpc_status import refusal

FTP = "ftp://host/file"
S3 = "s3://bucket/key"
PREFIX = {"old_prefix": URL[:-1], "new_prefix": FTP[:-1]}
KEY = http_pb2.HttpHeader(name="X-Key", value="1")


@pytest.fixture
async def open_home() -> AsyncIterator[House]:
    async with house(schemes=("http", "https", "ftp")) as one:
        yield one


async def test_allowed_ones_reach_the_engine(open_home: House) -> None:
    await created(open_home.local, spec("a", remote_url=FTP, mirrors=[URL]), start=True)
    one = await open_home.engine.next()
    assert (one.url, one.mirrors) == (FTP, (URL,))


async def test_others_are_refused_in_every_call(home: House) -> None:
    job = await created(home.local, spec("a"))
    requests = {
        "CreateJob": pb.CreateJobRequest(
            job=job_pb2.Job(display_name="x"), files=[spec("a", mirrors=[FTP])]
        ),
        "AddFiles": pb.AddFilesRequest(job_id=job.job_id, files=[spec("b", remote_url=FTP)]),
        "UpdateFile": pb.UpdateFileRequest(job_id=job.job_id, file_index=0, remote_url=FTP),
        "ReplaceRemotePrefix": pb.ReplaceRemotePrefixRequest(job_id=job.job_id, **PREFIX),
        "ProbeUrl": pb.ProbeUrlRequest(remote_url=FTP),
    }
    for method, request in requests.items():
        refused = await refusal(home.local.call(method, request))
        assert refused.reason == "URL_INVALID", method
        assert len(refused.fields) == 1
    assert not home.engine.probed
    assert (await got(home.local, job.job_id)).etag == job.etag


@pytest.fixture
async def store_home(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "store").write_text('region = "r"\nbuckets = ["bucket"]\nuploads = true')
    (tmp_path / "other").write_text('region = "r"')
    stores = {name: tmp_path / name for name in ("store", "other")}
    async with house(schemes=("http", "https", "s3", "scp"), s3_stores=stores) as one:
        yield one


@pytest.mark.parametrize(
    ("url", "job", "field"),
    [
        (S3, {"http_method": "POST"}, "job.http_method"),
        (S3, {"custom_headers": [KEY]}, "job.custom_headers"),
        (S3, {"type": job_pb2.JOB_TYPE_UPLOAD_REPLY}, "job.type"),
        ("scp://host/file", {}, "files[0].remote_url"),
        ("s3://others/key", {}, "files[0].remote_url"),
    ],
)
async def test_uploads_that_are_refused(
    store_home: House, url: str, job: dict[str, Any], field: str
) -> None:
    values = {"type": job_pb2.JOB_TYPE_UPLOAD, **job}
    refused = await refusal(created(store_home.local, spec("a", remote_url=url), **values))
    assert (refused.reason, [*refused.fields]) == ("NOT_SUPPORTED", [field])


async def test_uploads_to_a_store(store_home: House) -> None:
    headers = [
        http_pb2.HttpHeader(name="Content-Type", value="text/plain"),
        http_pb2.HttpHeader(name="X-Amz-Meta-A", value="1"),
    ]
    await created(
        store_home.local,
        spec("a", remote_url=S3),
        type=job_pb2.JOB_TYPE_UPLOAD,
        custom_headers=headers,
        start=True,
    )
    assert (await store_home.engine.next()).url == S3
