"""GetServerInfo, GetErrorDescription, health."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, identity_pb2
from bgcopyd import __version__
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason, hresult_of
from bgcopyd.jobs.texts.languages import texts_for
from tests.support.rpc_house import House, house
from tests.support.rpc_status import refusal

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_schemes_are_told() -> None:
    async with house(schemes=("https", "sftp", "ftp")) as home:
        info = await home.local.call("GetServerInfo", pb.GetServerInfoRequest())
    assert {"scheme-ftp", "scheme-sftp"} == {
        one for one in info.features if one.startswith("scheme-")
    }


async def test_server_info() -> None:
    before = datetime.now(UTC)
    async with house(jobs_per_owner=7, files_per_job=8, watches_per_owner=9) as home:
        info = await home.local.call("GetServerInfo", pb.GetServerInfoRequest())
        assert info.version == __version__
        digests = ["digest-blake3", "digest-md5", "digest-sha1", "digest-sha512"]
        assert list(info.features) == ["announced-mirrors", *digests, "expected-size", "webhooks"]
        assert info.limits == pb.Limits(
            jobs_per_owner=7,
            files_per_job=8,
            watches_per_owner=9,
            request_bytes=4 << 20,
            jobs_per_machine=1_000_000,
            ranges_per_file=10_000,
        )
        assert info.caller.principal.startswith("local:")
        assert info.caller.admin
        assert "default" in info.roots
        assert before <= info.start_time.ToDatetime(UTC) <= datetime.now(UTC)
        anna = await home.user("anna")
        caller = (await anna.call("GetServerInfo", pb.GetServerInfoRequest())).caller
        assert caller == pb.Caller(
            principal="user:anna", scopes=[identity_pb2.SCOPE_READ, identity_pb2.SCOPE_WRITE]
        )


@pytest.mark.parametrize("language", ["", "de"])
async def test_every_reason_is_described(home: House, language: str) -> None:
    texts = texts_for(language)
    for reason in Reason:
        request = pb.GetErrorDescriptionRequest(language_code=language)
        request.reason = error_pb2.Reason.ValueType(reason)
        told = await home.local.call("GetErrorDescription", request)
        hresult, name = hresult_of(reason)
        assert told.description == texts.reasons[reason]
        assert (told.hresult, told.hresult_name) == (f"0x{hresult:08X}", name)
        assert told.language_code == (language or "en")


@pytest.mark.parametrize(
    ("asked", "hresult", "name"),
    [
        ("0x80D02003", "0x80D02003", "DO_E_NOT_FOUND"),
        ("0X80d02003", "0x80D02003", "DO_E_NOT_FOUND"),
        ("80D02003", "0x80D02003", "DO_E_NOT_FOUND"),
        ("-2133843965", "0x80D02003", "DO_E_NOT_FOUND"),
        ("2161123331", "0x80D02003", "DO_E_NOT_FOUND"),
        ("DO_E_NOT_FOUND", "0x80D02003", "DO_E_NOT_FOUND"),
        ("DO_E_JOB_NOT_FOUND", "0x80D02003", "DO_E_NOT_FOUND"),
        (" do_e_not_found ", "0x80D02003", "DO_E_NOT_FOUND"),
        ("BG_E_INVALID_STATE", "0x80200002", "BG_E_INVALID_STATE"),
        ("0x80190194", "0x80190194", "BG_E_HTTP_ERROR_404"),
        ("BG_E_HTTP_ERROR_503", "0x801901F7", "BG_E_HTTP_ERROR_503"),
        ("S_OK", "0x00000000", "S_OK"),
    ],
)
async def test_hresults_are_described(home: House, asked: str, hresult: str, name: str) -> None:
    request = pb.GetErrorDescriptionRequest(hresult=asked)
    told = await home.local.call("GetErrorDescription", request)
    assert (told.hresult, told.hresult_name, told.language_code) == (hresult, name, "en")
    assert told.description


@pytest.mark.parametrize("context", [0, *ErrorContext])
async def test_contexts_are_described(home: House, context: int) -> None:
    request = pb.GetErrorDescriptionRequest(context=error_pb2.ErrorContext.ValueType(context))
    told = await home.local.call("GetErrorDescription", request)
    assert told.description
    assert "_ERROR_CONTEXT_" in told.hresult_name


@pytest.mark.parametrize(("tag", "language"), [("de-AT", "de"), ("de_DE", "de"), ("fr", "en")])
async def test_the_answer_names_its_language(home: House, tag: str, language: str) -> None:
    request = pb.GetErrorDescriptionRequest(hresult="0x80070005", language_code=tag)
    told = await home.local.call("GetErrorDescription", request)
    assert told.language_code == language
    assert told.description.startswith({"de": "Der Aufrufer", "en": "The caller"}[language])


async def test_a_malformed_language(home: House) -> None:
    request = pb.GetErrorDescriptionRequest(hresult="0x80070005", language_code="de,en;q=0.5")
    refused = await refusal(home.local.call("GetErrorDescription", request))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["language_code"])
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "asked",
    ["", " ", "0x", "0xFFFFFFFF", "0x1234567890", "NO_SUCH", "BG_E_HTTP_ERROR_999",
     "\u00fc", "x" * 100_000],
)  # fmt: skip
async def test_what_nothing_describes(home: House, asked: str) -> None:
    request = pb.GetErrorDescriptionRequest(hresult=asked)
    refused = await refusal(home.local.call("GetErrorDescription", request))
    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert refused.reason == "DESCRIPTION_NOT_FOUND"


@pytest.mark.parametrize("number", [0, 99, 9999, -1])
async def test_unknown_numbers(home: House, number: int) -> None:
    reason = pb.GetErrorDescriptionRequest(reason=error_pb2.Reason.ValueType(number))
    refused = await refusal(home.local.call("GetErrorDescription", reason))
    assert refused.reason == "DESCRIPTION_NOT_FOUND"
    if number:
        context = pb.GetErrorDescriptionRequest(context=error_pb2.ErrorContext.ValueType(number))
        refused = await refusal(home.local.call("GetErrorDescription", context))
        assert refused.reason == "DESCRIPTION_NOT_FOUND"


async def test_nothing_to_describe(home: House) -> None:
    request = pb.GetErrorDescriptionRequest()
    refused = await refusal(home.local.call("GetErrorDescription", request))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["error"])


async def test_numbers_are_the_protos(home: House) -> None:
    assert {reason.value for reason in Reason} == set(error_pb2.Reason.values()) - {0}


@pytest.mark.parametrize("service", ["", "bgcopy.v1.BackgroundCopyManager"])
async def test_health_is_open_to_all_and_ends_with_the_drain(home: House, service: str) -> None:
    stub: Any = health_pb2_grpc.HealthStub(home.caller(tcp=True).channel)
    request = health_pb2.HealthCheckRequest(service=service)
    assert (await stub.Check(request, timeout=10)).status == SERVING
    watch = stub.Watch(request)
    assert (await watch.read()).status == SERVING
    await home.daemon.server.refuse_new()
    assert (await watch.read()).status == NOT_SERVING
    assert (await stub.Check(request, timeout=10)).status == NOT_SERVING
    watch.cancel()
