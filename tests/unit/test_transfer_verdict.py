"""The verdict rule and the ladder as pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.file import Validators, Verification
from bgcopyd.transfer.judging.headers import Answer
from bgcopyd.transfer.judging.ladder import OVERLAP_BYTES, Ladder
from bgcopyd.transfer.judging.plan import Plan
from bgcopyd.transfer.judging.verdict import (
    Accept,
    Ask,
    Descend,
    Match,
    Outside,
    Rangeless,
    Redirect,
    Refuse,
    Reject,
    Restart,
    Rung,
    Status,
    Unexpected,
    Verdict,
    compare,
    judge,
    weakened,
)

DATE = "Tue, 10 Nov 2026 10:00:00 GMT"
OLD = "Mon, 09 Nov 2026 10:00:00 GMT"
OLDER = "Sun, 08 Nov 2026 10:00:00 GMT"
STRONG = Validators(etag='"a"')
DATED = Validators(last_modified=OLD, last_modified_strong=True)
NONE = Validators()
SIZE, HAVE = 200_000, 100_000


def answer(status: int, **fields: object) -> Answer:
    named = {name.replace("_", "-").lower(): (str(value),) for name, value in fields.items()}
    return Answer(status, "1.1", {"date": (DATE,), **named})


def ask(rung: Rung, known: Validators = STRONG, size: int | None = SIZE) -> Ask:
    offset = {Rung.WHOLE: 0, Rung.OVERLAP: HAVE - OVERLAP_BYTES}.get(rung, HAVE)
    held = rung is not Rung.WHOLE
    return Ask(rung, HAVE if held else 0, offset, size, known, held=held)


def part(start: int = HAVE, end: int = SIZE, total: object = SIZE, **fields: object) -> Answer:
    span = f"bytes {start}-{end - 1}/{total}"
    return answer(206, Content_Range=span, **fields)


def test_request_fields() -> None:
    assert ask(Rung.WHOLE).fields() == [b"Accept-Encoding: identity"]
    assert ask(Rung.PLAIN).fields()[1:] == [b"Range: bytes=100000-"]
    assert ask(Rung.IF_RANGE).fields()[1:] == [b"Range: bytes=100000-", b'If-Range: "a"']
    assert ask(Rung.IF_RANGE, DATED).fields()[2] == b"If-Range: " + OLD.encode()
    assert ask(Rung.OVERLAP).fields()[1:] == [b"Range: bytes=34464-"]


@pytest.mark.parametrize(
    ("known", "new", "expected"),
    [
        (STRONG, STRONG, Match.SAME),
        (STRONG, Validators(etag='"b"'), Match.DIFFERENT),
        (STRONG, Validators(etag='W/"a"'), Match.UNKNOWN),
        (Validators(etag='W/"a"'), Validators(etag='W/"a"'), Match.UNKNOWN),
        (Validators(etag='W/"a"'), Validators(etag='W/"b"'), Match.DIFFERENT),
        (STRONG, NONE, Match.UNKNOWN),
        (NONE, STRONG, Match.UNKNOWN),
        (DATED, DATED, Match.SAME),
        (DATED, Validators("", OLDER, last_modified_strong=True), Match.DIFFERENT),
        (DATED, Validators("", OLD), Match.UNKNOWN),
        (Validators("", OLD), Validators("", DATE), Match.UNKNOWN),
        (
            Validators('"a"', OLD, last_modified_strong=True),
            Validators('"b"', OLD, last_modified_strong=True),
            Match.TWIN,
        ),
        (
            Validators('"a"', OLD, last_modified_strong=True),
            Validators('"b"', OLDER, last_modified_strong=True),
            Match.DIFFERENT,
        ),
    ],
)
def test_compare(known: Validators, new: Validators, expected: Match) -> None:
    assert compare(known, SIZE, new, SIZE) is expected


def test_twins_need_equal_sizes() -> None:
    known = Validators('"a"', OLD, last_modified_strong=True)
    other = Validators('"b"', OLD, last_modified_strong=True)
    assert compare(known, SIZE, other, SIZE + 1) is Match.DIFFERENT
    assert compare(known, None, other, None) is Match.DIFFERENT


ETAG: dict[str, Any] = {"ETag": '"a"'}


def accept(start: int, end: int | None, size: int | None, known: Validators, **more: Any) -> Accept:
    return Accept(start, end, size, known, **{"proof": Verification.VALIDATOR, **more})


SINCE = HAVE - OVERLAP_BYTES
OVERLAPPED = accept(SINCE, SIZE, SIZE, Validators(etag='W/"c"'), proof=Verification.OVERLAP)
ACCEPTED = Accept(HAVE, SIZE, SIZE, STRONG, Verification.VALIDATOR)


@pytest.mark.parametrize(
    ("asked", "got", "expected"),
    [
        (ask(Rung.IF_RANGE), part(**ETAG), ACCEPTED),
        (ask(Rung.PLAIN), part(**ETAG), ACCEPTED),
        (ask(Rung.IF_RANGE), part(total="*", **ETAG), ACCEPTED),
        (ask(Rung.IF_RANGE), part(end=HAVE + 1, **ETAG), accept(HAVE, HAVE + 1, SIZE, STRONG)),
        (ask(Rung.IF_RANGE), part(start=HAVE - 9, **ETAG), accept(HAVE - 9, SIZE, SIZE, STRONG)),
        (ask(Rung.IF_RANGE), part(), Descend(Rung.OVERLAP)),
        (ask(Rung.PLAIN), part(), Descend(Rung.OVERLAP)),
        (ask(Rung.IF_RANGE), part(ETag='"b"'), Restart()),
        (ask(Rung.OVERLAP, NONE), part(total=SIZE + 1, start=SINCE), Restart()),
        (ask(Rung.OVERLAP, NONE), part(SINCE, ETag='"c"'), OVERLAPPED),
        (ask(Rung.IF_RANGE), answer(200, Content_Length=SIZE, **ETAG), Descend(Rung.PLAIN)),
        (
            ask(Rung.IF_RANGE),
            answer(200, Content_Length=7),
            accept(0, 7, 7, NONE, fresh=True, changed=True),
        ),
        (
            ask(Rung.PLAIN),
            answer(200, Content_Length=SIZE, **ETAG),
            accept(0, SIZE, SIZE, STRONG, fresh=True),
        ),
        (ask(Rung.WHOLE, NONE, None), answer(200), accept(0, None, None, NONE, fresh=True)),
        (ask(Rung.WHOLE, NONE, None), part(0), accept(0, SIZE, SIZE, NONE, fresh=True)),
        (
            ask(Rung.PLAIN),
            answer(416, Content_Range=f"bytes */{HAVE}"),
            Descend(Rung.OVERLAP, HAVE),
        ),
        (ask(Rung.PLAIN), answer(416, Content_Range="bytes */5"), Restart()),
        (ask(Rung.PLAIN), answer(416), Descend(Rung.OVERLAP)),
        (ask(Rung.OVERLAP), answer(416), Descend(Rung.WHOLE)),
        (ask(Rung.WHOLE), answer(416), Status(416)),
        (ask(Rung.WHOLE), answer(404), Status(404)),
        (ask(Rung.WHOLE), answer(302, Location="/x"), Redirect("/x")),
        (ask(Rung.WHOLE), answer(302), Unexpected(302)),
        (ask(Rung.WHOLE), answer(204), Unexpected(204)),
        (ask(Rung.WHOLE), answer(300, Location="/x"), Unexpected(300)),
    ],
)
def test_verdicts(asked: Ask, got: Answer, expected: Verdict) -> None:
    assert judge(asked, got) == expected


def foreign(size: int | None = SIZE) -> Ask:
    return replace(ask(Rung.OVERLAP, STRONG, size), foreign=True)


OTHER: dict[str, Any] = {"ETag": '"c"'}


@pytest.mark.parametrize(
    ("asked", "got", "expected"),
    [
        # Another source has names of its own; size and the bytes that are compared decide.
        (foreign(), part(SINCE, **OTHER), OVERLAPPED),
        (foreign(), part(SINCE, **ETAG), accept(SINCE, SIZE, SIZE, STRONG)),
        (foreign(), part(SINCE, total=SIZE + 1, **OTHER), Restart()),
        (foreign(None), part(SINCE, **OTHER), Restart()),
        (ask(Rung.OVERLAP), part(SINCE, **OTHER), Restart()),
    ],
)
def test_answers_of_another_source(asked: Ask, got: Answer, expected: Verdict) -> None:
    assert judge(asked, got) == expected


def opening(end: int | None = 50_000, **more: Any) -> Ask:
    return Ask(Rung.OPENING, HAVE - 60_000, HAVE - 60_000, None, NONE, end=end, part=True, **more)


FIRST = HAVE - 60_000


@pytest.mark.parametrize(
    ("asked", "got", "expected"),
    [
        (opening(), part(FIRST, 50_000, **ETAG), accept(FIRST, 50_000, SIZE, STRONG, fresh=True)),
        (opening(), part(FIRST, SIZE, **ETAG), accept(FIRST, 50_000, SIZE, STRONG, fresh=True)),
        (opening(), part(FIRST, FIRST + 9), accept(FIRST, FIRST + 9, SIZE, NONE, fresh=True)),
        (opening(), part(FIRST, 50_000, "*"), accept(FIRST, 50_000, None, NONE, fresh=True)),
        (opening(), answer(416), Outside()),
        (opening(), answer(416, Content_Range="bytes */5"), Outside()),
        (opening(streams=False), answer(200, Content_Length=SIZE), Rangeless()),
        (
            opening(),
            answer(200, Content_Length=SIZE),
            accept(0, SIZE, SIZE, NONE, fresh=True, stream=True),
        ),
    ],
)
def test_the_first_part_of_a_file(asked: Ask, got: Answer, expected: Verdict) -> None:
    assert judge(asked, got) == expected


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        (opening(), part(FIRST - 1, 50_000)),
        (opening(), part(FIRST + 1, 50_000)),
        (opening(None), part(FIRST, SIZE, "*")),
        (opening(), part(FIRST, 50_000, Content_Encoding="gzip")),
        (opening(), answer(416, Content_Range=f"bytes */{SIZE}")),
    ],
)
def test_no_first_part_of_a_file(asked: Ask, got: Answer) -> None:
    assert isinstance(judge(asked, got), Reject)


@pytest.mark.parametrize(
    "got",
    [
        part(start=HAVE + 1, **ETAG),
        part(start=HAVE - 1),
        part(end=SIZE + 1, **ETAG),
        part(total="*"),
        part(total=SIZE + 1, **ETAG),
        part(start=10, end=HAVE, **ETAG),
        part(Content_Length=5, **ETAG),
        part(Content_Length="5, 6", **ETAG),
        part(Content_Encoding="gzip", **ETAG),
        part(Content_Type="Multipart/ByteRanges; boundary=x", **ETAG),
        answer(206, **ETAG),
        answer(200, Content_Length="1, 2"),
    ],
)
@pytest.mark.parametrize("rung", [Rung.IF_RANGE, Rung.PLAIN])
def test_answers_that_contradict_themselves(rung: Rung, got: Answer) -> None:
    assert isinstance(judge(ask(rung), got), Reject)


def test_empty_answers_and_pages_cost_nothing() -> None:
    empty = answer(200, Content_Length=0)
    assert isinstance(judge(ask(Rung.IF_RANGE), empty), Refuse)
    assert isinstance(judge(ask(Rung.WHOLE), empty), Refuse)
    assert isinstance(judge(ask(Rung.WHOLE), answer(200), empty=True), Refuse)
    assert isinstance(judge(ask(Rung.WHOLE, NONE, None), answer(200), empty=True), Accept)
    page = answer(200, Content_Length=99, Content_Type="text/html; charset=utf-8")
    assert judge(ask(Rung.IF_RANGE), page) == Refuse("a web page instead of the file", page=True)
    assert isinstance(judge(ask(Rung.IF_RANGE), page, page_expected=True), Accept)


def test_weakened_validators_still_see_a_change() -> None:
    known = weakened(Validators('"a"', OLD, last_modified_strong=True))
    assert known == Validators('W/"a"', OLD)
    assert compare(known, SIZE, STRONG, SIZE) is Match.UNKNOWN
    assert compare(known, SIZE, Validators(etag='"b"'), SIZE) is Match.DIFFERENT


any_field = st.sampled_from(
    ["bytes 0-9/10", "bytes 100000-199999/200000", "bytes */200000", "bytes */*", "x", '"a"', "0"]
) | st.text(alphabet=st.characters(max_codepoint=255), max_size=30)
any_known = st.sampled_from([STRONG, DATED, NONE, Validators(etag='W/"a"')])


@given(
    st.sampled_from(list(Rung)),
    any_known,
    st.sampled_from([200, 206, 416, 204, 301, 404, 503]),
    st.dictionaries(
        st.sampled_from(
            ["content-range", "content-length", "etag", "last-modified", "content-type", "location"]
        ),
        any_field,
    ),
)
def test_no_accepted_byte_lands_in_a_wrong_place(
    rung: Rung, known: Validators, status: int, fields: dict[str, str]
) -> None:
    asked = ask(rung, known)
    verdict = judge(asked, answer(status, **fields))
    if isinstance(verdict, Accept):
        assert status in {200, 206}
        if verdict.fresh:
            # A file of which a part is wanted begins with that part, and with nothing else.
            begins = asked.offset if rung is Rung.OPENING and status == 206 else 0
            assert verdict.start == begins
        else:
            assert verdict.start <= asked.have
            assert verdict.end is not None
            assert verdict.size in {SIZE, None}
            proven = compare(known, SIZE, verdict.validators, SIZE) is Match.SAME
            assert proven or verdict.proof is Verification.OVERLAP
        if status == 206 and verdict.size is not None and verdict.end is not None:
            assert verdict.end <= verdict.size


def test_the_ladder_goes_down_only() -> None:
    ladder = Ladder(Plan(HAVE, SIZE), STRONG)
    assert ladder.ask().rung is Rung.IF_RANGE
    assert ladder.descend(Descend(Rung.PLAIN))
    assert ladder.ask().rung is Rung.PLAIN
    assert ladder.descend(Descend(Rung.OVERLAP))
    assert ladder.ask().offset == HAVE - OVERLAP_BYTES
    assert not ladder.descend(Descend(Rung.PLAIN))
    assert ladder.descend(Descend(Rung.WHOLE))
    assert (ladder.ask().rung, ladder.ask().offset) == (Rung.WHOLE, 0)


@pytest.mark.parametrize(
    ("have", "size", "known", "rung"),
    [
        (0, SIZE, STRONG, Rung.WHOLE),
        (HAVE, SIZE, STRONG, Rung.IF_RANGE),
        (HAVE, SIZE, DATED, Rung.IF_RANGE),
        (HAVE, SIZE, Validators("", OLD), Rung.OVERLAP),
        (HAVE, SIZE, NONE, Rung.OVERLAP),
        (SIZE, SIZE, STRONG, Rung.OVERLAP),
        (10, None, NONE, Rung.OVERLAP),
    ],
)
def test_the_first_rung(have: int, size: int | None, known: Validators, rung: Rung) -> None:
    first = Ladder(Plan(have, size), known).ask()
    assert first.rung is rung
    assert first.offset >= 0


def test_rejections_end_with_the_whole_file() -> None:
    ladder = Ladder(Plan(HAVE, SIZE), STRONG)
    assert ladder.reject()
    assert ladder.ask().rung is Rung.IF_RANGE
    assert ladder.reject()
    assert ladder.ask().rung is Rung.WHOLE
    assert ladder.reject()
    assert not ladder.reject()


def test_the_proof_is_that_of_the_weakest_joint() -> None:
    ladder = Ladder(Plan(HAVE, SIZE), STRONG)
    ladder.accept(Accept(0, SIZE, SIZE, NONE, Verification.OVERLAP))
    ladder.advance(HAVE + 10)
    ladder.accept(Accept(HAVE + 10, SIZE, SIZE, STRONG, Verification.VALIDATOR))
    assert ladder.proof is Verification.OVERLAP
    ladder.accept(Accept(0, SIZE, SIZE, STRONG, Verification.VALIDATOR, fresh=True, changed=True))
    assert (ladder.proof, ladder.restarts) == (Verification.VALIDATOR, 1)
    ladder.restart()
    assert (ladder.plan.count, ladder.plan.size, ladder.restarts) == (0, None, 2)
