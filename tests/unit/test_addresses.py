"""Which addresses jobs may connect to: the table, what addresses carry, and how they are spelt."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.addresses import (
    FORBIDDEN,
    AddressPolicy,
    Row,
    judge,
    judge_host,
    literal,
    network_problem,
)
from bgcopyd.jobs.schemes import host_of

HOME = AddressPolicy()
SHARED = AddressPolicy(shared=True)
# What begins or ends networks and is judged by what it carries, or by another row.
CARRYING = {"64:ff9b:1::/48", "2001::/23"}
OTHERS = {"255.255.255.255"}
PAGE = Path(__file__).parents[2] / "docs" / "addresses.md"


def listing(*networks: str, shared: bool = True) -> AddressPolicy:
    return AddressPolicy(shared, tuple(ipaddress.ip_network(one) for one in networks))


def v4(address: str) -> int:
    return int(ipaddress.IPv4Address(address))


def carriers(address: str) -> dict[str, str]:
    """All IPv6 addresses that carry an IPv4 address, by the way they do."""
    value = v4(address)
    high, low = value >> 16, value & 0xFFFF
    local = {
        "48": f"64:ff9b:1:{high:x}:{value >> 8 & 0xFF:x}:{(value & 0xFF) << 8:x}::",
        "56": f"64:ff9b:1:{0x100 | value >> 24:x}:{value >> 16 & 0xFF:x}:{value >> 8 & 0xFF:x}"
        f"{value & 0xFF:02x}::",
        "64": f"64:ff9b:1:1:{value >> 24:x}:{value >> 8 & 0xFFFF:x}:{(value & 0xFF) << 8:x}:0",
        "96": f"64:ff9b:1:1:1:1:{high:x}:{low:x}",
    }
    return {
        "mapped": f"::ffff:{address}",
        "compatible": f"::{high:x}:{low:x}",
        "translated": f"::ffff:0:{address}",
        "nat64": f"64:ff9b::{address}",
        "6to4": f"2002:{high:x}:{low:x}::1",
        "teredo client": f"2001:0:808:808:0:0:{~high & 0xFFFF:x}:{~low & 0xFFFF:x}",
        "teredo server": f"2001:0:{high:x}:{low:x}::f7f7:f7f7",
        "isatap": f"2606:4700::5efe:{high:x}:{low:x}",
        "isatap, global": f"2606:4700::200:5efe:{high:x}:{low:x}",
        **{f"local nat64, {name}": one for name, one in local.items()},
    }


@pytest.mark.parametrize("row", FORBIDDEN, ids=lambda row: str(row.network))
def test_first_and_last_of_each_network(row: Row) -> None:
    for address in map(str, (row.network[0], row.network[-1])):
        assert judge(address, SHARED)
        if str(row.network) not in CARRYING:
            assert bool(judge(address, HOME)) is (row.always or address in OTHERS)
            assert judge(address, listing(str(row.network))) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("9.255.255.255", "11.0.0.0"),
        ("126.255.255.255", "128.0.0.0"),
        ("100.63.255.255", "100.128.0.0"),
        ("169.253.255.255", "169.255.0.0"),
        ("172.15.255.255", "172.32.0.0"),
        ("192.167.255.255", "192.169.0.0"),
        ("198.17.255.255", "198.20.0.0"),
        ("223.255.255.255", "1.0.0.0"),
        ("168.63.129.15", "168.63.129.17"),
        ("2001:200::", "2001:db7:ffff::"),
        ("2001:db9::", "3ffe:ffff::"),
        ("3fff:1000::", "2000::"),
    ],
)
def test_neighbours_are_allowed(before: str, after: str) -> None:
    assert judge(before, SHARED) == judge(after, SHARED) == ""


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("169.254.169.254", "a cloud's metadata service"),
        ("169.254.170.2", "a cloud's metadata service"),
        ("100.100.100.200", "a cloud's metadata service"),
        ("fd00:ec2::254", "a cloud's metadata service"),
        ("fe80::a9fe:a9fe", "a cloud's metadata service"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
    ],
)
def test_what_no_job_of_any_daemon_reaches(address: str, what: str) -> None:
    assert judge(address, HOME) == judge(address, SHARED) == what
    assert judge(address, listing(address, shared=False)) == ""


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "0.0.0.0", "::", "::1", "10.1.2.3", "192.168.1.1", "172.20.0.1", "100.64.0.1",
     "169.254.1.1", "fe80::1", "fe80::1%eth0", "fd12::1", "192.0.2.1", "198.18.0.1", "240.0.0.1",
     "64:ff9b:1::a00:1", "2001:db8::1", "4000::1", "100::1", "fec0::1"],
)  # fmt: skip
def test_what_is_one_s_own_is_for_those_who_share_nothing(address: str) -> None:
    assert judge(address, HOME) == ""
    assert judge(address, SHARED)


@pytest.mark.parametrize("way", carriers("0.0.0.0"))
def test_what_an_address_carries_is_judged(way: str) -> None:
    inside = "10.0.0.7"
    for forbidden in (inside, "127.0.0.1", "169.254.169.254", "224.0.0.1"):
        assert judge(carriers(forbidden)[way], SHARED), forbidden
    assert judge(carriers("169.254.169.254")[way], HOME)
    assert judge(carriers(inside)[way], HOME) == ""
    local = "64:ff9b:1::/48"
    assert judge(carriers("8.8.8.8")[way], listing(local)) == ""
    # Who lists the network of a translator has not listed all that lies behind it.
    assert judge(carriers(inside)[way], listing(local))
    assert judge(carriers(inside)[way], listing(local, "10.0.0.0/24")) == ""


@given(st.integers(0, 2**32 - 1))
def test_no_way_to_carry_an_address_hides_it(value: int) -> None:
    address = str(ipaddress.IPv4Address(value))
    if judge(address, SHARED):
        assert all(judge(one, SHARED) for one in carriers(address).values())


@given(st.ip_addresses())
def test_python_s_own_opinion_is_never_the_stricter_one(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    carries = address in ipaddress.ip_network("2002::/16") if address.version == 6 else False
    if address.is_private and not carries:
        assert judge(str(address), SHARED)


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "1.2.3.4.5", "fe80", "1.2.3.4:80"])
def test_what_is_no_address_is_forbidden(text: str) -> None:
    assert judge(text, HOME) == "no address"


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0X7F.1", "0x7f.0x0.0x0.0x1",
    "017700000001", "0177.0.0.1", "0177.0.0.01", "00000177.1", "127.0.0.1.", "127%2e0%2E0.1",
    "%31%32%37.1",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_spellings_of_ipv4(text: str) -> None:
    assert literal(text) == ipaddress.IPv4Address("127.0.0.1")
    assert judge_host(text, SHARED) == "this machine"
    assert judge_host(text, HOME) == ""


@pytest.mark.parametrize(
    "text",
    ["::1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::1%25eth0]", "[::ffff:127.0.0.1]", "[::FFFF:7F00:1]",
     "localhost", "LOCALHOST", "localhost.", "a.b.localhost", "[::]", "0", "0.0", "0x"],
)  # fmt: skip
def test_other_spellings_of_this_machine(text: str) -> None:
    assert judge_host(text, SHARED) == "this machine"


@pytest.mark.parametrize(
    "text", ["metadata.google.internal", "METADATA.google.internal.", "[::ffff:a9fe:a9fe]"]
)
def test_names_of_metadata_services(text: str) -> None:
    assert judge_host(text, HOME) == "a cloud's metadata service"


@pytest.mark.parametrize(
    "text",
    ["example.com", "localhost.example.com", "127.0.0.1.example.com", "1.2.3.4.5", "256.1.1.1",
     "4294967296", "0x100000000", "08.1", "0x7g", "1..2", "1.2.3.256", "", "-1", "1e3",
     "127.0.0.1.."],
)  # fmt: skip
def test_names_are_nobody_s_address(text: str) -> None:
    assert literal(text) is None
    assert judge_host(text, SHARED) == ""


NUMBERS = r"(0x[0-9a-f]{0,9}|0[0-7]{0,12}|[1-9][0-9]{0,10})"


@given(st.from_regex(NUMBERS + r"(\.(0x[0-9a-f]{1,2}|[0-9]{1,3})){0,4}", fullmatch=True))
def test_numbers_are_read_as_the_system_reads_them(text: str) -> None:
    try:
        theirs = socket.inet_aton(text)
    except OSError:
        # "0x" alone is one that only browsers and curl know.
        assert literal(text) is None or "0x" in text
    else:
        found = literal(text)
        assert found is not None
        assert found.packed == theirs


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a.example/b:c@d", "a.example"),
        ("http://a.example:80", "a.example"),
        ("http://a.example?x=/", "a.example"),
        ("http://[::1]:80/x", "[::1"),
        ("ftp://10.0.0.1/x", "10.0.0.1"),
    ],
)
def test_hosts_of_urls(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.1", "fd00::/8", "::1", "64:ff9b:1::/48"])
def test_networks_that_may_be_listed(text: str) -> None:
    assert network_problem(text) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("10.0.0.1/8", "without bits beyond its prefix"),
        ("example.com", "is no network"),
        ("::ffff:10.0.0.0/104", "list the IPv4 network itself"),
        ("64:ff9b::/96", "list the IPv4 network itself"),
        ("2002:a00::/24", "list the IPv4 network itself"),
    ],
)
def test_networks_that_may_not(text: str, problem: str) -> None:
    assert problem in network_problem(text)


def test_the_page_has_every_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for row in FORBIDDEN:
        line = next(line for line in text.splitlines() if f"`{row.network}`" in line)
        assert f"| {row.what} |" in line
        assert line.endswith("| every daemon |" if row.always else "| shared daemons |")
