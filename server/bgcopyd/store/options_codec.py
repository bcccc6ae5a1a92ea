"""The options of a job as JSON that holds only what differs from the defaults, and back.

Secret headers are written without their values, which are kept sealed in a table of their own.
"""

from __future__ import annotations

import enum
import functools
import json
import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from bgcopyd.jobs.http_options import (
    AuthScheme,
    AuthTarget,
    CredentialsKey,
    HttpHeader,
    HttpOptions,
    ProxySettings,
    ProxyUsage,
    RedirectPolicy,
    TlsFlag,
)
from bgcopyd.jobs.options import (
    DEFAULT_OPTIONS,
    CostState,
    JobOptions,
    Notifications,
    NotifyFlag,
    OverwritePolicy,
    PeerCachingFlag,
)
from bgcopyd.store.rows import EPOCH, exactly, micros

E = TypeVar("E", bound=enum.IntEnum)
Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def _plain(kind: type) -> Codec:
    return (lambda value: value), functools.partial(exactly, kind)


def _number(value: Any) -> float:
    """A duration, finite; one of whole seconds may be written as a whole number."""
    number = float(value if type(value) is int else exactly(float, value))
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(exactly(str, value) for value in exactly(list, values))


def _all(kind: type[E]) -> Codec:
    return (
        lambda values: [int(value) for value in values],
        lambda numbers: tuple(kind(number) for number in numbers),
    )


def _header(value: HttpHeader) -> list[Any]:
    return [value.name, "" if value.secret else value.value, value.secret]


_MOMENT: Codec = (micros, lambda value: EPOCH + timedelta(microseconds=value))
_NOTIFICATIONS: Codec = (
    lambda value: [[int(flag) for flag in value.flags], value.minimum_interval],
    lambda value: Notifications(tuple(NotifyFlag(flag) for flag in value[0]), _number(value[1])),
)
_HEADERS: Codec = (
    lambda values: [_header(value) for value in values],
    lambda values: tuple(
        HttpHeader(exactly(str, name), exactly(str, value), exactly(bool, secret))
        for name, value, secret in values
    ),
)
_PROXY: Codec = (
    lambda value: [int(value.usage), value.proxies, value.bypass],
    lambda value: ProxySettings(ProxyUsage(value[0]), _texts(value[1]), _texts(value[2])),
)
_CREDENTIALS: Codec = (
    lambda values: [[int(key.target), int(key.scheme)] for key in values],
    lambda values: tuple(
        CredentialsKey(AuthTarget(target), AuthScheme(scheme)) for target, scheme in values
    ),
)
_TEXT, _FLAG = _plain(str), _plain(bool)
_NUMBER: Codec = (float, _number)

_HTTP: Mapping[str, Codec] = {
    "method": _TEXT,
    "headers": _HEADERS,
    "redirect_policy": (int, RedirectPolicy),
    "allow_https_to_http": _FLAG,
    "tls_flags": _all(TlsFlag),
    "client_certificate": _TEXT,
    "ca_bundle": _TEXT,
    "proxy": _PROXY,
    "announced_mirrors": _FLAG,
}
_OPTIONS: Mapping[str, Codec] = {
    "maximum_download_time": _NUMBER,
    "max_download_size": _plain(int),
    "cost_policy": _all(CostState),
    "dynamic_content": _FLAG,
    "high_performance": _FLAG,
    "on_demand_mode": _FLAG,
    "http": (
        lambda value: _encode(value, DEFAULT_OPTIONS.http, _HTTP),
        lambda value: HttpOptions(**_decode(value, _HTTP)),
    ),
    "peer_caching": _all(PeerCachingFlag),
    "notifications": _NOTIFICATIONS,
    "not_before": _MOMENT,
    "deadline": _MOMENT,
    "overwrite_policy": (int, OverwritePolicy),
    "retention": _NUMBER,
    "continue_on_file_error": _FLAG,
    "credentials": _CREDENTIALS,
}


def _encode(value: Any, default: Any, codecs: Mapping[str, Codec]) -> dict[str, Any]:
    return {
        name: encode(getattr(value, name))
        for name, (encode, _) in codecs.items()
        if getattr(value, name) != getattr(default, name)
    }


def _decode(values: Mapping[str, Any], codecs: Mapping[str, Codec]) -> dict[str, Any]:
    return {name: codecs[name][1](value) for name, value in values.items()}


def encode_options(options: JobOptions) -> str | None:
    """Options as JSON; None for the defaults."""
    if options is DEFAULT_OPTIONS or options == DEFAULT_OPTIONS:
        return None
    return json.dumps(_encode(options, DEFAULT_OPTIONS, _OPTIONS))


@functools.lru_cache(maxsize=512)
def options_of(text: str | None) -> JobOptions:
    """The options of their JSON; the defaults are always the same object."""
    if text is None:
        return DEFAULT_OPTIONS
    return JobOptions(**_decode(json.loads(text), _OPTIONS))
