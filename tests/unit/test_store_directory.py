"""The state directory: private, held once, local."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bgcopyd.store import directory
from bgcopyd.store.directory import StateDirectory
from bgcopyd.store.errors import NetworkFilesystem, StateDirectoryError, StateDirectoryLocked


def test_it_is_made_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "state"
    with StateDirectory(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in path.iterdir())


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    with StateDirectory(tmp_path), pytest.raises(StateDirectoryLocked) as refused:
        StateDirectory(tmp_path)
    assert f"process {os.getpid()}" in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    with StateDirectory(tmp_path):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from bgcopyd.store.directory import StateDirectory\n"
        "held = StateDirectory(Path(sys.argv[1]))\nprint('held', flush=True)\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(StateDirectoryLocked, match=f"process {child.pid}"):
            StateDirectory(tmp_path)
        child.kill()
        child.wait()
    with StateDirectory(tmp_path):
        pass


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StateDirectoryError, match="cannot be made"):
        StateDirectory(path)


def test_the_type_of_a_file_system_is_read(tmp_path: Path) -> None:
    # statfs(2): PROC_SUPER_MAGIC.
    assert directory.filesystem_type(Path("/proc")) == 0x9FA0
    assert directory.filesystem_type(tmp_path / "absent") is None


@pytest.mark.parametrize("magic", directory.NETWORK_FILESYSTEMS)
def test_network_file_systems_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, magic: int
) -> None:
    monkeypatch.setattr(directory, "filesystem_type", lambda _: magic)
    with pytest.raises(NetworkFilesystem, match="network file system") as refused:
        StateDirectory(tmp_path)
    assert directory.NETWORK_FILESYSTEMS[magic] in str(refused.value)


def test_local_file_systems_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # ext4, tmpfs, xfs, btrfs, overlayfs, and one that cannot be told.
    for magic in (0xEF53, 0x01021994, 0x58465342, 0x9123683E, 0x794C7630, None):
        monkeypatch.setattr(directory, "filesystem_type", lambda _, magic=magic: magic)
        StateDirectory(tmp_path).close()
