"""UpdateJob: every property, when each may change, masks, and who hears of it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.properties import PRIVILEGED, PROPERTIES, Lock
from tests.support.job_values import BAD, GOOD
from tests.support.rpc_house import Caller, House, house
from tests.support.rpc_requests import created, got, spec, verb
from tests.support.rpc_status import refusal

OUTPUT_ONLY = sorted({field.name for field in job_pb2.Job.DESCRIPTOR.fields} - PROPERTIES.keys())
LOCKED = {
    Lock.RESUME: "READ_ONLY_PROPERTY_AFTER_RESUME",
    Lock.FILES: "READ_ONLY_PROPERTY_AFTER_ADDFILE",
}
CHANGEABLE = [name for name in GOOD if PROPERTIES[name].lock is not Lock.CREATION]


@pytest.fixture
async def home(tmp_path: Any) -> Any:
    """A house with a certificate and a bundle of certificate authorities."""
    pem = tmp_path / "any.pem"
    pem.write_text("")
    stores = {"client_certificates": {"partner": pem}, "ca_bundles": {"office": pem}}
    async with house(**stores) as one:
        yield one


async def update(caller: Caller, job_id: str, *paths: str, etag: str = "", **values: Any) -> Any:
    """Sets values; the mask names them unless told."""
    request = pb.UpdateJobRequest(
        job_id=job_id,
        job=job_pb2.Job(**values),
        update_mask=FieldMask(paths=paths or list(values)),
        etag=etag,
    )
    return await caller.call("UpdateJob", request)


def test_there_is_a_good_value_of_every_property() -> None:
    assert set(GOOD) == set(PROPERTIES) - {"type"}


@pytest.mark.parametrize("name", CHANGEABLE)
async def test_a_property_changes_and_comes_back(home: House, name: str) -> None:
    job = await created(home.local)
    answer = (await update(home.local, job.job_id, **{name: GOOD[name]})).job
    wanted = job_pb2.Job(**{name: GOOD[name]})
    assert getattr(answer, name) == getattr(wanted, name)
    assert answer.etag != job.etag
    assert answer.revision > job.revision
    assert await got(home.local, job.job_id) == answer


@pytest.mark.parametrize("name", CHANGEABLE)
async def test_a_property_survives_the_daemons_death(home: House, name: str) -> None:
    job = await created(home.local)
    answer = (await update(home.local, job.job_id, **{name: GOOD[name]})).job
    await home.crash()
    assert await got(home.local, job.job_id) == answer


@pytest.mark.parametrize("name", GOOD)
async def test_a_new_job_may_have_it(home: House, name: str) -> None:
    job = await created(home.local, **{name: GOOD[name]})
    assert getattr(job, name) == getattr(job_pb2.Job(**{name: GOOD[name]}), name)


@pytest.mark.parametrize("name", [name for name in CHANGEABLE if name != "display_name"])
async def test_a_path_without_value_means_the_default(home: House, name: str) -> None:
    plain = await created(home.local)
    job = await created(home.local, **{name: GOOD[name]})
    answer = (await update(home.local, job.job_id, name)).job
    assert getattr(answer, name) == getattr(plain, name)
    if _has_presence(name):
        assert answer.HasField(name) == plain.HasField(name)  # type: ignore[arg-type] # any name


def _has_presence(name: str) -> bool:
    return job_pb2.Job.DESCRIPTOR.fields_by_name[name].has_presence


@pytest.mark.parametrize(("name", "value", "field", "reason"), BAD)
async def test_a_bad_value_is_refused_by_name(
    home: House, name: str, value: Any, field: str, reason: str
) -> None:
    job = await created(home.local)
    refused = await refusal(update(home.local, job.job_id, **{name: value}))
    assert (refused.reason, refused.fields) == (reason, [f"job.{field}"])
    assert await got(home.local, job.job_id) == job


@pytest.mark.parametrize("name", [name for name in GOOD if PROPERTIES[name].lock in LOCKED])
async def test_locks(home: House, name: str) -> None:
    job = await created(home.local, spec())
    await verb(home.local, "ResumeJob", job.job_id)
    await verb(home.local, "SuspendJob", job.job_id)
    refused = await refusal(update(home.local, job.job_id, **{name: GOOD[name]}))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == LOCKED[PROPERTIES[name].lock]
    assert refused.fields == [f"job.{name}"]
    assert refused.info.metadata["property"] == name
    assert refused.info.metadata["state"] == "SUSPENDED"


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("ended", ["CancelJob", "CompleteJob"])
async def test_nothing_changes_after_the_end(home: House, name: str, ended: str) -> None:
    job = await created(home.local)
    await verb(home.local, ended, job.job_id)
    refused = await refusal(update(home.local, job.job_id, **{name: GOOD[name]}))
    assert refused.reason == "INVALID_STATE"
    assert refused.info.metadata["hresult"] == "0x80200002"


async def test_the_type_is_fixed(home: House) -> None:
    job = await created(home.local)
    refused = await refusal(update(home.local, job.job_id, type=job_pb2.JOB_TYPE_DOWNLOAD))
    assert (refused.reason, refused.fields) == ("READ_ONLY_PROPERTY", ["job.type"])


@pytest.mark.parametrize("name", OUTPUT_ONLY)
async def test_what_the_server_sets_cannot_be_named(home: House, name: str) -> None:
    job = await created(home.local)
    refused = await refusal(update(home.local, job.job_id, name))
    assert refused.reason == "READ_ONLY_PROPERTY"
    assert refused.fields == [f"update_mask.paths['{name}']"]


@pytest.mark.parametrize("path", ["", "*", "nothing", "proxy.usage", "Display_name", "x" * 3000])
async def test_unknown_paths(home: House, path: str) -> None:
    job = await created(home.local)
    refused = await refusal(update(home.local, job.job_id, path, "description"))
    assert refused.reason == "UNKNOWN_PROPERTY"
    assert refused.info.metadata["hresult"] == "0x80200057"
    assert refused.fields == [f"update_mask.paths['{path[:64]}']"]


async def test_an_empty_mask_is_refused(home: House) -> None:
    job = await created(home.local)
    refused = await refusal(home.local.call("UpdateJob", pb.UpdateJobRequest(job_id=job.job_id)))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["update_mask"])


async def test_all_or_none(home: House) -> None:
    job = await created(home.local)
    refused = await refusal(
        update(home.local, job.job_id, description="new", display_name="", max_download_size=-1)
    )
    assert refused.fields == ["job.display_name", "job.max_download_size"]
    assert await got(home.local, job.job_id) == job


async def test_what_the_mask_does_not_name_stays(home: House) -> None:
    job = await created(home.local, description="old", labels={"a": "b"})
    answer = await update(home.local, job.job_id, "description", description="new", labels={})
    assert answer.job.description == "new"
    assert answer.job.labels == {"a": "b"}


async def test_the_same_value_changes_nothing(home: House) -> None:
    job = await created(home.local, description="old")
    answer = await update(home.local, job.job_id, description="old")
    assert answer.job == job


async def test_etag(home: House) -> None:
    job = await created(home.local)
    changed = (await update(home.local, job.job_id, etag=job.etag, description="1")).job
    refused = await refusal(update(home.local, job.job_id, etag=job.etag, description="2"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert await got(home.local, job.job_id) == changed


@pytest.mark.parametrize("name", PRIVILEGED)
async def test_some_need_an_administrator(home: House, name: str) -> None:
    anna = await home.user("anna")
    job = await created(anna)
    refused = await refusal(update(anna, job.job_id, **{name: GOOD[name]}))
    assert (refused.reason, refused.fields) == ("ADMIN_REQUIRED", [f"job.{name}"])
    answer = await update(home.local, job.job_id, **{name: GOOD[name]})
    assert getattr(answer.job, name) == getattr(job_pb2.Job(**{name: GOOD[name]}), name)


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({"dynamic_content": True}, {"on_demand_mode": True}, "on_demand_mode"),
        ({"http_method": "POST"}, {"on_demand_mode": True}, "on_demand_mode"),
        ({"not_before": GOOD["not_before"]}, {"deadline": GOOD["deadline"]}, "deadline"),
    ],
)
async def test_what_does_not_go_together(
    home: House, first: dict[str, Any], second: dict[str, Any], field: str
) -> None:
    job = await created(home.local, **first)
    refused = await refusal(update(home.local, job.job_id, **second))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", [f"job.{field}"])


async def test_a_running_job_goes_on_with_the_new_values(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    first = await home.engine.next()
    assert first.options.http.method == ""
    headers = GOOD["custom_headers"]
    await update(home.local, job.job_id, custom_headers=headers)
    second = await home.engine.next()
    assert second.claim_id == first.claim_id
    assert [(one.name, one.value) for one in second.options.http.headers] == [("X-Team", "red")]


async def test_a_running_job_takes_a_new_rate_in_its_stride(home: House) -> None:
    job = await created(home.local, spec(), start=True)
    await home.engine.next()
    await update(home.local, job.job_id, max_bytes_per_second=1000)
    assert (job.job_id, 1000) in home.engine.rates
    assert home.engine.started == 1
