"""Models, their conversion, and the tables that must agree with the protos."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

import bgcopy
from bgcopy import _convert as convert
from bgcopy._convert_options import job_of, known
from bgcopy._error_classes import error_class
from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import error_pb2, http_pb2, job_pb2
from tests.support.job_values import FAR_FUTURE, GOOD

DIGESTS = [
    bgcopy.Digest(one, b"\x02" * one.size)
    for one in reversed(bgcopy.DigestAlgorithm)
    if one is not bgcopy.DigestAlgorithm.UNKNOWN
]
NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
FUTURE = FAR_FUTURE.ToDatetime(tzinfo=UTC)


@pytest.mark.parametrize(
    ("ours", "proto", "prefix", "zero"),
    [
        (bgcopy.JobState, job_pb2.JobState, "JOB_STATE_", "UNKNOWN"),
        (bgcopy.DigestAlgorithm, job_pb2.DigestAlgorithm, "DIGEST_ALGORITHM_", "UNKNOWN"),
        (bgcopy.JobType, job_pb2.JobType, "JOB_TYPE_", "UNKNOWN"),
        (bgcopy.Priority, job_pb2.JobPriority, "JOB_PRIORITY_", "UNKNOWN"),
        (bgcopy.Verification, job_pb2.Verification, "VERIFICATION_", "PENDING"),
        (bgcopy.RemovedReason, pb.JobRemovedReason, "JOB_REMOVED_REASON_", "UNKNOWN"),
        (bgcopy.ErrorContext, error_pb2.ErrorContext, "ERROR_CONTEXT_", None),
        (bgcopy.Reason, error_pb2.Reason, "REASON_", "UNKNOWN"),
        (bgcopy.AttemptOutcome, job_pb2.AttemptOutcome, "ATTEMPT_OUTCOME_", "UNKNOWN"),
        (bgcopy.CostState, job_pb2.CostState, "COST_STATE_", "UNKNOWN"),
        (bgcopy.PeerCachingFlag, job_pb2.PeerCachingFlag, "PEER_CACHING_FLAG_", "UNKNOWN"),
        (bgcopy.NotifyFlag, job_pb2.NotifyFlag, "NOTIFY_FLAG_", "UNKNOWN"),
        (bgcopy.OverwritePolicy, job_pb2.OverwritePolicy, "OVERWRITE_POLICY_", "UNKNOWN"),
        (bgcopy.RedirectPolicy, http_pb2.RedirectPolicy, "REDIRECT_POLICY_", "UNKNOWN"),
        (bgcopy.TlsFlag, http_pb2.TlsFlag, "TLS_FLAG_", "UNKNOWN"),
        (bgcopy.ProxyUsage, http_pb2.ProxyUsage, "PROXY_USAGE_", "UNKNOWN"),
        (bgcopy.AuthTarget, http_pb2.AuthTarget, "AUTH_TARGET_", "UNKNOWN"),
        (bgcopy.AuthScheme, http_pb2.AuthScheme, "AUTH_SCHEME_", "UNKNOWN"),
    ],
)
def test_enums_equal_the_protos(
    ours: type[enum.Enum], proto: EnumTypeWrapper, prefix: str, zero: str | None
) -> None:
    theirs = {name.removeprefix(prefix): number for name, number in proto.items() if number}
    mine = {member.name: member.value for member in ours if member.value > 0}
    assert mine == theirs
    assert known(ours, 0).name == (zero or "UNKNOWN")
    assert known(ours, 9999).name == "UNKNOWN"


def test_every_reason_has_its_exception() -> None:
    for reason in bgcopy.Reason:
        kind = error_class(reason, grpc.StatusCode.UNKNOWN)
        if 0 < reason.value < 100:
            assert kind.__name__.lower() == {
                "NOT_SUPPORTED": "notsupported",
                "INTERNAL": "internalerror",
            }.get(reason.name, reason.name.replace("_", "").lower())
        else:
            # Failures of transfers are data, and no call fails with them.
            assert kind is bgcopy.InternalError


def test_every_code_has_its_exception() -> None:
    plain = {grpc.StatusCode.OK, grpc.StatusCode.CANCELLED}
    for code in grpc.StatusCode:
        kind = error_class(bgcopy.Reason.UNKNOWN, code)
        assert (kind is bgcopy.CallError) == (code in plain), code


def full_job() -> job_pb2.Job:
    job = job_pb2.Job(
        job_id="1",
        etag="e",
        revision=7,
        type=job_pb2.JOB_TYPE_DOWNLOAD,
        state=job_pb2.JOB_STATE_TRANSIENT_ERROR,
        display_name="n",
        description="d",
        priority=job_pb2.JOB_PRIORITY_LOW,
        owner="local:1",
        labels={"a": "b"},
        error_count=2,
        blocked_reason="why",
        max_bytes_per_second=5,
        auto_complete=True,
        progress=job_pb2.JobProgress(
            bytes_transferred=1,
            bytes_total=0,
            files_total=3,
            files_transferred=2,
            bytes_per_second=9,
        ),
        error=error_pb2.TransferError(
            reason=error_pb2.REASON_HTTP_STATUS,
            context=error_pb2.ERROR_CONTEXT_REMOTE_FILE,
            hresult="0x80190194",
            hresult_name="BG_E_HTTP_ERROR_404",
            message="m",
            file_index=0,
            http_status=404,
            transient=True,
        ),
    )
    present = {field.name for field, _ in job.ListFields()}
    own = {"minimum_retry_delay", "no_progress_timeout"}
    job.MergeFrom(job_pb2.Job(**{name: GOOD[name] for name in GOOD if name not in present | own}))
    job.credentials.add(target=http_pb2.AUTH_TARGET_PROXY, scheme=http_pb2.AUTH_SCHEME_NTLM)
    job.partially_completed = True
    job.download_time.FromTimedelta(timedelta(seconds=5))
    job.inactivity_time.FromDatetime(NOW)
    job.minimum_retry_delay.FromTimedelta(timedelta(seconds=30))
    job.no_progress_timeout.FromTimedelta(timedelta(0))
    job.error.time.FromDatetime(NOW)
    for name in ("create", "modification", "transferred", "expire", "next_attempt"):
        getattr(job, f"{name}_time").FromDatetime(NOW)
    return job


def test_a_job_comes_through_whole() -> None:
    message = full_job()
    assert {field.name for field, _ in message.ListFields()} == set(
        message.DESCRIPTOR.fields_by_name
    )
    info = convert.job_info(message)
    assert info == bgcopy.JobInfo(
        job_id="1",
        etag="e",
        revision=7,
        state=bgcopy.JobState.TRANSIENT_ERROR,
        display_name="n",
        description="d",
        priority=bgcopy.Priority.LOW,
        owner="local:1",
        labels={"a": "b"},
        progress=bgcopy.Progress(1, 0, 3, 2, 9),
        error=bgcopy.TransferErrorInfo(
            reason=bgcopy.Reason.HTTP_STATUS,
            context=bgcopy.ErrorContext.REMOTE_FILE,
            message="m",
            hresult="0x80190194",
            hresult_name="BG_E_HTTP_ERROR_404",
            file_index=0,
            http_status=404,
            time=NOW,
            transient=True,
        ),
        error_count=2,
        blocked_reason="why",
        minimum_retry_delay=timedelta(seconds=30),
        no_progress_timeout=timedelta(0),
        max_bytes_per_second=5,
        auto_complete=True,
        create_time=NOW,
        modification_time=NOW,
        transferred_time=NOW,
        expire_time=NOW,
        next_attempt_time=NOW,
        maximum_download_time=timedelta(hours=1),
        max_download_size=1 << 40,
        cost_policy=(bgcopy.CostState.UNRESTRICTED, bgcopy.CostState.BELOW_CAP),
        dynamic_content=True,
        high_performance=True,
        on_demand_mode=True,
        http_method="POST",
        custom_headers=(bgcopy.HttpHeader("X-Team", "red"),),
        redirect_policy=bgcopy.RedirectPolicy.DISALLOW,
        allow_https_to_http=True,
        announced_mirrors=True,
        tls_flags=(bgcopy.TlsFlag.IGNORE_CERT_CN_INVALID,),
        client_certificate="partner",
        ca_bundle="office",
        proxy=bgcopy.ProxySettings(
            bgcopy.ProxyUsage.OVERRIDE, ("http://proxy.example:3128",), ("<local>",)
        ),
        peer_caching=(bgcopy.PeerCachingFlag.DISABLE_BRANCH_CACHE,),
        notifications=bgcopy.NotificationSettings(
            (bgcopy.NotifyFlag.JOB_MODIFICATION,), timedelta(seconds=2)
        ),
        not_before=FUTURE,
        deadline=FUTURE,
        overwrite_policy=bgcopy.OverwritePolicy.FAIL,
        retention=timedelta(minutes=1),
        continue_on_file_error=True,
        credentials=(bgcopy.CredentialsKey(bgcopy.AuthTarget.PROXY, bgcopy.AuthScheme.NTLM),),
        download_time=timedelta(seconds=5),
        inactivity_time=NOW,
        partially_completed=True,
    )


def test_properties_go_out_as_they_come_back() -> None:
    info = convert.job_info(full_job())
    names = set(bgcopy.JobProperties.__annotations__)
    assert names == set(GOOD) - {"display_name"}
    message = job_of({name: getattr(info, name) for name in names})
    again = convert.job_info(message)
    assert {name: getattr(again, name) for name in names} == {
        name: getattr(info, name) for name in names
    }


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        job_of({"deadline": NOW.replace(tzinfo=None)})


def test_a_secret_header_is_not_shown() -> None:
    assert "hush" not in repr(bgcopy.HttpHeader("X-Key", "hush", secret=True))


def test_what_a_job_lacks_is_none() -> None:
    info = convert.job_info(job_pb2.Job(job_id="1"))
    assert info.state is bgcopy.JobState.UNKNOWN
    assert info.error is None
    assert info.minimum_retry_delay is None
    assert info.no_progress_timeout is None
    assert info.create_time is None
    assert info.progress.bytes_total is None


def test_a_file_spec_goes_round() -> None:
    spec = bgcopy.FileSpec("http://example.com/a", "p", b"\x01" * 32, "r")
    assert convert.file_spec(convert.file_spec_to_proto(spec)) == spec
    several = bgcopy.FileSpec("http://example.com/a", "p", digests=DIGESTS, size=0)
    assert convert.file_spec(convert.file_spec_to_proto(several)) == several
    assert several.sha256 == "02" * 32
    plain = bgcopy.FileSpec("http://example.com/a", "p")
    assert convert.file_spec(convert.file_spec_to_proto(plain)) == plain


def test_digests_of_a_newer_server_are_left_out() -> None:
    message = job_pb2.FileSpec(remote_url="u", local_path="p")
    message.digests.add(algorithm=job_pb2.DIGEST_ALGORITHM_SHA256, value=b"short")
    message.digests.add(value=b"\x02" * 32).algorithm = job_pb2.DigestAlgorithm.ValueType(77)
    assert convert.file_spec(message).sha256 is None


def test_a_file_comes_through_whole() -> None:
    message = job_pb2.File(
        index=2,
        spec=job_pb2.FileSpec(remote_url="u", root="r", local_path="p"),
        bytes_transferred=1,
        bytes_total=2,
        transferred=True,
        completed=True,
        verification=job_pb2.VERIFICATION_DIGEST,
        error=error_pb2.TransferError(reason=error_pb2.REASON_TIMEOUT),
    )
    info = convert.file_info(message)
    assert (info.index, info.spec.root, info.bytes_total) == (2, "r", 2)
    assert info.verification is bgcopy.Verification.DIGEST
    assert info.error is not None
    assert info.error.reason is bgcopy.Reason.TIMEOUT


def test_a_filter_asks_for_known_states_only() -> None:
    states = {bgcopy.JobState.ERROR, bgcopy.JobState.QUEUED}
    assert list(convert.filter_to_proto(bgcopy.JobFilter(states=states)).states) == [1, 5]
    with pytest.raises(ValueError, match="UNKNOWN"):
        convert.filter_to_proto(bgcopy.JobFilter(states={bgcopy.JobState.UNKNOWN}))


@pytest.mark.parametrize("digest", ["AB" * 32, b"\xab" * 32, bytearray(b"\xab" * 32)])
def test_a_digest_is_kept_as_lower_case_digits(digest: str | bytes) -> None:
    assert bgcopy.FileSpec("u", "p", digest).sha256 == "ab" * 32


@pytest.mark.parametrize("digest", ["", "ab", "zz" * 32, b"", b"x" * 31, "é" * 64])
def test_a_malformed_digest_is_refused(digest: str | bytes) -> None:
    with pytest.raises(ValueError, match="sha256"):
        bgcopy.FileSpec("u", "p", digest)
    for one in bgcopy.DigestAlgorithm:
        with pytest.raises(ValueError, match=one.name.lower()):
            bgcopy.Digest(one, digest)


@pytest.mark.parametrize(
    ("progress", "fraction"),
    [
        (bgcopy.Progress(), None),
        (bgcopy.Progress(5, None, 1, 0), None),
        (bgcopy.Progress(0, 0, 1, 0), None),
        (bgcopy.Progress(5, 10, 1, 0), 0.5),
        (bgcopy.Progress(10, 10, 1, 0), 0.999),
        (bgcopy.Progress(12, 10, 1, 0), 0.999),
        (bgcopy.Progress(0, 0, 1, 1), 1.0),
        (bgcopy.Progress(7, None, 1, 1), 1.0),
    ],
)
def test_the_fraction_never_claims_too_much(
    progress: bgcopy.Progress, fraction: float | None
) -> None:
    assert progress.fraction == fraction
