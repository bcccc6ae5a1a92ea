"""What is written about errors elsewhere says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest

import bgcopy
from bgcopy._error_classes import error_class
from bgcopyd.jobs.hresults.table import find
from bgcopyd.jobs.reasons import REASONS, Reason
from bgcopyd.jobs.texts.en import ENGLISH
from docs.errors_page import PAGE, page

PROJECT = Path(__file__).resolve().parents[2]
PROTO = (PROJECT / "protos" / "bgcopy" / "v1" / "error.proto").read_text()
REFUSALS = [reason for reason in Reason if REASONS[reason].code is not None]
# Reasons whose exception is also that of their status code.
WHOLE_CODE = {bgcopy.NotSupported, bgcopy.InvalidRequest, bgcopy.InternalError}


def test_the_page_is_what_the_tables_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run 'make docs' and commit"


@pytest.mark.parametrize("reason", REFUSALS)
def test_every_refusal_has_an_exception_that_says_the_same(reason: Reason) -> None:
    spec = REASONS[reason]
    assert spec.code is not None
    group = error_class(bgcopy.Reason.UNKNOWN, grpc.StatusCode[spec.code.name])
    kind = error_class(bgcopy.Reason[reason.name], grpc.StatusCode.UNKNOWN)
    assert kind is group if kind in WHOLE_CODE else kind.__bases__ == (group,)
    assert " ".join((kind.__doc__ or "").split()).startswith(ENGLISH.reasons[reason])


def comments() -> dict[str, str]:
    """What error.proto says about each reason."""
    found = re.findall(r"((?: +//.*\n)+) +REASON_(\w+) = \d+;", PROTO)
    return {name: " ".join(lines.replace("//", " ").split()) for lines, name in found}


@pytest.mark.parametrize("reason", REFUSALS)
def test_the_proto_names_the_code_and_the_hresult_of_the_table(reason: Reason) -> None:
    spec = REASONS[reason]
    assert spec.code is not None
    said = re.findall(r"\b[A-Z]+_?[A-Z_]{3,}\b", comments()[reason.name])
    assert spec.code.name in said
    for name in said:
        row = find(name)
        assert row is None or spec.hresult_name in row.names, name


@pytest.mark.parametrize("folder", ["server", "client", "protos", "docs"])
def test_every_code_that_is_named_anywhere_exists(folder: str) -> None:
    files = [
        path
        for end in ("py", "pyi", "proto", "md")
        for path in (PROJECT / folder).rglob(f"*.{end}")
    ]
    assert files
    for path in files:
        for name in re.findall(
            r"\b(?:BG_[ES]|DO_E|RPC_[SX])_[A-Z0-9_]*[A-Z0-9]\b", path.read_text()
        ):
            assert find(name) is not None, f"{path.name}: {name}"
