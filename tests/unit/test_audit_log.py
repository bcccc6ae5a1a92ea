"""The audit log as a file: private, in order, and whole whatever happens to it."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bgcopyd import audit_log
from bgcopyd.audit_log import AuditLog, AuditProblem

NOW = datetime(2026, 11, 24, 16, 0, 0, 123456, tzinfo=UTC)


def opened(path: Path) -> AuditLog:
    return AuditLog(path, lambda: NOW)


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def number(log: AuditLog, value: int) -> None:
    log.record("e", "user:anna", "unix:", "ok", number=value)


def written(log: AuditLog) -> None:
    """Returns when everything so far is on its way to the file, or was given up."""
    done = threading.Event()
    real = log._write

    def write(lines: Sequence[str]) -> None:
        real(lines)
        if any('"mark"' in line for line in lines):
            done.set()

    with mock.patch.object(log, "_write", write):
        log.record("mark", "", "", "ok")
        assert done.wait(30)


def test_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    log = opened(path)
    log.record("job.created", "user:anna", "ipv4:127.0.0.1:5", "ok", job_id="j", names=["a"])
    log.close()
    assert entries(path) == [
        {
            "time": "2026-11-24T16:00:00.123Z",
            "event": "job.created",
            "principal": "user:anna",
            "peer": "ipv4:127.0.0.1:5",
            "outcome": "ok",
            "job_id": "j",
            "names": ["a"],
        }
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_is_kept_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    path.write_text('{"n": 1}\n')
    path.chmod(0o644)
    log = opened(path)
    number(log, 2)
    log.close()
    assert len(entries(path)) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_stay_in_order(tmp_path: Path) -> None:
    log = opened(tmp_path / "audit")
    for value in range(2000):
        number(log, value)
    log.close()
    assert [one["number"] for one in entries(tmp_path / "audit")] == list(range(2000))


def test_a_file_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    log = opened(path)
    number(log, 1)
    written(log)
    path.rename(tmp_path / "audit.1")
    number(log, 2)
    written(log)
    path.unlink()
    number(log, 3)
    log.close()
    assert entries(tmp_path / "audit.1")[0]["number"] == 1
    assert [one["number"] for one in entries(path) if "number" in one] == [3]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_neither_secrets_nor_forged_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    log = opened(path)
    log.record("e", "p", "", "ok", a="https://u:planted@h/p?planted", b="x\n{}", c="y" * 9999)
    log.record("e", "p", "", "ok", a=["bgc_planted"])
    log.close()
    assert "planted" not in path.read_text()
    first, second = entries(path)
    assert (first["a"], first["b"], len(first["c"])) == ("https://***@h/p?***", "x\n{}", 256)
    assert second["a"] == ["bgc_***"]


@pytest.mark.parametrize("kind", ["absent", "directory", "link", "pipe"])
def test_what_cannot_be_opened_is_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "audit"
    if kind == "absent":
        path = tmp_path / "no" / "audit"
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "other")
    else:
        os.mkfifo(path)
    with pytest.raises(AuditProblem, match=r"audit log .* cannot be opened: .*audit_log"):
        opened(path)
    assert not (tmp_path / "other").exists()


class Full:
    """A disk that takes so many bytes more and then none."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, descriptor: int, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self.write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 5])
def test_what_a_full_disk_does_not_take_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, room: int
) -> None:
    path = tmp_path / "audit"
    log = opened(path)
    number(log, 1)
    written(log)
    with mock.patch("os.write", Full(room)):
        number(log, 2)
        number(log, 3)
        written(log)
    number(log, 4)
    log.close()
    lines = path.read_text().splitlines()
    torn = [line for line in lines if not line.endswith("}")]
    assert len("".join(torn)) == room
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    assert [one["number"] for one in whole if "number" in one] == [1, 4]
    # With the mark that this test writes itself.
    assert [one["entries"] for one in whole if one["event"] == "audit.lost"] == [3]
    assert [record.message for record in caplog.records] == [
        f"the audit log {path} cannot be written: No space left on device"
    ]


def test_a_disk_that_hangs_takes_no_memory_without_end(tmp_path: Path) -> None:
    log = opened(tmp_path / "audit")
    with mock.patch.object(audit_log, "_MOST_WAITING", 0):
        number(log, 1)
        number(log, 2)
    number(log, 3)
    log.close()
    assert [one.get("number", one.get("entries")) for one in entries(tmp_path / "audit")] == [2, 3]
