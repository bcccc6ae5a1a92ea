"""Whatever a server writes into its header fields: nothing but declared results comes out.

Metalink files and Link fields have tests of this kind beside their own.
"""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from bgcopyd.jobs.file import DigestAlgorithm, Validators
from bgcopyd.transfer.judging import headers, redirects
from bgcopyd.transfer.judging.announced import announced
from bgcopyd.transfer.judging.headers import Answer, parse_answer
from bgcopyd.transfer.judging.names import safe_name, suggested_name
from bgcopyd.transfer.judging.verdict import Ask, Rung, Verdict, judge

NOW = datetime(2026, 11, 10, 10, tzinfo=UTC)
NUMBERS = st.one_of(
    st.integers(-2, 10**20).map(str),
    st.sampled_from(["", "*", "0x1", "+1", "-0", "1e3", "\xb2", "9" * 4000, "1_0", " 1", "1 "]),
)
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Tue", "Xyz", ""]),
    NUMBERS,
    st.sampled_from(["Nov", "Foo", "\xff", ""]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from(["GMT", "-9999", "+2500", "EST", ""]),
)
BASE64 = st.one_of(
    st.binary(max_size=70).map(lambda raw: base64.b64encode(raw).decode()),
    st.text("AZaz09+/=:-_ ", max_size=90),
)
KINDS = st.sampled_from(["sha-256", "sha-512", "sha", "md5", "SHA-256", "crc32c", "", "*", "a b"])
DIGESTS = st.lists(
    st.builds(
        "{}{}{}{}{}".format,
        KINDS,
        st.sampled_from(["=", "=:", "", ":", "= :"]),
        BASE64,
        st.sampled_from(["", ":", ";a=1", ":;q=0.5", ':;x=","']),
        st.sampled_from(["", " ", ",", "\t"]),
    ),
    max_size=4,
).map(",".join)
RANGES = st.builds(
    "{}{}{}-{}/{}{}".format,
    st.sampled_from(["bytes", "BYTES", "items", ""]),
    st.sampled_from([" ", "\t", "=", ""]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from(["", ",", " ", "\x00", ", bytes 0-1/2"]),
)
DISPOSITIONS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["attachment", "inline", "", "form-data", '"']),
    st.sampled_from(["; filename=", "; filename*=", ";filename =", "; FILENAME*0=", "; x="]),
    st.sampled_from(["", '"', "utf-8''", "iso-8859-1'en'", "utf-16''", "''", "\\"]),
    st.one_of(
        st.text(max_size=300),
        st.sampled_from(["../../x", "%2e%2e%2fx", "%ff%fe", "NUL", 'a\\"b', "C:\\x", "." * 300]),
    ),
    st.sampled_from(["", '"', ";", "%", "\\"]),
)
ANY = st.text(st.characters(max_codepoint=255), max_size=120)
FIELDS = {
    "content-range": RANGES,
    "content-length": st.lists(NUMBERS, max_size=3).map(",".join),
    "content-disposition": DISPOSITIONS,
    "retry-after": st.one_of(NUMBERS, DATES),
    "date": DATES,
    "last-modified": DATES,
    "etag": st.one_of(st.sampled_from(['"a"', 'W/"a"', 'w/"a"', '"', '"a', "W/"]), ANY),
    "repr-digest": DIGESTS,
    "content-digest": DIGESTS,
    "digest": DIGESTS,
    "content-type": ANY,
    "content-encoding": ANY,
    "transfer-encoding": st.sampled_from(["", "chunked", "gzip, chunked", "\xff"]),
    "location": ANY,
}
ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 206, 204, 302, 404, 416, 503]),
    st.sampled_from(["1.0", "1.1", "2", "3"]),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(st.one_of(values, ANY), min_size=1, max_size=2).map(tuple)
            for name, values in FIELDS.items()
        },
    ),
)


@settings(max_examples=200)
@given(ANSWERS)
def test_every_field_is_read_or_passed_over(answer: Answer) -> None:
    found = headers.content_range(answer)
    assert found is None or 0 <= min(found.first, found.last, found.total or 0) < 10**18
    total = headers.unsatisfied_total(answer)
    assert total is None or 0 <= total < 10**18
    with contextlib.suppress(ValueError):
        length = headers.framed_length(answer)
        assert length is None or 0 <= length < 10**18
    pause = headers.retry_after(answer, NOW)
    assert pause is None or 0 <= pause <= headers.LONGEST_RETRY_AFTER
    validators = headers.validators(answer)
    assert len(validators.etag) <= 1024
    assert validators.last_modified.isascii()
    assert headers.media_type(answer) == headers.media_type(answer).lower()
    assert headers.encoded(answer) in {True, False}


@settings(max_examples=200)
@given(ANSWERS)
def test_every_digest_has_the_size_of_its_algorithm(answer: Answer) -> None:
    told = announced(answer)
    for digest in (told.file, told.part):
        if digest is not None:
            assert digest.algorithm is not DigestAlgorithm.BLAKE3
            assert len(digest.value) == digest.algorithm.size


@settings(max_examples=200)
@given(st.one_of(DISPOSITIONS, ANY), ANY)
def test_every_name_is_a_safe_one(disposition: str, path: str) -> None:
    with contextlib.suppress(ValueError):  # of a URL that is none
        name = suggested_name(disposition, f"http://h/{path}")
        assert name == safe_name(name)
        assert "/" not in name
        assert len(name.encode()) <= 220


@settings(max_examples=200)
@given(ANY, st.booleans())
def test_every_location_is_followed_or_refused(location: str, downgrade: bool) -> None:  # noqa: FBT001 - hypothesis passes by position
    with contextlib.suppress(redirects.RedirectRefused):
        target = redirects.follow("https://h/a?b", location, {"x"}, 10, https_to_http=downgrade)
        assert target.isascii()
        assert target.startswith(("https://", "http://") if downgrade else "https://")


ASKS = st.builds(
    Ask,
    st.sampled_from(list(Rung)),
    st.just(100),
    st.just(50),
    st.one_of(st.none(), st.just(1000)),
    st.builds(Validators, etag=st.sampled_from(["", '"a"'])),
    held=st.booleans(),
    part=st.booleans(),
    end=st.one_of(st.none(), st.just(500)),
)


@settings(max_examples=200)
@given(ASKS, ANSWERS)
def test_every_answer_gets_a_verdict(ask: Ask, answer: Answer) -> None:
    assert isinstance(judge(ask, answer), Verdict)


LINES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"HTTP/1.1 200 OK\r\n", b"HTTP/2 206\r\n", b"HTTP/1.1 999\r\n", b"\r\n", b"\n", b": x\r\n",
         b"A: b\r\n", b"HTTP/", b"HTTP/1.1 20", b"a:b:c", b"\x00: \x00\r\n"]
    ),
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(LINES, max_size=12))
def test_any_lines_are_an_answer_or_none(lines: list[bytes]) -> None:
    answer = parse_answer(lines)
    assert answer is None or all(name == name.lower() for name in answer.fields)


def test_trailers_are_no_fields() -> None:
    lines = [b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", b"\r\n", b"A: trailer\r\n", b"ETag: x\r\n"]
    answer = parse_answer(lines)
    assert answer is not None
    assert answer.fields == {"a": ("b",)}
