"""Names that servers suggest, reduced to what is safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.transfer.judging.names import disposition_name, safe_name, suggested_name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", ""),
        ("attachment", ""),
        ("attachment; filename=a.txt", "a.txt"),
        ('attachment; filename="a b.txt"', "a b.txt"),
        ('attachment; FileName = "a \\"b\\".txt"', 'a "b".txt'),
        ("inline;filename*=UTF-8''%e2%82%ac.txt", "\u20ac.txt"),
        ("attachment; filename*=iso-8859-1'en'%a3.txt; filename=x", "\u00a3.txt"),
        ("attachment; filename=\"x\"; filename*=UTF-8''y", "y"),
        ("attachment; filename=x; filename*=UTF-8''%ff", "x"),
        ("attachment; filename=x; filename*=utf-7''%ff", "x"),
        ("attachment; a=\"; filename*=UTF-8''no\"; filename=yes", "yes"),
        ('attachment; filename="\xc3\xa9.txt"', "\u00e9.txt"),
        ('attachment; filename="\xe9.txt"', "\xe9.txt"),
    ],
)
def test_content_disposition(disposition: str, name: str) -> None:
    assert disposition_name(disposition) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.dll", "x.dll"),
        ("..", ""),
        (". .", ""),
        (".bashrc", "bashrc"),
        ("trailing. . ", "trailing"),
        ("a\0b\r\nc", "abc"),
        ("safe\u202egpj.exe", "safegpj.exe"),
        ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"),
        ("lpt\u00b9", "_lpt\u00b9"),
        ("console", "console"),
        ('a<b>:"|?*', "a_b______"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_safe_names(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_long_names_keep_their_ending() -> None:
    assert safe_name("\u20ac" * 300 + ".tar.gz").endswith("\u20ac.gz")
    assert len(safe_name("a" * 300 + ".gz").encode()) == 220
    assert len(safe_name("a." + "b" * 300).encode()) <= 220


@given(st.text(max_size=400))
def test_any_text_makes_a_safe_name(text: str) -> None:
    name = safe_name(text)
    assert len(name.encode()) <= 220
    assert name == name.strip(". ")
    assert not set(name) & set('/\\\0\r\n<>:"|?*')
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b%20c.iso?x=/y", "b c.iso"),
        ("http://h/a/%2e%2e%2fx", "x"),
        ("http://h/a/", ""),
        ("http://h", ""),
        ("http://h/%ff", "\ufffd"),
    ],
)
def test_the_url_names_a_file_where_the_server_does_not(url: str, name: str) -> None:
    assert suggested_name("", url) == name
    assert suggested_name('attachment; filename="/"', url) == name
    assert suggested_name("attachment; filename=z", url) == "z"
