from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from bgcopyd.cli.main import main
from bgcopyd.store import maintenance


def test_defect_is_one_line_with_an_incident(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def defective(_: Path) -> list[str]:
        raise ZeroDivisionError("with a secret")

    monkeypatch.setattr(maintenance, "check", defective)
    assert main(["store", "check", "--state-dir", str(tmp_path)]) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"bgcopyd: internal error [0-9a-f]{8} \(ZeroDivisionError in defective, "
        r"test_cli_main\.py:\d+\); please report it\n",
        err,
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied", "/x"), 74),
        (KeyboardInterrupt(), 130),
    ],
)
def test_other_ends(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Path) -> list[str]:
        raise error

    monkeypatch.setattr(maintenance, "check", failing)
    assert main(["store", "check", "--state-dir", "/"]) == code


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--help"]) == 0
    shown = capsys.readouterr().out
    for flag in ("--state-dir", "--listen", "--root NAME=DIR", "--config", "--exit-when-idle"):
        assert flag in shown
    assert "--daily-backup / --no-daily-backup" in shown


def test_a_client_only_installation_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    for name in [name for name in sys.modules if name.startswith("bgcopyd.")]:
        monkeypatch.delitem(sys.modules, name)
    assert importlib.import_module("bgcopyd.__main__").main() == 69
    assert 'pip install "bgcopy[server]"' in capsys.readouterr().err
