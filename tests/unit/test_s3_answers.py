"""Whatever a store answers: nothing but declared results comes out, and in bounded time."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.transfer.uploads import s3_answers
from bgcopyd.transfer.uploads.s3_answers import Page, Part, Unreadable
from tests.support.s3_hostile import COMPLETED, created, error, listing

GOOD = [
    COMPLETED,
    created("up"),
    error("NoSuchKey"),
    listing({1: ("ab", 7), 2: ("c", 8)}, more=True),
]
TAGS = [
    b"</Part>",
    b"<Part>",
    b"<ETag>",
    b"<Size>9</Size>",
    b"<a:b xmlns:a='c'/>",
    b"<![CDATA[x]]>",
]
WORDS = [b"<", b">", b"&", b"&#0;", b"<!DOCTYPE a>", b"<?xml encoding='x'?>", b"\xff", b"-1"]
PIECES = st.sampled_from(TAGS + WORDS)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 4))):
        at, cut = draw(st.integers(0, len(text))), draw(st.integers(0, 30))
        text = text[:at] + draw(PIECES) + text[at + cut :]
    return text


@given(st.one_of(mangled(), st.binary(max_size=200)))
@settings(max_examples=400)
def test_nothing_else_comes_out(text: bytes) -> None:
    assert len(s3_answers.error_code(text)) <= 64
    with contextlib.suppress(Unreadable):
        assert 0 < len(s3_answers.upload_id(text)) <= 1024
    with contextlib.suppress(Unreadable):
        s3_answers.is_completed(text)
    with contextlib.suppress(Unreadable):
        page = s3_answers.parts_of(text, 0)
        assert page.following is None or 0 < page.following <= 10_000
        assert all(part.size >= 0 and part.etag for part in page.parts.values())


def test_what_they_say() -> None:
    assert s3_answers.upload_id(created("a+/=")) == "a+/="
    assert s3_answers.is_completed(COMPLETED)
    assert not s3_answers.is_completed(error("InternalError"))
    assert s3_answers.error_code(error("NoSuchKey")) == "NoSuchKey"
    known = Page({1: Part("ab", 7)}, None)
    assert s3_answers.parts_of(listing({1: ("ab", 7)}), 0) == known
    prefixed = listing({1: ("ab", 7)}).replace(b"<", b"<s:").replace(b"<s:/", b"</s:")
    prefixed = prefixed.replace(b"<s:?", b"<?").replace(b"xmlns=", b"xmlns:s=")
    assert s3_answers.parts_of(prefixed, 0) == known


def test_large_ones_end_soon() -> None:
    with pytest.raises(Unreadable):
        s3_answers.is_completed(b"<a>" + b"<b/>" * 200_000 + b"</a>")
    with pytest.raises(Unreadable):
        s3_answers.is_completed(b"<a>" * 200_000)
