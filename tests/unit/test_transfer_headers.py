"""What header fields say, and that no bytes of a server break the parsers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.file import Validators
from bgcopyd.transfer.judging.headers import (
    Answer,
    ContentRange,
    content_range,
    framed_length,
    http_date,
    parse_answer,
    retry_after,
    unsatisfied_total,
    validators,
)

DATE = "Tue, 10 Nov 2026 10:00:00 GMT"
SECOND_BEFORE = "Tue, 10 Nov 2026 09:59:59 GMT"
NOW = datetime(2026, 11, 10, 10, 0, tzinfo=UTC)


def answer(**fields: str) -> Answer:
    return Answer(200, "1.1", {name.replace("_", "-"): (value,) for name, value in fields.items()})


def test_the_last_block_counts() -> None:
    lines = [
        b"HTTP/1.1 100 Continue\r\n",
        b"X: no\r\n",
        b"\r\n",
        b"HTTP/2 206 \r\n",
        b'ETag:  "a" \r\n',
        b"a: 1\r\n",
        b"A: 2\r\n",
        b"no colon\r\n",
        b"\r\n",
    ]
    parsed = parse_answer(lines)
    assert parsed is not None
    assert (parsed.status, parsed.version) == (206, "2")
    assert parsed.value("etag") == '"a"'
    assert parsed.value("a") == "1, 2"
    assert parsed.value("x") == ""


@pytest.mark.parametrize("lines", [[], [b"\r\n"], [b"ICY 200 OK\r\n"], [b"HTTP/1.1 20\r\n"]])
def test_no_status_line_is_no_answer(lines: list[bytes]) -> None:
    assert parse_answer(lines) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-9/10", ContentRange(0, 9, 10)),
        ("Bytes  5-9/*", ContentRange(5, 9, None)),
        ("bytes */10", None),
        ("bytes 5-/10", None),
        ("bytes -5-9/10", None),
        ("bytes=0-9/10", None),
        ("items 0-9/10", None),
        ("bytes 0-9/10, bytes 20-29/30", None),
        ("bytes 0-9999999999999999999/99999999999999999999", None),
        ("bytes \u0660-\u0669/\u0661\u0660", None),
        ("", None),
    ],
)
def test_content_range(text: str, expected: ContentRange | None) -> None:
    assert content_range(answer(content_range=text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("bytes */10", 10), ("bytes */*", None), ("*/10", None), ("", None)]
)
def test_unsatisfied_total(text: str, expected: int | None) -> None:
    assert unsatisfied_total(answer(content_range=text)) == expected


def test_framed_length() -> None:
    assert framed_length(answer()) is None
    assert framed_length(answer(content_length="10")) == 10
    assert framed_length(answer(content_length="10, 10")) == 10
    assert framed_length(answer(content_length="7", transfer_encoding="chunked")) is None
    for bad in ("10, 11", "-1", "+1", "1e3", "0x10", "1" * 30):
        with pytest.raises(ValueError):
            framed_length(answer(content_length=bad))


@pytest.mark.parametrize(
    ("etag", "expected"),
    [
        ('"a"', '"a"'),
        ('W/"a"', 'W/"a"'),
        ('""', '""'),
        ("a", ""),
        ('"a', ""),
        ('"a b"', ""),
        ('"a", "b"', ""),
        ('w/"a"', ""),
        ('"' + "a" * 2000 + '"', ""),
    ],
)
def test_etags(etag: str, expected: str) -> None:
    assert validators(answer(etag=etag)) == Validators(etag=expected)


@pytest.mark.parametrize(
    ("modified", "date", "expected"),
    [
        (SECOND_BEFORE, DATE, Validators("", SECOND_BEFORE, last_modified_strong=True)),
        (DATE, DATE, Validators("", DATE)),
        (SECOND_BEFORE, "", Validators("", SECOND_BEFORE)),
        ("Wed, 11 Nov 2026 10:00:00 GMT", DATE, Validators()),
        ("yesterday", DATE, Validators()),
        ("", DATE, Validators()),
    ],
)
def test_last_modified(modified: str, date: str, expected: Validators) -> None:
    assert validators(answer(last_modified=modified, date=date)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", 120.0),
        ("999999999", 86_400.0),
        ("Tue, 10 Nov 2026 10:01:00 GMT", 60.0),
        ("Tue, 10 Nov 2020 10:01:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(text: str, expected: float | None) -> None:
    assert retry_after(answer(retry_after=text), NOW) == expected


def test_a_date_in_retry_after_is_told_by_the_clock_of_the_server() -> None:
    told = answer(retry_after="Tue, 10 Nov 2026 10:01:00 GMT", date="Tue, 10 Nov 2026 10:00:50 GMT")
    for wrong in (NOW, NOW + timedelta(days=3650), NOW - timedelta(days=3650)):
        assert retry_after(told, wrong) == 10.0


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_parse_answer_takes_any_bytes(lines: list[bytes]) -> None:
    parse_answer([b"HTTP/1.1 206 x\r\n", *lines])


@given(
    st.text(max_size=60)
    | st.from_regex(r"bytes [0-9]{0,20}-[0-9]{0,20}/[0-9*]{0,20}", fullmatch=True)
    | st.from_regex(r"\w\w\w, [0-9]+ \w\w\w [0-9]+ [0-9]+:[0-9]+:[0-9]+ .{0,6}", fullmatch=True)
)
def test_values_of_any_text(text: str) -> None:
    found = answer(content_range=text, etag=text, last_modified=text, date=DATE, retry_after=text)
    content_range(found)
    unsatisfied_total(found)
    known = validators(found)
    known.etag.encode("latin-1")
    known.last_modified.encode("ascii")
    wait = retry_after(found, NOW)
    assert wait is None or 0 <= wait <= 86_400
    http_date(text)
    try:
        length = framed_length(answer(content_length=text))
    except ValueError:
        return
    assert length is None or length >= 0
