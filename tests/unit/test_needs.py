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

@pytest.mark.needs("aria2c")
def test_one():
    pass

@pytest.mark.needs("aria2c")
def test_two():
    pass

def test_three():
    pass
"""


def run(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = directory / "test_example.py"
    path.write_text(EXAMPLE)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(directory), str(path)],
        cwd=PROJECT, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": "/nonexistent", "REQUIRE_ALL": "0", **variables},
    )  # fmt: skip


@pytest.mark.skipif(Path("/usr/sbin/aria2c").exists(), reason="aria2c lies where nginx does")
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_gap_is_listed_with_its_package(tmp_path: Path, workers: tuple[str, ...]) -> None:
    done = run(tmp_path, PYTEST_ADDOPTS=" ".join(workers))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 tests: needs aria2c (Debian package aria2)" in done.stdout
    assert done.stdout.strip().splitlines()[-1].startswith("1 passed, 2 skipped")


@pytest.mark.skipif(Path("/usr/sbin/aria2c").exists(), reason="aria2c lies where nginx does")
def test_gap_fails_where_all_is_required(tmp_path: Path) -> None:
    done = run(tmp_path, REQUIRE_ALL="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "REQUIRE_ALL=1 allows no gaps" in done.stdout
    assert done.stdout.strip().splitlines()[-1].startswith("1 passed, 2 errors")
