"""Metalink files: what is taken of them, and that nothing in them is trusted."""

from __future__ import annotations

import contextlib

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopy import Digest, DigestAlgorithm
from bgcopy.cli import metalink, names
from bgcopy.cli.lists import Entry, form_of
from bgcopyd.transfer.judging import names as daemons_names

SHA256, MD5 = "ab" * 32, "cd" * 16
FOUR = 'xmlns="urn:ietf:params:xml:ns:metalink"'
THREE = 'version="3.0" xmlns="http://www.metalinker.org/"'


def four(inside: str) -> bytes:
    return f"<?xml version='1.0' encoding='utf-8'?><metalink {FOUR}>{inside}</metalink>".encode()


def file(inside: str = "<url>http://a/f</url>", name: str = "f") -> bytes:
    return four(f"<file name='{name}'>{inside}</file>")


def read(data: bytes) -> list[Entry]:
    return metalink.read(data, "x.meta4")


def refused(data: bytes) -> str:
    with pytest.raises(click.UsageError) as raised:
        read(data)
    return raised.value.message


def test_version_four() -> None:
    # After RFC 5854 section 1.1.
    document = four(
        f"""
        <published>2009-05-15T12:23:23Z</published>
        <file name="example.ext">
          <size>14471447</size>
          <identity>Example</identity>
          <hash type="sha-256">{SHA256}</hash>
          <hash type="md5"> {MD5.upper()} </hash>
          <hash type="sha-384">00</hash>
          <pieces length="262144" type="sha-1"><hash>00</hash><hash>11</hash></pieces>
          <url location="de" priority="2">ftp://ftp.example.com/example.ext</url>
          <url location="fr" priority="3">http://example.com/three</url>
          <url priority="1">https://example.com/one?a=b&amp;c=d</url>
          <url>http://example.com/last</url>
          <url priority="2">http://example.com/two \u00e4</url>
          <url priority="9">http://example.com/three</url>
          <metaurl mediatype="torrent" priority="2">http://example.com/t.torrent</metaurl>
          <other:url xmlns:other="urn:other">http://example.com/other</other:url>
        </file>
        <file name="second"><url>http://a/second</url></file>"""
    )
    first, second = read(document)
    assert first == Entry(
        "https://example.com/one?a=b&c=d",
        "example.ext",
        "",
        (Digest(DigestAlgorithm.SHA256, SHA256), Digest(DigestAlgorithm.MD5, MD5)),
        ("http://example.com/two%20%C3%A4", "http://example.com/three", "http://example.com/last"),
        size=14471447,
    )
    assert second == Entry("http://a/second", "second")


def test_version_three() -> None:
    document = f"""<metalink {THREE}><files><file name="example.ext">
        <size>5</size>
        <verification><hash type="sha256">{SHA256}</hash><pieces length="9" type="sha1">
          <hash piece="0">00</hash></pieces></verification>
        <resources>
          <url type="http" preference="10">http://a/worst</url>
          <url type="ftp" preference="100">ftp://a/x</url>
          <url type="http" location="uk" preference="90">http://a/best</url>
          <url type="bittorrent" preference="100">magnet:x</url>
        </resources></file></files></metalink>"""
    assert read(document.encode()) == [
        Entry(
            "http://a/best",
            "example.ext",
            "",
            (Digest(DigestAlgorithm.SHA256, SHA256),),
            ("http://a/worst",),
            size=5,
        )
    ]


def test_no_more_mirrors_than_a_file_may_have() -> None:
    many = "".join(f"<url priority='{40 - n}'>http://a/{n}</url>" for n in range(40))
    [entry] = read(file(many))
    assert entry.url == "http://a/39"
    assert entry.mirrors == tuple(f"http://a/{n}" for n in range(38, 22, -1))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/cron.d/job", "job"),
        ("C:\\Windows\\x.dll", "x.dll"),
        (".bashrc", "bashrc"),
        ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"),
        ("trailing.", "trailing"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("&#xe4;&#9;b", "\u00e4b"),
        ("x" * 300 + ".iso", "x" * 216 + ".iso"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    [entry] = read(file(name=name))
    assert entry.path == safe


@pytest.mark.parametrize("name", ["", "..", "/", "a/", "../..", ". .", "\u200b"])
def test_names_of_which_nothing_is_left(name: str) -> None:
    assert "line 1: has a file with the name" in refused(file(name=name))


@given(st.text(max_size=300))
def test_the_daemon_has_the_same_rule(name: str) -> None:
    assert names.safe_name(name) == daemons_names.safe_name(name)


BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
    "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>"
)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no element found"),
        (b"http://a/f\n", "is no XML"),
        (file()[:-5], "is no XML"),
        (b"<metalink>&c;</metalink>", "is no Metalink document"),
        (BOMB.encode() + b"<metalink>&c;</metalink>", "document type"),
        (
            b'<!DOCTYPE metalink SYSTEM "file:///etc/passwd"><metalink/>',
            "document type",
        ),
        (b"<html xmlns='urn:ietf:params:xml:ns:metalink'/>", "is no Metalink document"),
        (four(""), "has no files"),
        (file(""), "has no http or https URL for 'f'"),
        (file("<url>ftp://a/f</url>"), "has no http or https URL"),
        (file("<url>http://u:p@a/f</url>"), "has no http or https URL"),
        (file("<url>/etc/passwd</url>"), "has no http or https URL"),
        (file("<url>http://[/f</url>"), "has no http or https URL"),
        (file(f"<url>http://a/{'x' * 2200}</url>"), "has no http or https URL"),
        (file("<hash type='sha-256'>zz</hash><url>http://a/f</url>"), "sha256 must be 64"),
        (file("<hash type='sha-256'/><url>http://a/f</url>"), "sha256 must be 64"),
        (
            file(f"<hash type='md5'>{MD5}</hash><hash type='md5'>{'0' * 32}</hash>"),
            "two different digests of MD5",
        ),
        (file("<size>many</size><url>http://a/f</url>"), "no number of bytes"),
        (file("<size>-1</size><url>http://a/f</url>"), "no number of bytes"),
        (file("<size>1</size><size>2</size>"), "two different sizes"),
        (four("<a>" * 40 + "</a>" * 40), "in more than 32 others"),
        (four("<file name='f'><url>http://a/f</url></file>" * 10_001), "more than 10000 files"),
        (b" " * (metalink.LARGEST + 1), "larger than the 8 MiB"),
        (file(name="\x00"), "is no XML"),
        (file().replace(b"name='f'", b"name='\xff\xfe'"), "is no XML"),
        (file().replace(b"utf-8", b"utf-7"), "encoding"),
        (file().replace(b"utf-8", b"nonsense"), "encoding"),
        (file().replace(b"utf-8", b"hex"), "encoding"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, problem: str) -> None:
    message = refused(data)
    assert message.startswith("x.meta4: ")
    assert problem in message


PIECES = st.sampled_from(
    ["<file name='", "f", "'>", "<url priority='", "1'>", "http://a/", "</url>", "<hash type='",
     "md5", "'", MD5, "</hash>", "</file>", "<metalink ", FOUR, THREE, ">", "</metalink>",
     "<files>", "&amp;", "&x;", "<![CDATA[", "]]>", "<!--", "-->", BOMB, "../", "\x00", "\u00ff"]
)  # fmt: skip


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode()),
        st.lists(PIECES, max_size=40).map(lambda parts: four("".join(parts))),
        st.lists(PIECES, max_size=40).map(lambda parts: file("".join(parts))),
        st.text(max_size=100).map(file),
    )
)
def test_nothing_but_a_usage_error_comes_of_any_bytes(data: bytes) -> None:
    with contextlib.suppress(click.UsageError):
        for entry in read(data):
            assert entry.path == names.safe_name(entry.path) != ""
            assert all(url.startswith(("http:", "https:")) for url in (entry.url, *entry.mirrors))


@given(st.integers(0, 200), st.binary(max_size=3))
def test_nor_of_damaged_documents(place: int, damage: bytes) -> None:
    data = file(f"<hash type='md5'>{MD5}</hash><url priority='1'>http://a/f</url>")
    with contextlib.suppress(click.UsageError):
        read(data[:place] + damage + data[place + len(damage) :])


@pytest.mark.parametrize(
    ("name", "text"), [("x.meta4", ""), ("X.METALINK", ""), ("x", "\ufeff <?xml version='1.0'?>")]
)
def test_they_are_recognised(name: str, text: str) -> None:
    assert form_of(name, text) == "metalink"
