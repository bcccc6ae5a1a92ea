"""Each row of the list of hostile servers that downloads can meet has a test named after it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
# As transfer.md numbers them; 46 to 48 are of uploads.
ROWS = range(1, 46)


def test_each_row_has_a_test() -> None:
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        for match in re.finditer(r"def test_((?:\d\d_)+)", path.read_text(encoding="utf-8")):
            named.update(int(number) for number in match[1].split("_") if number)
    assert [row for row in ROWS if row not in named] == []
