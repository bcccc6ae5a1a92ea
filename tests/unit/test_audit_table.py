"""No call that changes anything escapes the audit log without a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from bgcopy.v1 import admin_service_pb2, background_copy_manager_pb2
from bgcopyd.jobs.audit import AUDITED, OTHER_EVENTS, UNAUDITED
from bgcopyd.queue.authorizer import SERVICES

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for module in (admin_service_pb2, background_copy_manager_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
SECRET = re.compile(r"password|token$|secret|user_name|url$")
# Without its query, as everybody may see it.
SHOWN = "response.webhook.url"
READS = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS


def test_each_call_that_changes_something_is_audited_or_says_why_not() -> None:
    mutating = {
        name for name, method in METHODS.items() if method.GetOptions().idempotency_level != READS
    }
    permitted = {name for table in SERVICES.values() for name in table}
    assert mutating <= permitted
    assert set(AUDITED) | set(UNAUDITED) == mutating
    assert not set(AUDITED) & set(UNAUDITED)
    assert all(len(reason) > 20 for reason in UNAUDITED.values())


def test_each_event_has_one_name() -> None:
    events = [row.event for row in (*AUDITED.values(), *OTHER_EVENTS)]
    assert len(set(events)) == len(events)


def field_at(message: Descriptor, path: list[str]) -> FieldDescriptor:
    field = message.fields_by_name[path[0]]
    if len(path) == 1:
        return field
    assert field.message_type is not None
    return field_at(field.message_type, path[1:])


@pytest.mark.parametrize("rpc", sorted(AUDITED))
def test_facts_are_fields_that_are_no_secrets(rpc: str) -> None:
    method = METHODS[rpc]
    own = {"time", "event", "principal", "peer", "outcome"}
    for name, path in AUDITED[rpc].facts.items():
        side, *rest = path.split(".")
        message = method.input_type if side == "request" else method.output_type
        field = field_at(message, rest)
        assert name not in own
        assert field.type == field.TYPE_BOOL or not SECRET.search(path) or path == SHOWN


def test_the_page_tells_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    wanted = [
        (row.event, rpc, ", ".join(f"`{name}`" for name in row.facts), row.meaning)
        for rpc, row in AUDITED.items()
    ]
    assert [row for row in rows if row[1].strip()] == wanted
    assert {row[0] for row in rows if not row[1].strip()} == {row.event for row in OTHER_EVENTS}
    for rpc in UNAUDITED:
        assert rpc in text
