"""The contract as descriptors: conventions that buf does not know, and stubs that are current."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor

from bgcopy.v1 import (
    admin_service_pb2,
    background_copy_manager_pb2,
    error_pb2,
    http_pb2,
    identity_pb2,
    job_pb2,
    webhook_pb2,
)

PROJECT = Path(__file__).resolve().parents[2]
FILES: list[FileDescriptor] = [
    background_copy_manager_pb2.DESCRIPTOR,
    admin_service_pb2.DESCRIPTOR,
    error_pb2.DESCRIPTOR,
    http_pb2.DESCRIPTOR,
    identity_pb2.DESCRIPTOR,
    job_pb2.DESCRIPTOR,
    webhook_pb2.DESCRIPTOR,
]
SERVICE = background_copy_manager_pb2.DESCRIPTOR.services_by_name["BackgroundCopyManager"]
ADMIN = admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]
METHODS: list[MethodDescriptor] = list(SERVICE.methods)
ALL_METHODS: list[MethodDescriptor] = [*SERVICE.methods, *ADMIN.methods]
UNSAFE = descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN
# To repeat these is not the same as to do them once.
NEVER_REPEATED = {
    "ReplaceRemotePrefix", "CreateToken", "CreateWebhook", "UpdateWebhook", "TestWebhook",
}  # fmt: skip


def messages() -> Iterator[Descriptor]:
    for one in FILES:
        yield from one.message_types_by_name.values()


def test_stubs_are_those_of_the_protos() -> None:
    buf = Path(sys.executable).with_name("buf")
    image = subprocess.run(
        [buf, "build", "--exclude-source-info", "--as-file-descriptor-set", "-o", "-"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    compiled = {
        one.name: one for one in descriptor_pb2.FileDescriptorSet.FromString(image.stdout).file
    }
    for committed in FILES:
        stub = descriptor_pb2.FileDescriptorProto.FromString(committed.serialized_pb)
        assert normal(stub) == normal(compiled[committed.name]), f"{committed.name}: make protos"


def normal(one: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorProto:
    """Without json_name, which only some compilers write down."""
    copy = descriptor_pb2.FileDescriptorProto()
    copy.CopyFrom(one)
    for message in copy.message_type:
        clear_json_names(message)
    return copy


def clear_json_names(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        clear_json_names(nested)


@pytest.mark.parametrize("method", ALL_METHODS, ids=lambda method: method.name)
def test_method_has_messages_of_its_own_and_an_idempotency_level(method: MethodDescriptor) -> None:
    assert method.input_type.name == f"{method.name}Request"
    assert method.output_type.name == f"{method.name}Response"
    options = method.GetOptions()
    assert options.HasField("idempotency_level")
    assert (options.idempotency_level == UNSAFE) is (method.name in NEVER_REPEATED)


def test_methods_that_the_foundation_owes() -> None:
    assert {method.name for method in METHODS} >= {
        "CreateJob", "GetJob", "ListJobs", "AddFiles", "ListFiles", "SuspendJob", "ResumeJob",
        "CompleteJob", "CancelJob", "DeleteJob", "WatchJobs", "GetErrorDescription",
        "GetServerInfo",
    }  # fmt: skip


def test_requests_that_name_a_job_name_it_alike() -> None:
    creating = {
        "CreateJob", "ListJobs", "WatchJobs", "GetErrorDescription", "GetServerInfo", "ProbeUrl",
        "CreateWebhook", "ListWebhooks",
    }  # fmt: skip
    of_webhooks = {"UpdateWebhook", "DeleteWebhook", "TestWebhook", "ListDeliveries"}
    for method in METHODS:
        if method.name in of_webhooks:
            assert method.input_type.fields_by_name["webhook_id"].number == 1, method.name
        elif method.name not in creating:
            assert method.input_type.fields_by_name["job_id"].number == 1, method.name


def test_only_sizes_that_may_be_unknown_are_optional_counters() -> None:
    progress = job_pb2.DESCRIPTOR.message_types_by_name["JobProgress"]
    assert progress.fields_by_name["bytes_total"].has_presence
    assert not progress.fields_by_name["bytes_transferred"].has_presence


def test_enums_begin_with_unspecified_and_stand_at_the_top() -> None:
    assert not [message.full_name for message in messages() if message.enum_types]
    for one in FILES:
        for enum in one.enum_types_by_name.values():
            zero = enum.values_by_number[0].name
            prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper()
            assert zero == f"{prefix}_UNSPECIFIED"


# What a caller sends and no answer holds, and what only says that there is something.
SECRETS_SENT = {
    "SetCredentialsRequest.password", "HttpHeader.secret", "Job.credentials",
    "CreateWebhookRequest.secret", "UpdateWebhookRequest.new_secret",
    "UpdateWebhookRequest.drop_previous_secret",
}  # fmt: skip
# What is made by a call and shown by its answer alone.
SECRETS_SHOWN_ONCE = {"CreateWebhookResponse.secret", "UpdateWebhookResponse.secret"}


def test_only_these_fields_are_about_secrets() -> None:
    secret = re.compile(r"password|secret|credential|bearer|authorization")
    found = {
        f"{message.name}.{field.name}"
        for message in messages()
        for field in message.fields
        if secret.search(field.name)
    }
    assert found == SECRETS_SENT | SECRETS_SHOWN_ONCE
