"""What is wrong with a request: for each field of each RPC, values that are refused, and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import http_pb2, job_pb2
from tests.support.job_values import BAD as BAD_PROPERTIES
from tests.support.rpc_requests import URL, new_id

INVALID = "INVALID_REQUEST"
_PAST_SIZE = (1 << 63) - 1


class Case(NamedTuple):
    """What is sent instead of the good value, the reason, and the field that is named."""

    fields: dict[str, Any]
    reason: str
    field: str


# What a request needs, beside the job's id, to be a good one; the job has one unfinished file.
GOOD: dict[str, dict[str, Any]] = {
    "CreateJob": {"job": job_pb2.Job(display_name="a job")},
    "AddFiles": {"files": [job_pb2.FileSpec(remote_url=URL, local_path="added")]},
    "UpdateJob": {
        "job": job_pb2.Job(description="new"),
        "update_mask": FieldMask(paths=["description"]),
    },
    "UpdateFile": {"remote_url": f"{URL}/elsewhere"},
    "RemoveFiles": {"file_indexes": [0]},
    "ReplaceRemotePrefix": {"old_prefix": URL, "new_prefix": f"{URL}/elsewhere"},
    "RequestFileRanges": {"ranges": [job_pb2.FileRange(length=1)]},
    "SetCredentials": {"target": 1, "scheme": 1, "user_name": "u", "password": "p"},
    "RemoveCredentials": {"target": 1, "scheme": 1},
    "ProbeUrl": {"remote_url": URL},
    "GetErrorDescription": {"hresult": "0x80D02003"},
    "CreateWebhook": {"url": URL},
}


def _each(name: str, values: list[Any], reason: str = INVALID, field: str = "") -> list[Case]:
    return [Case({name: value}, reason, field or name) for value in values]


# Fields that mean the same wherever they stand.
COMMON: dict[str, list[Case]] = {
    "job_id": _each("job_id", ["", "x", "0" * 36, f"{{{new_id()}", f"{new_id()}0", "%" * 36]),
    "etag": _each("etag", ["other", "\u00fc", "x" * 100_000], "ETAG_MISMATCH", " "),
    "file_index": _each("file_index", [-1, -(1 << 31), 1 << 24, (1 << 31) - 1]),
    "page_size": _each("page_size", [-1, -(1 << 31)]),
    "page_token": _each(
        "page_token", ["bad", "\u00fc", "A" * 22, "A" * 100_000, "="], "PAGE_TOKEN_INVALID"
    ),
    "request_id": _each("request_id", ["x", "0" * 32, "{}", f"{new_id()} ", "%" * 36]),
}
COMMON["webhook_id"] = [
    *_each("webhook_id", ["", "x" * 65]),
    *_each("webhook_id", ["x", "\u00fc", new_id()], "WEBHOOK_NOT_FOUND", " "),
]
_HEADER = http_pb2.HttpHeader
_PROXY = http_pb2.ProxySettings
_OVERRIDE = http_pb2.PROXY_USAGE_OVERRIDE
_DIGEST = job_pb2.Digest
_SHA256 = job_pb2.DIGEST_ALGORITHM_SHA256


def _spec(**fields: Any) -> job_pb2.FileSpec:
    return job_pb2.FileSpec(**{"remote_url": URL, "local_path": "x", **fields})


# Leaf of a FileSpec, what is wrong with it, the reason, the field within the file.
FILES: list[tuple[str, dict[str, Any], str, str]] = [
    ("remote_url", {"remote_url": ""}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "ftp://host/"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "http://u:p@host/"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "ftp://host/a;type=a"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "sftp://host/a%00"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "sftp://host:0/a"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "scp://u@host/a"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "s3://bucket:9/a"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "http://[fe80::1%25eth0]/"}, "URL_INVALID", "remote_url"),
    ("remote_url", {"remote_url": "http://h/" + "x" * 2192}, "URL_INVALID", "remote_url"),
    ("root", {"root": "unknown"}, "PATH_NOT_ALLOWED", "root"),
    ("root", {"root": "x" * 100_000}, "PATH_NOT_ALLOWED", "root"),
    ("local_path", {"local_path": ""}, "PATH_INVALID", "local_path"),
    ("local_path", {"local_path": "../x"}, "PATH_INVALID", "local_path"),
    ("local_path", {"local_path": "x" * 256}, "PATH_INVALID", "local_path"),
    ("local_path", {"local_path": "a/" * 2048 + "x"}, "PATH_INVALID", "local_path"),
    ("local_path", {"local_path": "a\0"}, "PATH_INVALID", "local_path"),
    ("digests.algorithm", {"digests": [_DIGEST(value=b"x" * 32)]}, INVALID, "digests[0].algorithm"),
    (
        "digests.algorithm",
        {"digests": [_DIGEST(algorithm=99, value=b"x" * 32)]},  # type: ignore[arg-type] # unknown
        INVALID,
        "digests[0].algorithm",
    ),
    ("digests.value", {"digests": [_DIGEST(algorithm=_SHA256)]}, INVALID, "digests[0].value"),
    (
        "digests.value",
        {"digests": [_DIGEST(algorithm=_SHA256, value=b"x" * 33)]},
        INVALID,
        "digests[0].value",
    ),
    (
        "digests.value",
        {"digests": [_DIGEST(algorithm=_SHA256, value=b"x" * 32)] * 9},
        INVALID,
        "digests",
    ),
    (
        "digests.algorithm",
        {"digests": [_DIGEST(algorithm=_SHA256, value=b"x" * 32)] * 2},
        INVALID,
        "digests[1].algorithm",
    ),
    ("ranges.offset", {"ranges": [job_pb2.FileRange(offset=-1)]}, "RANGE_INVALID", "ranges"),
    ("ranges.length", {"ranges": [job_pb2.FileRange(length=0)]}, "RANGE_INVALID", "ranges"),
    ("ranges.length", {"ranges": [job_pb2.FileRange(length=-1)]}, "RANGE_INVALID", "ranges"),
    (
        "ranges.length",
        {"ranges": [job_pb2.FileRange(offset=_PAST_SIZE, length=1)]},
        "RANGE_INVALID",
        "ranges",
    ),
    ("ranges.offset", {"ranges": [job_pb2.FileRange()] * 2}, "RANGES_OVERLAP", "ranges"),
    ("expected_size", {"expected_size": -1}, INVALID, "expected_size"),
    ("reply_path", {"reply_path": "../x"}, "PATH_INVALID", "reply_path"),
    ("reply_path", {"reply_path": "/nowhere/x"}, "PATH_INVALID", "reply_path"),
    ("reply_path", {"reply_path": "x" * 256}, "PATH_INVALID", "reply_path"),
    ("reply_path", {"reply_path": "r"}, "NOT_SUPPORTED", "reply_path"),
    ("mirrors", {"mirrors": ["x"]}, "URL_INVALID", "mirrors[0]"),
    ("mirrors", {"mirrors": [URL] * 17}, INVALID, "mirrors"),
]


def _filter(**fields: Any) -> dict[str, Any]:
    return {"filter": pb.JobFilter(**fields)}


FILTERS: dict[str, list[Case]] = {
    "job_ids": [
        Case(_filter(job_ids=["x"]), INVALID, "filter.job_ids[0]"),
        Case(_filter(job_ids=[""]), INVALID, "filter.job_ids[0]"),
        Case(_filter(job_ids=[new_id()] * 1001), INVALID, "filter.job_ids"),
    ],
    "job_id_prefix": [
        Case(_filter(job_id_prefix="z"), INVALID, "filter.job_id_prefix"),
        Case(_filter(job_id_prefix="%"), INVALID, "filter.job_id_prefix"),
        Case(_filter(job_id_prefix="0" * 37), INVALID, "filter.job_id_prefix"),
    ],
    "states": [
        Case(_filter(states=[0]), INVALID, "filter.states[0]"),
        Case(_filter(states=[10]), INVALID, "filter.states[0]"),
        Case(_filter(states=[-1]), INVALID, "filter.states[0]"),
        Case(_filter(states=[1] * 65), INVALID, "filter.states"),
    ],
    "labels": [
        Case(_filter(labels={"": "x"}), INVALID, "filter.labels"),
        Case(_filter(labels={"Upper": "x"}), INVALID, "filter.labels"),
        Case(_filter(labels={"k": "x" * 257}), INVALID, "filter.labels"),
        Case(_filter(labels={str(number): "" for number in range(65)}), INVALID, "filter.labels"),
    ],
}


def _durations(name: str, shortest: float, longest: int) -> list[Case]:
    nanos = round(shortest * 1e9) - 1
    wrong = [
        Duration(seconds=-1),
        Duration(seconds=nanos // 10**9, nanos=nanos % 10**9),
        Duration(seconds=longest, nanos=1000),
        Duration(seconds=1 << 62),
        Duration(seconds=-(1 << 62)),
        Duration(seconds=5, nanos=10**9),
        Duration(seconds=5, nanos=-1),
    ]
    return _each(name, wrong)


_PREFIXES = ["", "x" * 2201]
_TYPED = job_pb2.Job(display_name="a job", type=job_pb2.JOB_TYPE_DOWNLOAD)
# Fields of one RPC alone.
OWN: dict[str, list[Case]] = {
    "CreateJob.job.type": [
        Case({"job": job_pb2.Job(display_name="a job", type=number)}, INVALID, "job.type")  # type: ignore[arg-type] # unknown
        for number in (9, -1)
    ],
    "UpdateJob.job.type": [
        Case(
            {"job": _TYPED, "update_mask": FieldMask(paths=["type"])},
            "READ_ONLY_PROPERTY",
            "job.type",
        )
    ],
    "UpdateJob.update_mask": [
        Case({"update_mask": FieldMask()}, INVALID, "update_mask"),
        Case(
            {"update_mask": FieldMask(paths=["description"] * 100)},
            INVALID,
            "update_mask",
        ),
        Case(
            {"update_mask": FieldMask(paths=["nothing"])},
            "UNKNOWN_PROPERTY",
            "update_mask.paths['nothing']",
        ),
        Case(
            {"update_mask": FieldMask(paths=["owner"])},
            "READ_ONLY_PROPERTY",
            "update_mask.paths['owner']",
        ),
        Case(
            {"update_mask": FieldMask(paths=["proxy.usage"])},
            "UNKNOWN_PROPERTY",
            "update_mask.paths['proxy.usage']",
        ),
    ],
    "UpdateFile.remote_url": [
        *_each("remote_url", ["", "x", "http://h/" + "x" * 2192], "URL_INVALID"),
        Case({"remote_url": None}, INVALID, "remote_url"),
    ],
    "RemoveFiles.file_indexes": _each("file_indexes", [[], [-1], [0, 1 << 24], [-(1 << 31), 0]]),
    "ReplaceRemotePrefix.old_prefix": _each("old_prefix", _PREFIXES),
    "ReplaceRemotePrefix.new_prefix": [
        *_each("new_prefix", _PREFIXES),
        *_each("new_prefix", ["ftp:"], "URL_INVALID"),
        Case(
            {"old_prefix": "http://", "new_prefix": "http://h/" + "x" * 2190},
            "URL_INVALID",
            "new_prefix",
        ),
    ],
    "RequestFileRanges.ranges.offset": [
        *_each("ranges", [[], [job_pb2.FileRange(length=1)] * 1001]),
        *_each("ranges", [[job_pb2.FileRange(offset=-1, length=2)]], "RANGE_INVALID"),
    ],
    "RequestFileRanges.ranges.length": _each(
        "ranges",
        [
            [job_pb2.FileRange(length=0)],
            [job_pb2.FileRange(length=-1)],
            [job_pb2.FileRange(offset=_PAST_SIZE, length=1)],
        ],
        "RANGE_INVALID",
    ),
    "ReadFile.offset": _each("offset", [-1, -(1 << 63)]),
    "ReadFile.length": _each("length", [-1, -(1 << 63)]),
    "SetCredentials.target": _each("target", [0, 3, -1], "AUTH_TARGET_INVALID"),
    "SetCredentials.scheme": _each("scheme", [0, 5, 7, -1], "AUTH_SCHEME_INVALID"),
    "SetCredentials.user_name": [
        *_each("user_name", ["u" * 301], "USER_NAME_TOO_LARGE"),
        *_each("user_name", ["a:b", "a\0b", "a\nb"]),
    ],
    "SetCredentials.password": [
        *_each("password", ["p" * 65_536], "PASSWORD_TOO_LARGE"),
        *_each("password", ["a\0b", "a\nb"]),
    ],
    "RemoveCredentials.target": _each("target", [0, 3, -1], "AUTH_TARGET_INVALID"),
    "RemoveCredentials.scheme": _each("scheme", [0, 5, 7, -1], "AUTH_SCHEME_INVALID"),
    "ProbeUrl.remote_url": _each("remote_url", ["", "x", "http://h/" + "x" * 2192], "URL_INVALID"),
    "ProbeUrl.custom_headers.name": _each(
        "custom_headers",
        [[_HEADER(value="x")], [_HEADER(name="a b", value="x")], [_HEADER(name="Range")]],
        field="custom_headers[0]",
    ),
    "ProbeUrl.custom_headers.value": [
        *_each("custom_headers", [[_HEADER(name="A", value="x\ny")]], field="custom_headers[0]"),
        *_each("custom_headers", [[_HEADER(name="A", value="x" * 16_385)]]),
        *_each("custom_headers", [[_HEADER(name="A")] * 1025]),
    ],
    "ProbeUrl.proxy.usage": [
        Case({"proxy": _PROXY(usage=9)}, INVALID, "proxy.usage"),  # type: ignore[arg-type] # unknown
        Case({"proxy": _PROXY(usage=_OVERRIDE)}, "PROXY_INVALID", "proxy"),
    ],
    "ProbeUrl.proxy.proxies": _each(
        "proxy",
        [
            _PROXY(proxies=["http://p:1"]),
            _PROXY(usage=_OVERRIDE, proxies=["nonsense"]),
            _PROXY(usage=_OVERRIDE, proxies=["http://u:p@p:1"]),
            _PROXY(usage=_OVERRIDE, proxies=["http://p:1/" + "x" * 4000]),
        ],
        "PROXY_INVALID",
    ),
    "ProbeUrl.proxy.bypass": _each(
        "proxy",
        [
            _PROXY(bypass=["<local>"]),
            _PROXY(usage=_OVERRIDE, proxies=["http://p:1"], bypass=["a.*.b"]),
            _PROXY(usage=_OVERRIDE, proxies=["http://p:1"], bypass=["x" * 4001]),
        ],
        "PROXY_INVALID",
    ),
    "ProbeUrl.ca_bundle": _each("ca_bundle", ["../x", "x" * 64], field="ca_bundle"),
    "WatchJobs.resume_token": _each(
        "resume_token", ["bad", "\u00fc", "A" * 22, "A" * 100_000], "RESUME_TOKEN_EXPIRED"
    ),
    "WatchJobs.progress_interval": _durations("progress_interval", 0.1, 3600),
    "WatchJobs.heartbeat_interval": _durations("heartbeat_interval", 1.0, 300),
    "CreateWebhook.url": _each(
        "url",
        [
            "",
            "x",
            "ftp://host/",
            "http://u:p@host/",
            "http://h/#f",
            "http://h/" + "x" * 2192,
            "http://[fe80::1%25eth0]/",
        ],
        "URL_INVALID",
    ),
    "CreateWebhook.states": [
        *_each("states", [[0], [10], [-1]], field="states[0]"),
        *_each("states", [[1] * 65]),
    ],
    "CreateWebhook.description": _each("description", ["x" * 257, "a\nb"]),
    "CreateWebhook.secret": _each(
        "secret", ["x", "whsec_", "whsec_!!", "whsec_QUJD", f"whsec_{'A' * 100}", "\u00fc" * 40]
    ),
    "GetErrorDescription.hresult": _each(
        "hresult",
        ["", "x", "0xABCDEF01", "0x" + "8" * 9, "x" * 100_000],
        "DESCRIPTION_NOT_FOUND",
        " ",
    ),
    "GetErrorDescription.reason": [
        Case({"hresult": None, "reason": number}, "DESCRIPTION_NOT_FOUND", " ")
        for number in (0, 99, 1 << 20, -1)
    ],
    "GetErrorDescription.context": [
        Case({"hresult": None, "context": number}, "DESCRIPTION_NOT_FOUND", " ")
        for number in (99, -1)
    ],
}
# Fields of which every value is good: what they ask for is there or not.
FREE = {
    "UpdateFile.validation_state",  # one of a file that is not whole is FILE_NOT_READY
    "GetErrorDescription.language_code",  # an unknown one falls back to English
    *(f"{rpc}.filter.{name}" for rpc in ("ListJobs", "WatchJobs") for name in
      ("display_name", "text")),
}  # fmt: skip


def cases() -> Iterator[tuple[str, Case]]:
    """Every case, with the path of the leaf that it is about: `RPC.field.field`."""
    for path, own in OWN.items():
        yield from ((path, case) for case in own)
    for rpc in ("ListJobs", "WatchJobs"):
        for name, some in FILTERS.items():
            yield from ((f"{rpc}.filter.{name}", case) for case in some)
    for rpc in ("CreateJob", "AddFiles"):
        for leaf, wrong, reason, field in FILES:
            yield (
                f"{rpc}.files.{leaf}",
                Case({"files": [_spec(**wrong)]}, reason, f"files[0].{field}"),
            )
    for name, value, field, reason in BAD_PROPERTIES:
        job = job_pb2.Job(**{"display_name": "a job", name: value})
        mask = FieldMask(paths=[name])
        yield f"CreateJob.job.{name}", Case({"job": job}, reason, f"job.{field}")
        changes = {"job": job, "update_mask": mask}
        yield f"UpdateJob.job.{name}", Case(changes, reason, f"job.{field}")
    for descriptor in pb.DESCRIPTOR.services_by_name["BackgroundCopyManager"].methods:
        for one in descriptor.input_type.fields:
            for case in COMMON.get(one.name, []):
                yield f"{descriptor.name}.{one.name}", case
