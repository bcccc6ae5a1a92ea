"""Rules of a job's header fields and proxies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs import limits
from bgcopyd.jobs.header_rules import (
    DECIDED_BY_TRANSFER,
    header_problem,
    headers_size_problem,
    is_secret,
)
from bgcopyd.jobs.http_options import HttpHeader, ProxySettings, ProxyUsage
from bgcopyd.jobs.proxy_rules import (
    bypass_problem,
    proxy_for,
    proxy_lists_problem,
    proxy_problem,
    proxy_settings_problem,
)

NONE = ProxySettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "1"), ("x_a!", ""), ("Cookie", 'a="b c";\td'), ("Accept", "*/*"), ("A", "x")],
)
def test_good_fields(name: str, value: str) -> None:
    assert header_problem(name, value) == ""


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("", "x", "no name"),
        ("a b", "x", "no name"),
        ("a:", "x", "no name"),
        (":path", "x", "no name"),
        ("a\r\nb", "x", "no name"),
        ("\u00e4", "x", "no name"),
        ("a", "hidden\r\nX: y", "control"),
        ("a", "hidden\n", "control"),
        ("a", "hidden\0", "control"),
        ("a", "\thidden", "space at an end"),
        ("a", "hidden ", "space at an end"),
        ("a", "hidden\u00e4", "beyond ASCII"),
        ("HOST", "hidden", "decided"),
        ("Proxy-Authorization", "hidden", "decided"),
        ("proxy-x", "hidden", "decided"),
        *((name.title(), "hidden", "decided") for name in sorted(DECIDED_BY_TRANSFER)),
    ],
)
def test_bad_fields(name: str, value: str, word: str) -> None:
    problem = header_problem(name, value)
    assert word in problem
    assert "hidden" not in problem


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_good_field_is_one_line(name: str, value: str) -> None:
    if not header_problem(name, value):
        line = f"{name}: {value}".encode("ascii")
        assert len(line.splitlines()) == 1
        assert b"\0" not in line


def test_all_fields_together() -> None:
    fits = [HttpHeader("a", "x" * (limits.HEADERS_CHARACTERS // 2 - 5), secret=True)] * 2
    assert headers_size_problem(fits) == ""
    assert "at most 16384" in headers_size_problem([*fits, HttpHeader("b", "")])


def test_what_is_secret() -> None:
    assert is_secret(HttpHeader("X", "", secret=True))
    assert is_secret(HttpHeader("authorization", ""))
    assert is_secret(HttpHeader("COOKIE", ""))
    assert not is_secret(HttpHeader("X-A", ""))


@pytest.mark.parametrize(
    "url", ["http://proxy:3128", "https://10.0.0.1:443/", "socks5h://[::1]:1080"]
)
def test_good_proxies(url: str) -> None:
    assert proxy_problem(url) == ""


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("proxy:3128", "another kind"),
        ("socks5://proxy:1080", "another kind"),
        ("http://proxy", "no port"),
        ("http://proxy:0", "no port"),
        ("http://proxy:99999", "malformed"),
        ("http://:3128", "no host"),
        ("http://[::1:3128", "malformed"),
        ("http://u:hidden@proxy:3128", "user information"),
        ("http://proxy:3128/x", "a path"),
        ("http://proxy:3128?x", "a path"),
        ("http://pro xy:3128", "spaces"),
        ("http://proxy:3128\r\n", "spaces"),
        ("", "spaces"),
    ],
)
def test_bad_proxies(url: str, word: str) -> None:
    problem = proxy_problem(url)
    assert word in problem
    assert "hidden" not in problem


@pytest.mark.parametrize(
    "entry",
    [
        "example.com",
        "*.example.com",
        "<local>",
        "10.0.0.0/8",
        "10.0.0.1",
        "::1",
        "[::1]",
        "fe80::/10",
    ],
)
def test_good_bypass_entries(entry: str) -> None:
    assert bypass_problem(entry) == ""


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "a.*.com",
        "*example.com",
        "host:80",
        "http://host",
        "10.0.0.1/8",
        "<x>",
        "a b",
        "a..b",
    ],
)
def test_bad_bypass_entries(entry: str) -> None:
    assert bypass_problem(entry)


def test_proxy_settings() -> None:
    one = ("http://proxy:3128",)
    assert proxy_settings_problem(NONE) == ""
    assert proxy_settings_problem(ProxySettings(ProxyUsage.OVERRIDE, one, ("<local>",))) == ""
    assert "names no proxy" in proxy_settings_problem(ProxySettings(ProxyUsage.OVERRIDE))
    assert "NO_PROXY" in proxy_settings_problem(ProxySettings(ProxyUsage.NO_PROXY, one))
    assert "PRECONFIG" in proxy_settings_problem(ProxySettings(bypass=("a",)))
    second = proxy_settings_problem(ProxySettings(ProxyUsage.OVERRIDE, (*one, "x")))
    assert "number 2" in second
    assert "at most 4000" in proxy_lists_problem(one * 300, ())
    assert "at most 4000" in proxy_lists_problem((), ("a" * 200,) * 21)


@pytest.mark.parametrize(
    ("url", "bypassed"),
    [
        ("http://example.com/x", True),
        ("http://EXAMPLE.com.:80/x", True),
        ("http://a.example.com/", False),
        ("http://a.b.test/", True),
        ("http://b.test/", False),
        ("http://ab.test/", False),
        ("http://printer/", True),
        ("http://10.1.2.3/", True),
        ("http://11.1.2.3/", False),
        ("http://192.168.0.1/", True),
        ("http://[::1]/", True),
        ("http://[::2]/", False),
    ],
)
def test_bypass(url: str, *, bypassed: bool) -> None:
    entries = ("example.com", "*.b.test", "<local>", "10.0.0.0/8", "192.168.0.1", "[::1]")
    settings = ProxySettings(ProxyUsage.OVERRIDE, ("http://one:1", "http://two:2"), entries)
    found = proxy_for(url, settings, NONE, {})
    assert found == ([] if bypassed else ["http://one:1", "http://two:2"])


def test_usages() -> None:
    preconfigured = ProxySettings(ProxyUsage.OVERRIDE, ("http://office:1",), ("inside.test",))
    environment = {"http_proxy": "ambient:2"}

    def proxies(usage: ProxyUsage, url: str = "http://h/") -> list[str]:
        return proxy_for(url, ProxySettings(usage), preconfigured, environment)

    assert proxies(ProxyUsage.PRECONFIG) == ["http://office:1"]
    assert proxies(ProxyUsage.PRECONFIG, "http://inside.test/") == []
    assert proxies(ProxyUsage.NO_PROXY) == []
    assert proxies(ProxyUsage.AUTODETECT) == ["http://ambient:2"]
    assert proxy_for("http://h/", NONE, NONE, environment) == []


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://h/", {}, None),
        ("http://h/", {"http_proxy": "http://p:1"}, "http://p:1"),
        ("http://h/", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://h/", {"http_proxy": "http://p:1"}, None),
        ("https://h/", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https://h/", {"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, "http://a:1"),
        ("https://h/", {"ALL_PROXY": "socks5h://p:1"}, "socks5h://p:1"),
        ("http://h/", {"all_proxy": "p:1", "no_proxy": "*"}, None),
        ("http://h.test/", {"all_proxy": "p:1", "NO_PROXY": "x, h.test"}, None),
        ("http://a.h.test/", {"all_proxy": "p:1", "no_proxy": "h.test"}, None),
        ("http://a.h.test/", {"all_proxy": "p:1", "no_proxy": ".h.test"}, None),
        ("http://ah.test/", {"all_proxy": "p:1", "no_proxy": "h.test"}, "http://p:1"),
        ("http://10.0.0.1/", {"all_proxy": "p:1", "no_proxy": "10.0.0.0/8"}, None),
        ("http://[::1]/", {"all_proxy": "p:1", "no_proxy": "::1"}, None),
    ],
)
def test_the_environment(url: str, environment: dict[str, str], proxy: str | None) -> None:
    settings = ProxySettings(ProxyUsage.AUTODETECT)
    assert proxy_for(url, settings, NONE, environment) == ([] if proxy is None else [proxy])
