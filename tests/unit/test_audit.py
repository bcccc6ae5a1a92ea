"""What the audit of dependencies makes of pip-audit's reports."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
FINE: dict[str, Any] = {"name": "fine", "version": "1.0", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "unknown", "skip_reason": "not found"}
BAD: dict[str, Any] = {
    "name": "bad",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}],
}


def judge(*packages: dict[str, Any]) -> tuple[int, str]:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result: tuple[int, str] = module.judge({"dependencies": list(packages), "fixes": []})
    return result


def test_a_known_vulnerability_fails() -> None:
    code, text = judge(FINE, BAD, UNKNOWN, UNKNOWN, UNKNOWN)
    assert code == 1
    assert "bad 2.0: PYSEC-2026-1, mended in 2.1" in text


@pytest.mark.parametrize(
    ("packages", "says"),
    [
        ([FINE, FINE], "No vulnerability is known of 2 packages."),
        ([FINE, FINE, UNKNOWN], "No vulnerability is known of 2 packages, but not of unknown."),
        ([UNKNOWN, UNKNOWN, FINE], "NOT AUDITED: "),
    ],
)
def test_what_was_not_looked_at_is_said(packages: list[dict[str, Any]], says: str) -> None:
    code, text = judge(*packages)
    assert code == 0
    assert text.startswith(says)
