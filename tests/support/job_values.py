"""A good value of every property of a job, not its default, and what is wrong with others."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopy.v1 import http_pb2, job_pb2

FAR_FUTURE = Timestamp(seconds=4_102_444_800)

GOOD: dict[str, Any] = {
    "display_name": "another name",
    "description": "what for\nand why",
    "priority": job_pb2.JOB_PRIORITY_LOW,
    "labels": {"team": "red"},
    "minimum_retry_delay": Duration(seconds=7),
    "no_progress_timeout": Duration(seconds=70),
    "max_bytes_per_second": 1 << 20,
    "auto_complete": True,
    "maximum_download_time": Duration(seconds=3600),
    "max_download_size": 1 << 40,
    "cost_policy": [job_pb2.COST_STATE_UNRESTRICTED, job_pb2.COST_STATE_BELOW_CAP],
    "dynamic_content": True,
    "high_performance": True,
    "on_demand_mode": True,
    "http_method": "POST",
    "custom_headers": [http_pb2.HttpHeader(name="X-Team", value="red")],
    "redirect_policy": http_pb2.REDIRECT_POLICY_DISALLOW,
    "allow_https_to_http": True,
    "announced_mirrors": True,
    "tls_flags": [http_pb2.TLS_FLAG_IGNORE_CERT_CN_INVALID],
    "client_certificate": "partner",
    "ca_bundle": "office",
    "proxy": http_pb2.ProxySettings(
        usage=http_pb2.PROXY_USAGE_OVERRIDE,
        proxies=["http://proxy.example:3128"],
        bypass=["<local>"],
    ),
    "peer_caching": [job_pb2.PEER_CACHING_FLAG_DISABLE_BRANCH_CACHE],
    "notifications": job_pb2.NotificationSettings(
        flags=[job_pb2.NOTIFY_FLAG_JOB_MODIFICATION], minimum_interval=Duration(seconds=2)
    ),
    "not_before": FAR_FUTURE,
    "deadline": FAR_FUTURE,
    "overwrite_policy": job_pb2.OVERWRITE_POLICY_FAIL,
    "retention": Duration(seconds=60),
    "continue_on_file_error": True,
}

_LONG = Duration(seconds=10 * 365 * 86_400 + 1)
_NEGATIVE = Duration(seconds=-1)
_BROKEN_MOMENT = Timestamp(seconds=253_402_300_800)

# Property, value, field at fault, reason.
BAD: list[tuple[str, Any, str, str]] = [
    ("display_name", "", "display_name", "INVALID_REQUEST"),
    ("display_name", "x" * 257, "display_name", "INVALID_REQUEST"),
    ("display_name", "a\0b", "display_name", "INVALID_REQUEST"),
    ("description", "x" * 1025, "description", "INVALID_REQUEST"),
    ("description", "a\x1bb", "description", "INVALID_REQUEST"),
    ("priority", 5, "priority", "INVALID_REQUEST"),
    ("labels", {"Upper": "x"}, "labels", "INVALID_REQUEST"),
    ("labels", {"x" * 64: ""}, "labels", "INVALID_REQUEST"),
    ("labels", {"x": "y" * 257}, "labels", "INVALID_REQUEST"),
    ("labels", {f"x{number}": "" for number in range(65)}, "labels", "INVALID_REQUEST"),
    ("minimum_retry_delay", _NEGATIVE, "minimum_retry_delay", "INVALID_REQUEST"),
    ("minimum_retry_delay", _LONG, "minimum_retry_delay", "INVALID_REQUEST"),
    ("no_progress_timeout", _NEGATIVE, "no_progress_timeout", "INVALID_REQUEST"),
    ("no_progress_timeout", _LONG, "no_progress_timeout", "INVALID_REQUEST"),
    ("max_bytes_per_second", -1, "max_bytes_per_second", "INVALID_REQUEST"),
    ("maximum_download_time", Duration(), "maximum_download_time", "INVALID_REQUEST"),
    ("maximum_download_time", _LONG, "maximum_download_time", "INVALID_REQUEST"),
    ("max_download_size", 0, "max_download_size", "MAX_DOWNLOAD_SIZE_INVALID"),
    ("max_download_size", -1, "max_download_size", "MAX_DOWNLOAD_SIZE_INVALID"),
    ("cost_policy", [0], "cost_policy[0]", "INVALID_REQUEST"),
    ("cost_policy", [9], "cost_policy[0]", "INVALID_REQUEST"),
    ("cost_policy", [1] * 33, "cost_policy", "INVALID_REQUEST"),
    ("http_method", "get it", "http_method", "INVALID_REQUEST"),
    ("http_method", "A" * 33, "http_method", "INVALID_REQUEST"),
    ("http_method", "CONNECT", "http_method", "INVALID_REQUEST"),
    (
        "custom_headers",
        [http_pb2.HttpHeader(name="bad name", value="x")],
        "custom_headers[0]",
        "INVALID_REQUEST",
    ),
    (
        "custom_headers",
        [http_pb2.HttpHeader(name="X-A", value="x\r\nX-B: y")],
        "custom_headers[0]",
        "INVALID_REQUEST",
    ),
    (
        "custom_headers",
        [http_pb2.HttpHeader(name="X-A", secret=True)],
        "custom_headers[0].value",
        "INVALID_REQUEST",
    ),
    (
        "custom_headers",
        [http_pb2.HttpHeader(name="Range", value="bytes=0-1")],
        "custom_headers[0]",
        "INVALID_REQUEST",
    ),
    (
        "custom_headers",
        [http_pb2.HttpHeader(name="X-A", value="x" * 16_378)],
        "custom_headers",
        "INVALID_REQUEST",
    ),
    (
        "custom_headers",
        [http_pb2.HttpHeader(name="A", value="")] * 1025,
        "custom_headers",
        "INVALID_REQUEST",
    ),
    (
        "proxy",
        http_pb2.ProxySettings(usage=http_pb2.PROXY_USAGE_OVERRIDE),
        "proxy",
        "PROXY_INVALID",
    ),
    (
        "proxy",
        http_pb2.ProxySettings(proxies=["http://p:1"]),
        "proxy",
        "PROXY_INVALID",
    ),
    (
        "proxy",
        http_pb2.ProxySettings(
            usage=http_pb2.PROXY_USAGE_OVERRIDE, proxies=["http://u:p@p.example:1"]
        ),
        "proxy",
        "PROXY_INVALID",
    ),
    ("redirect_policy", 4, "redirect_policy", "INVALID_REQUEST"),
    ("tls_flags", [0], "tls_flags[0]", "INVALID_REQUEST"),
    ("tls_flags", [6], "tls_flags[0]", "INVALID_REQUEST"),
    ("tls_flags", [1], "tls_flags", "NOT_SUPPORTED"),
    ("tls_flags", [3], "tls_flags", "NOT_SUPPORTED"),
    ("tls_flags", [5], "tls_flags", "NOT_SUPPORTED"),
    ("client_certificate", "Not A Name", "client_certificate", "INVALID_REQUEST"),
    ("client_certificate", "unknown", "client_certificate", "INVALID_REQUEST"),
    ("ca_bundle", "../x", "ca_bundle", "INVALID_REQUEST"),
    ("ca_bundle", "unknown", "ca_bundle", "INVALID_REQUEST"),
    ("proxy", http_pb2.ProxySettings(usage=5), "proxy.usage", "INVALID_REQUEST"),  # type: ignore[arg-type] # on purpose
    ("peer_caching", [1], "peer_caching", "NOT_SUPPORTED"),
    ("peer_caching", [2], "peer_caching", "NOT_SUPPORTED"),
    ("peer_caching", [4], "peer_caching[0]", "INVALID_REQUEST"),
    (
        "notifications",
        job_pb2.NotificationSettings(flags=[7]),  # type: ignore[list-item] # on purpose
        "notifications.flags[0]",
        "INVALID_REQUEST",
    ),
    (
        "notifications",
        job_pb2.NotificationSettings(minimum_interval=Duration(nanos=1)),
        "notifications.minimum_interval",
        "INVALID_REQUEST",
    ),
    (
        "notifications",
        job_pb2.NotificationSettings(minimum_interval=Duration(seconds=3601)),
        "notifications.minimum_interval",
        "INVALID_REQUEST",
    ),
    *(
        (name, Duration(seconds=5, nanos=nanos), name, "INVALID_REQUEST")
        for name in (
            "minimum_retry_delay",
            "no_progress_timeout",
            "maximum_download_time",
            "retention",
        )
        for nanos in (-1, 10**9)
    ),
    *(
        (name, moment, name, "INVALID_REQUEST")
        for name in ("not_before", "deadline")
        for moment in (
            Timestamp(seconds=FAR_FUTURE.seconds, nanos=-1),
            Timestamp(seconds=FAR_FUTURE.seconds, nanos=10**9),
            Timestamp(seconds=-62_135_596_801),
            Timestamp(seconds=1 << 62),
        )
    ),
    ("not_before", _BROKEN_MOMENT, "not_before", "INVALID_REQUEST"),
    ("deadline", _BROKEN_MOMENT, "deadline", "INVALID_REQUEST"),
    ("deadline", Timestamp(seconds=1), "deadline", "INVALID_REQUEST"),
    ("overwrite_policy", 6, "overwrite_policy", "INVALID_REQUEST"),
    ("retention", _NEGATIVE, "retention", "INVALID_REQUEST"),
    ("retention", _LONG, "retention", "INVALID_REQUEST"),
]
