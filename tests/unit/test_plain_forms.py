"""The short ways of the rules: what most URLs and names look like is judged by one pattern."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs import roots, rules
from bgcopyd.jobs.roots import _name_problem
from bgcopyd.jobs.rules import url_problem


class Nothing:
    """A pattern that nothing matches."""

    def fullmatch(self, _text: str) -> None:
        return None


def judged_at_length(text: str) -> tuple[str, str]:
    with (
        mock.patch.object(rules, "_PLAIN_URL", Nothing()),
        mock.patch.object(roots, "_PLAIN_NAME", Nothing()),
    ):
        return url_problem(text), _name_problem(text)


@given(st.from_regex(rules._PLAIN_URL, fullmatch=True))
def test_the_rules_find_nothing_wrong_with_a_plain_url(url: str) -> None:
    assert url_problem(url) == judged_at_length(url)[0]


@given(st.from_regex(roots._PLAIN_NAME, fullmatch=True))
def test_the_rules_find_nothing_wrong_with_a_plain_name(name: str) -> None:
    assert _name_problem(name) == judged_at_length(name)[1]


@pytest.mark.parametrize("name", ["con", "NUL.txt", "Lpt1.a.b", "..", ".", "a.", "a ", ".bgcopy-1"])
def test_a_forbidden_name_has_no_short_way(name: str) -> None:
    assert _name_problem(name) == judged_at_length(name)[1] != ""


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/", "http://", "http://a:0/", "http://a:99999/", "http://u@a/", "http://a/ ",
        "http://a/\n", "http://[::1/", "http://a/\u00e4", f"http://a/{'x' * 2200}",
    ],
)  # fmt: skip
def test_a_bad_url_has_no_short_way(url: str) -> None:
    assert url_problem(url) == judged_at_length(url)[0] != ""
