"""Properties as words on a command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

import bgcopy
from bgcopy.cli.properties import PARSERS, SHORT, header, moment, parse_all

GOOD: dict[str, tuple[str, Any]] = {
    "display_name": ("n", "n"),
    "description": ("a=b", "a=b"),
    "priority": ("high", bgcopy.Priority.HIGH),
    "labels": ("a=b,c=", {"a": "b", "c": ""}),
    "minimum_retry_delay": ("5m", timedelta(minutes=5)),
    "no_progress_timeout": ("0", timedelta(0)),
    "max_bytes_per_second": ("2M", 2 << 20),
    "auto_complete": ("yes", True),
    "maximum_download_time": ("2h", timedelta(hours=2)),
    "max_download_size": ("1G", 1 << 30),
    "cost_policy": (
        "unrestricted,below-cap",
        (bgcopy.CostState.UNRESTRICTED, bgcopy.CostState.BELOW_CAP),
    ),
    "dynamic_content": ("on", True),
    "high_performance": ("off", False),
    "on_demand_mode": ("1", True),
    "http_method": ("post", "POST"),
    "redirect_policy": ("disallow", bgcopy.RedirectPolicy.DISALLOW),
    "allow_https_to_http": ("true", True),
    "announced_mirrors": ("yes", True),
    "tls_flags": ("ignore_unknown_ca", (bgcopy.TlsFlag.IGNORE_UNKNOWN_CA,)),
    "client_certificate": ("partner", "partner"),
    "ca_bundle": ("office", "office"),
    "proxy": ("none", bgcopy.ProxySettings(bgcopy.ProxyUsage.NO_PROXY)),
    "peer_caching": ("disable_branch_cache", (bgcopy.PeerCachingFlag.DISABLE_BRANCH_CACHE,)),
    "notifications": (
        "job_error",
        bgcopy.NotificationSettings((bgcopy.NotifyFlag.JOB_ERROR,)),
    ),
    "not_before": ("2026-12-24T18:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
    "deadline": ("2026-12-24T18:00+01:00", datetime(2026, 12, 24, 17, tzinfo=UTC)),
    "overwrite_policy": ("if-newer", bgcopy.OverwritePolicy.IF_NEWER),
    "retention": ("1d", timedelta(days=1)),
    "continue_on_file_error": ("no", False),
}


def test_every_property_has_a_parser() -> None:
    settable = set(bgcopy.JobProperties.__annotations__) | {"display_name"}
    # Headers have options of their own, since their values hold commas and secrets.
    assert set(PARSERS) == settable - {"custom_headers"}
    assert set(GOOD) == set(PARSERS)
    assert set(SHORT.values()) <= set(PARSERS)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_value(name: str) -> None:
    text, value = GOOD[name]
    assert parse_all((f"{name}={text}",)) == {name: value}
    assert parse_all((f"{name.upper().replace('_', '-')}={text}",)) == {name: value}


@pytest.mark.parametrize("name", PARSERS)
def test_an_empty_value_is_the_default_again(name: str) -> None:
    assert parse_all((f"{name}=",)) == {name: None}


@pytest.mark.parametrize("short", SHORT)
def test_short_names(short: str) -> None:
    assert set(parse_all((f"{short}=",))) == {SHORT[short]}


@pytest.mark.parametrize(
    "word",
    [
        "priority",
        "=high",
        "nothing=1",
        "priority=urgent",
        "priority=unknown",
        "auto_complete=perhaps",
        "max_download_size=big",
        "deadline=tomorrow",
        "deadline=+soon",
        "cost_policy=cheap",
        "labels=x",
        "retention=-1",
    ],
)
def test_what_is_wrong_is_a_usage_error(word: str) -> None:
    with pytest.raises(click.UsageError):
        parse_all((word,))


def test_proxies() -> None:
    (proxy,) = parse_all(("proxy=http://a:1, socks5h://b:2",)).values()
    assert proxy == bgcopy.ProxySettings(
        bgcopy.ProxyUsage.OVERRIDE, ("http://a:1", "socks5h://b:2")
    )


def test_moments_from_now() -> None:
    before = datetime.now(UTC)
    assert before + timedelta(hours=2) <= moment("+2h") <= datetime.now(UTC) + timedelta(hours=2)


def test_a_moment_without_a_zone_is_the_users() -> None:
    assert moment("2026-12-24T18:00") == datetime(2026, 12, 24, 18).astimezone()


def test_headers() -> None:
    assert header("X-A:  b: c ") == bgcopy.HttpHeader("X-A", "b: c")
    assert header("X-A: b", secret=True).secret
    with pytest.raises(click.BadParameter) as raised:
        header("hush-hush", secret=True)
    assert "hush" not in raised.value.message
