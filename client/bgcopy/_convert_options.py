"""Properties of a job between proto messages and Python values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bgcopy import _option_enums as enums
from bgcopy import _options as options
from bgcopy.v1 import http_pb2, job_pb2

EnumT = TypeVar("EnumT", bound=enum.Enum)


def known(kind: type[EnumT], number: int) -> EnumT:
    """The member of that number; UNKNOWN for one that this version does not know."""
    try:
        return kind(number)
    except ValueError:
        return kind["UNKNOWN"]


def to_datetime(stamp: Timestamp) -> datetime | None:
    """None for an unset stamp (a set one is never the epoch here)."""
    if not stamp.seconds and not stamp.nanos:
        return None
    return stamp.ToDatetime(tzinfo=UTC)


def to_duration(value: timedelta) -> Duration:
    """The message of a time span."""
    duration = Duration()
    duration.FromTimedelta(value)
    return duration


def span(message: job_pb2.Job, field: str) -> timedelta | None:
    """A time span of a job; absent and zero differ."""
    if not message.HasField(cast("Any", field)):
        return None
    value: Duration = getattr(message, field)
    return value.ToTimedelta()


def job_of(properties: Mapping[str, Any]) -> job_pb2.Job:
    """A message that holds the properties; those that are None are not set.

    Raises:
        ValueError: a moment is not aware of its time zone.
    """
    return job_pb2.Job(
        **{name: to_message(value) for name, value in properties.items() if value is not None}
    )


def to_message(value: Any) -> Any:
    """A property's value as its field takes it."""
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    raise TypeError(f"{type(value).__name__} is no value of a property")


def _stamp(moment: datetime) -> Timestamp:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone, as datetime.now(UTC) has")
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def header_to_proto(value: options.HttpHeader) -> http_pb2.HttpHeader:
    """A header field, for a request."""
    return http_pb2.HttpHeader(name=value.name, value=value.value, secret=value.secret)


def header(message: http_pb2.HttpHeader) -> options.HttpHeader:
    """A header field."""
    return options.HttpHeader(message.name, message.value, message.secret)


def proxy_to_proto(value: options.ProxySettings) -> http_pb2.ProxySettings:
    """Proxy settings, for a request."""
    return http_pb2.ProxySettings(
        usage=http_pb2.ProxyUsage.ValueType(value.usage.value),
        proxies=value.proxies,
        bypass=value.bypass,
    )


def _notifications_to_proto(
    value: options.NotificationSettings,
) -> job_pb2.NotificationSettings:
    return job_pb2.NotificationSettings(
        flags=[job_pb2.NotifyFlag.ValueType(flag.value) for flag in value.flags],
        minimum_interval=to_duration(value.minimum_interval),
    )


# In this order: what is more than one of them is the first.
_CONVERSIONS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda value: value.value),
    (timedelta, to_duration),
    (datetime, _stamp),
    (options.HttpHeader, header_to_proto),
    (options.ProxySettings, proxy_to_proto),
    (options.NotificationSettings, _notifications_to_proto),
    (str, str),
    (int, lambda value: value),
    (Mapping, dict),
    (Iterable, lambda value: [to_message(one) for one in value]),
)


def option_values(message: job_pb2.Job) -> dict[str, Any]:
    """The options of a job as arguments of JobInfo."""
    return {
        "maximum_download_time": span(message, "maximum_download_time"),
        "max_download_size": (
            message.max_download_size if message.HasField("max_download_size") else None
        ),
        "cost_policy": _all(enums.CostState, message.cost_policy),
        "dynamic_content": message.dynamic_content,
        "high_performance": message.high_performance,
        "on_demand_mode": message.on_demand_mode,
        "http_method": message.http_method or "GET",
        "custom_headers": tuple(header(one) for one in message.custom_headers),
        "redirect_policy": known(enums.RedirectPolicy, message.redirect_policy),
        "allow_https_to_http": message.allow_https_to_http,
        "announced_mirrors": message.announced_mirrors,
        "tls_flags": _all(enums.TlsFlag, message.tls_flags),
        "client_certificate": message.client_certificate,
        "ca_bundle": message.ca_bundle,
        "proxy": options.ProxySettings(
            known(enums.ProxyUsage, message.proxy.usage),
            tuple(message.proxy.proxies),
            tuple(message.proxy.bypass),
        ),
        "peer_caching": _all(enums.PeerCachingFlag, message.peer_caching),
        "notifications": options.NotificationSettings(
            _all(enums.NotifyFlag, message.notifications.flags),
            message.notifications.minimum_interval.ToTimedelta(),
        ),
        "not_before": to_datetime(message.not_before),
        "deadline": to_datetime(message.deadline),
        "overwrite_policy": known(enums.OverwritePolicy, message.overwrite_policy),
        "retention": span(message, "retention"),
        "continue_on_file_error": message.continue_on_file_error,
        "credentials": tuple(
            options.CredentialsKey(
                known(enums.AuthTarget, key.target), known(enums.AuthScheme, key.scheme)
            )
            for key in message.credentials
        ),
        "download_time": message.download_time.ToTimedelta(),
        "inactivity_time": to_datetime(message.inactivity_time),
        "partially_completed": message.partially_completed,
    }


def _all(kind: type[EnumT], numbers: Iterable[int]) -> tuple[EnumT, ...]:
    return tuple(known(kind, number) for number in numbers)
