"""Which proxies a job uses, and whether its settings make sense. Pure.

Each `..._problem` returns what is wrong and the way out, or an empty string.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from bgcopyd.jobs import limits
from bgcopyd.jobs.http_options import ProxySettings, ProxyUsage

SCHEMES = ("http", "https", "socks5h")
LOCAL = "<local>"
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?")
_SEPARATORS = re.compile(r"[,\s]+")


def proxy_settings_problem(settings: ProxySettings) -> str:
    """Judges a job's proxy settings: lists go with OVERRIDE, which needs one."""
    if settings.usage is ProxyUsage.OVERRIDE:
        if not settings.proxies:
            return "names no proxy; OVERRIDE needs at least one, as http://proxy.example.com:3128"
        return proxy_lists_problem(settings.proxies, settings.bypass)
    if settings.proxies or settings.bypass:
        return f"has lists with {settings.usage.name}; they go with OVERRIDE alone"
    return ""


def proxy_lists_problem(proxies: Sequence[str], bypass: Sequence[str]) -> str:
    """Judges a list of proxies and one of hosts that need none."""
    judged = (("proxy", proxies, proxy_problem), ("bypass entry", bypass, bypass_problem))
    for what, entries, judge in judged:
        total = sum(map(len, entries))
        if total > limits.PROXY_LIST_CHARACTERS:
            return (
                f"has {total} characters in its {what} list; at most "
                f"{limits.PROXY_LIST_CHARACTERS} are allowed"
            )
        for number, entry in enumerate(entries, 1):
            problem = judge(entry)
            if problem:
                return f"has a {what} (number {number}) that {problem}"
    return ""


def proxy_problem(url: str) -> str:
    """Judges the URL of one proxy."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is malformed; its host or port cannot be read"
    form = "write it as http://host:port, https://host:port or socks5h://host:port"
    problems = (
        (not _PRINTABLE.fullmatch(url), f"has spaces or characters beyond ASCII; {form}"),
        (parts.scheme not in SCHEMES, f"is of another kind than {', '.join(SCHEMES)}; {form}"),
        ("@" in parts.netloc, "has user information; set credentials for the proxy instead"),
        (not parts.hostname, f"has no host; {form}"),
        (not port, f"has no port; {form}"),
        (
            parts.path not in {"", "/"} or bool(parts.query or parts.fragment),
            f"has a path; {form}",
        ),
    )
    return next((problem for is_wrong, problem in problems if is_wrong), "")


def bypass_problem(entry: str) -> str:
    """Judges one host, network or pattern that is reached without a proxy."""
    if entry == LOCAL or _network(entry) is not None:
        return ""
    if "/" in entry:
        return "is no network; write it as 10.0.0.0/8, without bits beyond the prefix"
    if not _NAME.fullmatch(entry) or ".." in entry:
        return (
            f"is neither a host name, *.example.com, an address, a network nor {LOCAL}; ports and "
            "schemes do not belong here"
        )
    return ""


def proxy_for(
    url: str,
    settings: ProxySettings,
    preconfigured: ProxySettings,
    environment: Mapping[str, str],
) -> list[str]:
    """The proxies to try for a URL, in order; an empty list means a direct connection.

    Args:
        url: a URL with scheme and host.
        settings: the job's.
        preconfigured: the daemon's own lists, for PRECONFIG.
        environment: variables, for AUTODETECT.
    """
    if settings.usage is ProxyUsage.PRECONFIG:
        settings = preconfigured
    if settings.usage is ProxyUsage.AUTODETECT:
        return _from_environment(url, environment)
    if not settings.proxies or _bypassed(urlsplit(url).hostname or "", settings.bypass):
        return []
    return list(settings.proxies)


def _bypassed(host: str, bypass: Iterable[str]) -> bool:
    host = host.lower().rstrip(".")
    address = _address(host)
    return any(_matches(entry.lower(), host, address) for entry in bypass)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _matches(entry: str, host: str, address: _Address | None) -> bool:
    if entry == LOCAL:
        return address is None and "." not in host
    if address is not None:
        network = _network(entry)
        return network is not None and address in network
    if entry.startswith("*."):
        return host.endswith(entry[1:])
    return host == entry.rstrip(".")


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> _Network | None:
    """A network, or an address as a network of one; IPv6 also in brackets."""
    try:
        return ipaddress.ip_network(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _from_environment(url: str, environment: Mapping[str, str]) -> list[str]:
    parts = urlsplit(url)
    # HTTP_PROXY in upper case may be a request's own "Proxy" header where CGI is near.
    names = [f"{parts.scheme}_proxy", "all_proxy", "ALL_PROXY"]
    if parts.scheme != "http":
        names.insert(1, f"{parts.scheme.upper()}_PROXY")
    proxy = next((environment[name].strip() for name in names if environment.get(name)), "")
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if not proxy or _excepted(parts.hostname or "", exceptions):
        return []
    return [proxy if "://" in proxy else f"http://{proxy}"]


def _excepted(host: str, exceptions: str) -> bool:
    """Judges by no_proxy: "*", names that mean their subdomains as well, addresses, networks."""
    entries = [entry for entry in _SEPARATORS.split(exceptions) if entry]
    bare = [entry.removeprefix("*").removeprefix(".") for entry in entries]
    return "*" in entries or _bypassed(host, [*bare, *(f"*.{name}" for name in bare)])
