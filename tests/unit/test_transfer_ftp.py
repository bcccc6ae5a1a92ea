"""What an FTP dialogue says of a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pycurl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.transfer.judging.headers import Answer, framed_length, unsatisfied_total, validators
from bgcopyd.transfer.judging.redirects import Origin
from bgcopyd.transfer.options import EngineOptions
from bgcopyd.transfer.wire.ftp import FTP_DIALECTS
from bgcopyd.transfer.wire.handles import Handle, Request
from bgcopyd.transfer.wire.policy import Policy

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD, YOUNG = b"213 20260227235959\r\n", b"213 20260228235959.123\r\n"
PASSIVE = b"229 Entering Extended Passive Mode (|||4|)\r\n"


def answered(lines: list[bytes], *fields: bytes) -> Answer:
    dialect = FTP_DIALECTS["ftp"]
    handle = Handle(EngineOptions(), Policy(dialect=dialect))
    handle.lines.extend(lines)
    origin = Origin("ftp", "h", 21)
    handle.request = Request("ftp://h/a", origin, handle.policy, list(fields))
    answer = handle.answer(NOW)
    handle.curl.close()
    assert answer is not None
    return answer


def test_a_time_comes_before_the_passive_answer_and_a_size_after_it() -> None:
    # A size of 14 digits reads as a time, and one that would be a time is none here.
    answer = answered([PASSIVE, b"213 20260101000000\r\n"])
    assert (framed_length(answer), answer.value("etag")) == (20260101000000, "")
    answer = answered([OLD, PASSIVE])
    assert (framed_length(answer), answer.value("last-modified")) == (
        None,
        "Fri, 27 Feb 2026 23:59:59 GMT",
    )


@pytest.mark.parametrize(("line", "weak"), [(OLD, False), (YOUNG, True)])
def test_a_file_that_has_not_rested_is_not_sure(line: bytes, weak: bool) -> None:  # noqa: FBT001
    answer = answered([line, PASSIVE, b"213 7\r\n"], b"Range: bytes=2-")
    assert (answer.status, answer.value("content-range")) == (206, "bytes 2-6/7")
    assert answer.value("etag").startswith("W/") == weak
    assert not validators(answer).last_modified_strong
    assert (answer.http_status, answer.version) == (None, "")


def test_the_day_is_over_to_the_second() -> None:
    rested = (NOW - timedelta(days=1)).strftime("213 %Y%m%d%H%M%S\r\n").encode()
    assert not answered([rested, PASSIVE, b"213 7\r\n"]).value("etag").startswith("W/")


def test_beyond_the_end() -> None:
    answer = answered([PASSIVE, b"213 7\r\n"], b"Range: bytes=7-9")
    assert (answer.status, unsatisfied_total(answer)) == (416, 7)
    answer = answered([PASSIVE, b"213 7\r\n"], b"Range: bytes=5-900")
    assert answer.value("content-range") == "bytes 5-6/7"


_LINES = st.one_of(
    st.binary(max_size=40),
    st.from_regex(rb"213 [0-9]{1,20}(\.[0-9]*)?\r?\n?", fullmatch=True),
    st.sampled_from([OLD, PASSIVE, b"213 99991399999999\r\n", b"213 00000000000000\r\n"]),
)


@settings(deadline=None)
@given(st.lists(_LINES, max_size=8), st.sampled_from([(), (b"Range: bytes=0-",)]))
def test_whatever_a_server_says(lines: list[bytes], fields: tuple[bytes, ...]) -> None:
    answer = answered(lines, *fields)
    assert answer.status in {200, 206, 416}
    validators(answer)


def test_only_its_own_protocol_is_spoken() -> None:
    handle = Handle(EngineOptions(), Policy(dialect=FTP_DIALECTS["ftp"]))
    handle.curl.setopt(pycurl.URL, "http://localhost:1/")
    with pytest.raises(pycurl.error) as caught:
        handle.curl.perform()
    assert caught.value.args[0] == pycurl.E_UNSUPPORTED_PROTOCOL
    handle.curl.close()
