"""Properties of a job, from the message to values: one decoder each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from bgcopy.v1 import http_pb2, job_pb2
from bgcopyd.api import fields
from bgcopyd.api.violations import Violations
from bgcopyd.jobs import http_options, limits, options, rules
from bgcopyd.jobs.header_rules import header_problem, headers_size_problem, is_secret
from bgcopyd.jobs.job import JobType, Priority
from bgcopyd.jobs.properties import PROPERTIES, Values
from bgcopyd.jobs.proxy_rules import proxy_settings_problem
from bgcopyd.jobs.reasons import Reason

Decoder = Callable[[Violations, str, job_pb2.Job], Any]
T = TypeVar("T")

_FIELDS = frozenset(field.name for field in job_pb2.Job.DESCRIPTOR.fields)
_DAY = 86_400.0
_UNSUPPORTED_TLS = frozenset(
    {
        http_options.TlsFlag.ENABLE_CRL_CHECK,
        http_options.TlsFlag.IGNORE_CERT_DATE_INVALID,
        http_options.TlsFlag.IGNORE_CERT_WRONG_USAGE,
    }
)
_UNSUPPORTED_CACHING = frozenset(
    {options.PeerCachingFlag.ENABLE_CLIENT, options.PeerCachingFlag.ENABLE_SERVER}
)


def of_new_job(found: Violations, message: job_pb2.Job) -> Values:
    """The properties that a new job is given; those that it is not given have their defaults."""
    fields.refuse_unknown(found, message, "job")
    names = {field.name for field, _ in message.ListFields()} | {"display_name"}
    for name in sorted(names - PROPERTIES.keys()):
        found.add(f"job.{name}", "is set by the server; leave it out")
    return _decoded(found, message, names & PROPERTIES.keys())


def of_update(found: Violations, message: job_pb2.Job, mask: FieldMask) -> Values:
    """The properties that a mask names, as the message has them."""
    fields.refuse_unknown(found, message, "job")
    if not mask.paths:
        found.add("update_mask", "is empty; name the properties to change")
    paths = sorted(set(mask.paths[: len(_FIELDS) + 1]))
    if len(mask.paths) > len(_FIELDS):
        found.add("update_mask", f"has {len(mask.paths)} paths; a job has fewer properties")
    for path in paths:
        if path not in PROPERTIES:
            _refuse_path(found, path)
    return _decoded(found, message, [path for path in paths if path in PROPERTIES])


def _refuse_path(found: Violations, path: str) -> None:
    field = f"update_mask.paths['{path[:64]}']"
    if path in _FIELDS:
        found.add(field, "is set by the server and cannot change", Reason.READ_ONLY_PROPERTY)
        return
    outer = path.partition(".")[0]
    hint = f"name the whole of {outer}" if outer in PROPERTIES else "name a field of Job"
    found.add(field, f"is no property of a job; {hint}", Reason.UNKNOWN_PROPERTY)


def _decoded(found: Violations, message: job_pb2.Job, names: Iterable[str]) -> Values:
    return {name: DECODERS[name](found, f"job.{name}", message) for name in names}


def _judged(name: str, problem: Callable[[str], str]) -> Decoder:
    """A text."""

    def decode(found: Violations, field: str, message: job_pb2.Job) -> str:
        text: str = getattr(message, name)
        found.judge(field, problem(text))
        return text

    return decode


def _enum(name: str, kind: Callable[[int], T], default: T) -> Decoder:
    def decode(found: Violations, field: str, message: job_pb2.Job) -> T:
        return fields.enum_value(found, field, getattr(message, name), kind, default)

    return decode


def _flag(name: str) -> Decoder:
    return lambda _found, _field, message: getattr(message, name)


def _flags(name: str, kind: Callable[[int], T], unsupported: frozenset[T]) -> Decoder:
    def decode(found: Violations, field: str, message: job_pb2.Job) -> tuple[T, ...]:
        chosen = fields.flags(found, field, getattr(message, name), kind)
        for flag in chosen:
            if flag in unsupported:
                what = getattr(flag, "name", flag)
                found.add(field, f"has {what}, which this server cannot do", Reason.NOT_SUPPORTED)
        return chosen

    return decode


def _duration(
    name: str, shortest: float, default: float | None, longest: float = limits.LONGEST_DURATION
) -> Decoder:
    def decode(found: Violations, field: str, message: job_pb2.Job) -> float | None:
        if not message.HasField(name):  # type: ignore[arg-type] # a name out of job.proto
            return default
        return fields.interval(found, field, getattr(message, name), (shortest, 0.0, longest))

    return decode


def _moment(name: str) -> Decoder:
    def decode(found: Violations, field: str, message: job_pb2.Job) -> datetime | None:
        if not message.HasField(name):  # type: ignore[arg-type] # a name out of job.proto
            return None
        return fields.moment(found, field, getattr(message, name))

    return decode


def _labels(found: Violations, field: str, message: job_pb2.Job) -> Mapping[str, str]:
    labels = dict(message.labels)
    found.judge(field, rules.labels_problem(labels))
    return labels


def _retry_delay(found: Violations, field: str, message: job_pb2.Job) -> float:
    delay: float = _duration("minimum_retry_delay", 0.0, 600.0)(found, field, message)
    return max(delay, limits.MINIMUM_RETRY_DELAY_FLOOR)


def _rate(found: Violations, field: str, message: job_pb2.Job) -> int:
    if message.max_bytes_per_second < 0:
        found.add(field, "is negative; 0 means no limit")
    return message.max_bytes_per_second


def _size(found: Violations, field: str, message: job_pb2.Job) -> int | None:
    if not message.HasField("max_download_size"):
        return None
    if message.max_download_size < 1:
        found.add(
            field,
            f"is {message.max_download_size}; give at least 1 byte, or nothing for no limit",
            Reason.MAX_DOWNLOAD_SIZE_INVALID,
        )
    return message.max_download_size


def _method(found: Violations, field: str, message: job_pb2.Job) -> str:
    found.judge(field, rules.method_problem(message.http_method))
    return "" if message.http_method == "GET" else message.http_method


def headers(
    found: Violations, field: str, messages: Sequence[http_pb2.HttpHeader]
) -> tuple[http_options.HttpHeader, ...]:
    """Header fields of a job or a probe; credentials among them are secret without being asked."""
    decoded = []
    messages = fields.at_most(found, field, messages, limits.HEADERS, "fields")
    for place, message in enumerate(messages):
        name = f"{field}[{place}]"
        fields.refuse_unknown(found, message, name)
        found.judge(name, header_problem(message.name, message.value))
        if message.secret and not message.value:
            # As in a job that was read and is written back.
            found.add(f"{name}.value", "is missing; a secret value is never shown, give it again")
        header = http_options.HttpHeader(message.name, message.value, message.secret)
        decoded.append(dataclasses.replace(header, secret=is_secret(header)))
    found.judge(field, headers_size_problem(decoded))
    return tuple(decoded)


def proxy(
    found: Violations, field: str, message: http_pb2.ProxySettings
) -> http_options.ProxySettings:
    """The proxy of a job or a probe."""
    fields.refuse_unknown(found, message, field)
    kind = http_options.ProxyUsage
    usage = fields.enum_value(found, f"{field}.usage", message.usage, kind, kind.PRECONFIG)
    settings = http_options.ProxySettings(usage, tuple(message.proxies), tuple(message.bypass))
    found.judge(field, proxy_settings_problem(settings), Reason.PROXY_INVALID)
    return settings


def _notifications(found: Violations, field: str, message: job_pb2.Job) -> options.Notifications:
    if not message.HasField("notifications"):
        return options.Notifications()
    wanted = message.notifications
    fields.refuse_unknown(found, wanted, field)
    chosen = fields.flags(found, f"{field}.flags", wanted.flags, options.NotifyFlag)
    default = options.MINIMUM_NOTIFICATION_INTERVAL
    if not wanted.HasField("minimum_interval"):
        return options.Notifications(chosen, default)
    bounds = (0.1, default, 3600.0)
    pause = fields.interval(found, f"{field}.minimum_interval", wanted.minimum_interval, bounds)
    return options.Notifications(chosen, pause)


DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {
        "type": _enum("type", JobType, JobType.DOWNLOAD),
        "display_name": _judged("display_name", rules.display_name_problem),
        "description": _judged("description", rules.description_problem),
        "priority": _enum("priority", Priority, Priority.NORMAL),
        "labels": _labels,
        "minimum_retry_delay": _retry_delay,
        "no_progress_timeout": _duration("no_progress_timeout", 0.0, 14 * _DAY),
        "max_bytes_per_second": _rate,
        "auto_complete": _flag("auto_complete"),
        "maximum_download_time": _duration(
            "maximum_download_time", 1.0, options.MAXIMUM_DOWNLOAD_TIME
        ),
        "max_download_size": _size,
        "cost_policy": _flags("cost_policy", options.CostState, frozenset()),
        "dynamic_content": _flag("dynamic_content"),
        "high_performance": _flag("high_performance"),
        "on_demand_mode": _flag("on_demand_mode"),
        "http_method": _method,
        "custom_headers": lambda found, field, message: headers(
            found, field, message.custom_headers
        ),
        "redirect_policy": _enum(
            "redirect_policy",
            http_options.RedirectPolicy,
            http_options.RedirectPolicy.ALLOW_SILENT,
        ),
        "allow_https_to_http": _flag("allow_https_to_http"),
        "tls_flags": _flags("tls_flags", http_options.TlsFlag, _UNSUPPORTED_TLS),
        "client_certificate": _judged("client_certificate", rules.store_name_problem),
        "ca_bundle": _judged("ca_bundle", rules.store_name_problem),
        "proxy": lambda found, field, message: proxy(found, field, message.proxy),
        "announced_mirrors": _flag("announced_mirrors"),
        "peer_caching": _flags("peer_caching", options.PeerCachingFlag, _UNSUPPORTED_CACHING),
        "notifications": _notifications,
        "not_before": _moment("not_before"),
        "deadline": _moment("deadline"),
        "overwrite_policy": _enum(
            "overwrite_policy", options.OverwritePolicy, options.OverwritePolicy.REPLACE
        ),
        "retention": _duration("retention", 0.0, None),
        "continue_on_file_error": _flag("continue_on_file_error"),
    }
)
# What a property is where it is not set.
DEFAULTS: Values = MappingProxyType(
    {name: decode(Violations(), name, job_pb2.Job()) for name, decode in DECODERS.items()}
)
