"""Rights of roots: the words, and what they open to whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bgcopyd.config import Settings
from bgcopyd.jobs.file import FileSpec
from bgcopyd.jobs.job import JobType
from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.jobs.root_rules import OPEN, RootRule, judge_roots, root_rule_of
from bgcopyd.jobs.roots import Roots

ANNA, BERT = Principal("user:anna"), Principal("user:bert")
ADMIN = Principal("user:root", ALL_SCOPES)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("read write", OPEN),
        ("read", RootRule(writes=False)),
        ("write mode:0640", RootRule(reads=False, mode=0o640)),
        (
            "owner:user:anna owner:x509:spiffe://a/b group:media",
            RootRule(frozenset({"user:anna", "x509:spiffe://a/b"}), group="media"),
        ),
        ("mode:600", RootRule(mode=0o600)),
    ],
)
def test_words(text: str, rule: RootRule) -> None:
    assert root_rule_of(text) == rule


@pytest.mark.parametrize(
    "text",
    ["", "rad", "owner:", "group:a group:b", "mode:0640 mode:0600", "mode:0755", "mode:0440",
     "mode:4640", "mode:x", "mode:9", "read,write", "none"],
)  # fmt: skip
def test_no_words(text: str) -> None:
    with pytest.raises(ValueError, match="mode"):
        root_rule_of(text)


def test_whose_roots_are_whose() -> None:
    rules = {"media": RootRule(frozenset({"user:anna"})), "public": RootRule(writes=False)}
    roots = Roots({"fs": "/", "media": "/m", "public": "/p", "x": "/x"}, "fs", rules)
    assert roots.open_to(ADMIN).names == ("fs", "media", "public", "x")
    assert roots.open_to(ANNA).names == ("media", "public", "x")
    assert roots.open_to(BERT).names == ("public", "x")
    # A token narrows what is open, and opens nothing.
    narrow = frozenset({"media", "x"})
    assert roots.open_to(Principal("user:anna", roots=narrow)).names == ("media", "x")
    assert roots.open_to(Principal("user:bert", roots=narrow)).names == ("x",)
    assert roots.open_to(Principal("user:root", ALL_SCOPES, narrow)).names == ("media", "x")


@pytest.mark.parametrize(
    ("kind", "root", "good"),
    [
        (JobType.DOWNLOAD, "in", True),
        (JobType.DOWNLOAD, "out", False),
        (JobType.UPLOAD, "in", False),
        (JobType.UPLOAD, "out", True),
        (JobType.UPLOAD_REPLY, "in", False),
        (JobType.UPLOAD_REPLY, "out", False),
        (JobType.UPLOAD_REPLY, "both", True),
        (JobType.DOWNLOAD, "both", True),
    ],
)
def test_what_roots_are_for(kind: JobType, root: str, good: bool) -> None:  # noqa: FBT001
    rules = {"in": root_rule_of("write"), "out": root_rule_of("read"), "both": OPEN}
    spec = FileSpec("http://h/a", root, "a", "/a")
    if good:
        judge_roots(kind, [spec], rules)
        return
    with pytest.raises(Refusal) as caught:
        judge_roots(kind, [spec], rules)
    assert caught.value.reason is Reason.PATH_NOT_ALLOWED
    assert caught.value.violations[0].field == "files[0].root"


def settings(tmp_path: Path, rights: dict[str, str]) -> Settings:
    for name in ("a/b", "c"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    places = {"a": tmp_path / "a", "b": tmp_path / "a" / "b", "c": tmp_path / "c"}
    return Settings(roots=places, root_rights=rights)


def test_settings(tmp_path: Path) -> None:
    read = settings(tmp_path, {"c": "read mode:0640", "a": "write", "b": "write"})
    assert read.root_rules["c"] == RootRule(writes=False, mode=0o640)
    assert read.root_styles["c"].mode == 0o640


@pytest.mark.parametrize(
    ("rights", "problem"),
    [
        ({"d": "read"}, "add it"),
        ({"b": "read"}, "lies below 'a'"),
        ({"b": "read", "a": "write"}, "lies below 'a'"),
        ({"c": "group:no-such-group"}, "no group 'no-such-group'"),
        ({"c": "owner"}, "says nothing of a root"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, rights: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        settings(tmp_path, rights)
