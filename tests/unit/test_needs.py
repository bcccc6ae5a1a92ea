"""A test that did not run is listed, and with REQUIRE_ALL=1 it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = """
import pytest
import tests.conftest

tests.conftest._PATH = "/nonexistent"

@pytest.mark.needs("aria2c")
def test_one():
    pass

@pytest.mark.needs("aria2c")
def test_two():
    pass

def test_three():
    pass
"""
OTHER = """
import pytest

@pytest.mark.skip(reason="of no package")
def test_one():
    pass
"""


def run(
    directory: Path, example: str = EXAMPLE, **variables: str
) -> subprocess.CompletedProcess[str]:
    path = directory / "test_example.py"
    path.write_text(example)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(directory), str(path)],
        cwd=PROJECT, capture_output=True, text=True, check=False,
        env={**os.environ, "REQUIRE_ALL": "0", **variables},
    )  # fmt: skip


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_gap_is_listed_with_its_package(tmp_path: Path, workers: tuple[str, ...]) -> None:
    done = run(tmp_path, PYTEST_ADDOPTS=" ".join(workers))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 tests: needs aria2c (Debian package aria2)" in done.stdout
    assert done.stdout.strip().splitlines()[-1].startswith("1 passed, 2 skipped")


def test_gap_fails_where_all_is_required(tmp_path: Path) -> None:
    done = run(tmp_path, REQUIRE_ALL="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "REQUIRE_ALL=1 allows no gaps" in done.stdout
    assert done.stdout.strip().splitlines()[-1].startswith("1 passed, 2 errors")


def test_no_skip_of_any_kind_passes_where_all_is_required(tmp_path: Path) -> None:
    done = run(tmp_path, OTHER, REQUIRE_ALL="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "of no package, and REQUIRE_ALL=1 allows no gaps" in done.stdout
