"""Properties of a job as words on a command line: NAME=VALUE, one parser each."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

import bgcopy
from bgcopy import HttpHeader, NotificationSettings, ProxySettings, ProxyUsage
from bgcopy.cli.options import size, span, span_or_zero
from bgcopy.cli.words import clean, when
from bgcopy.cli.words import span as span_in_words

EnumT = TypeVar("EnumT", bound=enum.Enum)

_YES = {"yes": True, "true": True, "on": True, "1": True}
_NO = {"no": False, "false": False, "off": False, "0": False}


def _words(kind: type[enum.Enum]) -> str:
    return ", ".join(one.name.lower() for one in kind if one.name != "UNKNOWN")


def _one(kind: type[EnumT]) -> Callable[[str], EnumT]:
    def parse(text: str) -> EnumT:
        name = text.strip().upper().replace("-", "_")
        if name == "UNKNOWN" or name not in kind.__members__:
            raise click.BadParameter(f"{text!r} is none of {_words(kind)}")
        return kind[name]

    return parse


def _several(kind: type[EnumT]) -> Callable[[str], tuple[EnumT, ...]]:
    parse = _one(kind)
    return lambda text: tuple(parse(word) for word in text.split(",") if word.strip())


def _flag(text: str) -> bool:
    value = {**_YES, **_NO}.get(text.strip().lower())
    if value is None:
        raise click.BadParameter(f"{text!r} is neither yes nor no")
    return value


def _rate(text: str) -> int:
    return 0 if text.strip() == "0" else size(text)


def moment(text: str) -> datetime:
    """A moment: RFC 3339, in the user's own time zone where it names none, or +SPAN from now."""
    if text.startswith("+"):
        return datetime.now(UTC) + span(text[1:])
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no moment; write it as 2026-12-24T18:00, or as +2h from now"
        ) from None
    return parsed if parsed.tzinfo else parsed.astimezone()


def labels(text: str) -> dict[str, str]:
    """Labels as key=value,key=value."""
    return dict(label(part) for part in text.split(",") if part)


def label(text: str) -> tuple[str, str]:
    """One label as key=value."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"label {text!r}: write it as KEY=VALUE")
    return key, value


def header(text: str, *, secret: bool = False) -> HttpHeader:
    """A header field as 'Name: value'."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        # Without the text: it may be the secret itself.
        raise click.BadParameter("a header is written as 'Name: value'")
    return HttpHeader(name.strip(), value.strip(), secret)


def proxy(text: str) -> ProxySettings:
    """A proxy: none, auto, preconfig, or URLs in order of preference, with commas between."""
    usage = {
        "none": ProxyUsage.NO_PROXY,
        "auto": ProxyUsage.AUTODETECT,
        "preconfig": ProxyUsage.PRECONFIG,
    }.get(text.strip().lower())
    if usage is not None:
        return ProxySettings(usage)
    return ProxySettings(ProxyUsage.OVERRIDE, tuple(url.strip() for url in text.split(",")))


def _notifications(text: str) -> NotificationSettings:
    return NotificationSettings(_several(bgcopy.NotifyFlag)(text))


PARSERS: Mapping[str, Callable[[str], Any]] = {
    "display_name": str,
    "description": str,
    "priority": _one(bgcopy.Priority),
    "labels": labels,
    "minimum_retry_delay": span_or_zero,
    "no_progress_timeout": span_or_zero,
    "max_bytes_per_second": _rate,
    "auto_complete": _flag,
    "maximum_download_time": span,
    "max_download_size": size,
    "cost_policy": _several(bgcopy.CostState),
    "dynamic_content": _flag,
    "high_performance": _flag,
    "on_demand_mode": _flag,
    "http_method": str.upper,
    "redirect_policy": _one(bgcopy.RedirectPolicy),
    "allow_https_to_http": _flag,
    "announced_mirrors": _flag,
    "tls_flags": _several(bgcopy.TlsFlag),
    "client_certificate": str,
    "ca_bundle": str,
    "proxy": proxy,
    "peer_caching": _several(bgcopy.PeerCachingFlag),
    "notifications": _notifications,
    "not_before": moment,
    "deadline": moment,
    "overwrite_policy": _one(bgcopy.OverwritePolicy),
    "retention": span_or_zero,
    "continue_on_file_error": _flag,
}
# Short words that people know from elsewhere.
SHORT: Mapping[str, str] = {
    "name": "display_name",
    "limit_rate": "max_bytes_per_second",
    "method": "http_method",
    "overwrite": "overwrite_policy",
    "redirect": "redirect_policy",
    "cost": "cost_policy",
}


def parse_all(given: tuple[str, ...]) -> dict[str, Any]:
    """Properties out of NAME=VALUE words; an empty value means the default again.

    Raises:
        click.UsageError: a name is unknown, or a value malformed.
    """
    values: dict[str, Any] = {}
    for word in given:
        name, equals, text = word.partition("=")
        name = name.strip().lower().replace("-", "_")
        name = SHORT.get(name, name)
        if not equals or name not in PARSERS:
            raise click.UsageError(
                f"{word!r} is no property; write NAME=VALUE, with a name out of "
                f"{', '.join(PARSERS)}"
            )
        try:
            values[name] = PARSERS[name](text) if text else None
        except click.BadParameter as problem:
            raise click.UsageError(f"{name}: {problem.message}") from None
    return values


# What `show` tells apart from these, and what every job has.
_TOLD = {"display_name", "description", "priority", "labels", "max_bytes_per_second"}
_USUAL = bgcopy.JobInfo(
    "",
    bgcopy.JobState.UNKNOWN,
    minimum_retry_delay=timedelta(minutes=10),
    no_progress_timeout=timedelta(days=14),
    maximum_download_time=timedelta(days=90),
    redirect_policy=bgcopy.RedirectPolicy.ALLOW_SILENT,
    overwrite_policy=bgcopy.OverwritePolicy.REPLACE,
)


def option_facts(info: bgcopy.JobInfo) -> list[tuple[str, str]]:
    """Properties of a job that are not the usual ones, as `show` tells them."""
    facts = [
        (name, shown(getattr(info, name)))
        for name in PARSERS
        if name not in _TOLD and getattr(info, name) != getattr(_USUAL, name)
    ]
    headers = [
        f"{clean(one.name)}: {'(secret)' if one.secret else clean(one.value)}"
        for one in info.custom_headers
    ]
    keys = [f"{key.scheme.name.lower()} for the {key.target.name.lower()}"
            for key in info.credentials]  # fmt: skip
    return [*facts, ("headers", "; ".join(headers)), ("signs in", ", ".join(keys))]


def shown(value: Any) -> str:
    """A property's value as people read it."""
    for kind, word in _SHOWN:
        if isinstance(value, kind):
            return word(value)
    return clean(str(value))


# In this order: what is more than one of them is the first.
_SHOWN: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (type(None), lambda _: ""),
    (enum.Enum, lambda value: value.name.lower()),
    (bool, lambda value: "yes" if value else "no"),
    (timedelta, lambda value: span_in_words(value.total_seconds())),
    (datetime, when),
    (tuple, lambda value: ", ".join(map(shown, value))),
    (ProxySettings, lambda value: shown(value.proxies) or shown(value.usage)),
    (NotificationSettings, lambda value: shown(value.flags)),
)
