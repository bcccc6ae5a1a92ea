"""Link fields (RFC 8288, RFC 6249): read as far as they are well-formed, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.transfer.downloads.links import duplicates
from bgcopyd.transfer.judging.headers import Answer


def links(*values: str) -> list[str]:
    return duplicates(Answer(200, "1.1", {"link": values}))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("<http://a/x>; rel=duplicate",), ["http://a/x"]),
        (
            (
                "<http://a/9>; rel=duplicate; pri=9; geo=de, <http://b/1>;rel=duplicate;pri=1",
                '<http://c/m.meta4>; rel=describedby; type="application/metalink4+xml"',
                '<http://d/5> ; REL="other Duplicate" ; pri="5"; pref',
                "<http://e/last>; rel=duplicate; pri=soon",
            ),
            ["http://b/1", "http://d/5", "http://a/9", "http://e/last"],
        ),
        (('<http://a/x,y;z>; title="a,<b>; rel=duplicate"; rel=duplicate',), ["http://a/x,y;z"]),
        (("<http://a/x>; rel=next; rel=duplicate",), []),
        (('<http://a/x>; rel=duplicate; anchor="/other"',), []),
        (("<http://a/1>; rel=duplicate, nonsense, <http://a/2>; rel=duplicate",), ["http://a/1"]),
        (("<http://a/1>; rel=duplicate nonsense",), []),
        (("<>; rel=duplicate",), []),
        (("",), []),
        ((), []),
    ],
)
def test_what_is_taken(values: tuple[str, ...], found: list[str]) -> None:
    assert links(*values) == found


PIECES = st.sampled_from(
    [
        "<",
        ">",
        ";",
        ",",
        "=",
        '"',
        "\\",
        " ",
        "\t",
        "rel",
        "duplicate",
        "pri",
        "1",
        "http://a",
        "\xff",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_is_read(text: str) -> None:
    for target in links(text):
        assert target
        assert "<" not in target


@pytest.mark.parametrize(
    "piece", ["<", "<a", "<a>;", '<a>;x="', "<a>;x=\\", " ", ",", "<a>,", ";a"]
)
def test_a_flood_is_read_in_no_time(piece: str) -> None:
    text = piece * (16_000 // len(piece))
    links(text)
    links(f"<a>; rel=duplicate; {text}")
