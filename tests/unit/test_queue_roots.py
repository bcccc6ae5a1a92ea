"""Roots.resolve: whatever a caller sends, the destination lies below its root or is refused."""

from __future__ import annotations

import os.path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgcopyd.jobs.roots import PathProblem, Roots

DIRECTORIES = {"default": "/srv/files", "deep": "/srv/files/deep", "other": "/data"}
ROOTS = Roots(DIRECTORIES)
HOST = Roots({**DIRECTORIES, "fs": "/"})
_PIECES = st.sampled_from(
    ["a", "b.txt", "..", ".", "", "/", "//", "srv", "files", "deep", "data", "\0", "\n", "...",
     "con", " ", "~", "$HOME", "%2e%2e", "\\", "\\..\\", "\uff0e\uff0e", "\u2025", "x" * 255]
)  # fmt: skip
_PATHS = st.one_of(
    st.lists(_PIECES, max_size=8).map("/".join),
    st.lists(_PIECES, max_size=8).map(lambda pieces: "/srv/files/" + "/".join(pieces)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
_NAMES = st.sampled_from(["", "default", "deep", "other", "fs", "nope", "..", "/"])


@given(_NAMES, _PATHS, st.sampled_from([ROOTS, HOST]))
def test_nothing_escapes(name: str, path: str, roots: Roots) -> None:
    refused: PathProblem | None = None
    try:
        root, relative, destination = roots.resolve(name, path)
    except PathProblem as problem:
        refused = problem
    if refused is not None:
        assert refused.field in {"root", "local_path"}
        assert refused.problem
        return
    directory = "/" if root == "fs" else DIRECTORIES[root]
    assert not name or root == name
    assert relative
    assert not relative.startswith("/")
    assert os.path.normpath(destination) == destination
    assert destination == os.path.join(directory, relative)  # noqa: PTH118 - pure text
    assert os.path.commonpath([directory, destination]) == directory
    assert destination != directory
    assert all(character.isprintable() or ord(character) >= 0xA0 for character in relative)


def test_the_deepest_root_takes_an_absolute_path() -> None:
    assert ROOTS.resolve("", "/srv/files/deep/x") == ("deep", "x", "/srv/files/deep/x")
    assert ROOTS.resolve("default", "/srv/files/deep/x")[:2] == ("default", "deep/x")
    assert ROOTS.resolve("", "/srv/files/x")[:2] == ("default", "x")
    assert HOST.resolve("", "/etc/x") == ("fs", "etc/x", "/etc/x")


def test_two_spellings_of_a_file_are_one_destination() -> None:
    spellings = [("", "deep/x"), ("deep", "x"), ("", "/srv/files/deep/x"), ("default", "./deep//x")]
    assert {ROOTS.resolve(*one)[2] for one in spellings} == {"/srv/files/deep/x"}


@pytest.mark.parametrize("path", ["/srv/filesx/y", "/srv", "/etc/passwd", "/srv/files"])
def test_what_lies_under_no_root(path: str) -> None:
    with pytest.raises(PathProblem):
        ROOTS.resolve("", path)


def test_an_unknown_root_is_not_a_malformed_one() -> None:
    with pytest.raises(PathProblem) as raised:
        ROOTS.resolve("nope", "x")
    assert raised.value.unknown_root
    with pytest.raises(PathProblem) as raised:
        ROOTS.resolve("default", "..")
    assert not raised.value.unknown_root
