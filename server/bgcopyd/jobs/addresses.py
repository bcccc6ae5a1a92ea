"""Which network addresses jobs may connect to: an own table, since Python's is too lenient. Pure.

An IPv6 address that carries another address (mapped, translated, tunnelled) is judged by that one,
which is where the packets end.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Row:
    """A network that jobs of a shared daemon may not reach; with `always` no job of any may."""

    network: Network
    what: str
    always: bool = False


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What an operator says: whether several people use the daemon, and what is allowed anyway."""

    shared: bool = False
    allowed: tuple[Network, ...] = ()


UNSHARED = AddressPolicy()


def _rows(what: str, *networks: str, always: bool = False) -> tuple[Row, ...]:
    return tuple(Row(ipaddress.ip_network(one), what, always) for one in networks)


# The first row that fits counts. Where packets would go to nobody else (documentation, benchmarks)
# somebody may still use the network at home.
FORBIDDEN: Sequence[Row] = (
    *_rows(
        "a cloud's metadata service",
        "169.254.169.0/24",
        "169.254.170.0/24",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
        "fe80::a9fe:a9fe/128",
        always=True,
    ),
    *_rows("multicast", "224.0.0.0/4", "ff00::/8", always=True),
    *_rows("broadcast", "255.255.255.255/32", always=True),
    *_rows("this machine", "0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128"),
    *_rows("a link of its own", "169.254.0.0/16", "fe80::/10", "fec0::/10"),
    *_rows("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    *_rows("behind a provider's translation", "100.64.0.0/10"),
    *_rows("translated to IPv4 in its own way", "64:ff9b:1::/48"),
    *_rows(
        "documentation",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    ),
    *_rows("benchmarks", "198.18.0.0/15"),
    *_rows("protocol assignments", "192.0.0.0/24", "192.88.99.0/24", "2001::/23"),
    *_rows("reserved", "240.0.0.0/4"),
)
# All that is in use of IPv6; the rest is for what nobody has thought of yet.
_GLOBAL = ipaddress.IPv6Network("2000::/3")
_UNASSIGNED = Row(ipaddress.ip_network("::/0"), "not assigned (IPv6 beyond 2000::/3)")

# Names that mean such an address wherever they are looked up.
_NAMES = {
    "localhost": "127.0.0.1",
    "metadata.google.internal": "169.254.169.254",
    "instance-data.ec2.internal": "169.254.169.254",
}


def judge(address: str, policy: AddressPolicy) -> str:
    """What an address is that is forbidden, as "private"; an empty string for one that is allowed.

    What is no address is forbidden. For a name every address that it has must be asked for.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "no address"
    return _judged(found, policy)


def judge_host(host: str, policy: AddressPolicy) -> str:
    """The same for the host of a URL, in every spelling of an address; other names are allowed."""
    address = literal(host)
    return "" if address is None else _judged(address, policy)


@lru_cache(maxsize=4096)
def literal(host: str) -> Address | None:
    """The address that a URL's host spells without anybody being asked; None for a name."""
    text = unquote(host).lower().removesuffix(".").strip("[]").partition("%")[0]
    text = _NAMES.get("localhost" if text.endswith(".localhost") else text, text)
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return _numbers(text)


_NUMBER = re.compile(r"0x[0-9a-f]*|0[0-7]*|[1-9][0-9]*")


def _numbers(text: str) -> ipaddress.IPv4Address | None:
    """An IPv4 address as inet_aton(3) reads it: one to four numbers, octal or hexadecimal too."""
    parts = text.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    *first, last = (_number(part) for part in parts)
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    high = sum(number << (24 - 8 * place) for place, number in enumerate(first))
    return ipaddress.IPv4Address(high + last)


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


@lru_cache(maxsize=4096)
def _judged(address: Address, policy: AddressPolicy) -> str:
    for one in _layers(address):
        row = _row(one)
        applies = row is not None and (policy.shared or row.always)
        listed = any(one in network for network in policy.allowed)
        if row is not None and applies and not listed:
            return row.what
    return ""


def _row(address: Address) -> Row | None:
    found = next((row for row in FORBIDDEN if address in row.network), None)
    beyond = isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL
    return _UNASSIGNED if found is None and beyond else found


def _layers(address: Address) -> Iterator[Address]:
    """All addresses that packets to this one may be for."""
    inner = () if isinstance(address, ipaddress.IPv4Address) else tuple(_carried(address))
    if not inner or not any(address in network for network in _ENVELOPES):
        yield address
    yield from inner


def _carried(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses in an IPv6 address."""
    value = int(address)
    if value >> 1 == 0:
        return  # :: and ::1 are none of those that are compatible with IPv4
    if any(address in network for network in _LAST_BITS):
        yield _bits(value, 96)
    elif address in _SIX_TO_FOUR:
        yield _bits(value, 16)
    elif address in _TEREDO:
        yield _bits(value, 32)
        yield _bits(~value, 96)
    elif address in _LOCAL_NAT64:
        yield from _local_nat64(value)
    elif value >> 32 & 0xFDFFFFFF == _ISATAP:
        yield _bits(value, 96)


def _local_nat64(value: int) -> Iterator[ipaddress.IPv4Address]:
    """By each length of prefix that its network may choose (RFC 6052); bits 64 to 71 are skipped.

    Zeros are what a longer prefix leaves there.
    """
    joined = (value >> 64) << 56 | value & (1 << 56) - 1
    candidates = [joined >> 120 - length - 32 & 0xFFFFFFFF for length in (48, 56, 64)]
    candidates.append(value & 0xFFFFFFFF)
    yield from (ipaddress.IPv4Address(one) for one in candidates if one >> 24)


def _bits(value: int, start: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(value >> (96 - start) & 0xFFFFFFFF)


# Mapped, compatible, translated (RFC 2765) and by NAT64 (RFC 6052).
_LAST_BITS = tuple(
    ipaddress.IPv6Network(one)
    for one in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
# The interface of a tunnel (RFC 5214), in any network; the bit that says "global" may be set.
_ISATAP = 0x00005EFE
# Those of which nothing but the address inside is left on the way.
_ENVELOPES = (*_LAST_BITS, _SIX_TO_FOUR, _TEREDO)


def network_problem(text: str) -> str:
    """Judges a network that an operator allows; returns what is wrong, or an empty string."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return (
            "is no network; write an address, or one as 10.0.0.0/8 without bits beyond its prefix"
        )
    if isinstance(network, ipaddress.IPv4Network) or int(network.network_address) < 2:
        return ""
    if any(network.subnet_of(one) for one in _ENVELOPES):
        return "only carries IPv4 addresses; list the IPv4 network itself"
    return ""
