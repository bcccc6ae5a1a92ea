"""Errors in words: each language covers each row, and BCP 47 chooses the language."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.descriptions import CONTEXTS, of_context, of_hresult, of_reason
from bgcopyd.jobs.hresults.table import HRESULTS
from bgcopyd.jobs.job import ErrorContext
from bgcopyd.jobs.reasons import Reason, hresult_of
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.texts.languages import LANGUAGES, texts_for
from bgcopyd.jobs.texts.texts import Texts

ENGLISH, GERMAN = LANGUAGES["en"], LANGUAGES["de"]
EACH_LANGUAGE = pytest.mark.parametrize("texts", LANGUAGES.values(), ids=list(LANGUAGES))


@EACH_LANGUAGE
def test_a_language_covers_every_reason_and_every_row(texts: Texts) -> None:
    assert set(texts.reasons) == set(Reason)
    assert set(texts.hresults) == {row.name for row in HRESULTS}


@EACH_LANGUAGE
def test_texts_are_whole_sentences(texts: Texts) -> None:
    for key, text in [*texts.reasons.items(), *texts.hresults.items()]:
        assert re.fullmatch(r"[A-ZÄÖÜ0][^\n|{}]*\.", text), key
        assert "  " not in text, key
        assert len(text) <= 300, key


@pytest.mark.parametrize("texts", [one for one in LANGUAGES.values() if one is not ENGLISH])
def test_no_text_stayed_english(texts: Texts) -> None:
    for reason, text in texts.reasons.items():
        assert text != ENGLISH.reasons[reason], reason
    for name, text in texts.hresults.items():
        assert text != ENGLISH.hresults[name], name
        assert not re.search(r"\b(the|and|is|of)\b", text), name


@EACH_LANGUAGE
def test_a_status_without_a_text_of_its_own_is_named(texts: Texts) -> None:
    for status in (199, 299, 399, 499, 599):
        assert f" {status}" in texts.hresults[f"BG_E_HTTP_ERROR_{status}"]


@EACH_LANGUAGE
@pytest.mark.parametrize("reason", Reason)
def test_reasons_are_described(texts: Texts, reason: Reason) -> None:
    found = of_reason(reason, texts)
    assert found is not None
    assert (found.hresult, found.hresult_name) == hresult_of(reason)
    assert found.text == texts.reasons[reason]


def test_a_code_is_described_by_what_it_is_called_here() -> None:
    found = of_hresult("do_e_job_not_found", GERMAN)
    assert found is not None
    assert (found.hresult, found.hresult_name) == (0x80D02003, "DO_E_NOT_FOUND")
    assert found.text.startswith("Es gibt keinen Auftrag")


def test_what_nothing_describes() -> None:
    assert of_hresult("0xFFFFFFFF", ENGLISH) is None
    assert [of_reason(number, ENGLISH) for number in (-1, 0, 99, 9999)] == [None] * 4
    assert [of_context(number, ENGLISH) for number in (-1, len(CONTEXTS))] == [None] * 2


@EACH_LANGUAGE
@pytest.mark.parametrize("context", ErrorContext)
def test_contexts_are_described(texts: Texts, context: ErrorContext) -> None:
    found = of_context(context, texts)
    assert found is not None
    assert found.hresult_name == f"BG_E_ERROR_CONTEXT_{context.name}"
    assert found.text == texts.hresults[found.hresult_name]


def test_the_context_of_no_error() -> None:
    found = of_context(0, ENGLISH)
    assert found is not None
    assert (found.hresult, found.hresult_name) == (0x00200006, "BG_S_ERROR_CONTEXT_NONE")


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de_DE", "de"),
        ("de-Latn-CH-1996", "de"),
        ("de-CH-x-phonebk", "de"),
        ("de-DE-u-co-phonebk", "de"),
        ("en-GB", "en"),
        ("en-gb-oed", "en"),
        ("gsw", "en"),
        ("fr-CA", "en"),
        ("zh-cmn-Hans-CN", "en"),
        ("i-klingon", "en"),
        ("x-de", "en"),
        ("deu", "en"),
        ("german", "en"),
    ],
)
def test_the_language_is_looked_up(tag: str, language: str) -> None:
    assert texts_for(tag).language == language


@pytest.mark.parametrize(
    "tag",
    [" ", "d", "de ", "-de", "de-", "de--AT", "de-a", "de,en;q=0.5", "*", "de_DE.UTF-8",
     "languages", "de-toolonglong", "dé", "de-x", "1", "\x00", "de-" * 100_000],
)  # fmt: skip
def test_a_malformed_tag_is_refused(tag: str) -> None:
    with pytest.raises(Refusal) as refused:
        texts_for(tag)
    assert refused.value.reason is Reason.INVALID_REQUEST
    assert [one.field for one in refused.value.violations] == ["language_code"]
    assert "'de-AT'" in refused.value.message


@given(st.text(max_size=20) | st.from_regex(r"[a-z]{2}([-_][A-Za-z0-9]{1,9}){0,4}", fullmatch=True))
def test_any_tag_is_answered_or_refused(tag: str) -> None:
    with contextlib.suppress(Refusal):
        assert texts_for(tag).language == ("de" if re.match("de([-_]|$)", tag.lower()) else "en")
