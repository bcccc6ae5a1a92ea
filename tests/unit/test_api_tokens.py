"""Page and resume tokens against garbage."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.api.tokens import page_position, page_token, resume_position, resume_token
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal

POSITIONS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.binary(), POSITIONS)
def test_a_page_token_brings_its_position_back(scope: bytes, position: int) -> None:
    assert page_position(page_token(scope, position), scope) == position


@given(st.binary(), st.binary(), POSITIONS)
def test_a_page_token_is_good_for_its_own_list(scope: bytes, other: bytes, position: int) -> None:
    if scope != other:
        with pytest.raises(Refusal) as raised:
            page_position(page_token(scope, position), other)
        assert raised.value.reason is Reason.PAGE_TOKEN_INVALID


@given(TEXT.filter(bool) | st.binary(min_size=1).map(lambda raw: base64.b64encode(raw).decode()))
def test_garbage_is_no_page_token(token: str) -> None:
    with pytest.raises(Refusal) as raised:
        page_position(token, b"scope")
    assert raised.value.reason is Reason.PAGE_TOKEN_INVALID
    assert [one.field for one in raised.value.violations] == ["page_token"]


def test_no_token_is_the_first_page() -> None:
    assert page_position("", b"scope") is None
    assert resume_position("") is None


@given(st.uuids().map(str), st.integers(0, 2**63 - 1))
def test_a_resume_token_brings_its_position_back(store_id: str, position: int) -> None:
    assert resume_position(resume_token(store_id, position)) == (store_id, position)


@given(TEXT | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")))
def test_garbage_is_no_resume_token_of_ours(token: str) -> None:
    found: tuple[str, int] | None = None
    reason = None
    try:
        found = resume_position(token)
    except Refusal as refusal:
        reason = refusal.reason
    assert reason in {None, Reason.RESUME_TOKEN_EXPIRED}
    assert found is None or found[0] != "3b241101-e2bb-4255-8caf-4136c566a962"
