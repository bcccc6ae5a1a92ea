"""Lists of files in every form: read, written, and read again."""

from __future__ import annotations

import contextlib
import dataclasses
import string

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopy import Digest, DigestAlgorithm
from bgcopy.cli.lists import FORMS, Entry, form_of, read, write

HEX = "ab" * 32
ALGORITHMS = [one for one in DigestAlgorithm if one is not DigestAlgorithm.UNKNOWN]
SHA256 = Digest(DigestAlgorithm.SHA256, HEX)
WORDS = st.text(string.ascii_letters + string.digits + "-_.~%äß", min_size=1, max_size=12)
URLS = WORDS.map(lambda word: f"https://example.com/{word}")
ENTRIES = st.builds(
    Entry,
    url=URLS,
    path=st.one_of(st.just(""), WORDS, st.tuples(WORDS, WORDS).map("/".join)),
    digests=st.sets(st.sampled_from(ALGORITHMS)).map(
        lambda chosen: tuple(Digest(a, b"\xab" * a.size) for a in ALGORITHMS if a in chosen)
    ),
    mirrors=st.lists(URLS, max_size=3).map(tuple),
    size=st.one_of(st.none(), st.integers(0, 1 << 50)),
)


@given(entries=st.lists(ENTRIES, min_size=1, max_size=5), form=st.sampled_from(FORMS))
def test_what_is_written_is_read_again(entries: list[Entry], form: str) -> None:
    again = read(write(entries, form), form)
    if form == "urls":
        assert again == [Entry(entry.url, entry.path) for entry in entries]
    elif form == "aria2":
        for entry, other in zip(entries, again, strict=True):
            known = [d for d in entry.digests if d.algorithm is not DigestAlgorithm.BLAKE3]
            assert other == dataclasses.replace(entry, digests=tuple(known[:1]), size=None)
    else:
        assert again == entries


@given(text=st.text(max_size=200), form=st.sampled_from(FORMS))
def test_nothing_but_a_usage_error_comes_of_any_text(text: str, form: str) -> None:
    with contextlib.suppress(click.UsageError):
        read(text, form)


def test_aria2s_own_options() -> None:
    text = (
        "# a comment\n"
        "http://a/x\thttp://b/x\n"
        "  dir=/srv\n"
        "  out=x.iso\n"
        f"  checksum=sha-256={HEX}\n"
        "  header=X-A: 1\n"
        "  header=X-B: 2\n"
        "  max-download-limit=2M\n"
        "  all-proxy=http://p:3128\n"
        "  split=5\n"
        "http://c/y\n"
        "\tdir=/srv\n"
    )
    first, second = read(text, "aria2")
    assert first == Entry(
        "http://a/x",
        "/srv/x.iso",
        "",
        (SHA256,),
        ("http://b/x",),
        {
            "headers": ("X-A: 1", "X-B: 2"),
            "max_bytes_per_second": "2M",
            "proxy": "http://p:3128",
        },
    )
    assert second == Entry("http://c/y", "/srv/")


@pytest.mark.parametrize(
    ("form", "text", "problem"),
    [
        ("aria2", "  out=x\n", "line 1"),
        ("aria2", "http://a\n  nonsense\n", "line 2"),
        ("aria2", "http://a\n  checksum=md5=00\n", "32 hexadecimal digits"),
        ("aria2", "http://a\n  checksum=adler32=00\n", "'adler32'"),
        ("csv", "url,blake3\nhttp://a,zz\n", "checksum: a digest of BLAKE3"),
        ("jsonl", '{"url": "http://a"}\nnonsense\n', "line 2"),
        ("jsonl", "[]\n", "line 1"),
        ("jsonl", '{"url": 5}\n', "url"),
        ("jsonl", '{"path": "x"}\n', "no url"),
        ("jsonl", '{"url": "http://a", "colour": "red"}\n', "'colour'"),
        ("jsonl", '{"url": "http://a", "mirrors": "http://b"}\n', "mirrors"),
        ("jsonl", '{"url": "http://a", "sha256": "zz"}\n', "checksum"),
        ("jsonl", '{"url": "http://a", "size": -1}\n', "size"),
        ("jsonl", '{"url": "http://a", "size": true}\n', "size"),
        ("jsonl", '{"url": "http://a", "size": []}\n', "size"),
        ("csv", "url,size\nhttp://a,many\n", "size"),
        ("csv", "address\nhttp://a\n", "'url'"),
        ("csv", "url,colour\nhttp://a,red\n", "'colour'"),
        ("csv", "url\nhttp://a,x\n", "2 values"),
        ("csv", "\r0", "no CSV"),
    ],
)
def test_what_is_wrong_is_named(form: str, text: str, problem: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        read(text, form)
    assert problem in raised.value.message


def test_a_table_has_the_digests_that_its_files_have() -> None:
    sha1 = Digest(DigestAlgorithm.SHA1, "cd" * 20)
    text = write([Entry("http://a"), Entry("http://b", digests=(SHA256, sha1))], "csv")
    assert text.splitlines() == [
        "url,path,root,sha256,sha1,mirrors",
        "http://a,,,,,",
        f"http://b,,,{HEX},{'cd' * 20},",
    ]


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("x.jsonl", "", "jsonl"),
        ("x.CSV", "", "csv"),
        ("x", '{"url": "http://a"}', "jsonl"),
        ("x", "url,path\n", "csv"),
        ("x", "http://a\n  out=b\n", "aria2"),
        ("x.txt", "http://a b\n", "urls"),
        ("-", "", "urls"),
    ],
)
def test_forms_are_recognised(name: str, text: str, form: str) -> None:
    assert form_of(name, text) == form
