"""Every field of every RPC: what is wrong is refused by name, and nothing is changed by it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopyd.jobs.properties import PROPERTIES
from bgcopyd.queue.authorizer import PERMISSIONS, Permission
from tests.support.bad_input import FREE, GOOD, Case, cases
from tests.support.descriptors import leaves, messages
from tests.support.rpc_house import House
from tests.support.rpc_requests import created, got, listed, spec
from tests.support.rpc_status import Refused, refusal

METHODS = pb.DESCRIPTOR.services_by_name["BackgroundCopyManager"].methods_by_name
BY_RPC: dict[str, list[tuple[str, Case]]] = defaultdict(list)
for _path, _case in cases():
    BY_RPC[_path.partition(".")[0]].append((_path, _case))
# A field that no request may hold, in each message of a request.
UNKNOWN = b"\xf8\x3f\x01"


def request_of(rpc: str, ids: dict[str, str], fields: dict[str, Any]) -> Any:
    good = {**ids, **GOOD.get(rpc, {}), **fields}
    known = METHODS[rpc].input_type.fields_by_name
    return getattr(pb, f"{rpc}Request")(**{key: good[key] for key in good if key in known})


async def refused_call(home: House, rpc: str, request: Any) -> Refused:
    caller = home.local
    if PERMISSIONS[rpc].permission is Permission.TAKER:
        caller = await home.user("root", admin=True)
    call = caller.call(rpc, request)
    return await refusal(call.read() if METHODS[rpc].server_streaming else call)


def is_covered(path: str, kind: Any, told: set[str]) -> bool:
    """Whether a leaf has cases, by its own name or that of a property that holds it."""
    parts = path.split(".")
    if parts[1] == "job" and parts[2] not in PROPERTIES:
        return True  # refused by name: test_create_job, test_update_job
    prefixes = {".".join(parts[: count + 1]) for count in range(1, len(parts))}
    return bool(prefixes & told) or kind.type == kind.TYPE_BOOL or path in FREE


def test_no_field_is_forgotten() -> None:
    told = {path for path, _ in cases()}
    every = {
        f"{rpc}.{path}": kind for rpc in METHODS for path, kind in leaves(METHODS[rpc].input_type)
    }
    assert set(PERMISSIONS) == set(METHODS)
    assert [path for path, kind in every.items() if not is_covered(path, kind, told)] == []
    known = {path for whole in every for path in prefixes_of(whole)}
    assert told | FREE <= known


def prefixes_of(path: str) -> set[str]:
    parts = path.split(".")
    return {".".join(parts[: count + 1]) for count in range(1, len(parts))}


@pytest.mark.parametrize("rpc", sorted(BY_RPC))
async def test_what_is_wrong_is_named_and_changes_nothing(home: House, rpc: str) -> None:
    job = await created(home.local, spec("there"))
    ids = {"job_id": job.job_id, "webhook_id": await made_webhook(home)}
    before = await everything(home, job.job_id)
    wrong = []
    for path, case in BY_RPC[rpc]:
        refused = await refused_call(home, rpc, request_of(rpc, ids, case.fields))
        fields = refused.fields or [" "]
        if refused.reason != case.reason or set(fields) != {case.field} or not refused.message:
            wrong.append((path, str(case)[:200], refused.reason, fields))
    assert wrong == []
    assert await everything(home, job.job_id) == before


async def made_webhook(home: House) -> str:
    request = pb.CreateWebhookRequest(url="http://127.0.0.1:9/")
    made: str = (await home.local.call("CreateWebhook", request)).webhook.webhook_id
    return made


async def everything(home: House, job_id: str) -> tuple[Any, ...]:
    hooks = await home.local.call("ListWebhooks", pb.ListWebhooksRequest())
    return await listed(home.local), await got(home.local, job_id), hooks


@pytest.mark.parametrize("rpc", sorted(METHODS))
async def test_a_field_of_a_newer_client_is_refused_wherever_it_stands(
    home: House, rpc: str
) -> None:
    job = await created(home.local, spec("there"))
    ids = {"job_id": job.job_id, "webhook_id": await made_webhook(home)}
    for path in messages(METHODS[rpc].input_type):
        of_job = path.split(".")[1:2] if path.startswith("job.") else []
        if of_job and of_job[0] not in PROPERTIES:
            continue  # refused, or passed over, as a whole
        named = {"update_mask": FieldMask(paths=of_job or ["description"])}
        request = request_of(rpc, ids, named)
        target: Any = request
        for name in path.split("."):
            inner = getattr(target, name)
            target = element(inner) if hasattr(inner, "add") else inner
        target.MergeFromString(UNKNOWN)
        refused = await refused_call(home, rpc, request)
        assert any(field.endswith("[1023]") for field in refused.fields), (path, refused.fields)
    assert await got(home.local, job.job_id) == job


def element(values: Any) -> Any:
    """The first of a list, which there is then."""
    return values[0] if len(values) else values.add()
